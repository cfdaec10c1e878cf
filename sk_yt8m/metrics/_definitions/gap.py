"""GAP@k: global average precision, the main metric of YouTube-8M."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.average_precision import pooled_average_precision
from sk_yt8m.metrics._definitions.per_sample import top_hits
from sk_yt8m.metrics._inputs.checks import check_sample_weight
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true


def gap_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    k: int = 20,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    r"""Global average precision of the ``k`` best labels of each sample (GAP@k).

    The ``k`` highest scores of every sample go into one list, sorted by descending score. With
    :math:`r_i = 1` where the i-th entry is a true label of its sample,

    .. math:: \mathrm{GAP@k} = \frac{1}{P} \sum_i r_i \, \frac{r_1 + \dots + r_i}{i}

    where :math:`P` is the number of *all* positives in `y_true`, including those outside the ``k``
    best. Equal scores form one threshold: the precision is that after all of them, as in
    :func:`sklearn.metrics.average_precision_score`, so the order of rows has no influence.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better; or the best labels of each sample and their scores, both
        of shape (n_samples, at least k), best first, as ``predict_top_k`` returns them.
    k : int, default=20
        Number of labels kept for each sample. More than ``n_labels`` means ``n_labels``.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample. A weight of 2 is the same as the sample twice.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Pairs that were judged, as 0 and 1; all others are left out. None means all pairs.

    Returns
    -------
    float
        In [0, 1]; 0.0 if `y_true` has no positive.

    Raises
    ------
    TypeError
        If an argument is a masked array.
    ValueError
        If shapes differ, `y_true` has values other than 0 and 1, a score is NaN, or a given top k
        is too short, unsorted or repeats a label.

    See Also
    --------
    hit_at_k_score : Share of samples with a true label among the ``k`` best.
    PooledPrecisionRecallDisplay : The curve whose area is GAP.
    mean_average_precision_score : Average precision of each label, averaged.

    Notes
    -----
    Source: the YouTube-8M starter code (``eval_util.py``, ``average_precision_calculator.py``) and
    the challenges of 2017 and 2018 [1]_. The starter code shuffles equal scores; without ties both
    agree.

    A sample without true labels adds its ``k`` misses to the list. Of equal scores at rank ``k``
    the lower labels are kept. Scores are never transformed.

    References
    ----------
    .. [1] Lee et al., "The 2nd YouTube-8M large-scale video understanding challenge", ECCV 2018
       Workshops, https://doi.org/10.1007/978-3-030-11018-5_18

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import gap_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> round(gap_score(y_true, y_score, k=2), 4)
    0.5556
    >>> round(gap_score(y_true, ([[0, 1], [0, 1]], [[0.9, 0.5], [0.8, 0.7]]), k=2), 4)
    0.5556
    """
    labels = check_y_true(y_true, rated)
    weight = check_sample_weight(sample_weight, labels)
    return pooled_average_precision(*pooled_list(labels, y_score, k, weight))


def pooled_list(
    labels: TrueLabels, y_score: ScoresLike, k: int, weight: npt.NDArray[np.float64] | None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], float, npt.NDArray[np.float64] | None]:
    """Return scores, hits, number or weight of the positives outside the list, and weights."""
    top, hits = top_hits(labels, y_score, k)
    n_missed = labels.counts - np.count_nonzero(hits, axis=1)
    missed = float(n_missed.sum()) if weight is None else math.fsum(weight * n_missed)
    entry_weight = None if weight is None else weight[:, None]
    listed = top.indices >= 0
    if listed.all():
        return top.scores, hits, missed, entry_weight
    if entry_weight is not None:
        entry_weight = np.broadcast_to(entry_weight, hits.shape)[listed]
    return top.scores[listed], hits[listed], missed, entry_weight
