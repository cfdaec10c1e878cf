"""The videos of DATA in batches, from a store or straight from files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from sk_yt8m.cli._data import check_same_layout, chosen_rows, is_store, split_error

if TYPE_CHECKING:
    from sk_yt8m.datasets import Store
    from sk_yt8m.datasets._store.stream import RowStream


class Batch(NamedTuple):
    """Features, labels and ids of some videos; without ids, their numbers among all of DATA."""

    X: np.ndarray
    Y: sp.csr_matrix
    ids: np.ndarray


class Summary(NamedTuple):
    """Number of videos of each file, its split, and how many videos have each label."""

    n_rows: np.ndarray
    splits: list[str]
    label_counts: np.ndarray


@dataclass
class StoreVideos:
    """The videos of a store."""

    store: "Store"

    def __post_init__(self) -> None:
        self.has_ids = self.store.ids is not None
        self.n_features, self.dtype = self.store.X.shape[1], self.store.X.dtype
        self.n_labels: int = self.store.Y.shape[1]
        self.damage: list[dict[str, str]] = self.store.manifest["damage"]

    def batches(self, split: str | None, n_rows: int) -> Iterator[Batch]:
        """Yield the videos of a split, or all, at most `n_rows` at a time."""
        rows = chosen_rows(self.store, split)
        for start in range(0, len(rows), n_rows):
            chosen = rows[start : start + n_rows]
            X, Y, ids = self.store.take(chosen)
            yield Batch(X, Y, chosen if ids is None else np.asarray(ids))

    def summary(self) -> Summary:
        """Count videos and labels."""
        sources = self.store.manifest["sources"]
        counts = np.bincount(self.store.Y.indices, minlength=self.n_labels)
        n_rows = np.array([one["n_rows"] for one in sources])
        return Summary(n_rows, [one["split"] for one in sources], counts)


@dataclass
class FileVideos:
    """The videos of files, which are read when `batches` or `summary` is called, once."""

    stream: "RowStream"
    progress: bool = False
    damage: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.has_ids = self.stream.has_ids
        self.n_features, self.dtype = self.stream.n_features, np.dtype(np.float32)
        self.n_labels = self.stream.n_labels

    def batches(self, split: str | None, n_rows: int) -> Iterator[Batch]:
        """Yield the videos of a split, or all, at most `n_rows` at a time."""
        from sk_yt8m.datasets._formats.blocks import csr_indicator
        from sk_yt8m.datasets._store.sources import sources_in_split

        chosen = np.ones(len(self.stream.sources), dtype=bool)
        if split is not None:
            names = [one.name for one in self.stream.sources]
            try:
                chosen = sources_in_split(names, [one.split for one in self.stream.sources], split)
            except ValueError as error:
                raise split_error(error) from error
        number, found = 0, False
        for source, block in self.stream.blocks(self.progress):
            numbers = np.arange(number, number + len(block.records))
            number += len(numbers)
            if not chosen[source] or not len(numbers):
                continue
            found = True
            indptr = np.insert(np.cumsum(block.counts), 0, 0)
            Y = csr_indicator(block.labels, indptr, self.n_labels)
            ids = block.ids if self.has_ids else numbers
            for start in range(0, len(numbers), n_rows):
                rows = slice(start, start + n_rows)
                yield Batch(block.features[rows], Y[rows], ids[rows])
        if not found:
            raise ValueError("expected at least one video, got none")

    def summary(self) -> Summary:
        """Count videos and labels, and list damage."""
        n_rows = np.zeros(len(self.stream.sources), dtype=np.int64)
        counts = np.zeros(self.n_labels, dtype=np.int64)
        for source, block in self.stream.blocks(self.progress):
            n_rows[source] += len(block.records)
            counts += np.bincount(block.labels, minlength=self.n_labels)
        self.damage = [one._asdict() for one in self.stream.damage]
        return Summary(n_rows, [one.split for one in self.stream.sources], counts)


Videos = StoreVideos | FileVideos


def open_videos(
    path: str, *, needs_labels: bool = True, progress: bool = False, **options: Any
) -> Videos:
    """Open a store, or files that are read in blocks.

    Parameters
    ----------
    path : str
        A store, or a file, folder or pattern of files.
    needs_labels : bool
        Whether a TFRecord without labels is damaged.
    progress : bool
        Show progress.
    options
        Those of `RowStream`.
    """
    from sk_yt8m.datasets import open_store
    from sk_yt8m.datasets._formats.find_files import find_data_files

    if is_store(path):
        store = open_store(path)
        check_same_layout(store, **options)
        return StoreVideos(store)
    from sk_yt8m.datasets._store.stream import RowStream

    if not needs_labels and find_data_files(path)[0] == "tfrecord":
        options["missing_labels"] = "empty"
    return FileVideos(RowStream(path, **options), progress)
