"""Precision@k and recall@k, averaged over samples."""

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.per_sample import (
    SampleTerms,
    evaluate,
    mean_of_samples,
    top_hits,
)
from sk_yt8m.metrics._inputs.true_labels import TrueLabels


def precision_at_k_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    k: int = 1,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    """Share of the ``k`` highest scores that are true labels, averaged over samples (precision@k).

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better; or the best labels of each sample and their scores, both
        of shape (n_samples, at least k), best first.
    k : int, default=1
        Number of best labels. More than ``n_labels`` means ``n_labels``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample in the mean.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Pairs that were judged, as 0 and 1; all others are left out. None means all pairs.

    Returns
    -------
    float
        In [0, 1]; below 1 if a sample has fewer than ``k`` true labels.

    Raises
    ------
    TypeError
        If an argument is a masked array.
    ValueError
        If shapes differ, `y_true` has values other than 0 and 1, a score is NaN, or a given top k
        is too short, unsorted or repeats a label.

    See Also
    --------
    recall_at_k_score : Divided by the number of true labels.
    precision_at_equal_recall_rate_score : Precision at the sample's number of true labels.
    psp_at_k_score : The same with more weight for rare labels.

    Notes
    -----
    The divisor is ``k`` for every sample, as in the extreme classification repository [1]_ and its
    libraries. A sample without true labels counts 0. Of equal scores the lower label comes first.

    References
    ----------
    .. [1] Bhatia et al., "The extreme classification repository: multi-label datasets and code",
       2016, http://manikvarma.org/downloads/XC/XMLRepository.html

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import precision_at_k_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.2, 0.7, 0.8]])
    >>> precision_at_k_score(y_true, y_score, k=2)
    0.75
    """
    return evaluate(precision_terms, y_true, y_score, sample_weight, rated, k=k)


def recall_at_k_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    k: int = 20,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    """Share of the true labels among the ``k`` highest scores, averaged over samples (recall@k).

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better; or the best labels of each sample and their scores, both
        of shape (n_samples, at least k), best first.
    k : int, default=20
        Number of best labels. More than ``n_labels`` means ``n_labels``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample in the mean.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Pairs that were judged, as 0 and 1; all others are left out. None means all pairs.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    TypeError
        If an argument is a masked array.
    ValueError
        If shapes differ, `y_true` has values other than 0 and 1, a score is NaN, or a given top k
        is too short, unsorted or repeats a label.

    See Also
    --------
    precision_at_k_score : Divided by ``k``.
    hit_at_k_score : Whether there is at least one.
    sklearn.metrics.coverage_error : How many labels it takes to find all true ones.

    Notes
    -----
    The divisor is the number of true labels of the sample, however many. A sample without any
    counts 0. Of equal scores the lower label comes first.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import recall_at_k_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.2, 0.7, 0.8]])
    >>> recall_at_k_score(y_true, y_score, k=1)
    0.75
    """
    return evaluate(recall_terms, y_true, y_score, sample_weight, rated, k=k)


def precision_terms(labels: TrueLabels, y_score: ScoresLike, k: int) -> SampleTerms:
    """Return the precision of each sample."""
    top, hits = top_hits(labels, y_score, k)
    n_listed = np.count_nonzero(top.indices >= 0, axis=1)
    return mean_of_samples(np.count_nonzero(hits, axis=1) / np.maximum(n_listed, 1), labels)


def recall_terms(labels: TrueLabels, y_score: ScoresLike, k: int) -> SampleTerms:
    """Return the recall of each sample."""
    _, hits = top_hits(labels, y_score, k)
    return mean_of_samples(np.count_nonzero(hits, axis=1) / np.maximum(labels.counts, 1), labels)
