"""Every accepted form of ``y_score``: dense scores, or the top k of them."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._topk import TopK
from sk_yt8m.metrics._select import select_top_k
from sk_yt8m.metrics._true_labels import BLOCK_BYTES, TrueLabels, block_of, row_blocks

# Large enough that threads spend their time inside numpy, and small beside any score matrix.
_SELECT_BYTES = 2**24
_N_THREADS = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


class DenseScores:
    """A dense score matrix, read in blocks of float32 or float64.

    Parameters
    ----------
    matrix : ndarray or DataFrame of shape (n_samples, n_labels)
        Scores of any boolean, integer or floating dtype.
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self.shape: tuple[int, int] = matrix.shape

    def blocks(self, block_bytes: int | None = None) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield ``(first row, scores)`` with C-ordered scores."""
        for start, block in row_blocks(self.matrix, block_bytes or BLOCK_BYTES):
            yield start, _as_float(block)

    def column_blocks(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield ``(first label, scores)`` with scores of shape (labels of the block, n_samples)."""
        n_rows, n_columns = self.shape
        step = max(1, BLOCK_BYTES // (8 * n_rows))
        for start in range(0, n_columns, step):
            if hasattr(self.matrix, "iloc"):
                columns = self.matrix.iloc[:, start : start + step].to_numpy()
            else:
                columns = self.matrix[:, start : start + step]
            block = _as_float(columns.T)
            refuse_nan(block.T, 0, start)
            yield start, block

    def top_k(self, k: int) -> TopK:
        """Return the ``k`` best labels of each row, ties to the lower label."""
        n_rows, n_labels = self.shape
        dtype = _as_float(next(row_blocks(self.matrix, 1))[1]).dtype
        indices = np.empty((n_rows, k), dtype=np.int32)
        scores = np.empty((n_rows, k), dtype=dtype)
        n_blocks = -(-n_rows * n_labels * dtype.itemsize // _SELECT_BYTES)
        n_threads = min(_N_THREADS, n_blocks)
        blocks_per_thread = -(-n_blocks // n_threads)
        step = -(-n_rows // (n_threads * blocks_per_thread))

        def select(starts: range) -> None:
            for start in starts:
                rows = slice(start, start + step)
                block = _as_float(block_of(self.matrix, rows)).astype(dtype, copy=False)
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
        return TopK(indices, scores)


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
    if isinstance(y_score, tuple):
        return _check_top_k(y_score, labels)
    if hasattr(y_score, "tocsr"):
        raise ValueError(
            "y_score must be a dense array of scores or (indices, scores) of the top k, "
            f"got a sparse {type(y_score).__name__}."
        )
    matrix = y_score if hasattr(y_score, "iloc") else np.asarray(y_score)
    expected = (labels.n_samples, labels.n_labels)
    if tuple(matrix.shape) != expected:
        raise ValueError(
            f"y_score must have the shape of y_true, {expected}, or be (indices, scores) of the "
            f"top k; got shape {tuple(matrix.shape)}."
        )
    names = getattr(matrix, "columns", None)
    if names is not None and labels.columns is not None and list(names) != list(labels.columns):
        at = next(
            i
            for i, pair in enumerate(zip(names, labels.columns, strict=True))
            if pair[0] != pair[1]
        )
        raise ValueError(
            "y_score and y_true must have the same column names in the same order; "
            f"column {at} is {names[at]!r} in y_score and {labels.columns[at]!r} in y_true."
        )
    return DenseScores(matrix)


def check_top_k(y_score: Any, labels: TrueLabels, k: int, reason: str = "") -> TopK:
    """Return exactly ``min(k, n_labels)`` best labels of each sample.

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
    top : TopK
    """
    scores = check_scores(y_score, labels)
    k = min(k, labels.n_labels)
    if isinstance(scores, DenseScores):
        return scores.top_k(k)
    given = scores.indices.shape[1]
    if given < k:
        raise ValueError(
            f"y_score holds the top {given} of {labels.n_labels} labels, but the top {k} are "
            f"needed{reason}."
        )
    return TopK(scores.indices[:, :k], scores.scores[:, :k])


def check_all_scores(y_score: Any, labels: TrueLabels, metric: str) -> DenseScores:
    """Return the scores of all labels, or raise ValueError where only the best are given."""
    scores = check_scores(y_score, labels)
    if isinstance(scores, DenseScores):
        return scores
    given = scores.indices.shape[1]
    if given < labels.n_labels:
        raise ValueError(
            f"{metric} needs the scores of all {labels.n_labels} labels, but y_score holds the "
            f"top {given} only."
        )
    matrix = np.empty(scores.scores.shape, dtype=scores.scores.dtype)
    np.put_along_axis(matrix, scores.indices, scores.scores, axis=1)
    return DenseScores(matrix)


def refuse_nan(block: npt.NDArray[Any], first_row: int, first_label: int = 0) -> None:
    """Raise ValueError where a score of the block is NaN."""
    missing = np.isnan(block)
    if missing.any():
        row, label = np.argwhere(missing)[0]
        raise ValueError(
            "y_score must not hold NaN; "
            f"found one at row {first_row + row}, label {first_label + label}."
        )


def _as_float(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    kind, itemsize = block.dtype.kind, block.dtype.itemsize
    if kind not in "biuf":
        raise ValueError(f"y_score must hold real numbers, got dtype {block.dtype}.")
    # Half precision, booleans and small integers fit in float32 without rounding.
    if kind == "f" and itemsize > 4:
        return np.ascontiguousarray(block)
    single = kind in "fb" or itemsize <= 2
    return np.ascontiguousarray(block, dtype=np.float32 if single else np.float64)


def _check_top_k(pair: tuple[Any, ...], labels: TrueLabels) -> TopK:
    if len(pair) != 2:
        raise ValueError(f"y_score must be (indices, scores) or an array, got {len(pair)} items.")
    indices, scores = np.asarray(pair[0]), np.asarray(pair[1])
    if indices.ndim != 2 or indices.shape != scores.shape or indices.shape[1] == 0:
        raise ValueError(
            "The indices and scores in y_score must both have shape (n_samples, k) with k >= 1, "
            f"got {indices.shape} and {scores.shape}."
        )
    if len(indices) != labels.n_samples:
        raise ValueError(f"y_true has {labels.n_samples} rows, but y_score has {len(indices)}.")
    if indices.dtype.kind not in "iu":
        raise ValueError(
            f"The label indices in y_score must be integers, got dtype {indices.dtype}."
        )
    _check_top_k_values(indices, scores, labels.n_labels)
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
        block = _as_float(scores[rows])
        if np.isnan(block).any():
            row, place = np.argwhere(np.isnan(block))[0]
            raise ValueError(
                "y_score must not hold NaN; "
                f"found one at row {start + row}, label {indices[start + row, place]}."
            )
        rising = block[:, 1:] > block[:, :-1]
        if rising.any():
            row, place = np.argwhere(rising)[0]
            raise ValueError(
                f"The top k in y_score must be sorted by falling score; in row {start + row} "
                f"place {place} has {block[row, place]} and place {place + 1} has "
                f"{block[row, place + 1]}."
            )
        ordered = np.sort(indices[rows], axis=1)
        repeated = ordered[:, 1:] == ordered[:, :-1]
        if repeated.any():
            row, place = np.argwhere(repeated)[0]
            raise ValueError(
                "The top k in y_score must list a label once; "
                f"row {start + row} repeats label {ordered[row, place]}."
            )
