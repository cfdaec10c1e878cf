"""`open_store` and `Store`: memory-mapped features, CSR labels, ids, and subsets."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from sk_yt8m._inputs.types import PathLike
from sk_yt8m.datasets._schema import sources_in_split, split_name
from sk_yt8m.datasets._store.format import FEATURES, StoreError, check_crc32
from sk_yt8m.datasets._store.open_folder import NotHere, StoredArray, open_again, open_folder
from sk_yt8m.datasets._store.row_checksums import stored_crc32
from sk_yt8m.datasets._store.select_rows import as_slice, have_ids, have_labels


@dataclass(frozen=True, eq=False, repr=False)
class Store:
    """A set of examples on disk, from :func:`convert` or :func:`open_store`.

    Nothing of it is in memory: arrays are memory-mapped, read-only. ``clf.fit(store.X, store.Y)``
    reads the features in blocks. A store, its arrays and their views are pickled as the path of the
    folder: a worker process opens it again, and a worker that does not find the same store there
    raises a `StoreError` when it is used. ``numpy.array(store.X)`` is a copy with values.

    Read more in the :ref:`User Guide <data>`.

    Attributes
    ----------
    path : Path
        The folder.
    manifest : dict
        ``counts``, ``dtypes``, ``layout`` (what was read), ``sources`` (for each file its name,
        size, SHA-256, split, number of rows and their CRC-32) and ``damage`` (what was left out,
        where and why).
    X : ndarray of shape (n_rows, n_features), float32 or float16
        Features.
    Y : csr_matrix of shape (n_rows, n_labels), uint8
        Indicator of the labels.
    ids : ndarray of shape (n_rows,), str, or None
        Ids, if the sources have any.
    source, record : ndarray of shape (n_rows,)
        Number of each row's file in ``manifest["sources"]``, and of its record or line there,
        from 1.
    split : ndarray of shape (n_rows,), str
        Split of each row.
    start, rated : ndarray of shape (n_rows,) and csr_matrix of shape (n_rows, n_labels), or None
        For segments: the second at which one begins, and which labels raters have judged.

    See Also
    --------
    convert : Make a store.
    open_store : Open a store.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m import DeepMultiLabelClassifier
    >>> from sk_yt8m.datasets import convert, make_videos
    >>> videos = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = convert(videos, f"{folder}/store")
    ...     clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(store.X, store.Y)
    ...     best = clf.predict_top_k(store.X, k=3)
    >>> best.indices.shape
    (200, 3)
    """

    path: Path
    manifest: dict[str, Any]
    X: np.ndarray
    Y: sp.csr_matrix
    ids: np.ndarray | None
    source: np.ndarray
    record: np.ndarray
    start: np.ndarray | None
    rated: sp.csr_matrix | None
    _opened: tuple[dict[str, Any], dict[str, np.ndarray]]

    def __repr__(self) -> str:
        n_rows, n_features = self.X.shape
        return (
            f"Store({str(self.path)!r}: {n_rows} rows, {n_features} features in {self.X.dtype}, "
            f"{self.Y.shape[1]} labels)"
        )

    def __len__(self) -> int:
        return len(self.X)

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process maps the files itself.
        return _open_again, (str(self.path), self._opened[0]["manifest_crc32"])

    @property
    def split(self) -> np.ndarray:
        """Split of each row, of shape (n_rows,), str; empty if its file's name has none.

        The array is created at each access.

        Examples
        --------
        >>> import tempfile
        >>> from sk_yt8m.datasets import convert, sample_path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = convert(sample_path(), f"{folder}/store")
        ...     int((store.split == "train").sum()), int((store.split == "val").sum())
        (1200, 300)
        """
        return np.repeat(*self._splits())

    def _splits(self) -> tuple[np.ndarray, np.ndarray]:
        sources = self.manifest["sources"]
        names = np.array([split_name(one["split"]) for one in sources], dtype=str)
        return names, np.array([one["n_rows"] for one in sources], dtype=np.int64)

    def rows(
        self,
        ids: Sequence[str] | None = None,
        split: str | None = None,
        labels: int | Sequence[int] | None = None,
    ) -> np.ndarray:
        """Return the numbers of the rows for which all conditions hold.

        Parameters
        ----------
        ids : sequence of str, optional
            The row has one of these ids.
        split : str, optional
            The row is of this split. For CSV files also a split of the YouTube-8M course, as in
            :func:`load_csv`.
        labels : int or sequence of int, optional
            The row has at least one of these labels.

        Returns
        -------
        ndarray of shape (n,), int64
            Rows, ascending.

        Raises
        ------
        ValueError
            If the store has no such id, split or label.

        See Also
        --------
        take : Features, labels and ids of these rows.

        Examples
        --------
        >>> import tempfile
        >>> from sk_yt8m.datasets import convert
        >>> X, Y, ids = [[0.5], [2.5], [4.5]], [[1, 0], [0, 1], [1, 1]], ["a", "b", "c"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = convert((X, Y, ids), f"{folder}/three")
        ...     store.rows(labels=0).tolist(), store.rows(ids=["b", "c"], labels=0).tolist()
        ([0, 2], [2])
        """
        keep = np.ones(len(self), dtype=bool)
        if split is not None:
            splits, n_rows = self._splits()
            names = [one["name"] for one in self.manifest["sources"]]
            keep &= np.repeat(sources_in_split(names, splits.tolist(), split), n_rows)
        if ids is not None:
            keep &= have_ids(self.ids, [ids] if isinstance(ids, str) else ids)
        if labels is not None:
            keep &= have_labels(self.Y, np.atleast_1d(np.asarray(labels)))
        return np.flatnonzero(keep)

    def take(
        self, rows: npt.ArrayLike | slice
    ) -> tuple[np.ndarray, sp.csr_matrix, np.ndarray | None]:
        """Return features, labels and ids of some rows.

        Parameters
        ----------
        rows : slice or array-like of int of shape (n,)
            Rows, from `rows` for example. The rows of a slice, and rows that follow each other,
            stay memory-mapped; others are read.

        Returns
        -------
        X : ndarray of shape (n, n_features)
            Features.
        Y : csr_matrix of shape (n, n_labels), uint8
            Labels.
        ids : ndarray of shape (n,), str, or None
            Ids.

        Raises
        ------
        ValueError
            If a row is not an integer, or the store has no such row.

        See Also
        --------
        rows : Row numbers by id, split or label.

        Examples
        --------
        >>> import tempfile
        >>> from sk_yt8m.datasets import convert
        >>> X, Y, ids = [[0.5], [2.5], [4.5]], [[1, 0], [0, 1], [1, 1]], ["a", "b", "c"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = convert((X, Y, ids), f"{folder}/three")
        ...     X_some, Y_some, ids_some = store.take(store.rows(labels=0))
        ...     X_some.tolist(), Y_some.toarray().tolist(), ids_some.tolist()
        ([[0.5], [4.5]], [[1, 0], [1, 1]], ['a', 'c'])
        """
        chosen = rows if isinstance(rows, slice) else as_slice(rows, len(self))
        return self.X[chosen], self.Y[chosen], None if self.ids is None else self.ids[chosen]

    def _check_arrays(self) -> None:
        """Compare the checksums of all arrays but the features, which takes little time."""
        content, arrays = self._opened
        for name, crc32 in content["crc32"].items():
            check_crc32(self.path / f"{name}.npy", arrays[name], crc32)

    def verify(self, progress: bool = False) -> None:
        """Read every byte of the store and compare it with the checksums of the manifest.

        Parameters
        ----------
        progress : bool, default=False
            Show a progress bar.

        Raises
        ------
        StoreError
            At the first difference; the message names the file, and for features the rows.

        Notes
        -----
        If another store has taken its place, the one that is open is verified.

        Examples
        --------
        A file of the store that was overwritten:

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from sk_yt8m.datasets import StoreError, convert
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = convert(([[0.5], [2.5]], [[1, 0], [0, 1]]), f"{folder}/two")
        ...     store.verify()
        ...     np.save(f"{folder}/two/features.npy", np.float32([[0.5], [9.5]]))
        ...     try:
        ...         store.verify()
        ...     except StoreError as error:
        ...         print("damaged")
        damaged
        """
        from tqdm.auto import tqdm

        content, arrays = open_folder(self.path)
        if content["manifest_crc32"] != self._opened[0]["manifest_crc32"]:
            content, arrays = self._opened
        size = sum(array.nbytes for array in arrays.values())
        bar = tqdm(total=size, unit="B", unit_scale=True, desc="verifying", disable=not progress)
        with bar:
            for name, crc32 in content["crc32"].items():
                check_crc32(self.path / f"{name}.npy", arrays[name], crc32)
                bar.update(arrays[name].nbytes)
            start = 0
            for number, one in enumerate(content["about"]["sources"]):
                end = start + one["n_rows"]
                if (arrays["source"][start:end] != number).any():
                    raise StoreError(
                        f"{self.path / 'source.npy'}: expected {number} for rows {start} to "
                        f"{end - 1}, from {one['name']}"
                    )
                actual = stored_crc32(arrays, start, end)
                if actual != one["rows_crc32"]:
                    raise StoreError(
                        f"{self.path / FEATURES}.npy: expected rows {start} to {end - 1}, from "
                        f"{one['name']}, with their labels and ids to have CRC-32 "
                        f"{one['rows_crc32']}, got {actual}"
                    )
                bar.update(arrays[FEATURES][start:end].nbytes)
                start = end


def open_store(path: PathLike, *, return_X_y: bool = False) -> Any:
    """Open a store, in a time that does not grow with its features.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    path : path
        The folder that :func:`convert` has made.
    return_X_y : bool, default=False
        Return ``(X, Y)`` instead of a Store.

    Returns
    -------
    Store
        The store. With `return_X_y` only ``(X, Y)``: features as a memory map and labels as a CSR
        matrix.

    Raises
    ------
    StoreError
        If the folder is no store, or the shape, type or size of an array is not what the manifest
        says. Changed bytes are found by :meth:`Store.verify`.

    See Also
    --------
    convert : Make a store.

    Notes
    -----
    While a store is being replaced, either the old or the new one is opened, as a whole. A process
    that has the old one open continues to read it.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m.datasets import convert, open_store
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = convert(([[0.5], [2.5], [4.5]], [[1, 0], [0, 1], [1, 1]]), f"{folder}/three")
    ...     len(open_store(f"{folder}/three"))
    ...     X, Y = open_store(f"{folder}/three", return_X_y=True)
    ...     X.shape, Y.shape
    3
    ((3, 1), (3, 2))
    """
    folder = Path(os.path.abspath(path))
    content, arrays = open_folder(folder)
    store = _store_of(folder, content, arrays)
    return (store.X, store.Y) if return_X_y else store


def _store_of(folder: Path, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> Store:
    about, X = content["about"], arrays[FEATURES]
    shape = (len(X), about["counts"]["n_labels"])
    return Store(
        path=folder,
        manifest={name: value for name, value in about.items() if name != "kind"},
        X=X,
        Y=_csr(folder, arrays, "label", shape),
        ids=arrays.get("ids"),
        source=arrays["source"],
        record=arrays["record"],
        start=arrays.get("start"),
        rated=_csr(folder, arrays, "rated", shape) if "rated_indptr" in arrays else None,
        _opened=(content, arrays),
    )


def _open_again(path: str, crc32: int) -> Any:
    try:
        return _store_of(Path(path), *open_again(path, crc32))
    except StoreError as error:
        return NotHere(error, (_open_again, (path, crc32)))


def _csr(
    folder: Path, arrays: dict[str, np.ndarray], name: str, shape: tuple[int, int]
) -> sp.csr_matrix:
    parts = tuple(np.asarray(arrays[f"{name}_{part}"]) for part in ("values", "indices", "indptr"))
    expected = f"{folder / f'{name}_indptr.npy'}: expected where each row's labels begin"
    # scipy trusts them, and would read outside the arrays.
    backwards = np.flatnonzero(parts[-1][1:] < parts[-1][:-1])
    if backwards.size:
        row = int(backwards[0])
        here, following = parts[-1][row : row + 2]
        raise StoreError(f"{expected}, got {here} for row {row} and {following} for the next")
    try:
        matrix = sp.csr_matrix(parts, shape=shape)
    except ValueError as error:
        raise StoreError(f"{expected}, got {error}") from error
    # `convert` writes them so; to find it out would read them all.
    matrix.has_canonical_format = True
    for part in ("data", "indices", "indptr"):
        stored = arrays[f"{name}_{'values' if part == 'data' else part}"]
        # scipy takes the arrays as they are, unless it needs another type, but not their class.
        if isinstance(stored, StoredArray) and getattr(matrix, part).dtype == stored.dtype:
            setattr(matrix, part, stored)
    return matrix
