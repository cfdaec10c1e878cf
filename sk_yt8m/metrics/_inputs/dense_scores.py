"""A dense score matrix, read in blocks, and the best labels of its rows."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.dense import block_of
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._inputs.blocks import row_slices
from sk_yt8m.metrics._inputs.exact import as_array, exact, float_type, is_nan, sortable
from sk_yt8m.metrics._inputs.select import select_top_k
from sk_yt8m.metrics._inputs.true_labels import TrueLabels

# Large enough that threads spend their time inside numpy, and small beside any score matrix.
_SELECT_BYTES = 2**24
_N_THREADS = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


class CheckedTopK(TopK):
    """A valid top k of the labels that count; index -1 for no label.

    The scores are float32 or float64, or Python numbers if these would be rounded.
    """

    __slots__ = ()

    def first(self, k: int | None) -> "CheckedTopK":
        """Return the ``k`` best of them."""
        return CheckedTopK(self.indices[:, :k], self.scores[:, :k])


class DenseScores:
    """An array or DataFrame of scores of any numeric type, read as float32 or float64."""

    def __init__(self, matrix: Any) -> None:
        self.shape: tuple[int, int] = matrix.shape
        self._matrix = matrix
        self._original: npt.NDArray[Any] | None = None
        dtype = float_type(matrix)
        if dtype is None:
            dtype, values = np.float64, exact(as_array(matrix))
            self._matrix = values
            if values.dtype == object:
                refuse_nan(values, 0)
                # Only the order counts within one matrix.
                self._matrix, self._original = sortable(values), values
        self._dtype = dtype

    @property
    def is_float(self) -> bool:
        """Whether the blocks hold the scores themselves, not numbers of the same order."""
        return self._original is None

    def blocks(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield ``(first row, scores)``, C-ordered and without NaN."""
        itemsize = 8 if hasattr(self._matrix, "iloc") else self._matrix.dtype.itemsize
        for rows in row_slices(self.shape[0], itemsize * self.shape[1]):
            block = np.ascontiguousarray(block_of(self._matrix, rows), dtype=self._dtype)
            refuse_nan(block, rows.start)
            yield rows.start, block

    def column_blocks(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield ``(first label, scores)``, with one row for each label and without NaN."""
        n_rows, n_columns = self.shape
        for labels in row_slices(n_columns, 8 * n_rows):
            if hasattr(self._matrix, "iloc"):
                columns = self._matrix.iloc[:, labels].to_numpy()
            else:
                columns = self._matrix[:, labels]
            block = np.ascontiguousarray(columns.T, dtype=self._dtype)
            refuse_nan(block.T, 0, labels.start)
            yield labels.start, block

    def top_k(self, k: int, rated: TrueLabels | None = None) -> CheckedTopK:
        """Return the ``k`` best labels of each row, of the rated ones if any, at most all of them.

        Of equal scores the lower label comes first.
        """
        indices, scores = self._best(k) if rated is None else self._best_of(rated, k)
        if self._original is not None:
            listed = np.maximum(indices, 0)
            scores = exact(np.take_along_axis(self._original, listed, axis=1))
        return CheckedTopK(indices, scores)

    def _best(self, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
        n_rows, n_labels = self.shape
        dtype = np.dtype(self._dtype)
        indices = np.empty((n_rows, k), dtype=np.int32)
        scores = np.empty((n_rows, k), dtype=dtype)
        n_blocks = -(-n_rows * n_labels * dtype.itemsize // _SELECT_BYTES)
        n_threads = min(_N_THREADS, n_blocks)
        # Every thread gets the same number of blocks.
        step = -(-n_rows // (n_threads * -(-n_blocks // n_threads)))

        def select(start: int) -> None:
            rows = slice(start, start + step)
            block = np.ascontiguousarray(block_of(self._matrix, rows), dtype=dtype)
            best = select_top_k(block, k)
            if best is None:
                refuse_nan(block, start)
                raise AssertionError("a block without NaN has a top k")
            indices[rows], scores[rows] = best

        starts = range(0, n_rows, step)
        if n_threads == 1:
            for start in starts:
                select(start)
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                # The first error in the order of rows is raised.
                for _ in pool.map(select, starts):
                    pass
        return indices, scores

    def _best_of(self, rated: TrueLabels, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
        width = max(1, min(k, int(rated.counts.max())))
        indices = np.full((self.shape[0], width), -1, dtype=np.int32)
        scores = np.zeros(indices.shape, dtype=self._dtype)
        for start, block in self.blocks():
            first, end = rated.indptr[start], rated.indptr[start + len(block)]
            rows, labels = rated.rows[first:end], rated.indices[first:end]
            values = block[rows - start, labels]
            order = np.lexsort((-values, rows))
            rank = np.arange(first, end) - rated.indptr[rows]
            kept = rank < width
            at, best = (rows[kept], rank[kept]), order[kept]
            indices[at], scores[at] = labels[best], values[best]
        return indices, scores


def refuse_nan(block: npt.NDArray[Any], first_row: int, first_label: int = 0) -> None:
    """Raise ValueError if a score of the block is NaN."""
    missing = is_nan(block)
    if missing.any():
        row, label = np.argwhere(missing)[0]
        raise nan_error(first_row + row, first_label + label)


def nan_error(row: int, label: int) -> ValueError:
    """Return the error of a score that is NaN."""
    return ValueError(f"y_score must not hold NaN; found one at row {row}, label {label}.")
