"""The rows of X, whatever holds them: checked and taken block by block."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import validate_data

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.forms.array_columns import refuse_collections, stack_rows
from sk_yt8m._inputs.forms.tables import named_table, refuse_lazy
from sk_yt8m._inputs.memory_map import release_pages

_BLOCK_BYTES = 8 * 2**20
_ACCEPTED = [np.float64, np.float32, np.float16]


def check_features(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Return X as an array or CSR matrix of numbers, not copied if it already is one.

    NaN and infinities are found where values are read (`feature_statistics`, `finite_blocks`), so
    that a memory-mapped X is not read an additional time.

    Parameters
    ----------
    estimator : estimator
        Has, or with `reset` gets, the number and names of the features.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features), or column
        Features; a column is that of `stack_rows`.
    reset : bool
        Whether to set the number and names of the features instead of checking them.
    """
    refuse_masked(X, "X")
    refuse_lazy(X, "X")
    X = stack_rows(named_table(X))
    refuse_collections(X)
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


class RowView:
    """Rows of X that are taken, and perhaps computed, when they are indexed."""

    def __init__(self, X: Any, n_rows: int) -> None:
        self.X = X
        self.shape = (n_rows, X.shape[1])
        self.dtype = X.dtype

    def source_row(self, row: int) -> int:
        """Return the number of a row in X."""
        return row

    def __getitem__(self, rows: Any) -> Any:
        raise NotImplementedError


class RowSubset(RowView):
    """Some rows of X.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        All rows.
    rows : ndarray of shape (n_rows,)
        Their numbers.
    """

    def __init__(self, X: Any, rows: np.ndarray) -> None:
        super().__init__(X, rows.size)
        self.rows = rows

    def source_row(self, row: int) -> int:
        """Return the number of a row in X."""
        return int(self.rows[row])

    def __getitem__(self, rows: Any) -> Any:
        return self.X[self.rows[rows]]


def is_wide(X: Any) -> bool:
    """Tell whether X has a dtype whose values float32 may not hold."""
    return not np.can_cast(X.dtype, np.float32)


def block_rows(X: Any) -> int:
    """Return the number of rows of X that take about 8 MiB in float32."""
    return max(1, _BLOCK_BYTES // (4 * X.shape[1]))


def take_rows(X: Any, rows: np.ndarray | slice, dtype: Any = np.float32) -> np.ndarray:
    """Return the chosen rows as a C-ordered array of float32, or of another dtype."""
    block = X[rows]
    if sp.issparse(block):
        block = block.toarray()
    # What overflows becomes infinite, which `check_finite` reports.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(block, dtype=dtype)


def finite_blocks(
    X: Any, rows_per_block: int, dtype: Any = np.float32
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each block's first row number and its finite values, in order."""
    for start in range(0, X.shape[0], rows_per_block):
        yield start, checked_rows(X, start, rows_per_block, dtype)


def checked_rows(X: Any, start: int, n_rows: int, dtype: Any = np.float32) -> np.ndarray:
    """Return up to `n_rows` rows from `start` on, or raise if a value is not finite."""
    release_pages(X)
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


def check_all_finite(X: Any, dtype: Any = np.float32) -> None:
    """Raise a ValueError if X holds a NaN or an infinity, or a value too large for the dtype."""
    for _ in finite_blocks(X, block_rows(X), dtype):
        pass


def take_value(X: Any, row: int, column: int) -> float:
    """Return one value of X as it was given."""
    if isinstance(X, RowView):
        return take_value(X.X, X.source_row(row), column)
    return float(X[int(row), int(column)])


def row_number(X: Any, row: int) -> int:
    """Return the number that a row has in the X that `fit` was given."""
    return row_number(X.X, X.source_row(row)) if isinstance(X, RowView) else int(row)
