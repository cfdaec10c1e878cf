"""The list of each label: the samples that have it among their best, their scores and the hits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import ScoresLike
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._inputs.checks import check_k
from sk_yt8m.metrics._inputs.dense_scores import DenseScores
from sk_yt8m.metrics._inputs.scores import check_all_scores, check_top_k
from sk_yt8m.metrics._inputs.true_labels import TrueLabels

_Listing = tuple[int, npt.NDArray[np.integer], npt.NDArray[Any]]


@dataclass(frozen=True)
class LabelList:
    """The samples that are listed for a label."""

    label: int
    #: The samples, their scores, and whether the label is true of them.
    rows: npt.NDArray[np.integer]
    scores: npt.NDArray[Any]
    hits: npt.NDArray[np.bool_]
    #: The other samples of which it is true.
    unlisted: npt.NDArray[np.integer]


def lists_of_labels(y_score: ScoresLike, labels: TrueLabels, k: int | None) -> Iterator[LabelList]:
    """Yield the list of every label: of the samples that have it among their ``k`` best, or all."""
    positives = labels.samples_of_labels()
    is_positive = np.zeros(labels.n_samples, dtype=bool)
    for label, rows, scores in _listings(y_score, labels, k):
        own = positives[label]
        is_positive[own] = True
        hits = is_positive[rows]
        is_positive[rows] = False
        unlisted = own[is_positive[own]]
        is_positive[own] = False
        yield LabelList(label, rows, scores, hits, unlisted)


def _listings(y_score: ScoresLike, labels: TrueLabels, k: int | None) -> Iterator[_Listing]:
    """Return an iterator over ``(label, samples, their scores)`` for every label."""
    if k is not None:
        k = check_k(k)
        return _from_top_k(check_top_k(y_score, labels, k, f" for k={k}"), labels)
    if isinstance(y_score, tuple):
        why = " where k is None"
        return _from_top_k(check_top_k(y_score, labels, labels.n_labels, why), labels)
    return _from_dense(check_all_scores(y_score, labels, "k=None"), labels.rated)


def _from_dense(scores: DenseScores, rated: TrueLabels | None) -> Iterator[_Listing]:
    all_rows = np.arange(scores.shape[0])
    samples = None if rated is None else rated.samples_of_labels()
    for first, block in scores.column_blocks():
        for label, column in enumerate(block, start=first):
            if samples is None:
                yield label, all_rows, column
            else:
                yield label, samples[label], column[samples[label]]


def _from_top_k(top: TopK, labels: TrueLabels) -> Iterator[_Listing]:
    k = top.indices.shape[1]
    listed = top.indices.ravel()
    order = np.argsort(listed, kind="stable")
    # Entries without a label come first.
    start = np.count_nonzero(listed < 0)
    ends = start + np.cumsum(np.bincount(listed[listed >= 0], minlength=labels.n_labels))
    scores = top.scores.ravel()
    for label, end in enumerate(ends):
        places = order[start:end]
        yield label, places // k, scores[places]
        start = end
