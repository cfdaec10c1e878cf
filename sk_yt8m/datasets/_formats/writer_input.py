"""Checks of a writer's X, Y and ids, and its output file."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import scipy.sparse as sp

from sk_yt8m._files.atomic_write import open_atomically
from sk_yt8m.datasets._formats.ids import checked_ids

_BLOCK = 4096


def checked_features(X: Any, n_features: int | None = None) -> np.ndarray:
    """Return features as an array of shape (n_videos, n_features), uncopied; refuse NaN and inf."""
    _check_not_masked(X, "X")
    X = np.asarray(X)
    wanted = "n_features" if n_features is None else str(n_features)
    if X.ndim != 2 or (n_features is not None and X.shape[1] != n_features):
        raise ValueError(f"X must have shape (n_videos, {wanted}), got {X.shape}")
    if X.shape[1] == 0:
        raise ValueError(f"X must have at least one feature, got shape {X.shape}")
    if X.dtype.kind not in "fiub":
        raise ValueError(f"X must hold numbers, got {X.dtype}")
    for start in range(0, len(X), _BLOCK):
        with np.errstate(over="ignore"):
            finite = np.isfinite(X[start : start + _BLOCK].astype(np.float32))
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise ValueError(
                f"X must be finite in float32, but row {start + row}, column {column} "
                f"is {X[start + row, column]}"
            )
    return X


def _check_not_masked(array: Any, name: str) -> None:
    if np.ma.isMaskedArray(array):
        raise ValueError(f"{name} must not be a masked array: fill or drop the masked values")


def checked_indicator(Y: Any, n_videos: int, n_labels: int | None = None) -> sp.csr_matrix:
    """Return an indicator as a CSR matrix with sorted indices and without stored zeros."""
    _check_not_masked(Y, "Y")
    Y = Y if sp.issparse(Y) else np.asarray(Y)
    wanted = "n_labels" if n_labels is None else str(n_labels)
    if Y.ndim != 2 or Y.shape[0] != n_videos or n_labels not in (None, Y.shape[1]):
        raise ValueError(f"Y must have shape ({n_videos}, {wanted}), got {Y.shape}")
    if Y.dtype.kind not in "fiub":
        raise ValueError(f"Y must hold 0 and 1, got {Y.dtype}")
    Y = sp.csr_matrix(Y)
    wrong = np.flatnonzero((Y.data != 0) & (Y.data != 1))
    if wrong.size:
        row = int(np.searchsorted(Y.indptr, wrong[0], side="right")) - 1
        raise ValueError(
            f"Y must hold 0 and 1, but row {row}, column {Y.indices[wrong[0]]} "
            f"is {Y.data[wrong[0]]}"
        )
    n_stored = Y.nnz
    Y = Y.copy()
    Y.sum_duplicates()
    if Y.nnz < n_stored:
        raise ValueError("Y must store every cell once, got a cell that is stored twice")
    Y.eliminate_zeros()
    return Y


def different_ids(ids: Sequence[str], n_videos: int) -> list[bytes]:
    """Return ids in UTF-8; refuse repeated ones."""
    names = checked_ids(ids, n_videos)
    if len(set(names)) < n_videos:
        seen: dict[bytes, int] = {}
        for row, coded in enumerate(names):
            first = seen.setdefault(coded, row)
            if first != row:
                raise ValueError(
                    f"ids must be all different, got {coded.decode()!r} in rows {first} and {row}"
                )
    return names


def check_not_empty(X: Any) -> None:
    """Raise a ValueError if there is no row: readers take an empty file for damage."""
    if len(X) == 0:
        raise ValueError("X must hold at least one video, got none")


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file with `open_atomically`; name a folder that is missing or in its way."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: expected the name of a file to write")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}")
    with open_atomically(path) as file:
        yield file


@contextmanager
def new_file_or_gzip(path: Path) -> Iterator[IO[bytes]]:
    """Open a file with `new_file`, gzipped if its name ends in .gz."""
    with new_file(path) as raw:
        if path.suffix != ".gz":
            yield raw
            return
        with gzip.GzipFile(path.stem, "wb", fileobj=raw, mtime=0) as packed:
            yield cast(IO[bytes], packed)
