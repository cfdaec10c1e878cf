"""PERR: precision at equal recall rate."""

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.per_sample import SampleTerms, evaluate, mean_of_samples
from sk_yt8m.metrics._inputs.scores import check_top_k
from sk_yt8m.metrics._inputs.true_labels import TrueLabels


def precision_at_equal_recall_rate_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    r"""Mean over samples of the precision at G, the sample's number of true labels (PERR).

    With :math:`r_i = 1` where the label at rank i is true, for a sample with G true labels,

    .. math:: \mathrm{PERR} = \frac{1}{G} \sum_{i=1}^{G} r_i

    where precision and recall are equal, averaged over samples. A sample with G = 0 counts 0.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores of any scale, the higher the better; or the best labels of each sample and their
        scores, both of shape (n_samples, k), best first, with ``k`` at least the largest number
        of true labels of a sample.
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
    precision_at_k_score : The same ``k`` for every sample.
    hit_at_k_score : Share of samples with a true label among the ``k`` best.

    Notes
    -----
    Source: [1]_ and the YouTube-8M starter code (``eval_util.py``). The starter code counts only
    scores above 0, which is wrong for logits; here the sign of a score has no meaning. Of equal
    scores the lower label comes first.

    References
    ----------
    .. [1] Abu-El-Haija et al., "YouTube-8M: a large-scale video classification benchmark", 2016,
       https://arxiv.org/abs/1609.08675

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import precision_at_equal_recall_rate_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> precision_at_equal_recall_rate_score(y_true, y_score)
    0.75
    """
    return evaluate(perr_terms, y_true, y_score, sample_weight, rated)


def perr_terms(labels: TrueLabels, y_score: ScoresLike) -> SampleTerms:
    """Return the precision of each sample at its own number of true labels."""
    most = most_true_labels(labels)
    top = check_top_k(y_score, labels, most, f": a row of y_true has {most} true labels")
    within = np.arange(top.indices.shape[1]) < labels.counts[:, None]
    found = np.count_nonzero(labels.find(top.indices) & within, axis=1)
    return mean_of_samples(found / np.maximum(labels.counts, 1), labels)


def most_true_labels(labels: TrueLabels) -> int:
    """Return the largest number of true labels of a sample, at least 1."""
    return max(1, int(labels.counts.max()))
