"""Output files of commands: checked before the work, written completely or not at all."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that are there.")
_TRIED_BYTES = 2**16


def check_output(path: str, *, overwrite: bool, inputs: Iterable[str | None] = ()) -> None:
    """Raise an error before the work starts if its result could not be written.

    Parameters
    ----------
    path : str
        The file to write.
    overwrite : bool
        Whether it may be there already.
    inputs : iterable of str
        Other paths that the command reads or writes, which the file must not be: files, stores, and
        folders or patterns of data files.

    Raises
    ------
    click.UsageError
        If it is one of the inputs.
    OSError
        If it is there already, or cannot be written.
    """
    from sk_yt8m.cli._data import files_of

    target = Path(os.path.realpath(path))
    for file in (file for one in inputs if one is not None for file in files_of(one)):
        # A store is one folder, in which nothing else is to be.
        if Path(os.path.realpath(file)) in (target, target.parent):
            raise click.UsageError(
                f"{path} cannot be written: the same command reads or writes {file}"
            )
    try:
        if target.exists() and not target.is_file():
            raise OSError(f"{path} cannot be written: it is not a regular file")
        if os.path.lexists(target) and not overwrite:
            raise FileExistsError(f"{path} is there already: --overwrite replaces it")
        if not target.parent.is_dir():
            raise FileNotFoundError(f"{path} cannot be written: there is no folder {target.parent}")
        _try_draft(target)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(f"{path} cannot be written: {error.strerror}") from error


def _try_draft(target: Path) -> None:
    with tempfile.NamedTemporaryFile(prefix=".", suffix=".tmp", dir=target.parent) as draft:
        draft.write(bytes(_TRIED_BYTES))
        draft.flush()
        os.fsync(draft.fileno())


def free_name(path: Path) -> Path:
    """Return the path, or if it is there already the first of ``NAME-2``, ``NAME-3``, ... ."""
    found, number = path, 1
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


@contextmanager
def standard_output() -> Iterator[None]:
    """Let errors of what is printed in the block say that it could not be printed."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def say(text: object) -> None:
    """Print a line."""
    with standard_output():
        click.echo(text)


def write_table(table: "pd.DataFrame", path: str, *, index: bool = True) -> None:
    """Write a table as CSV, completely or not at all."""
    from sk_yt8m._files.atomic_write import write_atomically

    write_atomically(path, table.to_csv(index=index, lineterminator="\n").encode())
