"""The rows of X, whatever holds them: checked, measured and taken block by block."""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import validate_data

_BLOCK_BYTES = 8 * 2**20
_ACCEPTED = [np.float32, np.float64, np.float16]


def check_features(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Return X as an array or CSR matrix, not copied where it is one of floats already.

    Whether its values are finite is found out when they are read (`feature_moments`,
    `row_blocks`), so that a memory-mapped X is not read once more for that alone.
    """
    return validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=_ACCEPTED,
        ensure_all_finite=False,
        accept_large_sparse=True,
    )


def block_rows(X: Any) -> int:
    """Return how many rows of X make a block of about 8 MiB in float32."""
    return max(1, _BLOCK_BYTES // (4 * X.shape[1]))


def take_rows(X: Any, rows: np.ndarray | slice) -> np.ndarray:
    """Return the chosen rows as a C-ordered float32 array."""
    block = X[rows]
    if sp.issparse(block):
        block = block.toarray()
    # What overflows becomes infinite, which `check_finite` reports.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(block, dtype=np.float32)


def row_blocks(X: Any, rows_per_block: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first row's number and the float32 block, in order; the values are checked."""
    for start in range(0, X.shape[0], rows_per_block):
        yield start, checked_rows(X, start, rows_per_block)


def checked_rows(X: Any, start: int, n_rows: int) -> np.ndarray:
    """Return at most so many rows from `start` on as float32, or raise if one is not finite."""
    let_go(X)
    block = take_rows(X, slice(start, start + n_rows))
    check_finite(block, X, start)
    return block


def check_finite(block: np.ndarray, X: Any, start: int) -> None:
    """Raise a ValueError that names the first NaN or infinity of the block."""
    # One NaN or infinity makes the sum one, and a sum is cheaper than a mask.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(block.sum(dtype=np.float64)):
            return
    rows, columns = np.nonzero(~np.isfinite(block))
    value = take_value(X, start + rows[0], columns[0])
    what = "NaN" if np.isnan(value) else "infinity"
    if np.isfinite(value):
        what = f"a value too large for float32 ({value:g})"
    raise ValueError(
        f"Input X contains {what} in row {start + rows[0]}, column {columns[0]} "
        f"({rows.size} such values in rows {start} to {start + len(block) - 1}): "
        "expected finite numbers"
    )


class RowSubset:
    """Some rows of X, taken when they are asked for.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        Where the rows are.
    rows : ndarray of shape (n_rows,)
        Their numbers.
    """

    def __init__(self, X: Any, rows: np.ndarray) -> None:
        self.X = X
        self.rows = rows
        self.shape = (rows.size, X.shape[1])
        self.dtype = X.dtype

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            return self.X[(self.rows[key[0]], *key[1:])]
        return self.X[self.rows[key]]


def is_memory_mapped(X: Any) -> bool:
    """Tell whether the values of X are read from a file when they are used."""
    return isinstance(_owner(X), (np.memmap, mmap.mmap))


def let_go(X: Any) -> None:
    """Take the pages of a file that have been read out of this process's memory.

    They stay in the system's cache, which gives them away when memory is short.
    """
    owner = mapping = _owner(X)
    while isinstance(mapping, np.ndarray):
        mapping = mapping.base
    # What was written to a private copy ("c") is nowhere but in these pages.
    is_private = getattr(owner, "mode", "c") == "c"
    if isinstance(mapping, mmap.mmap) and not is_private and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _owner(X: Any) -> Any:
    """Return the first memory map behind a view, or what holds its values otherwise."""
    if isinstance(X, RowSubset):
        return _owner(X.X)
    while isinstance(X, np.ndarray) and not isinstance(X, np.memmap):
        X = X.base
    return X


def take_value(X: Any, row: int, column: int) -> float:
    """Return one value of X as it was given."""
    return float(X[int(row), int(column)])


def check_all_finite(X: Any) -> None:
    """Raise a ValueError if X holds a NaN or an infinity."""
    for _ in row_blocks(X, block_rows(X)):
        pass


def feature_moments(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of every feature, float64, in one pass over X.

    Raises
    ------
    ValueError
        If X holds a NaN or an infinity.
    """
    n, n_features = X.shape
    shift = take_rows(X, slice(0, 1)).astype(np.float64).ravel()
    shift[~np.isfinite(shift)] = 0.0
    total, squares = np.zeros(n_features), np.zeros(n_features)
    for _, block in row_blocks(X, max(1, block_rows(X) // 4)):
        centred = block - shift
        total += centred.sum(axis=0)
        squares += np.einsum("ij,ij->j", centred, centred)
    mean = total / n
    variance = np.maximum(squares / n - mean**2, 0.0)
    return shift + mean, np.sqrt(variance)
