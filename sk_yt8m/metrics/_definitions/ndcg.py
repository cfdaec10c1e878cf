"""nDCG@k, normalised discounted cumulative gain."""

from typing import Any

import numpy as np

from sk_yt8m.metrics._definitions.shares import (
    Ranked,
    Shares,
    discounts,
    ideal_gain,
    mean_of_samples,
    rank,
)


def ndcg_at_k_score(
    y_true: Any, y_score: Any, *, k: int = 20, sample_weight: Any = None, rated: Any = None
) -> float:
    r"""Normalised discounted cumulative gain of the ``k`` highest scores (nDCG@k).

    With :math:`r_i = 1` where the label at place i is a true one of the sample, which has ``G``
    true labels in all,

    .. math:: \mathrm{nDCG@k} = \sum_{i=1}^{k} \frac{r_i}{\log_2(i + 1)} \Big/
        \sum_{i=1}^{\min(k, G)} \frac{1}{\log_2(i + 1)}

    averaged over samples.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        Indicator of the true labels, of any boolean or integer dtype. Anything with a ``tocsr``
        method is read as sparse.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores of any scale, the higher the better; or the best labels of each sample and their
        scores, both of shape (n_samples, at least k), best first.
    k : int, default=20
        Number of labels looked at. More than ``n_labels`` means ``n_labels``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample in the mean.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Indicator of the pairs that were judged; each sample is ranked as if it had no other
        labels, and one without any is left out. None means all pairs.

    Returns
    -------
    ndcg : float
        In [0, 1]; 1.0 where each sample has its true labels, or ``k`` of them, at its first places.

    Raises
    ------
    ValueError
        Where shapes differ, `y_true` holds anything but 0 and 1, a score is NaN, or a given top k
        is too short, unsorted, or lists a label twice.

    See Also
    --------
    psndcg_at_k_score : The same with rare labels counting for more.
    sklearn.metrics.ndcg_score : The same figure for dense scores without ties.

    Notes
    -----
    The ideal gain is that of min(k, G) labels (Bhatia et al. 2016). A sample without true labels
    counts 0, as in :func:`sklearn.metrics.ndcg_score`. Of equal scores the lower label comes first;
    scikit-learn averages over their orders instead.

    References
    ----------
    Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import ndcg_at_k_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.5, 0.9, 0.1], [0.2, 0.7, 0.8]])
    >>> round(ndcg_at_k_score(y_true, y_score, k=2), 4)
    0.8155
    """
    ranked = rank(y_true, y_score, k, sample_weight, rated)
    return ndcg_shares(ranked).total(ranked.weight)


def ndcg_shares(ranked: Ranked) -> Shares:
    """Return the nDCG of each sample."""
    ideal = np.where(ranked.labels.counts, ideal_gain(ranked), 1)
    return mean_of_samples(discounted_gain(ranked.hits) / ideal, ranked.labels)


def discounted_gain(gains: Any) -> Any:
    """Return the sum of each row's gains, discounted by their places.

    Adding place by place gives every row the same rounding, whatever rows come with it.
    """
    total = np.zeros(len(gains))
    for place, discount in enumerate(discounts(gains.shape[1])):
        total += gains[:, place] * discount
    return total
