"""nDCG@k, normalised discounted cumulative gain."""

from typing import Any

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


def ndcg_at_k_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    k: int = 20,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    r"""Normalised discounted cumulative gain of the ``k`` highest scores (nDCG@k).

    With :math:`r_i = 1` where the label at rank i is true, for a sample with ``G`` true labels,

    .. math:: \mathrm{nDCG@k} = \sum_{i=1}^{k} \frac{r_i}{\log_2(i + 1)} \Big/
        \sum_{i=1}^{\min(k, G)} \frac{1}{\log_2(i + 1)}

    averaged over samples [1]_.

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
        In [0, 1]; 1.0 if the first ranks of each sample are its true labels, or ``k`` of them.

    Raises
    ------
    TypeError
        If an argument is a masked array.
    ValueError
        If shapes differ, `y_true` has values other than 0 and 1, a score is NaN, or a given top k
        is too short, unsorted or repeats a label.

    See Also
    --------
    psndcg_at_k_score : The same with more weight for rare labels.
    sklearn.metrics.ndcg_score : The same for dense scores without ties.

    Notes
    -----
    The ideal gain is that of min(k, G) labels [2]_. A sample without true labels counts 0, as in
    :func:`sklearn.metrics.ndcg_score`. Of equal scores the lower label comes first; scikit-learn
    averages over their orders.

    References
    ----------
    .. [1] Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM
       Transactions on Information Systems 20(4), 2002, https://doi.org/10.1145/582415.582418
    .. [2] Bhatia et al., "The extreme classification repository: multi-label datasets and code",
       2016, http://manikvarma.org/downloads/XC/XMLRepository.html

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import ndcg_at_k_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.5, 0.9, 0.1], [0.2, 0.7, 0.8]])
    >>> round(ndcg_at_k_score(y_true, y_score, k=2), 4)
    0.8155
    """
    return evaluate(ndcg_terms, y_true, y_score, sample_weight, rated, k=k)


def ndcg_terms(labels: TrueLabels, y_score: ScoresLike, k: int) -> SampleTerms:
    """Return the nDCG of each sample."""
    _, hits = top_hits(labels, y_score, k)
    return mean_of_samples(discounted_gain(hits) / ideal_gain(labels, hits.shape[1]), labels)


def discounted_gain(gains: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the discounted sum of the gains in each row, best rank first."""
    total = np.zeros(len(gains))
    # Adding rank by rank rounds every row alike, whatever the other rows.
    for rank, discount in enumerate(_discounts(gains.shape[1])):
        total += gains[:, rank] * discount
    return total


def ideal_gain(labels: TrueLabels, k: int) -> npt.NDArray[np.float64]:
    """Return the discounted gain of each sample's ideal ranking; 1 without true labels."""
    gains = np.concatenate([[1.0], np.cumsum(_discounts(k))])
    return gains[np.minimum(labels.counts, k)]


def _discounts(k: int) -> npt.NDArray[np.float64]:
    return 1.0 / np.log2(np.arange(2, k + 2))
