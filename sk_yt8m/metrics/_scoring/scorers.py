"""The public scorers: made from a function, by the name of a metric, or of several metrics."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from inspect import signature
from typing import Any, Protocol, Self, TypeVar, overload

from sk_yt8m.metrics._definitions.gap import gap_score
from sk_yt8m.metrics._definitions.hit import hit_at_k_score
from sk_yt8m.metrics._definitions.propensity import MISSING_PROPENSITIES
from sk_yt8m.metrics._inputs.checks import check_k
from sk_yt8m.metrics._scoring.foreign import (
    check_scorer,
    find_foreign,
    foreign_names,
    is_foreign_name,
)
from sk_yt8m.metrics._scoring.registry import find_metric, find_metrics, metric_names
from sk_yt8m.metrics._scoring.top_k_scorer import MultimetricScorer, TopKScorer

_Callable = TypeVar("_Callable", bound=Callable[..., Any])


class Scorer(Protocol):
    """A scorer of this package or of scikit-learn."""

    def __call__(self, estimator: Any, X: Any, y_true: Any, **metadata: Any) -> float:
        """Return the metric of a fitted classifier's predictions."""

    def set_score_request(self, **requests: bool | str | None) -> Self:
        """Request metadata, for scikit-learn's metadata routing."""


def make_top_k_scorer(
    score_func: Callable[..., float],
    *,
    k: int = 20,
    greater_is_better: bool = True,
    name: str | None = None,
    **kwargs: Any,
) -> TopKScorer:
    """Make a scorer from a metric that needs only the ``k`` best labels of each sample.

    The scorer works wherever scikit-learn takes ``scoring``. It calls the classifier's
    ``predict_top_k``; without that method, its ``predict_proba`` or ``decision_function`` on one
    block of rows after the other. Either way the scores of all labels are held for one block only.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    score_func : callable
        Called as ``score_func(y_true, (indices, scores), **kwargs)``, with ``k=k`` too if it has
        such a parameter.
    k : int, default=20
        Number of labels the metric needs.
    greater_is_better : bool, default=True
        Whether a higher value is better. If not, the scorer flips the sign.
    name : str, default=None
        The scorer's ``repr``.
    **kwargs : dict
        Further arguments of `score_func`.

    Returns
    -------
    callable
        Object with the signature ``scorer(estimator, X, y_true, sample_weight=None)``.

    Raises
    ------
    ValueError
        If `k` is not an integer of at least 1. The scorer raises it if a classifier cannot rank
        its labels, or does not score the labels of `y_true`.

    See Also
    --------
    get_scorer : The metrics of this package as scorers, by name.
    make_multimetric_scorer : Several metrics of one prediction.
    sklearn.metrics.make_scorer : For metrics of predicted labels or of the whole score matrix.

    Notes
    -----
    With a 1-d `y_true` each class of the fitted classifier is a label.

    In a :class:`~sklearn.pipeline.Pipeline` the last step predicts, from `X` as the steps before it
    transform it.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sk_yt8m.metrics import hit_at_k_score, make_top_k_scorer
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> scorer = make_top_k_scorer(hit_at_k_score, k=3)
    >>> scorer
    make_top_k_scorer(hit_at_k_score, k=3)
    >>> cross_val_score(KNeighborsClassifier(), X, Y, scoring=scorer, cv=3).shape
    (3,)
    """
    return TopKScorer(score_func, 1 if greater_is_better else -1, kwargs, check_k(k), name)


@overload
def get_scorer(scoring: str, **options: Any) -> Scorer: ...


@overload
def get_scorer(scoring: _Callable) -> _Callable: ...


def get_scorer(scoring: Any, **options: Any) -> Any:
    """Return the scorer of a metric by its name.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    scoring : str or callable
        One of `scorer_names`, or the same with any other number: ``"gap@20"``, ``"hit@7"``,
        ``"perr"``, ``"map"``, ``"map@20"``, ``"mrr"``, ``"mrr@5"``, ``"lrr"``,
        ``"precision@3"``, ``"recall@10"``, ``"ndcg@5"``, ``"psp@5"``, ``"psndcg@5"``.

        Or one of :func:`sklearn.metrics.get_scorer_names`, such as ``"f1_micro"``, for which this
        is :func:`sklearn.metrics.get_scorer`. A scorer is returned unchanged.
    **options : dict
        Further arguments of the metric, such as ``absent_labels`` for ``"map@20"``. ``"psp"`` and
        ``"psndcg"`` need ``propensities``. scikit-learn's scorers and callables take none.

    Returns
    -------
    callable
        Object with the signature ``scorer(estimator, X, y_true, sample_weight=None)``, for
        ``scoring`` wherever scikit-learn has it.

    Raises
    ------
    ValueError
        If there is no metric of this name; the message suggests the nearest one.
    TypeError
        If the metric has no such argument, or needs propensities and is not given them; if a
        callable cannot be called as ``scorer(estimator, X, y)``, or is a metric, by the names of
        its first two parameters.

    See Also
    --------
    sklearn.metrics.get_scorer : Knows scikit-learn's names only.
    make_multimetric_scorer : Several metrics of one prediction.
    make_top_k_scorer : A scorer of any other metric of the best labels.

    Notes
    -----
    ``"map"``, ``"mrr"`` and ``"lrr"`` need the scores of all labels, so the matrix of all scores of
    the fold is held in memory; the other metrics need only the best labels.

    With scikit-learn's metadata routing a scorer takes ``rated``, the indicator of the judged
    pairs: ``scorer.set_score_request(rated=True)``, then
    ``cross_validate(..., params={"rated": rated})``. It then needs the scores of all labels.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sk_yt8m.metrics import get_scorer
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> cross_val_score(KNeighborsClassifier(), X, Y, scoring=get_scorer("hit@7"), cv=3).shape
    (3,)
    """
    if not isinstance(scoring, str):
        check_scorer(scoring)
    if not isinstance(scoring, str) or is_foreign_name(scoring):
        if options:
            raise TypeError(
                f"options are for the metrics of sk_yt8m.metrics, got {sorted(options)} for "
                f"{scoring!r}: sklearn.metrics.make_scorer takes those of other metrics"
            )
        return find_foreign(scoring) if isinstance(scoring, str) else scoring
    metric = find_metric(scoring, foreign_names())
    score_func = metric.family.score
    known = signature(score_func).parameters.keys() - {"y_true", "y_score", "sample_weight"}
    unknown = sorted(options.keys() - known | options.keys() & metric.options.keys())
    if unknown:
        raise TypeError(f"the metric {scoring!r} has no further argument {unknown[0]!r}.")
    if metric.family.takes_propensities and options.get("propensities") is None:
        raise TypeError(f"{scoring!r}: {MISSING_PROPENSITIES}")
    text = "".join(f", {key}={value!r}" for key, value in options.items())
    kwargs = {**metric.options, **options}
    return TopKScorer(score_func, 1, kwargs, metric.need, f"get_scorer({scoring!r}{text})")


