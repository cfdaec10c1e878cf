"""DATA of any kind as an open store, and the options that say how it is read."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

    from sk_yt8m.datasets import Store

_MANIFEST = "manifest.json"


def in_a_terminal(_: Any, __: Any, value: bool | None) -> bool:
    """Show progress in a terminal, unless the user says otherwise."""
    return sys.stderr.isatty() if value is None else value


progress_option = click.option(
    "--progress/--no-progress",
    default=None,
    callback=in_a_terminal,
    help="Show progress.  [default: in a terminal]",
)


def reading_options(command: Callable) -> Callable:
    """Add the options that say how files are read."""
    for option in (
        click.option(
            "--features",
            metavar="NAME:WIDTH,...",
            callback=_parse_features,
            help="Names and widths of the features, where they are not those of YouTube-8M.",
        ),
        click.option(
            "--level",
            type=click.Choice(["auto", "video", "frame", "segment"]),
            default="auto",
            show_default=True,
            help="Kind of the TFRecords.",
        ),
        click.option("--n-labels", type=click.IntRange(1), help="Number of labels."),
        click.option("--n-jobs", type=int, default=-1, show_default=True, help="Processes."),
        progress_option,
    ):
        command = option(command)
    return command


def is_store(path: str) -> bool:
    """Tell whether a path is a store."""
    return (Path(path) / _MANIFEST).is_file()


@contextmanager
def open_data(path: str, *, needs_labels: bool = True, **options: Any) -> Iterator["Store"]:
    """Open a store, or bring files into one that is deleted afterwards.

    Parameters
    ----------
    path : str
        A store, or a file, folder or pattern of files.
    needs_labels : bool
        Whether a TFRecord without labels is damaged.
    options
        Those of `sk_yt8m.datasets.convert`.
    """
    from sk_yt8m.datasets import convert, open_store
    from sk_yt8m.datasets._find_sources import find_data_files

    if is_store(path):
        yield open_store(path)
        return
    kind, _ = find_data_files(path)
    if kind == "tfrecord" and not needs_labels:
        options["missing_labels"] = "empty"
    with tempfile.TemporaryDirectory(prefix="sk-yt8m-") as folder:
        yield convert(path, Path(folder) / "store", **options)


def chosen_rows(store: "Store", split: str | None) -> tuple[Any, Any, Any]:
    """Return features, labels and ids of a split, or of all rows."""
    if not len(store):
        raise ValueError("expected at least one video, got none")
    return store.take(slice(None) if split is None else store.rows(split=split))


def check_output(path: str, *, overwrite: bool) -> None:
    """Raise an error before the work, and not after it, where its result could not be written."""
    target = Path(path).absolute()
    if target.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already: --overwrite replaces it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {target.parent}")


def damage_table(store: "Store") -> "pd.DataFrame":
    """Return what was left out of a store: file, place and reason."""
    import pandas as pd

    rows = [
        {
            "file": one.pop("file"),
            "expected": one.pop("expected"),
            "came": one.pop("came"),
            "place": ", ".join(f"{name} {value}" for name, value in one.items() if value != ""),
        }
        for one in map(dict, store.manifest["damage"])
    ]
    return pd.DataFrame(rows, columns=["file", "place", "expected", "came"])


def label_names(vocabulary: str | None, n_labels: int, default: Any = None) -> list[str]:
    """Return a name for each label: from a vocabulary file, or what is known without one."""
    table = read_vocabulary(vocabulary, n_labels)
    if table is not None:
        return table["name"].tolist()
    return [str(name) for name in (range(n_labels) if default is None else default)]


def read_vocabulary(path: str | None, n_labels: int) -> "pd.DataFrame | None":
    """Return the vocabulary, if there is one; one of other labels has the wrong names."""
    from sk_yt8m.datasets import load_vocabulary

    if path is None:
        return None
    table = load_vocabulary(path)
    if len(table) != n_labels:
        raise ValueError(f"{path}: expected the names of {n_labels} labels, got {len(table)}")
    return table


def _parse_features(_: Any, option: Any, value: str | None) -> dict[str, int] | None:
    if value is None:
        return None
    try:
        pairs = [pair.rsplit(":", 1) for pair in value.split(",")]
        return {name: int(width) for name, width in pairs}
    except ValueError:
        raise click.BadParameter(
            f"expected NAME:WIDTH,NAME:WIDTH, got {value!r}", param=option
        ) from None
