"""LRR: mean reciprocal rank of all true labels of a sample, the course notebook's "gap"."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.per_sample import SampleTerms, mean_of_samples
from sk_yt8m.metrics._inputs.blocks import row_slices
from sk_yt8m.metrics._inputs.checks import check_sample_weight, mean
from sk_yt8m.metrics._inputs.dense_scores import DenseScores
from sk_yt8m.metrics._inputs.scores import check_all_scores
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true


def label_reciprocal_rank_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    """Mean over a sample's true labels of 1 / rank, averaged over samples.

    The rank of a label is its position, from 1, when all labels of the sample are sorted by
    descending score, equal scores by label. A sample without true labels counts 0.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better. A true label may have any rank, so a top k must list all
        labels.
    groups : array-like of shape (n_samples,), default=None
        With groups, samples are averaged within each group, then groups with equal weights.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample in the mean of all samples or of its group. A group in which every
        weight is 0 is left out.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Pairs that were judged, as 0 and 1; all others are left out. None means all pairs.

    Returns
    -------
    float
        In [0, 1]; 1.0 only if every sample has one true label, at rank 1.

    Raises
    ------
    TypeError
        If an argument is a masked array.
    ValueError
        If shapes differ, `y_true` has values other than 0 and 1, a score is NaN, or a given top k
        does not list all labels.

    See Also
    --------
    mean_reciprocal_rank_score : The rank of the best true label alone.
    gap_score : Global average precision.
    sklearn.metrics.label_ranking_average_precision_score : Precision, not 1, over the rank.

    Notes
    -----
    Source: the notebook of the WebMedia 2018 course, which prints it as "gap", with one group for
    each CSV file. It is neither the GAP of YouTube-8M, see `gap_score`, nor the mean reciprocal
    rank of the field, see `mean_reciprocal_rank_score`, and cannot be compared with them.

    A perfect sample with G true labels has the value (1 + 1/2 + ... + 1/G) / G.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import label_reciprocal_rank_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.2, 0.8, 0.7], [0.9, 0.5, 0.1]])
    >>> label_reciprocal_rank_score(y_true, y_score)
    0.75
    >>> label_reciprocal_rank_score(y_true, y_score, groups=["a", "b", "b"])
    0.8125
    """
    labels = check_y_true(y_true, rated)
    weight = check_sample_weight(sample_weight, labels)
    terms = lrr_terms(labels, y_score)
    if groups is None:
        return terms.ratio(weight)
    if labels.judged is not None:
        weight = labels.judged if weight is None else labels.judged * weight
    return _mean_of_groups(terms.numerators, groups, weight)


def lrr_terms(labels: TrueLabels, y_score: ScoresLike) -> SampleTerms:
    """Return the mean reciprocal rank of each sample's true labels."""
    scores = check_all_scores(y_score, labels, "label_reciprocal_rank_score")
    reciprocal = 1.0 / ranks_of_true_labels(scores, labels)
    totals = np.bincount(labels.rows, weights=reciprocal, minlength=labels.n_samples)
    return mean_of_samples(totals / np.maximum(labels.counts, 1), labels)


def _mean_of_groups(
    values: npt.NDArray[np.float64], groups: Any, weight: npt.NDArray[np.float64] | None
) -> float:
    refuse_masked(groups, "groups")
    # numpy would read a list of numbers and strings as strings.
    groups = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if groups.shape != values.shape:
        raise ValueError(
            f"groups must have shape {values.shape}, one value for each row; got {groups.shape}."
        )
    means = []
    known: dict[Any, int] = {}
    numbers = np.array([known.setdefault(group, len(known)) for group in groups.tolist()])
    for number in range(len(known)):
        inside = numbers == number
        if weight is None:
            means.append(mean(values[inside]))
        elif weight[inside].any():
            means.append(mean(values[inside], weight[inside]))
    return math.fsum(means) / len(means)


def ranks_of_true_labels(scores: DenseScores, labels: TrueLabels) -> npt.NDArray[np.integer]:
    """Return the rank from 1 of each positive among the rated labels, shape (n_positives,)."""
    ranks = np.empty(len(labels.indices), dtype=np.int64)
    columns = np.arange(labels.n_labels)
    for first_row, block in scores.blocks():
        rated = _rated_of_block(labels, first_row, block.shape)
        first, end = labels.indptr[first_row], labels.indptr[first_row + len(block)]
        for positives in row_slices(int(end - first), 8 * labels.n_labels):
            part = slice(first + positives.start, first + positives.stop)
            rows = labels.rows[part] - first_row
            true = labels.indices[part]
            rivals, own = block[rows], block[rows, true][:, None]
            before = (rivals > own) | ((rivals == own) & (columns < true[:, None]))
            if rated is not None:
                before &= rated[rows]
            ranks[part] = np.count_nonzero(before, axis=1) + 1
    return ranks


def _rated_of_block(
    labels: TrueLabels, first_row: int, shape: tuple[int, ...]
) -> npt.NDArray[np.bool_] | None:
    if labels.rated is None:
        return None
    pairs = labels.rated
    part = slice(pairs.indptr[first_row], pairs.indptr[first_row + shape[0]])
    rated = np.zeros(shape, dtype=bool)
    rated[pairs.rows[part] - first_row, pairs.indices[part]] = True
    return rated
