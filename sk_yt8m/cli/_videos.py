"""The videos of DATA in batches, from a store or straight from files."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import scipy.sparse as sp

from sk_yt8m.cli._data import DataPath, check_same_layout, chosen_rows, is_store

if TYPE_CHECKING:
    from sk_yt8m.datasets import Store
    from sk_yt8m.datasets._convert.stream import RowStream


#: Rows whose labels are read at a time, and bytes of a line that is one number.
_LABEL_ROWS, _FIELD = 2**18, 100


class StoreVideos:
    """The videos of a store, with the methods of `RowStream`."""

    def __init__(self, store: "Store") -> None:
        self.store, self.has_ids = store, store.ids is not None
        self.has_starts = store.start is not None
        self.n_features, self.dtype = store.X.shape[1], store.X.dtype
        self.n_labels: int = store.Y.shape[1]
        self.splits: list[str] = [one["split"] for one in store.manifest["sources"]]
        self.damage: list[dict[str, str]] = store.manifest["damage"]

    def batches(
        self, split: str | None, n_rows: int, shard: tuple[int, int] | None = None
    ) -> Iterator[tuple[np.ndarray, sp.csr_matrix, np.ndarray]]:
        """Yield the first three of `batches_with_starts`."""
        for X, Y, ids, _ in self.batches_with_starts(split, n_rows, shard):
            yield X, Y, ids

    def batches_with_starts(
        self, split: str | None, n_rows: int, shard: tuple[int, int] | None = None
    ) -> Iterator[tuple[np.ndarray, sp.csr_matrix, np.ndarray, np.ndarray | None]]:
        """Yield features, labels, ids and starts of a split, or all, at most `n_rows` at a time."""
        from sk_yt8m.datasets._convert.shard import rows_of_shard

        rows = chosen_rows(self.store, split)
        if shard is not None:
            part = rows_of_shard(len(rows), shard)
            rows = rows[part.start : part.stop]
        for start in range(0, len(rows), n_rows):
            chosen = rows[start : start + n_rows]
            X, Y, ids = self.store.take(chosen)
            starts = None if self.store.start is None else np.asarray(self.store.start[chosen])
            yield X, Y, chosen if ids is None else np.asarray(ids), starts

    def count(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of videos of each file, and of videos with each label."""
        n_rows = np.array([one["n_rows"] for one in self.store.manifest["sources"]])
        return n_rows, np.bincount(self.store.Y.indices, minlength=self.n_labels)


class PropensitySource(DataPath):
    """DATA, or a text file with a number on each line."""

    def check(
        self, value: Any, param: click.Parameter | None = None, ctx: click.Context | None = None
    ) -> None:
        """Refuse what is neither."""
        if not _has_numbers(value):
            super().check(value, param, ctx)


def _has_numbers(path: str) -> bool:
    """Tell whether the first line of a file is one field, as no line of a CSV file of videos is."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        first = file.readline(_FIELD)
    return 0 < len(first) < _FIELD and first.isascii() and not {0, ord(",")} & set(first)


def read_propensities(
    path: str | None, split: str | None, n_labels: int, reading: dict[str, Any]
) -> np.ndarray | None:
    """Return the propensities in a file of numbers, or those of the labels of DATA.

    Parameters
    ----------
    path, split : str or None
        Values of the options ``--propensities`` and ``--propensities-split``.
    n_labels : int
        Number of labels of the model.
    reading : dict
        Options of `RowStream`.
    """
    from sk_yt8m.metrics import label_propensities

    if path is None:
        return None
    if not _has_numbers(path):
        return label_propensities(_read_labels(path, split, n_labels, reading))
    if split is not None:
        raise click.UsageError(f"--propensities-split is for data, and {path} has numbers")
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    with suppress(ValueError):
        float(lines[0])
        lines.insert(0, "propensity")
    if len(lines) != n_labels + 1:
        raise ValueError(
            f"{path}: expected one propensity a line for each of {n_labels} labels, got "
            f"{len(lines) - 1}"
        )
    return np.array([_propensity(path, *one) for one in enumerate(lines[1:], 1)])


def _propensity(path: str, number: int, text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise ValueError(f"{path}, label {number - 1}: expected a number in (0, 1], got {text!r}")


def _read_labels(
    path: str, split: str | None, n_labels: int, reading: dict[str, Any]
) -> sp.csr_matrix:
    """Return the labels of a split of DATA, or of all of it, and none of its features."""
    videos = open_videos(path, with_features=False, **reading)
    if videos.n_labels != n_labels:
        raise ValueError(f"--propensities {path} has {videos.n_labels} labels, expected {n_labels}")
    if isinstance(videos, StoreVideos):
        return videos.store.Y[chosen_rows(videos.store, split, "--propensities-split")]
    return sp.vstack([Y for _, Y, _ in videos.batches(split, _LABEL_ROWS)], format="csr")


def open_videos(
    path: str, *, needs_labels: bool = True, **options: Any
) -> "StoreVideos | RowStream":
    """Open a store, or files that are read in blocks.

    Parameters
    ----------
    path : str
        A store, or a file, folder or pattern of files.
    needs_labels : bool
        Whether a TFRecord or a Parquet file without labels is damaged.
    options
        Those of `RowStream`.
    """
    from sk_yt8m.datasets import open_store
    from sk_yt8m.datasets._convert.stream import RowStream
    from sk_yt8m.datasets._formats.find_files import find_data_files

    if is_store(path):
        store = open_store(path)
        check_same_layout(store, **options)
        return StoreVideos(store)
    kind = find_data_files(path)[0]
    if not needs_labels and kind in ("tfrecord", "parquet"):
        options["missing_labels"] = "empty"
    return RowStream(path, **options)
