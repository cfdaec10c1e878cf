"""The rows of X, whatever holds them: checked, measured and taken block by block."""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import validate_data

from sk_yt8m._inputs.dense import refuse_masked

_BLOCK_BYTES = 8 * 2**20
_ACCEPTED = [np.float64, np.float32, np.float16]

_SMALLEST = float(np.finfo(np.float32).tiny)
#: Numbers whose squares float64 holds with all their digits.
_LARGEST_SQUARED, _LEAST_SQUARE = 1e150, 1e-280
#: Means and scales beyond which differences of float32 overflow or vanish.
_LARGEST_IN_FLOAT32 = 1e33
#: Largest error of a mean in float32, as a share of the standard deviation.
_MEAN_TOLERANCE = 1e-4


def check_features(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Return X as an array or CSR matrix of numbers, not copied where it is one already.

    Whether its values are finite is found out when they are read (`feature_moments`,
    `row_blocks`), so that a memory-mapped X is not read once more for that alone.
    """
    refuse_masked(X, "X")
    dtype = getattr(X, "dtype", None)
    is_numeric = isinstance(dtype, np.dtype) and dtype.kind in "biuf" and dtype.itemsize <= 8
    return validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=None if is_numeric else _ACCEPTED,
        ensure_all_finite=False,
        accept_large_sparse=True,
    )


def is_wide(X: Any) -> bool:
    """Tell whether X is of a dtype whose values float32 may not hold."""
    return not np.can_cast(X.dtype, np.float32)


def block_rows(X: Any) -> int:
    """Return how many rows of X make a block of about 8 MiB in float32."""
    return max(1, _BLOCK_BYTES // (4 * X.shape[1]))


def take_rows(X: Any, rows: np.ndarray | slice, dtype: Any = np.float32) -> np.ndarray:
    """Return the chosen rows as a C-ordered array of float32, or of another dtype."""
    block = X[rows]
    if sp.issparse(block):
        block = block.toarray()
    # What overflows becomes infinite, which `check_finite` reports.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(block, dtype=dtype)


def row_blocks(
    X: Any, rows_per_block: int, dtype: Any = np.float32
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first row's number and the block, in order; the values are checked."""
    for start in range(0, X.shape[0], rows_per_block):
        yield start, checked_rows(X, start, rows_per_block, dtype)


def checked_rows(X: Any, start: int, n_rows: int, dtype: Any = np.float32) -> np.ndarray:
    """Return at most so many rows from `start` on, or raise if a value is not finite."""
    let_go(X)
    block = take_rows(X, slice(start, start + n_rows), dtype)
    check_finite(block, X, start)
    return block


def check_finite(block: np.ndarray, X: Any, start: int) -> None:
    """Raise a ValueError that names the first NaN or infinity of the block."""
    # One NaN or infinity makes the sum one, and a sum is cheaper than a mask.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(block.sum(dtype=np.float64)):
            return
    rows, columns = np.nonzero(~np.isfinite(block))
    if not rows.size:
        return
    value = take_value(X, start + rows[0], columns[0])
    what = "NaN" if np.isnan(value) else "infinity"
    if np.isfinite(value):
        what = f"a value too large for float32 ({value:g})"
    raise ValueError(
        f"Input X contains {what} in row {row_number(X, start + rows[0])}, column {columns[0]} "
        f"({rows.size} such values in {len(block)} rows): expected finite numbers"
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


class StandardizedRows:
    """The rows of X, standardised in float64 and rounded to float32 when they are asked for.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        Where the rows are.
    mean, scale : ndarray of shape (n_features,), float64
        What is subtracted, and what the difference is multiplied by.
    """

    def __init__(self, X: Any, mean: np.ndarray, scale: np.ndarray) -> None:
        self.X = X
        self.mean = mean
        self.scale = scale
        self.shape = X.shape
        self.dtype = X.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            centred = take_rows(self.X, rows, np.float64) - self.mean
            centred *= self.scale
            return centred.astype(np.float32)


def standardized(X: Any, mean: np.ndarray, scale: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray]:
    """Divide the standardisation between the host and the network.

    The network computes in float32. Where that loses no more than rounding, it standardises X
    itself; otherwise the host does, in float64.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        Features.
    mean, scale : ndarray of shape (n_features,), float64
        What is subtracted, and what the difference is multiplied by.

    Returns
    -------
    rows : array, CSR matrix or StandardizedRows
        What `take_rows` takes the network's inputs from.
    mean, scale : ndarray of shape (n_features,), float32
        What the network is to subtract and to multiply by.
    """
    is_identity = not mean.any() and bool((scale == 1).all())
    if is_identity or (not is_wide(X) and fits_float32(mean, scale)):
        return X, mean.astype(np.float32), scale.astype(np.float32)
    zeros = np.zeros(mean.size, dtype=np.float32)
    return StandardizedRows(X, mean, scale), zeros, zeros + 1


def fits_float32(mean: np.ndarray, scale: np.ndarray) -> bool:
    """Tell whether features can be standardised in float32 with no more than rounding errors."""
    limit = _LARGEST_IN_FLOAT32
    if max(np.abs(mean).max(), scale.max()) > limit or scale.min() < 1 / limit:
        return False
    error = np.abs(mean.astype(np.float32) - mean) * scale
    return bool(error.max() <= _MEAN_TOLERANCE)


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
    if isinstance(X, (RowSubset, StandardizedRows)):
        return _owner(X.X)
    while isinstance(X, np.ndarray) and not isinstance(X, np.memmap):
        X = X.base
    return X


def take_value(X: Any, row: int, column: int) -> float:
    """Return one value of X as it was given."""
    if isinstance(X, StandardizedRows):
        return take_value(X.X, row, column)
    return float(X[int(row), int(column)])


def row_number(X: Any, row: int) -> int:
    """Return the number that a row has in the X that `fit` was given."""
    if isinstance(X, RowSubset):
        return row_number(X.X, int(X.rows[row]))
    return row_number(X.X, row) if isinstance(X, StandardizedRows) else int(row)


def check_all_finite(X: Any, dtype: Any = np.float32) -> None:
    """Raise a ValueError if X holds a NaN or an infinity, or a value too large for the dtype."""
    for _ in row_blocks(X, block_rows(X), dtype):
        pass


def feature_moments(X: Any, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of every feature, float64, in one pass over X.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        Features.
    weight : ndarray of shape (n_samples,) or None
        Weight of each row; None for equal weights.

    Raises
    ------
    ValueError
        If X holds a NaN, an infinity, or values whose squares float64 does not hold.
    """
    n_samples, n_features = X.shape
    first = 0 if weight is None else int(np.argmax(weight))
    shift = take_rows(X, slice(first, first + 1), np.float64).ravel()
    shift = np.where(np.abs(shift) < _LARGEST_SQUARED, shift, 0.0)
    dtype = np.float64 if is_wide(X) else np.float32
    total, squares = np.zeros(n_features), np.zeros(n_features)
    underflows = np.zeros(n_features, dtype=bool)
    for start, block in row_blocks(X, max(1, block_rows(X) // 4), dtype):
        centred = block - shift
        with np.errstate(over="ignore"):
            if weight is None:
                total += centred.sum(axis=0)
                added = np.einsum("ij,ij->j", centred, centred)
            else:
                part = weight[start : start + len(block)]
                total += part @ centred
                added = np.einsum("i,ij,ij->j", part, centred, centred)
        squares += added
        if not np.isfinite(squares).all():
            row, column = np.unravel_index(np.argmax(np.abs(block)), block.shape)
            raise ValueError(
                f"Input X contains a value too large for float32 ({block[row, column]:g}), and for "
                f"a standard deviation in float64, in row {row_number(X, start + int(row))}, "
                f"column {column}: expected numbers below {_LARGEST_SQUARED:g}"
            )
        faint = np.flatnonzero(added < _LEAST_SQUARE)
        underflows[faint] |= centred[:, faint].any(axis=0)
    underflows &= squares < _LEAST_SQUARE
    if underflows.any():
        raise _too_small(X, int(np.argmax(underflows)), "a standard deviation in float64")
    n = n_samples if weight is None else weight.sum(dtype=np.float64)
    mean = total / n
    variance = np.maximum(squares / n - mean**2, 0.0)
    return shift + mean, np.sqrt(variance)


def check_not_too_small(X: Any, moments: tuple[np.ndarray, np.ndarray]) -> None:
    """Raise a ValueError if all values of a feature vanish in float32, but for zeros."""
    size = np.hypot(*moments)
    lost = np.flatnonzero((size > 0) & (size < _SMALLEST))
    if lost.size:
        raise _too_small(X, int(lost[0]), "float32 (standardized features may be as small)")


def _too_small(X: Any, column: int, what: str) -> ValueError:
    """Return the error that names the first value of a feature that is not zero."""
    row, value = 0, 0.0
    for start, block in row_blocks(X, block_rows(X), np.float64):
        row = int(np.argmax(block[:, column] != 0))
        value, row = block[row, column], start + row
        if value:
            break
    return ValueError(
        f"Input X contains a value too small for {what}: {value:g} in row {row_number(X, row)}, "
        f"column {column}, which holds no larger differences"
    )
