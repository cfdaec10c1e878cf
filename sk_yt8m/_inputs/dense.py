"""Dense matrices, arrays or DataFrames, in blocks of rows."""

from collections.abc import Iterator
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt


def refuse_masked(values: Any, name: str) -> None:
    """Raise TypeError for a masked array or a list of them, whose masks numpy would drop."""
    parts = values if isinstance(values, (list, tuple)) else [values]
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        raise TypeError(
            f"{name} must not be a masked array, because its mask would be ignored: fill it first, "
            "or leave the masked rows out."
        )


def in_tuple(X: Any) -> TypeGuard[tuple[Any]]:
    """Tell whether a matrix is in a tuple of one, in which searches hand it on uncut."""
    return isinstance(X, tuple) and len(X) == 1 and np.ndim(X[0]) == 2


def row_blocks(matrix: Any, block_bytes: int) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield each block's first row number and its rows, about ``block_bytes`` of memory each."""
    n_rows, n_columns = matrix.shape
    itemsize = 8 if hasattr(matrix, "iloc") else matrix.dtype.itemsize
    step = max(1, block_bytes // max(1, n_columns * itemsize))
    for start in range(0, n_rows, step):
        yield start, block_of(matrix, slice(start, start + step))


def block_of(matrix: Any, rows: slice) -> npt.NDArray[Any]:
    """Return some rows of an array or DataFrame as an array."""
    return matrix.iloc[rows].to_numpy() if hasattr(matrix, "iloc") else matrix[rows]
