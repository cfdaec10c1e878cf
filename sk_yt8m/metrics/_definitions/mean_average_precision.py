"""mAP: average precision of each label, and its mean over labels."""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.average_precision import pooled_average_precision
from sk_yt8m.metrics._definitions.label_lists import lists_of_labels
from sk_yt8m.metrics._inputs.checks import check_sample_weight
from sk_yt8m.metrics._inputs.true_labels import check_y_true


def mean_average_precision_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    k: int | None = None,
    absent_labels: Literal["ignore", "zero"] = "ignore",
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    """Average precision of each label over all samples, averaged over labels (mAP).

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores of any scale, the higher the better; or the best labels of each sample and their
        scores, both of shape (n_samples, at least k), best first.
    k : int, default=None
        A number restricts the list of a label to the samples that have the label among their
        ``k`` best, as in the YouTube-8M starter code (20). None means all samples, which needs
        the scores of all labels.
    absent_labels : {"ignore", "zero"}, default="ignore"
        Labels without a positive in `y_true` are left out of the mean ("ignore", as the starter
        code does since 31 May 2019) or count 0 ("zero", as TensorFlow's Model Garden does).
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
    gap_score : One list for all labels together.
    average_precision_per_label : The values that are averaged.
    sklearn.metrics.average_precision_score : The same with ``average="macro"``, if every label has
        a positive and `k` is None.

    Notes
    -----
    Source: [1]_, and for ``k=20`` the YouTube-8M starter code
    (``mean_average_precision_calculator.py``).
    For the segments of YouTube-8M and their ``rated`` it is the metric of the challenge of 2019:
    the mean over classes of the average precision among the rated segments of the class. (Its
    limit of 100,000 segments per class is above the number of rated ones.)

    Positives outside the list of a label still count in its denominator. Equal scores form one
    threshold.

    References
    ----------
    .. [1] Abu-El-Haija et al., "YouTube-8M: a large-scale video classification benchmark", 2016,
       https://arxiv.org/abs/1609.08675

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import mean_average_precision_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 0]])
    >>> y_score = np.array([[0.3, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> mean_average_precision_score(y_true, y_score)
    0.75
    >>> mean_average_precision_score(y_true, y_score, absent_labels="zero")
    0.5
    """
    if absent_labels not in ("ignore", "zero"):
        raise ValueError(f"absent_labels must be 'ignore' or 'zero', got {absent_labels!r}.")
    precisions = average_precision_per_label(
        y_true, y_score, k=k, sample_weight=sample_weight, rated=rated
    )
    present = precisions[~np.isnan(precisions)]
    if not present.size:
        return 0.0
    counted = len(precisions) if absent_labels == "zero" else len(present)
    return math.fsum(present) / counted


def average_precision_per_label(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    k: int | None = None,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> npt.NDArray[np.float64]:
    """Average precision of each label over all samples.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores of any scale, the higher the better; or the best labels of each sample and their
        scores, both of shape (n_samples, at least k), best first.
    k : int, default=None
        A number restricts the list of a label to the samples that have the label among their
        ``k`` best. None means all samples, which needs the scores of all labels.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample. A weight of 2 is the same as the sample twice.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Pairs that were judged, as 0 and 1; all others are left out. None means all pairs.

    Returns
    -------
    ndarray of float64, shape (n_labels,)
        In [0, 1]; NaN for a label without a positive in `y_true`.

    Raises
    ------
    TypeError
        If an argument is a masked array.
    ValueError
        If shapes differ, `y_true` has values other than 0 and 1, a score is NaN, or a given top k
        is too short, unsorted or repeats a label.

    See Also
    --------
    mean_average_precision_score : The mean over labels.
    sklearn.metrics.average_precision_score : The same with ``average=None`` for dense scores.

    Notes
    -----
    Positives outside the list of a label count in its denominator. Equal scores form one
    threshold.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import average_precision_per_label
    >>> y_true = np.array([[1, 0, 0], [0, 1, 0]])
    >>> y_score = np.array([[0.3, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> average_precision_per_label(y_true, y_score)
    array([0.5, 1. , nan])
    """
    labels = check_y_true(y_true, rated)
    weight = check_sample_weight(sample_weight, labels)
    precisions = np.full(labels.n_labels, np.nan)
    positives = labels.frequencies(weight)
    for one in lists_of_labels(y_score, labels, k):
        if not positives[one.label]:
            continue
        unlisted = one.unlisted
        missed = len(unlisted) if weight is None else math.fsum(weight[unlisted])
        row_weight = None if weight is None else weight[one.rows]
        precisions[one.label] = pooled_average_precision(one.scores, one.hits, missed, row_weight)
    return precisions
