"""PSP@k and PSnDCG@k, which give rare labels more weight, and their propensities."""

import math
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.ndcg import discounted_gain, ideal_gain
from sk_yt8m.metrics._definitions.per_sample import SampleTerms, evaluate, top_hits
from sk_yt8m.metrics._inputs.checks import check_some_weight, read_vector
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true

#: There is no default: propensities of the judged samples would reveal their true labels.
MISSING_PROPENSITIES = (
    "propensities must be given for psp and psndcg: those of the training set, as "
    "label_propensities(y_train) gives them."
)


def label_propensities(
    y_true: MatrixLike,
    *,
    a: float = 0.55,
    b: float = 1.5,
    sample_weight: npt.ArrayLike | None = None,
) -> npt.NDArray[np.float64]:
    r"""Probability that a true label was annotated, estimated from the frequency of each label.

    With :math:`N` samples, :math:`N_l` of them with label l [1]_,

    .. math:: p_l = \frac{1}{1 + C (N_l + b)^{-a}}, \quad C = (\ln N - 1) (b + 1)^a

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, in general those of the training set.
    a, b : float, default=0.55, 1.5
        Shape of the curve. The authors fitted 0.5 and 0.4 for Wikipedia, 0.6 and 2.6 for Amazon;
        the defaults are their values for other data.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each sample. A weight of 2 is the same as the sample twice.

    Returns
    -------
    ndarray of float64, shape (n_labels,)
        In (0, 1], the larger the more frequent the label.

    Raises
    ------
    ValueError
        If `y_true` has values other than 0 and 1, `a` or `b` is negative, or they give a label a
        propensity of 0, as ``b=0`` does for a label without positives.

    See Also
    --------
    psp_at_k_score, psndcg_at_k_score : The metrics that use them.

    Notes
    -----
    With fewer than three samples C would be negative; then it is 0, and every propensity is 1.

    References
    ----------
    .. [1] Jain, Prabhu and Varma, "Extreme multi-label loss functions for recommendation, tagging,
       ranking and other missing label applications", KDD 2016,
       https://doi.org/10.1145/2939672.2939756

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import label_propensities
    >>> y_true = np.repeat([[1, 0, 0], [1, 1, 0]], [90, 10], axis=0)
    >>> label_propensities(y_true).round(2)
    array([0.68, 0.39, 0.17])
    """
    labels = check_y_true(y_true)
    weight = check_some_weight(sample_weight, labels.n_samples)
    shape: tuple[tuple[str, Any], ...] = (("a", a), ("b", b))
    for name, value in shape:
        if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
            raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}.")
    return 1.0 / _inverse_propensities(labels, weight, a, b)


def psp_at_k_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    propensities: npt.ArrayLike,
    k: int = 5,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    r"""Propensity-scored precision of the ``k`` highest scores (PSP@k).

    A hit of label l has the gain :math:`1 / p_l`. The gain of all hits is divided by the largest
    gain that ``k`` labels of each sample could have:

    .. math:: \mathrm{PSP@k} = \sum_i \sum_{l \in \mathrm{top}_k(i) \cap y_i} \frac{1}{p_l} \Big/
        \sum_i \max_{S \subseteq y_i, |S| \le k} \sum_{l \in S} \frac{1}{p_l}

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better; or the best labels of each sample and their scores, both
        of shape (n_samples, at least k), best first.
    propensities : array-like of shape (n_labels,)
        Propensity of each label, in (0, 1], as `label_propensities` gives for the training set.
    k : int, default=5
        Number of best labels. More than ``n_labels`` means ``n_labels``.
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
    label_propensities : Propensities from the frequencies of labels.
    psndcg_at_k_score : The same, discounted by rank.
    precision_at_k_score : With equal weights for all labels.

    Notes
    -----
    Source: [1]_, as xclib, PECOS and napkinXC compute it: one ratio of two sums over all samples,
    not a mean of ratios. Of equal scores the lower label comes first.

    References
    ----------
    .. [1] Jain, Prabhu and Varma, "Extreme multi-label loss functions for recommendation, tagging,
       ranking and other missing label applications", KDD 2016,
       https://doi.org/10.1145/2939672.2939756

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import psp_at_k_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.2, 0.7, 0.8]])
    >>> round(psp_at_k_score(y_true, y_score, k=1, propensities=[0.9, 0.5, 0.2]), 4)
    1.0
    >>> round(psp_at_k_score(y_true, y_score[:, ::-1], k=1, propensities=[0.9, 0.5, 0.2]), 4)
    0.0
    """
    options = {"k": k, "propensities": propensities}
    return evaluate(psp_terms, y_true, y_score, sample_weight, rated, **options)


