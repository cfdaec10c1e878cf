"""Thresholds of the predicted labels, from validation data."""

from collections.abc import Iterable
from numbers import Real
from typing import Literal, overload

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.label_lists import lists_of_labels
from sk_yt8m.metrics._inputs.checks import check_k, check_sample_weight
from sk_yt8m.metrics._inputs.dense_scores import DenseScores
from sk_yt8m.metrics._inputs.scores import check_scores, check_top_k
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true
from sk_yt8m.metrics._thresholds.cut_points import (
    CutPoints,
    Pairs,
    PairsOfBlocks,
    pairs_of_label,
    pairs_of_top_k,
)


@overload
def choose_thresholds(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    objective: Literal["f1", "precision"] = "f1",
    per_label: Literal[False] = False,
    k: int | None = None,
    min_precision: float | None = None,
    min_positives: int = 10,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float: ...


@overload
def choose_thresholds(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    objective: Literal["f1", "precision"] = "f1",
    per_label: Literal[True],
    k: int | None = None,
    min_precision: float | None = None,
    min_positives: int = 10,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> npt.NDArray[np.float64]: ...


def choose_thresholds(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    objective: Literal["f1", "precision"] = "f1",
    per_label: bool = False,
    k: int | None = None,
    min_precision: float | None = None,
    min_positives: int = 10,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float | npt.NDArray[np.float64]:
    """Choose the score from which on a label is predicted, for all labels or for each.

    A label of a sample is predicted if its score is the threshold or higher and, with `k`, if it is
    among the ``k`` best of the sample. The thresholds are for the argument `threshold` of a
    classifier's ``predict_labels``. Choose them on data that the classifier was not trained on.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels of the validation data as 0 and 1.
    y_score : {array-like, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better, as ``predict_proba`` returns them; or the best labels of each
        sample and their scores, both of shape (n_samples, at least k), as ``predict_top_k`` does.
    objective : {"f1", "precision"}, default="f1"
        What to reach. ``"f1"`` is the highest F1: of all pairs of a sample and a label together
        (micro-averaged), or with `per_label` of each label. ``"precision"`` is the lowest threshold
        at which `min_precision` of the predicted labels are true.
    per_label : bool, default=False
        Whether to choose a threshold for each label instead of one for all.
    k : int, default=None
        Largest number of labels that are predicted of a sample. None means all labels, which needs
        the scores of all.
    min_precision : float, default=None
        For ``objective="precision"``, which needs it: a share above 0 and at most 1.
    min_positives : int, default=10
        With `per_label`, the least number of true pairs of a label from which a threshold of its
        own is chosen. With `k`, only those among the ``k`` best count.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample. A weight of 2 is the same as the sample twice.
    rated : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Pairs that were judged, as 0 and 1; all others are left out. None means all pairs.

    Returns
    -------
    float, or ndarray of float64 of shape (n_labels,)
        Scores of `y_score`. Of several with the same F1, the highest. With `per_label`:

        - a label with fewer than `min_positives` true pairs has the threshold that is chosen for
          all labels together;
        - a label whose precision is below `min_precision` at each of its scores has infinity: it
          is never predicted. So has a label of the first kind, if that of all labels is.

    Raises
    ------
    TypeError
        If an argument is a masked array.
    ValueError
        If `y_true` has no true label, or none among the ``k`` best of its sample; if without
        `per_label` no threshold reaches `min_precision`; if scores are numbers that float64 cannot
        hold; and as the metrics raise it.

    See Also
    --------
    sk_yt8m.DeepMultiLabelClassifier.predict_labels : Takes the thresholds.
    PooledPrecisionRecallDisplay : Precision and recall at each common threshold.
    sklearn.model_selection.TunedThresholdClassifierCV : For binary targets.

    Notes
    -----
    Only scores of true labels are tried: any other threshold predicts the same true labels as the
    next higher one of them, and perhaps more wrong ones. The lowest threshold with a precision is
    therefore the one with the most true labels.

    A threshold from few true pairs is uncertain, and often so low that it selects many wrong labels
    of new data [1]_, which is why such labels share the common one. Even for frequent labels
    compare both on data that was not used to choose.

    Dense scores are read in blocks, and beside them only the scores of the true labels are held.

    References
    ----------
    .. [1] Yang, "A study of thresholding strategies for text categorization", SIGIR 2001,
       https://doi.org/10.1145/383952.383975

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import choose_thresholds
    >>> y_true = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2], [0.6, 0.4, 0.3]])
    >>> choose_thresholds(y_true, y_score)
    0.4
    >>> choose_thresholds(y_true, y_score, per_label=True, min_positives=1)
    array([0.6, 0.4, 0.4])
    >>> choose_thresholds(y_true, y_score, objective="precision", min_precision=0.75)
    0.6

    From training to named predictions:

    >>> from sk_yt8m import DeepMultiLabelClassifier
    >>> from sk_yt8m.datasets import make_videos
    >>> X, Y = make_videos(300, n_labels=5, n_features=8, random_state=0, return_X_y=True)
    >>> clf = DeepMultiLabelClassifier((32,), random_state=0).fit(X[:200], Y[:200])
    >>> threshold = choose_thresholds(Y[200:250], clf.predict_proba(X[200:250]))
    >>> labels = clf.predict_labels(X[250:], k=None, threshold=threshold)
    >>> len(labels)
    50
    """
    _check_objective(objective, min_precision)
    min_positives = check_k(min_positives, "min_positives")
    labels = check_y_true(y_true, rated)
    weight = check_sample_weight(sample_weight, labels)
    positives = labels.frequencies(weight)
    if not positives.any():
        raise ValueError(
            "y_true must hold a true label, of a sample whose weight is not 0: without one there "
            "is no threshold to choose"
        )
    y_score, parts = _read(y_score, labels, weight, k)
    if per_label:
        return _of_labels(y_score, labels, weight, k, min_precision, min_positives, parts)
    cuts = CutPoints.of(parts)
    _check_found(cuts.scores.size > 0, k)
    threshold = cuts.threshold(positives.sum(), min_precision)
    if threshold is None:
        precision = cuts.precision()
        best = np.argmax(precision)
        raise ValueError(
            f"no threshold reaches min_precision={min_precision}: the highest precision is "
            f"{precision[best]:.6g}, from the score {cuts.scores[best]:.6g} on"
        )
    return threshold


def _check_objective(objective: object, min_precision: object) -> None:
    if objective == "f1":
        if min_precision is not None:
            raise ValueError(
                f"min_precision must be None with objective='f1', got {min_precision!r}: it is for "
                "objective='precision'"
            )
        return
    if objective != "precision":
        raise ValueError(f"objective must be 'f1' or 'precision', got {objective!r}")
    is_number = isinstance(min_precision, Real) and not isinstance(min_precision, bool)
    if not is_number or not 0 < min_precision <= 1:  # type: ignore[operator]
        raise ValueError(
            "min_precision must be a number above 0 and at most 1 with objective='precision', got "
            f"{min_precision!r}"
        )


def _check_found(any_hit: bool, k: int | None) -> None:
    if not any_hit:
        raise ValueError(
            f"y_true must hold a true label among the k={k} best of its sample: without one there "
            "is no threshold to choose"
        )


def _read(
    y_score: ScoresLike, labels: TrueLabels, weight: npt.NDArray[np.float64] | None, k: int | None
) -> tuple[ScoresLike, Iterable[Pairs]]:
    """Return the scores, or the best labels that count, and the pairs of them."""
    k = None if k is None else check_k(k)
    scores = check_scores(y_score, labels)
    parts: Iterable[Pairs]
    if isinstance(scores, DenseScores) and k is None:
        is_float, parts = scores.is_float, PairsOfBlocks(scores, labels, weight)
    else:
        reason = " where k is None" if k is None else f" for k={k}"
        top = check_top_k(y_score, labels, labels.n_labels if k is None else k, reason)
        is_float, parts = top.scores.dtype != object, [pairs_of_top_k(top, labels, weight)]
        y_score = top
    if not is_float:
        raise ValueError(
            "y_score must hold numbers that float64 holds, as thresholds are; got larger integers "
            "or numbers of another precision: convert them to float64"
        )
    return y_score, parts


def _of_labels(
    y_score: ScoresLike,
    labels: TrueLabels,
    weight: npt.NDArray[np.float64] | None,
    k: int | None,
    min_precision: float | None,
    min_positives: int,
    parts: Iterable[Pairs],
) -> npt.NDArray[np.float64]:
    """Return a threshold for each label; infinity where the precision is not reached."""
    positives = labels.frequencies(weight)
    thresholds = np.full(labels.n_labels, np.inf)
    n_found = np.zeros(labels.n_labels, dtype=np.int64)
    for one in lists_of_labels(y_score, labels, k):
        pairs = pairs_of_label(one, weight)
        n_found[one.label] = np.count_nonzero(pairs.hits)
        if n_found[one.label] >= min_positives:
            own = CutPoints.of([pairs]).threshold(positives[one.label], min_precision)
            thresholds[one.label] = np.inf if own is None else own
    _check_found(bool(n_found.any()), k)
    with_few = n_found < min_positives
    if with_few.any():
        common = CutPoints.of(parts).threshold(positives.sum(), min_precision)
        thresholds[with_few] = np.inf if common is None else common
    return thresholds
