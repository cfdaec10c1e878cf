"""The group of all commands, and how their errors are shown."""

import warnings
from typing import Any, NoReturn

import click

from sk_yt8m import __version__
from sk_yt8m.cli._fetch import fetch
from sk_yt8m.cli._files import convert, info, verify
from sk_yt8m.cli._messages import in_options, is_about_an_option, one_line, option_names
from sk_yt8m.cli._models import evaluate, predict
from sk_yt8m.cli._train import train

#: Errors that say themselves what is wrong; any other is a fault of the program.
_EXPECTED = (OSError, ValueError, FloatingPointError, ImportError, MemoryError, RuntimeError)
#: Exit code of a program that SIGINT ended, as shells have it.
_INTERRUPTED = 130


class _Commands(click.Group):
    """Commands whose errors and warnings are one line each, in the words of the command line."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            _show_without_usage(error)

    def invoke(self, ctx: click.Context) -> object:
        if ctx.params["debug"]:
            return super().invoke(ctx)
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: click.echo(
                f"Warning: {in_options(one_line(str(message)), self._names(ctx))}", err=True
            )
            try:
                return super().invoke(ctx)
            except (BrokenPipeError, click.Abort, click.exceptions.Exit):
                raise  # click's own, which are RuntimeErrors, and the one that it ends quietly
            except click.UsageError as error:
                _show_without_usage(error)
            except KeyboardInterrupt:
                click.echo("Interrupted", err=True)
                raise click.exceptions.Exit(_INTERRUPTED) from None
            except _EXPECTED as error:
                self._show(error, self._names(ctx))

    def _names(self, ctx: click.Context) -> dict[str, str]:
        command = self.commands.get(ctx.invoked_subcommand or "")
        return {} if command is None else option_names(command)

    def _show(self, error: Exception, names: dict[str, str]) -> NoReturn:
        message = in_options(one_line(error), names)
        kind = click.UsageError if is_about_an_option(error, names) else click.ClickException
        raise kind(message) from error


def _show_without_usage(error: click.UsageError) -> NoReturn:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        raise error
    hint = "" if error.ctx is None else f" (see {error.ctx.command_path} --help)"
    raise click.UsageError(one_line(error.format_message()) + hint) from error


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

    The exit code is 0 if all is well, 1 if a command fails or finds damage, 2 if it is called in
    the wrong way (an option or value that does not exist, an input that is not there), and 130 if
    it is interrupted by Ctrl-C.
    """


for command in (fetch, convert, info, verify, train, evaluate, predict):
    main.add_command(command)