def psndcg_at_k_score(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    propensities: npt.ArrayLike,
    k: int = 5,
    sample_weight: npt.ArrayLike | None = None,
    rated: MatrixLike | None = None,
) -> float:
    r"""Propensity-scored nDCG of the ``k`` highest scores (PSnDCG@k).

    The propensity-scored gain of a sample with G true labels,

    .. math:: g_i = \sum_{j=1}^{k} \frac{r_j}{p_j \log_2(j + 1)} \Big/
        \sum_{j=1}^{\min(k, G)} \frac{1}{\log_2(j + 1)}

    where :math:`r_j = 1` if the label at rank j is true and :math:`p_j` is its propensity, is
    summed over samples and divided by the sum of the best gains, those of rankings that begin with
    the true labels of lowest propensity.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better; or the best labels of each sample and their scores, both
        of shape (n_samples, at least k), best first.
    propensities : array-like of shape (n_labels,)
        Propensity of each label, in (0, 1], as `label_propensities` gives for the training set.
    k : int, default=5
        Number of best labels. More than ``n_labels`` means ``n_labels``.
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
    label_propensities : Propensities from the frequencies of labels.
    psp_at_k_score : The same without discount.
    ndcg_at_k_score : With equal weights for all labels.

    Notes
    -----
    Source: [1]_, with the ideal gain over min(k, G) labels as in xclib. Of equal scores the lower
    label comes first.

    References
    ----------
    .. [1] Jain, Prabhu and Varma, "Extreme multi-label loss functions for recommendation, tagging,
       ranking and other missing label applications", KDD 2016,
       https://doi.org/10.1145/2939672.2939756

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import psndcg_at_k_score
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.2, 0.8, 0.7]])
    >>> round(psndcg_at_k_score(y_true, y_score, k=2, propensities=[0.9, 0.5, 0.2]), 4)
    0.8629
    """
    options = {"k": k, "propensities": propensities}
    return evaluate(psndcg_terms, y_true, y_score, sample_weight, rated, **options)


def psp_terms(
    labels: TrueLabels, y_score: ScoresLike, k: int, propensities: npt.ArrayLike
) -> SampleTerms:
    """Return the gain of each sample's hits, and the largest possible gain, in one unit."""
    gained, best = _gains(labels, y_score, k, propensities)
    return SampleTerms(_sum_of_rows(gained), _sum_of_rows(best))


def psndcg_terms(
    labels: TrueLabels, y_score: ScoresLike, k: int, propensities: npt.ArrayLike
) -> SampleTerms:
    """Return the discounted gain of each sample's hits, and the largest possible one."""
    gained, best = _gains(labels, y_score, k, propensities)
    ideal = ideal_gain(labels, best.shape[1])
    possible = discounted_gain(best) / ideal
    # Nearly equal gains in another order than the best one can round to a larger sum.
    return SampleTerms(np.minimum(discounted_gain(gained) / ideal, possible), possible)


def _inverse_propensities(
    labels: TrueLabels, weight: npt.NDArray[np.float64] | None, a: float = 0.55, b: float = 1.5
) -> npt.NDArray[np.float64]:
    n_samples = labels.n_samples if weight is None else math.fsum(weight)
    frequency = labels.frequencies(weight)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        c = max(np.log(n_samples) - 1, 0.0) * np.float64(b + 1) ** a
        if c == 0:
            return np.ones(labels.n_labels)
        inverse = 1.0 + c * (frequency + b) ** -a
    bad = np.flatnonzero(~np.isfinite(inverse))
    if bad.size:
        raise ValueError(
            f"a={a!r} and b={b!r} give label {bad[0]}, which {frequency[bad[0]]:g} samples have, "
            "no propensity above 0."
        )
    return inverse


def check_propensities(propensities: npt.ArrayLike, n_labels: int) -> npt.NDArray[np.float64]:
    """Return the propensities as float64, or raise ValueError if one is not in (0, 1]."""
    if propensities is None:
        raise ValueError(MISSING_PROPENSITIES)
    propensities = read_vector(propensities, "propensities", n_labels, "label")
    bad = np.flatnonzero(~((propensities > 0) & (propensities <= 1)))
    if bad.size:
        raise ValueError(
            f"propensities must lie in (0, 1]; label {bad[0]} has {propensities[bad[0]]}."
        )
    return propensities


def _gains(
    labels: TrueLabels, y_score: ScoresLike, k: int, propensities: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the gain at each rank, and the largest gains in descending order, (n_samples, k)."""
    top, hits = top_hits(labels, y_score, k)
    propensities = check_propensities(propensities, labels.n_labels)
    # Scaling by a power of 2 rounds nothing, and keeps gains and their sums from overflowing.
    with np.errstate(over="ignore"):
        gain = 1.0 / np.ldexp(propensities, -np.frexp(propensities.min())[1])
    # An index of -1, for no label, is never a hit.
    gained = np.where(hits, gain[top.indices], 0.0)
    # The best gains need their memory.
    del top, hits

    gains = gain[labels.indices]
    order = np.lexsort((-gains, labels.rows))
    rank = np.arange(len(order)) - labels.indptr[:-1][labels.rows]
    first = rank < gained.shape[1]
    best = np.zeros(gained.shape)
    best[labels.rows[first], rank[first]] = gains[order][first]
    return gained, best


def _sum_of_rows(gains: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Ascending gains have one sum, whatever their ranks.
    return np.sort(gains, axis=1).cumsum(axis=1)[:, -1]
