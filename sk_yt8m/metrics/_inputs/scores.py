"""Every accepted form of ``y_score``: dense scores, or the top k of them."""

from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._inputs.blocks import row_slices
from sk_yt8m.metrics._inputs.dense_scores import CheckedTopK, DenseScores, nan_error
from sk_yt8m.metrics._inputs.exact import as_array, exact, is_nan, sortable
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_same_names, shown_names


def check_scores(y_score: Any, labels: TrueLabels) -> DenseScores | TopK:
    """Return ``y_score`` as dense scores or a valid top k, with the shape of the true labels."""
    for part in y_score if isinstance(y_score, tuple) else (y_score,):
        refuse_masked(part, "y_score")
    if isinstance(y_score, tuple):
        return _read_top_k(y_score, labels)
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
    check_same_names(shown_names(y_score), "y_score", labels.columns, "y_true")
    return DenseScores(matrix)


def check_top_k(y_score: Any, labels: TrueLabels, k: int, reason: str = "") -> CheckedTopK:
    """Return exactly ``min(k, n_labels)`` best labels of each sample, of the rated ones if any.

    The reason why that many are needed is for the message if a given top k is too short.
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
    """Return the labels of a top k that count: the rated ones, then -1."""
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
    """Return the scores of all labels, or raise ValueError if only the best are given."""
    scores = check_scores(y_score, labels)
    if isinstance(scores, DenseScores):
        return scores
    if known_width(scores, labels) < labels.n_labels:
        raise ValueError(
            f"{metric} needs the scores of all {labels.n_labels} labels, but y_score holds the "
            f"top {scores.indices.shape[1]} only."
        )
    # Labels that are not listed are not rated either, so their scores have no effect.
    matrix = np.zeros((labels.n_samples, labels.n_labels), dtype=scores.scores.dtype)
    np.put_along_axis(matrix, scores.indices, scores.scores, axis=1)
    return DenseScores(matrix)


def _read_top_k(pair: tuple[Any, ...], labels: TrueLabels) -> TopK:
    if len(pair) != 2:
        raise ValueError(f"y_score must be (indices, scores) or an array, got {len(pair)} items.")
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
    if indices.min() < 0 or indices.max() >= labels.n_labels:
        row, rank = np.argwhere((indices < 0) | (indices >= labels.n_labels))[0]
        raise ValueError(
            f"The label indices in y_score must lie in [0, {labels.n_labels}); row {row}, place "
            f"{rank} has {indices[row, rank]}."
        )
    indices, scores = indices.astype(np.int32, copy=False), exact(scores)
    for rows in row_slices(len(indices), 8 * indices.shape[1]):
        _check_order(indices[rows], scores[rows], rows.start)
    return _lower_label_first(indices, scores)


def _check_order(indices: npt.NDArray[np.int32], scores: npt.NDArray[Any], first_row: int) -> None:
    """Raise ValueError if a score is NaN or above the one before it, or a label is repeated."""
    if (missing := is_nan(scores)).any():
        row, rank = np.argwhere(missing)[0]
        raise nan_error(first_row + row, indices[row, rank])
    if (rising := np.asarray(scores[:, 1:] > scores[:, :-1], dtype=bool)).any():
        row, rank = np.argwhere(rising)[0]
        raise ValueError(
            f"The top k in y_score must be sorted by descending score; in row {first_row + row} "
            f"place {rank} has {scores[row, rank]}, place {rank + 1} has {scores[row, rank + 1]}."
        )
    ordered = np.sort(indices, axis=1)
    if (repeated := ordered[:, 1:] == ordered[:, :-1]).any():
        row, rank = np.argwhere(repeated)[0]
        raise ValueError(
            "The top k in y_score must list a label once; "
            f"row {first_row + row} repeats label {ordered[row, rank]}."
        )


def _lower_label_first(indices: npt.NDArray[np.int32], scores: npt.NDArray[Any]) -> TopK:
    """Return the top k with equal scores in the order of their labels."""
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
