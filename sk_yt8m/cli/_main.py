"""The group of all commands, and how their errors are shown."""

import click

from sk_yt8m import __version__
from sk_yt8m.cli._fetch import fetch
from sk_yt8m.cli._files import convert, info, verify
from sk_yt8m.cli._models import evaluate, predict, train

#: Errors that say themselves what is wrong; any other is a fault of the program.
_EXPECTED = (OSError, ValueError, FloatingPointError, ImportError)


class _Commands(click.Group):
    """Commands whose expected errors are one message and the exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except _EXPECTED as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="sk-yt8m")
def main() -> None:
    r"""Train and use classifiers for thousands of labels on YouTube-8M files.

    DATA is a store (a folder made by `sk-yt8m convert`), or CSV, TFRecord or Parquet files: a file,
    a folder or a quoted pattern. MODEL is a model file.

    \b
    From files to the labels of new videos:
      sk-yt8m fetch course --to course
      sk-yt8m convert course/yt8m_course store
      sk-yt8m train store model.safetensors --split train --validation-split val
      sk-yt8m evaluate model.safetensors store --split test
      sk-yt8m predict model.safetensors store --split test --out labels.csv

    The exit code is 0 if all is well, 1 if a command fails or finds damage, and 2 if it is called
    in the wrong way.
    """


for command in (fetch, convert, info, verify, train, evaluate, predict):
    main.add_command(command)
