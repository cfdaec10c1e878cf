"""The argument DATA, and the options that say how files are read."""

import errno
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from sk_yt8m.cli._messages import one_line

if TYPE_CHECKING:
    import pandas as pd

    from sk_yt8m.datasets import Store

_LABELS, _IDS = "labels", "id"
DAMAGE_COLUMNS = ["file", "place", "expected", "actual"]


def in_a_terminal(_: Any, __: Any, value: bool | None) -> bool:
    """Show progress in a terminal, unless the user says otherwise."""
    return sys.stderr.isatty() if value is None else value


def check_n_jobs(_: Any, __: Any, value: int | None) -> int | None:
    """Refuse 0, which is no number of processes."""
    if value == 0:
        raise click.BadParameter("expected another number than 0")
    return value


progress_option = click.option(
    "--progress/--no-progress",
    default=None,
    callback=in_a_terminal,
    help="Show progress.  [default: in a terminal]",
)


split_option = click.option("--split", help="Only the videos of this split.")
vocabulary_option = click.option(
    "--vocabulary",
    type=click.Path(exists=True, dir_okay=False),
    help="CSV file with the names of labels.",
)


def reading_options(command: Callable) -> Callable:
    """Add the options that say how files are read."""
    for option in (
        click.option(
            "--features",
            metavar="NAME:WIDTH,...",
            callback=parse_widths,
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
        click.option(
            "--label-column",
            default=_LABELS,
            show_default=True,
            help="Column of the labels in Parquet files.",
        ),
        click.option(
            "--id-column",
            default=_IDS,
            show_default=True,
            help="Column of the ids in Parquet files.",
        ),
        click.option(
            "--n-jobs",
            type=int,
            default=-1,
            show_default=True,
            callback=check_n_jobs,
            help="Processes.",
        ),
        progress_option,
    ):
        command = option(command)
    return command


def parse_shard(_: Any, __: Any, value: str | None) -> tuple[int, int] | None:
    """Return (I, N) of a value I/N of an option."""
    match = None if value is None else re.fullmatch(r"(\d+)/(\d+)", value)
    if value is None:
        return None
    if match is None or not int(match[1]) < int(match[2]):
        raise click.BadParameter(
            f"expected I/N with 0 <= I < N, such as 0/4 to 3/4 for four parts, got {value!r}"
        )
    return int(match[1]), int(match[2])


shard_option = click.option(
    "--shard",
    metavar="I/N",
    callback=parse_shard,
    help="Only part I of N, from 0: files, or rows of a store, that follow each other.",
)


def is_store(path: str) -> bool:
    """Tell whether a path is a store, also if its manifest is missing."""
    from sk_yt8m.datasets._store.format import is_store

    return is_store(path)


def files_of(path: str) -> list[Path]:
    """Return the data files that a path stands for; of anything else, as a store, itself."""
    from sk_yt8m.datasets._formats.find_files import find_data_files

    if not is_store(path):
        try:
            return find_data_files(path)[1]
        except (FileNotFoundError, ValueError):
            pass
    return [Path(path)]


class DataPath(click.ParamType):
    """A store, or a file, folder or pattern of files that can be read."""

    name = "data"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse a path at which there is neither."""
        if not is_store(value):
            self.check(value, param, ctx)
        return str(value)

    def check(
        self, value: Any, param: click.Parameter | None = None, ctx: click.Context | None = None
    ) -> None:
        """Refuse files that are not there, or are of no known format or of several."""
        from sk_yt8m.datasets._formats.find_files import find_data_files

        try:
            find_data_files(value)
        except (FileNotFoundError, ValueError) as error:
            self.fail(str(error), param, ctx)


@contextmanager
def open_data(path: str, **options: Any) -> Iterator["Store"]:
    """Open a store, or convert files to one that is deleted afterwards.

    Parameters
    ----------
    path : str
        A store, or a file, folder or pattern of files.
    options
        Those of `sk_yt8m.datasets.convert`.
    """
    from sk_yt8m.datasets import open_store

    if is_store(path):
        store = open_store(path)
        check_same_layout(store, **options)
        yield store
        return
    with tempfile.TemporaryDirectory(prefix="sk-yt8m-") as folder:
        yield _convert(path, folder, options)


def _convert(path: str, folder: str, options: dict[str, Any]) -> "Store":
    from sk_yt8m.datasets import convert

    try:
        return convert(path, Path(folder) / "store", **options)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OSError(
            f"{tempfile.gettempdir()}, the folder for temporary files, is full: set TMPDIR to "
            f"another folder, or use `sk-yt8m convert` on {path} once"
        ) from error


def check_same_layout(
    store: "Store",
    *,
    features: dict[str, int] | None = None,
    level: str = "auto",
    n_labels: int | None = None,
    label_column: str = _LABELS,
    id_column: str = _IDS,
    **_: Any,
) -> None:
    """Refuse options that say something else about a store than the store does."""
    layout = store.manifest["layout"]
    own_level = layout.get("level", level)
    for option, said, own in (
        ("--features", sum((features or {}).values()) or None, store.X.shape[1]),
        ("--level", None if level == "auto" else level, own_level),
        ("--n-labels", n_labels, store.Y.shape[1]),
        ("--label-column", None if label_column == _LABELS else label_column, layout.get("labels")),
        ("--id-column", None if id_column == _IDS else id_column, layout.get("ids")),
    ):
        if said is not None and said != own:
            raise click.UsageError(
                f"{option} says {said}, but the store {store.path} has {own or 'none'}: it is for "
                "files only"
            )


def chosen_rows(store: "Store", split: str | None, option: str = "--split") -> np.ndarray:
    """Return the numbers of the rows of a split, or of all rows.

    Parameters
    ----------
    store : Store
        Where to look.
    split : str or None
        Name of the split.
    option : str
        The option that gave it.
    """
    rows = np.arange(len(store))
    if split is not None:
        try:
            rows = store.rows(split=split)
        except ValueError as error:
            message = one_line(error).removeprefix("split ")
            raise click.UsageError(f"{option} {message}") from error
    if not rows.size:
        raise ValueError("expected at least one video, got none")
    return rows


def damage_table(damage: list[dict[str, str]]) -> "pd.DataFrame":
    """Return a table of damaged records: file, place and reason."""
    import pandas as pd

    rows = [
        {
            # Escapes for bytes that are not UTF-8, which can be neither printed nor written.
            name: text.encode(errors="backslashreplace").decode()
            for name, text in one.items()
        }
        for one in damage
    ]
    return pd.DataFrame(rows, columns=DAMAGE_COLUMNS)


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


def parse_widths(_: Any, __: Any, value: str | None) -> dict[str, int] | None:
    """Return names and widths of features."""
    from sk_yt8m.datasets._formats.record_layout import feature_widths

    if value is None:
        return None
    try:
        pairs = [pair.rsplit(":", 1) for pair in value.split(",")]
        features = {name: int(width) for name, width in pairs}
    except ValueError:
        raise click.BadParameter(f"expected NAME:WIDTH,NAME:WIDTH, got {value!r}") from None
    if len(features) < len(pairs) or "" in features:
        raise click.BadParameter(f"expected names that differ, got {value!r}")
    try:
        feature_widths(features)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return features
