"""Hit@k, whether one of the k best labels is a true one."""

from typing import Any

import numpy as np

from sk_yt8m.metrics._definitions.shares import Ranked, Shares, mean_of_samples, rank


def hit_at_k_score(
    y_true: Any, y_score: Any, *, k: int = 1, sample_weight: Any = None, rated: Any = None
) -> float:
    """Share of samples with at least one true label among the ``k`` highest scores (Hit@k).

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        Indicator of the true labels, of any boolean or integer dtype. Anything with a ``tocsr``
        method is read as sparse.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores of any scale, the higher the better; or the best labels of each sample and their
        scores, both of shape (n_samples, at least k), best first.
    k : int, default=1
        Number of labels looked at. More than ``n_labels`` means ``n_labels``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample in the mean.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Indicator of the pairs that were judged; each sample is ranked as if it had no other
        labels, and one without any is left out. None means all pairs.

    Returns
    -------
    hit : float
        In [0, 1].

    Raises
    ------
    ValueError
        Where shapes differ, `y_true` holds anything but 0 and 1, a score is NaN, or a given top k
        is too short, unsorted, or lists a label twice.

    See Also
    --------
    gap_score : Global average precision.
    precision_at_equal_recall_rate_score : Precision at as many labels as the sample has.

    Notes
    -----
    Hit@1 is that of the YouTube-8M starter code (``eval_util.py``), the other ``k`` follow the
    same rule: of equal scores the lower label comes first. A sample without true labels is a miss.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import hit_at_k_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> hit_at_k_score(y_true, y_score), hit_at_k_score(y_true, y_score, k=2)
    (0.5, 1.0)
    """
    ranked = rank(y_true, y_score, k, sample_weight, rated)
    return hit_shares(ranked).total(ranked.weight)


def hit_shares(ranked: Ranked) -> Shares:
    """Tell of each sample whether one of its best labels is a true one."""
    return mean_of_samples(np.logical_or.reduce(ranked.hits, axis=1), ranked.labels)
