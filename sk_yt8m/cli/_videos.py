"""The videos of DATA in batches, from a store or straight from files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from sk_yt8m.cli._data import check_same_layout, chosen_rows, is_store

if TYPE_CHECKING:
    from sk_yt8m.datasets import Store
    from sk_yt8m.datasets._convert.stream import RowStream


class StoreVideos:
    """The videos of a store, with the methods of `RowStream`."""

    def __init__(self, store: "Store") -> None:
        self.store, self.has_ids = store, store.ids is not None
        self.n_features, self.dtype = store.X.shape[1], store.X.dtype
        self.n_labels: int = store.Y.shape[1]
        self.splits: list[str] = [one["split"] for one in store.manifest["sources"]]
        self.damage: list[dict[str, str]] = store.manifest["damage"]

    def batches(
        self, split: str | None, n_rows: int, shard: tuple[int, int] | None = None
    ) -> Iterator[tuple[np.ndarray, sp.csr_matrix, np.ndarray]]:
        """Yield features, labels and ids of a split, or all, at most `n_rows` at a time."""
        from sk_yt8m.datasets._convert.shard import rows_of_shard

        rows = chosen_rows(self.store, split)
        if shard is not None:
            part = rows_of_shard(len(rows), shard)
            rows = rows[part.start : part.stop]
        for start in range(0, len(rows), n_rows):
            chosen = rows[start : start + n_rows]
            X, Y, ids = self.store.take(chosen)
            yield X, Y, chosen if ids is None else np.asarray(ids)

    def count(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of videos of each file, and of videos with each label."""
        n_rows = np.array([one["n_rows"] for one in self.store.manifest["sources"]])
        return n_rows, np.bincount(self.store.Y.indices, minlength=self.n_labels)


def open_videos(
    path: str, *, needs_labels: bool = True, **options: Any
) -> "StoreVideos | RowStream":
    """Open a store, or files that are read in blocks.

    Parameters
    ----------
    path : str
        A store, or a file, folder or pattern of files.
    needs_labels : bool
        Whether a TFRecord without labels is damaged.
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
    if not needs_labels and find_data_files(path)[0] == "tfrecord":
        options["missing_labels"] = "empty"
    return RowStream(path, **options)
