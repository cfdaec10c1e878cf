"""Every accepted form of an indicator matrix -> canonical CSR."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from sk_yt8m._inputs.dense import refuse_masked, row_blocks
from sk_yt8m._inputs.forms.refused_tags import from_tags_hint, refuse_tags
from sk_yt8m._inputs.forms.tables import refuse_lazy

_BLOCK_BYTES = 32 * 2**20


def read_indicator(y: Any, name: str = "y") -> Any:
    """Return the CSR indicator of a two-dimensional target of any accepted form.

    Parameters
    ----------
    y : array-like, sparse matrix, DataFrame or SparseIndicator of shape (n_samples, n_labels)
        Zeros and ones of any boolean, integer or floating dtype, also nullable or object.
    name : str, default="y"
        The argument's name in messages.

    Returns
    -------
    csr_array of shape (n_samples, n_labels)
        The positives, with sorted indices and no stored zeros.

    Raises
    ------
    TypeError
        If `y` is a masked array or a LazyFrame.
    ValueError
        If `y` holds other values than 0 and 1, or lists of tags.
    """
    refuse_masked(y, name)
    refuse_lazy(y, name)
    refuse_tags(y, name)
    if hasattr(y, "tocsr"):
        return indicator_from_sparse(y.tocsr(), name)
    if hasattr(y, "iloc"):
        return indicator_from_frame(y, name)
    return indicator_from_dense(np.asarray(y), name)


def indicator_from_sparse(matrix: Any, name: str = "y") -> Any:
    """Return a canonical CSR indicator: sorted, no duplicates, no stored zeros, int8 ones."""
    csr = sp.csr_array(matrix)
    _check_shape(csr.shape, name)
    _check_kind(csr.dtype, name)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    if not csr.data.all():
        csr = csr.copy()
        csr.eliminate_zeros()
    wrong = np.flatnonzero(csr.data != 1)
    if wrong.size:
        row = int(np.searchsorted(csr.indptr, wrong[0], side="right")) - 1
        raise _not_an_indicator(csr.data[wrong[0]], row, csr.indices[wrong[0]], name)
    ones = np.ones(csr.nnz, dtype=np.int8)
    return sp.csr_array((ones, csr.indices, csr.indptr), shape=csr.shape)


def indicator_from_dense(matrix: Any, name: str = "y") -> Any:
    """Return the CSR indicator of an array or DataFrame, read in blocks of rows."""
    _check_shape(matrix.shape, name)
    n, n_labels = matrix.shape
    counts, indices = np.zeros(n, dtype=np.int64), [np.zeros(0, dtype=np.int32)]
    for start, block in row_blocks(matrix, _BLOCK_BYTES):
        rows, labels = np.divmod(np.flatnonzero(_as_bool(block, start, name)), max(1, n_labels))
        counts[start : start + len(block)] = np.bincount(rows, minlength=len(block))
        indices.append(labels.astype(np.int32))
    flat = np.concatenate(indices)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return sp.csr_array((np.ones(flat.size, dtype=np.int8), flat, indptr), shape=(n, n_labels))


def indicator_from_frame(frame: Any, name: str = "y") -> Any:
    """Return the CSR indicator of a DataFrame, whose columns may have sparse dtypes."""
    _check_shape(frame.shape, name)
    dtypes = set(getattr(frame, "dtypes", ()))
    # pandas makes a sparse matrix only of columns of one dtype whose fill value is 0.
    if len(dtypes) == 1 and getattr(dtypes.pop(), "fill_value", None) == 0:
        return indicator_from_sparse(frame.sparse.to_coo().tocsr(), name)
    return indicator_from_dense(frame if hasattr(frame, "iloc") else frame.to_numpy(), name)


def _as_bool(block: np.ndarray, first_row: int, name: str) -> npt.NDArray[np.bool_]:
    if block.dtype == bool:
        return block
    if block.dtype == object:
        bits = np.frompyfunc(_bit, 1, 1)(block).astype(np.int8)
        wrong = bits < 0
    else:
        _check_kind(block.dtype, name)
        bits = block
        clean = not block.size or (block.min() >= 0 and block.max() <= 1 and _is_whole(block))
        wrong = None if clean else (block != 0) & (block != 1)
    if wrong is not None and wrong.any():
        row, label = np.argwhere(wrong)[0]
        raise _not_an_indicator(block[row, label], first_row + int(row), int(label), name)
    return bits.astype(bool)


def _bit(value: Any) -> int:
    """Return 0 or 1, or -1 for any other value; missing values cannot be compared."""
    try:
        return 1 if value == 1 else 0 if value == 0 else -1
    except (TypeError, ValueError, ArithmeticError):
        return -1


def _is_whole(block: np.ndarray) -> bool:
    return block.dtype.kind != "f" or not (block % 1).any()


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 2:
        raise ValueError(
            f"{name} must be an indicator matrix of shape (n_samples, n_labels), got an array of "
            f"shape {tuple(shape)}. For 1-d classes see sklearn.preprocessing.label_binarize. "
            f"{from_tags_hint(name)}"
        )


def _check_kind(dtype: np.dtype, name: str) -> None:
    if dtype.kind not in "buif":
        raise ValueError(
            f"{name} has dtype {dtype}: expected an indicator of 0 and 1. {from_tags_hint(name)}"
        )


def _not_an_indicator(value: Any, row: int, label: int, name: str) -> ValueError:
    # Other values are no tags.
    hint = f". {from_tags_hint(name)}" if isinstance(value, (str, int, np.integer)) else ""
    return ValueError(
        f"Unknown label type: a two-dimensional {name} must be an indicator matrix of 0 and 1, "
        f"but row {row}, column {label} holds {value}{hint}"
    )
