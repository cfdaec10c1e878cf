"""Every accepted form of ``y_true`` as one: the sorted true labels of each sample."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_BYTES = 2**24


@dataclass(frozen=True)
class TrueLabels:
    """The true labels of each sample, as compressed rows.

    Parameters
    ----------
    indptr : ndarray of shape (n_samples + 1,)
        The labels of sample ``i`` are ``indices[indptr[i]:indptr[i + 1]]``.
    indices : ndarray of shape (n_positives,)
        Label indices, rising and without repeats within a sample.
    n_labels : int
        Number of columns of the indicator matrix.
    columns : object or None
        The column names where y_true is a DataFrame.
    """

    indptr: npt.NDArray[np.integer]
    indices: npt.NDArray[np.integer]
    n_labels: int
    columns: Any = None

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.indptr) - 1

    @cached_property
    def counts(self) -> npt.NDArray[np.integer]:
        """Number of true labels of each sample, shape (n_samples,)."""
        return np.diff(self.indptr)

    @cached_property
    def rows(self) -> npt.NDArray[np.intp]:
        """Sample of each positive, shape (n_positives,)."""
        return np.repeat(np.arange(self.n_samples), self.counts)

    def frequencies(self, weight: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.float64]:
        """Return the number, or the total weight, of the samples with each label."""
        if weight is None:
            return np.bincount(self.indices, minlength=self.n_labels).astype(np.float64)
        of_positive = weight[self.rows]
        # By rising weight, rounding does not depend on the order of the samples.
        order = np.argsort(of_positive, kind="stable")
        totals = np.zeros(self.n_labels)
        np.add.at(totals, self.indices[order], of_positive[order])
        return totals

    def find(self, indices: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Tell which of the listed labels are true.

        Parameters
        ----------
        indices : ndarray of shape (n_samples, k)
            Labels of each sample.

        Returns
        -------
        hits : ndarray of bool of shape (n_samples, k)
        """
        k = indices.shape[1]
        hits = np.zeros(indices.size, dtype=bool)
        step = max(1, BLOCK_BYTES // (8 * k))
        for start in range(0, len(self.indices), step):
            rows = self.rows[start : start + step]
            same = indices[rows] == self.indices[start : start + step, None]
            positive, place = np.divmod(np.flatnonzero(same), k)
            hits[rows[positive] * k + place] = True
        return hits.reshape(indices.shape)

    def copy(self) -> "TrueLabels":
        """Return the same with arrays of its own."""
        return TrueLabels(
            self.indptr.copy(), self.indices.astype(np.int32), self.n_labels, self.columns
        )


def concatenate(parts: list[TrueLabels]) -> TrueLabels:
    """Return the samples of all parts, which have the same labels, one part after the other."""
    counts = np.concatenate([part.counts for part in parts])
    return TrueLabels(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate([part.indices for part in parts]),
        parts[0].n_labels,
        parts[0].columns,
    )


def check_y_true(y_true: Any) -> TrueLabels:
    """Read ``y_true``, whatever its form, or raise ValueError where it is no indicator matrix.

    Parameters
    ----------
    y_true : array, DataFrame or anything with ``tocsr``, of shape (n_samples, n_labels)
        Zeros and ones of any boolean, integer or floating dtype.

    Returns
    -------
    labels : TrueLabels
    """
    if isinstance(y_true, TrueLabels):
        return y_true
    if hasattr(y_true, "tocsr"):
        labels = _from_sparse(y_true.tocsr())
    else:
        labels = _from_dense(y_true if hasattr(y_true, "iloc") else np.asarray(y_true))
    if labels.n_samples == 0 or labels.n_labels == 0:
        raise ValueError(
            "y_true must have at least one row and one label, "
            f"got shape ({labels.n_samples}, {labels.n_labels})."
        )
    return labels


def row_blocks(matrix: Any, block_bytes: int) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield ``(first row, block of rows)`` of an array or DataFrame, each about ``block_bytes``."""
    n_rows, n_columns = matrix.shape
    itemsize = 8 if hasattr(matrix, "iloc") else matrix.dtype.itemsize
    step = max(1, block_bytes // max(1, n_columns * itemsize))
    for start in range(0, n_rows, step):
        yield start, block_of(matrix, slice(start, start + step))


def block_of(matrix: Any, rows: slice) -> npt.NDArray[Any]:
    """Return some rows of an array or DataFrame as an array."""
    return matrix.iloc[rows].to_numpy() if hasattr(matrix, "iloc") else matrix[rows]


def _from_sparse(csr: Any) -> TrueLabels:
    if csr.ndim != 2:
        raise _not_two_dimensional(csr.shape)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    if (csr.data == 0).any():
        csr = csr.copy()
        csr.eliminate_zeros()
    bad = np.flatnonzero(csr.data != 1)
    if bad.size:
        row = int(np.searchsorted(csr.indptr, bad[0], side="right")) - 1
        raise _not_an_indicator(csr.data[bad[0]], row, int(csr.indices[bad[0]]))
    return TrueLabels(csr.indptr, csr.indices, int(csr.shape[1]))


def _from_dense(matrix: Any) -> TrueLabels:
    if len(matrix.shape) != 2:
        raise _not_two_dimensional(matrix.shape)
    n_rows, n_labels = matrix.shape
    counts = np.zeros(n_rows, dtype=np.int64)
    indices = [np.empty(0, dtype=np.int32)]
    for start, block in row_blocks(matrix, BLOCK_BYTES):
        rows, labels = np.divmod(np.flatnonzero(_as_bool(block, start)), n_labels)
        counts[start : start + len(block)] = np.bincount(rows, minlength=len(block))
        indices.append(labels.astype(np.int32))
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return TrueLabels(indptr, np.concatenate(indices), n_labels, getattr(matrix, "columns", None))


def _as_bool(block: npt.NDArray[Any], first_row: int) -> npt.NDArray[np.bool_]:
    if block.dtype == bool:
        return block
    if block.dtype.kind not in "iuf":
        raise ValueError(
            f"y_true must be an indicator matrix of booleans or numbers, got dtype {block.dtype}."
        )
    mask = block.astype(bool)
    if block.size and not (block.min() >= 0 and block.max() <= 1 and _is_whole(block)):
        row, label = np.argwhere((block != 0) & (block != 1))[0]
        raise _not_an_indicator(block[row, label], first_row + int(row), int(label))
    return mask


def _is_whole(block: npt.NDArray[Any]) -> bool:
    return block.dtype.kind != "f" or not (block % 1).any()


def _not_two_dimensional(shape: tuple[int, ...]) -> ValueError:
    return ValueError(
        "y_true must be an indicator matrix of shape (n_samples, n_labels), got an array of "
        f"shape {shape}. For 1-d classes see sklearn.preprocessing.label_binarize."
    )


def _not_an_indicator(value: Any, row: int, label: int) -> ValueError:
    return ValueError(
        f"y_true must hold nothing but 0 and 1; row {row}, label {label} has {value}."
    )
