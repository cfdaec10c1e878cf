"""The group of all commands, and how their errors are shown."""

import warnings
from typing import Any

import click

from sk_yt8m import __version__
from sk_yt8m.cli._fetch import fetch
from sk_yt8m.cli._files import convert, info, verify
from sk_yt8m.cli._models import evaluate, predict, train

#: Errors that say themselves what is wrong; any other is a fault of the program.
_EXPECTED = (OSError, ValueError, FloatingPointError, ImportError, MemoryError, RuntimeError)


class _Commands(click.Group):
    """Commands whose expected errors are one line and the exit code 1, and warnings a line each."""

    def invoke(self, ctx: click.Context) -> object:
        if ctx.params["debug"]:
            return super().invoke(ctx)
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except (BrokenPipeError, click.Abort, click.exceptions.Exit):
                raise  # click's own, which are RuntimeErrors, and the one that it ends quietly
            except _EXPECTED as error:
                raise click.ClickException(_in_a_line(error)) from error


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"Warning: {_in_a_line(message)}", err=True)


def _in_a_line(message: Exception | str) -> str:
    return " ".join(str(message).split()) or type(message).__name__


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="sk-yt8m")
@click.option("--debug", is_flag=True, help="Show where in the program an error comes from.")
def main(debug: bool) -> None:
    """Train and use classifiers for thousands of labels on YouTube-8M files.

    DATA is a store (a folder made by `sk-yt8m convert`), or CSV, TFRecord or Parquet files: a file,
    a folder or a quoted pattern. MODEL is a model file.

    \b
    From files to the labels of new videos:
      sk-yt8m fetch course --to course
      sk-yt8m convert course/yt8m_course store
      sk-yt8m train store model.safetensors --split course-train --validation-split course-val
      sk-yt8m evaluate model.safetensors store --split course-test
      sk-yt8m predict model.safetensors store --split course-test --out labels.csv

    The exit code is 0 if all is well, 1 if a command fails or finds damage, and 2 if it is called
    in the wrong way.
    """


for command in (fetch, convert, info, verify, train, evaluate, predict):
    main.add_command(command)