def make_multimetric_scorer(
    metrics: Sequence[str] | Mapping[str, str | Scorer],
) -> MultimetricScorer:
    """Make one scorer of several metrics, which share one prediction.

    A dict of scorers, ``scoring={"gap": gap_scorer, ...}``, predicts once for each of them. This
    scorer predicts once for all, and returns a dict, as scikit-learn's multimetric scoring accepts.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    metrics : sequence of str, or dict of str to str or scorer
        Names of metrics as for `get_scorer`; or, by any names, such names and scorers made by
        `get_scorer` and `make_top_k_scorer`.

    Returns
    -------
    callable
        Object with the signature ``scorer(estimator, X, y_true, sample_weight=None)`` that returns
        a dict of str to float. With metadata routing, ``scorer.set_score_request`` sets the
        requests of all its metrics.

    Raises
    ------
    ValueError
        If there is no metric, no metric of a name, or a name twice; if a name is that of a scorer
        of scikit-learn, which cannot share the prediction.
    TypeError
        If a value is neither a name nor a scorer of this package, or a metric needs propensities.

    See Also
    --------
    get_scorer : The scorer of one metric.
    sklearn.model_selection.cross_validate : Takes the scorer as ``scoring``.

    Notes
    -----
    ``"map"``, ``"mrr"`` and ``"lrr"`` need the scores of all labels: with one of them, or with
    ``rated``, the matrix of all scores of the fold is held in memory.

    A search needs the name of the metric to select by: ``GridSearchCV(..., refit="gap@20")``.

    The scorers of scikit-learn predict each on their own. To mix, give scikit-learn a dict:
    ``scoring={"gap@20": get_scorer("gap@20"), "f1_micro": "f1_micro"}``.

    If scoring may fail on some folds only, use a dict of scorers: scikit-learn replaces its failed
    metrics by `error_score`, but has no such replacement for callables that return a dict.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sk_yt8m.metrics import make_multimetric_scorer
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> scorer = make_multimetric_scorer(["gap@20", "hit@1", "mrr"])
    >>> results = cross_validate(KNeighborsClassifier(), X, Y, scoring=scorer, cv=3)
    >>> results["test_mrr"].shape
    (3,)
    """
    for name in metrics.values() if isinstance(metrics, Mapping) else metrics:
        if is_foreign_name(name):
            raise ValueError(
                f"metrics must be those of sk_yt8m.metrics, which share a prediction, got {name!r} "
                "of scikit-learn, which predicts on its own: give scikit-learn a dict, "
                f"scoring={{'gap@20': get_scorer('gap@20'), {name!r}: {name!r}}}"
            )
    if not isinstance(metrics, Mapping):
        metrics = {metric.name: metric.name for metric in find_metrics(metrics)}
    scorers = {}
    for name, metric in metrics.items():
        scorer = get_scorer(metric) if isinstance(metric, str) else metric
        if not isinstance(scorer, TopKScorer):
            raise TypeError(
                f"metrics[{name!r}] must be the name of a metric or a scorer of sk_yt8m.metrics, "
                f"got {scorer!r}: to mix with other scorers, give scikit-learn a dict of scorers."
            )
        scorers[name] = copy(scorer)
    if not scorers:
        raise ValueError("metrics must hold at least one metric.")
    return MultimetricScorer(scorers)


def scorer_names() -> list[str]:
    """Return the names that `get_scorer` knows, each family with its usual numbers.

    Returns
    -------
    list of str
        The names, for ``get_scorer`` or ``scoring=get_scorer(name)``.

    See Also
    --------
    get_scorer : The scorer of a name.

    Examples
    --------
    >>> from sk_yt8m.metrics import scorer_names
    >>> scorer_names()[:5]
    ['gap@20', 'hit@1', 'hit@5', 'hit@20', 'perr']
    """
    return metric_names()


gap_scorer = make_top_k_scorer(gap_score, name="gap_scorer")
hit_at_1_scorer = make_top_k_scorer(hit_at_k_score, k=1, name="hit_at_1_scorer")
hit_at_5_scorer = make_top_k_scorer(hit_at_k_score, k=5, name="hit_at_5_scorer")
hit_at_20_scorer = make_top_k_scorer(hit_at_k_score, k=20, name="hit_at_20_scorer")
