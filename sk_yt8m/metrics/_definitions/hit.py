"""Hit@k: whether a true label is among the k best."""

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


def hit_at_k_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    k: int = 1,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    """Share of samples with at least one true label among the ``k`` highest scores (Hit@k).

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
    gap_score : Global average precision.
    recall_at_k_score : Share of the true labels among the ``k`` best.
    precision_at_equal_recall_rate_score : Precision at as many labels as the sample has.

    Notes
    -----
    Source: [1]_, and for Hit@1 the YouTube-8M starter code (``eval_util.py``). Of equal scores the
    lower label comes first. A sample without true labels is a miss.

    References
    ----------
    .. [1] Abu-El-Haija et al., "YouTube-8M: a large-scale video classification benchmark", 2016,
       https://arxiv.org/abs/1609.08675

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import hit_at_k_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> hit_at_k_score(y_true, y_score), hit_at_k_score(y_true, y_score, k=2)
    (0.5, 1.0)
    """
    return evaluate(hit_terms, y_true, y_score, sample_weight, rated, k=k)


def hit_terms(labels: TrueLabels, y_score: ScoresLike, k: int) -> SampleTerms:
    """Return whether each sample has a true label among its ``k`` best."""
    _, hits = top_hits(labels, y_score, k)
    return mean_of_samples(np.logical_or.reduce(hits, axis=1), labels)
