"""Every accepted form of ``y_score``: dense scores, or the top k of them."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.dense import block_of, refuse_masked, row_blocks
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._inputs.exact import as_array, exact, float_type, is_nan, sortable
from sk_yt8m.metrics._inputs.select import select_top_k
from sk_yt8m.metrics._inputs.true_labels import BLOCK_BYTES, TrueLabels, check_same_names

# Large enough that threads spend their time inside numpy, and small beside any score matrix.
_SELECT_BYTES = 2**24
_N_THREADS = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


class CheckedTopK(TopK):
    """The best labels that count, known to be right; -1 where a sample has no further one.

    The scores are float32 or float64, or Python numbers where these would round.
    """

    __slots__ = ()

    def first(self, k: int | None) -> "CheckedTopK":
        """Return the ``k`` best of them."""
        return CheckedTopK(self.indices[:, :k], self.scores[:, :k])


class DenseScores:
    """A dense score matrix, read in blocks of float32 or float64.

    Parameters
    ----------
    matrix : ndarray or DataFrame of shape (n_samples, n_labels)
        Scores of any boolean, integer or floating dtype, or numbers of any size as objects.
    """

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

    def blocks(self, block_bytes: int | None = None) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield ``(first row, scores)`` with C-ordered scores."""
        for start, block in row_blocks(self._matrix, block_bytes or BLOCK_BYTES):
            yield start, np.ascontiguousarray(block, dtype=self._dtype)

    def column_blocks(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield ``(first label, scores)`` with scores of shape (labels of the block, n_samples)."""
        n_rows, n_columns = self.shape
        step = max(1, BLOCK_BYTES // (8 * n_rows))
        for start in range(0, n_columns, step):
            if hasattr(self._matrix, "iloc"):
                columns = self._matrix.iloc[:, start : start + step].to_numpy()
            else:
                columns = self._matrix[:, start : start + step]
            block = np.ascontiguousarray(columns.T, dtype=self._dtype)
            refuse_nan(block.T, 0, start)
            yield start, block

    def top_k(self, k: int, rated: TrueLabels | None = None) -> CheckedTopK:
        """Return the ``k`` best labels of each row, ties to the lower label.

        Parameters
        ----------
        k : int
            At most the number of labels.
        rated : TrueLabels, default=None
            The labels of each row that count; None means all.
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
        blocks_per_thread = -(-n_blocks // n_threads)
        step = -(-n_rows // (n_threads * blocks_per_thread))

        def select(starts: range) -> None:
            for start in starts:
                rows = slice(start, start + step)
                block = np.ascontiguousarray(block_of(self._matrix, rows), dtype=dtype)
                best = select_top_k(block, k)
                if best is None:
                    refuse_nan(block, start)
                    raise AssertionError("a block without NaN has a top k")
                indices[rows], scores[rows] = best

        starts = range(0, n_rows, step)
        shares = [
            starts[i : i + blocks_per_thread] for i in range(0, len(starts), blocks_per_thread)
        ]
        # numpy lets other threads run while it works on a block; this one does the first share.
        with ThreadPoolExecutor(n_threads) as pool:
            others = pool.map(select, shares[1:])
            select(shares[0])
            for _ in others:
                pass
        return indices, scores

    def _best_of(self, rated: TrueLabels, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
        width = max(1, min(k, int(rated.counts.max())))
        indices = np.full((self.shape[0], width), -1, dtype=np.int32)
        scores = np.zeros(indices.shape, dtype=self._dtype)
        for start, block in self.blocks():
            refuse_nan(block, start)
            first, end = rated.indptr[start], rated.indptr[start + len(block)]
            rows, labels = rated.rows[first:end], rated.indices[first:end]
            values = block[rows - start, labels]
            order = np.lexsort((-values, rows))
            place = np.arange(first, end) - rated.indptr[rows]
            kept = place < width
            at, best = (rows[kept], place[kept]), order[kept]
            indices[at], scores[at] = labels[best], values[best]
        return indices, scores


def check_scores(y_score: Any, labels: TrueLabels) -> DenseScores | TopK:
    """Tell dense scores from a top k, and check their shapes against the true labels.

    Parameters
    ----------
    y_score : array or DataFrame of shape (n_samples, n_labels), or (indices, scores)
        Two arrays of shape (n_samples, k) where only the best labels are at hand.
    labels : TrueLabels
        What the scores are compared with.

    Returns
    -------
    scores : DenseScores or TopK
    """
    refuse_masked(y_score, "y_score")
    if isinstance(y_score, tuple):
        return _check_top_k(y_score, labels)
    if hasattr(y_score, "tocsr"):
        raise ValueError(
            "y_score must be a dense array of scores or (indices, scores) of the top k, "
            f"got a sparse {type(y_score).__name__}."
        )
    matrix = y_score if hasattr(y_score, "iloc") else as_array(y_score)
    expected = (labels.n_samples, labels.n_labels)
    if tuple(matrix.shape) != expected:
        raise ValueError(
            f"y_score must have the shape of y_true, {expected}, or be (indices, scores) of the "
            f"top k; got shape {tuple(matrix.shape)}."
        )
    check_same_names(getattr(y_score, "columns", None), "y_score", labels.columns, "y_true")
    return DenseScores(matrix)


def check_top_k(y_score: Any, labels: TrueLabels, k: int, reason: str = "") -> CheckedTopK:
    """Return exactly ``min(k, n_labels)`` best labels of each sample, of the rated ones if any.

    Parameters
    ----------
    y_score : array, DataFrame or (indices, scores)
        See `check_scores`.
    labels : TrueLabels
        What the scores are compared with.
    k : int
        Number of labels to keep.
    reason : str
        Why that many are needed, for the message where a given top k is too short.

    Returns
    -------
    top : CheckedTopK
    """
    if isinstance(y_score, CheckedTopK):
        return y_score.first(k)
    scores = check_scores(y_score, labels)
    k = min(k, labels.n_labels)
    if isinstance(scores, DenseScores):
        return scores.top_k(k, labels.rated)
    given = scores.indices.shape[1]
    if labels.rated is None:
        if given < k:
            raise ValueError(
                f"y_score holds the top {given} of {labels.n_labels} labels, but the top {k} are "
                f"needed{reason}."
            )
        return CheckedTopK(*scores).first(k)
    top = listed_labels(scores, labels)
    n_kept = np.count_nonzero(top.indices >= 0, axis=1)
    short = np.flatnonzero(n_kept < np.minimum(labels.rated.counts, k))
    if short.size:
        row = short[0]
        raise ValueError(
            f"y_score holds the top {given} of {labels.n_labels} labels, among which row {row} has "
            f"{n_kept[row]} of its {labels.rated.counts[row]} rated labels, but the best {k} rated "
            f"ones are needed{reason}. Give the scores of all labels."
        )
    return top.first(k)


def listed_labels(top: TopK, labels: TrueLabels) -> CheckedTopK:
    """Return the labels of a top k that count: the rated ones, in front of places with -1."""
    if labels.rated is None:
        return CheckedTopK(*top)
    kept = labels.rated.find(top.indices)
    order = np.argsort(~kept, axis=1, kind="stable")
    indices = np.where(kept, top.indices, -1)
    listed = CheckedTopK(
        np.take_along_axis(indices, order, axis=1), np.take_along_axis(top.scores, order, axis=1)
    )
    return listed.first(max(1, int(labels.rated.counts.max())))


def known_width(scores: DenseScores | TopK, labels: TrueLabels) -> int:
    """Return how many of the best labels, of the rated ones if any, are known of each sample."""
    if isinstance(scores, DenseScores):
        return labels.n_labels
    if labels.rated is None:
        return scores.indices.shape[1]
    n_kept = np.count_nonzero(labels.rated.find(scores.indices), axis=1)
    short = n_kept < labels.rated.counts
    return int(n_kept[short].min()) if short.any() else labels.n_labels


def check_all_scores(y_score: Any, labels: TrueLabels, metric: str) -> DenseScores:
    """Return the scores of all labels, or raise ValueError where only the best are given."""
    scores = check_scores(y_score, labels)
    if isinstance(scores, DenseScores):
        return scores
    if known_width(scores, labels) < labels.n_labels:
        raise ValueError(
            f"{metric} needs the scores of all {labels.n_labels} labels, but y_score holds the "
            f"top {scores.indices.shape[1]} only."
        )
    # Labels that are not listed are not rated either, so that their scores say nothing.
    matrix = np.zeros((labels.n_samples, labels.n_labels), dtype=scores.scores.dtype)
    np.put_along_axis(matrix, scores.indices, scores.scores, axis=1)
    return DenseScores(matrix)


def refuse_nan(block: npt.NDArray[Any], first_row: int, first_label: int = 0) -> None:
    """Raise ValueError where a score of the block is NaN."""
    missing = is_nan(block)
    if missing.any():
        row, label = np.argwhere(missing)[0]
        raise ValueError(
            "y_score must not hold NaN; "
            f"found one at row {first_row + row}, label {first_label + label}."
        )


def _check_top_k(pair: tuple[Any, ...], labels: TrueLabels) -> TopK:
    if len(pair) != 2:
        raise ValueError(f"y_score must be (indices, scores) or an array, got {len(pair)} items.")
    for part in pair:
        refuse_masked(part, "y_score")
    indices, scores = as_array(pair[0]), as_array(pair[1])
    if indices.ndim != 2 or indices.shape != scores.shape or indices.shape[1] == 0:
        raise ValueError(
            "The indices and scores in y_score must both have shape (n_samples, k) with k >= 1, "
            f"got {indices.shape} and {scores.shape}."
        )
    if len(indices) != labels.n_samples:
        raise ValueError(f"y_true has {labels.n_samples} rows, but y_score has {len(indices)}.")
    if indices.dtype.kind not in "iu" and not (
        indices.dtype == object and all(isinstance(index, Integral) for index in indices.flat)
    ):
        raise ValueError(
            f"The label indices in y_score must be integers, got dtype {indices.dtype}."
        )
    scores = exact(scores)
    _check_top_k_values(indices, scores, labels.n_labels)
    return _lower_label_first(indices.astype(np.int32, copy=False), scores)


def _lower_label_first(indices: npt.NDArray[np.int32], scores: npt.NDArray[Any]) -> TopK:
    falling = indices[:, 1:] < indices[:, :-1]
    falling &= np.asarray(scores[:, 1:] == scores[:, :-1], dtype=bool)
    rows = np.flatnonzero(falling.any(axis=1))
    if rows.size:
        order = np.lexsort((indices[rows], -sortable(scores[rows])), axis=1)
        indices, scores = indices.copy(), scores.copy()
        indices[rows] = np.take_along_axis(indices[rows], order, axis=1)
        # Equal numbers may be of different types.
        scores[rows] = np.take_along_axis(scores[rows], order, axis=1)
    return TopK(indices, scores)


def _check_top_k_values(
    indices: npt.NDArray[np.integer], scores: npt.NDArray[Any], n_labels: int
) -> None:
    if indices.min() < 0 or indices.max() >= n_labels:
        row, place = np.argwhere((indices < 0) | (indices >= n_labels))[0]
        raise ValueError(
            f"The label indices in y_score must lie in [0, {n_labels}); row {row}, place {place} "
            f"has {indices[row, place]}."
        )
    step = max(1, BLOCK_BYTES // (8 * indices.shape[1]))
    for start in range(0, len(indices), step):
        rows = slice(start, start + step)
        block = scores[rows]
        if is_nan(block).any():
            row, place = np.argwhere(is_nan(block))[0]
            raise ValueError(
                "y_score must not hold NaN; "
                f"found one at row {start + row}, label {indices[start + row, place]}."
            )
        rising = np.asarray(block[:, 1:] > block[:, :-1], dtype=bool)
        if rising.any():
            row, place = np.argwhere(rising)[0]
            raise ValueError(
                f"The top k in y_score must be sorted by falling score; in row {start + row} "
                f"place {place} has {block[row, place]} and place {place + 1} has "
                f"{block[row, place + 1]}."
            )
        ordered = np.sort(indices[rows].astype(np.int32), axis=1)
        repeated = ordered[:, 1:] == ordered[:, :-1]
        if repeated.any():
            row, place = np.argwhere(repeated)[0]
            raise ValueError(
                "The top k in y_score must list a label once; "
                f"row {start + row} repeats label {ordered[row, place]}."
            )
