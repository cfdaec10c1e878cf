"""MRR: mean reciprocal rank of the best-ranked true label."""

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._definitions.label_reciprocal_rank import ranks_of_true_labels
from sk_yt8m.metrics._definitions.per_sample import (
    SampleTerms,
    evaluate,
    mean_of_samples,
    top_hits,
)
from sk_yt8m.metrics._inputs.scores import check_scores, listed_labels
from sk_yt8m.metrics._inputs.true_labels import TrueLabels


def mean_reciprocal_rank_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    k: int | None = None,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    """Mean over samples of 1 / rank of the best-ranked true label (MRR).

    The rank of a label is its position, from 1, when all labels of the sample are sorted by
    descending score, equal scores by label. A sample without true labels counts 0.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better; or the best labels of each sample and their scores, best
        first. With ``k=None`` these must include a true label of each sample that has one.
    k : int, default=None
        With a number, a sample without a true label among the ``k`` highest scores counts 0.
        More than ``n_labels`` means ``n_labels``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample in the mean.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Pairs that were judged, as 0 and 1; all others are left out. None means all pairs.

    Returns
    -------
    float
        In [0, 1]; 1.0 if the best label of each sample is true.

    Raises
    ------
    TypeError
        If an argument is a masked array.
    ValueError
        If shapes differ, `y_true` has values other than 0 and 1, a score is NaN, or a given top k
        is too short, unsorted or repeats a label.

    See Also
    --------
    label_reciprocal_rank_score : The ranks of all true labels; the course notebook's "gap".
    hit_at_k_score : Whether the rank is at most ``k``.

    Notes
    -----
    Source: the question answering track of TREC-8 [1]_, where only the first five answers counted:
    ``k=5`` here.

    References
    ----------
    .. [1] Voorhees, "The TREC-8 question answering track report", Proceedings of TREC-8, 1999,
       https://trec.nist.gov/pubs/trec8/papers/qa_report.pdf

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import mean_reciprocal_rank_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.2, 0.8, 0.7], [0.9, 0.5, 0.1], [0.9, 0.5, 0.2]])
    >>> round(mean_reciprocal_rank_score(y_true, y_score), 4)  # 1, 1, 1/2 and 1/3
    0.7083
    >>> mean_reciprocal_rank_score(y_true, y_score, k=2)
    0.625
    """
    return evaluate(mrr_terms, y_true, y_score, sample_weight, rated, k=k)


def mrr_terms(labels: TrueLabels, y_score: ScoresLike, k: int | None = None) -> SampleTerms:
    """Return 1 / rank of each sample's best true label; 0 if it is not among the ``k`` best."""
    if k is not None:
        _, hits = top_hits(labels, y_score, k)
        return mean_of_samples(_reciprocal_of_first(hits), labels)
    scores = check_scores(y_score, labels)
    has_label = labels.counts > 0
    if isinstance(scores, TopK):
        top = listed_labels(scores, labels)
        reciprocal = _reciprocal_of_first(labels.find(top.indices))
        unknown = np.flatnonzero(has_label & (reciprocal == 0))
        if unknown.size:
            given = scores.indices.shape[1]
            raise ValueError(
                f"y_score holds the top {given} of {labels.n_labels} labels, among which row "
                f"{unknown[0]} has no true label, so that its rank is not known. Give the scores "
                f"of all labels, or k={given} to count such rows as 0."
            )
    else:
        reciprocal = np.zeros(labels.n_samples)
        ranks = ranks_of_true_labels(scores, labels)
        if ranks.size:
            best = np.minimum.reduceat(ranks, labels.indptr[:-1][has_label])
            reciprocal[has_label] = 1.0 / best
    return mean_of_samples(reciprocal, labels)


def _reciprocal_of_first(hits: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    return np.where(hits.any(axis=1), 1.0 / (hits.argmax(axis=1) + 1), 0.0)
