"""Scorers for scikit-learn's ``scoring`` that ask a classifier for no more than they need."""

import threading
from collections import deque
from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
from scipy.sparse import csr_array

# The base class is private, but the only way to share one prediction among several scorers.
from sklearn.metrics._scorer import _BaseScorer

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.target_form import check_label_names, label_columns
from sk_yt8m.metrics._definitions.gap import gap_score
from sk_yt8m.metrics._definitions.hit import hit_at_k_score
from sk_yt8m.metrics._definitions.propensity import MISSING_PROPENSITIES
from sk_yt8m.metrics._inputs.checks import check_k
from sk_yt8m.metrics._inputs.true_labels import check_y_true
from sk_yt8m.metrics._scoring.family import Need, find_metric, metric_names, width_of
from sk_yt8m.metrics._scoring.responses import Answers, Predictions, final_classifier

# Any estimator has one of these; whether its labels can be ranked is told when it scores.
_METHODS = ("predict_top_k", "predict_proba", "decision_function", "fit")

# A prediction of so many labels costs no more than one of fewer, and serves more scorers.
_SHARED_K = 20


class _Company(threading.local):
    """The scorers of this thread that scikit-learn is about to call one after the other."""

    def __init__(self) -> None:
        self.waiting: deque[TopKScorer] = deque(maxlen=1000)

    def of(self, scorer: "TopKScorer") -> "list[TopKScorer]":
        """Return the scorer and those that will be called after it."""
        waiting = list(self.waiting)
        self.waiting.clear()
        places = [place for place, other in enumerate(waiting) if other is scorer]
        return waiting[places[-1] :] if places else [scorer]


_company = _Company()


class TopKScorer(_BaseScorer):
    """Callable ``scorer(estimator, X, y_true)``, made by `make_top_k_scorer` or `get_scorer`."""

    def __init__(
        self,
        score_func: Callable[..., float],
        sign: int,
        kwargs: dict[str, Any],
        need: Need,
        name: str | None,
    ) -> None:
        self._score_func = score_func
        self._sign = sign
        self._kwargs = kwargs
        self._need = need
        self._name = name

    @property
    def _response_method(self) -> tuple[str, ...]:
        # Before scikit-learn calls the first of several scorers it asks each for its methods. So
        # the first call learns how much the others will need, and one prediction serves all.
        _company.waiting.append(self)
        return _METHODS

    def __repr__(self) -> str:
        if self._name is not None:
            return self._name
        options = "".join(f", {key}={value!r}" for key, value in self._kwargs.items())
        sign = "" if self._sign > 0 else ", greater_is_better=False"
        return f"make_top_k_scorer({self._score_func.__name__}, k={self._need}{sign}{options})"

    def _score(
        self,
        method_caller: Callable[..., Predictions],
        estimator: Any,
        X: Any,
        y_true: Any,
        **kwargs: Any,
    ) -> float:
        self._warn_overlap("A parameter of this scorer is also passed as metadata.", kwargs)
        company = _company.of(self)
        options = {**self._kwargs, **kwargs}
        y_true = indicator_of(y_true, estimator)
        check_names(options.get("rated"), "rated", estimator)
        labels = check_y_true(y_true)
        # The rated labels of a sample may stand anywhere among its scores.
        needs_all = self._need == "all" or options.get("rated") is not None
        predictions = method_caller(Answers(estimator, labels.n_labels), "predictions", X)
        for scorer in company:
            width = max(width_of(scorer._need, labels), _SHARED_K)
            predictions.expect(width, all_scores=scorer._need == "all")
        scores = predictions.all() if needs_all else predictions.best(width_of(self._need, labels))
        if isinstance(self._need, int) and "k" in signature(self._score_func).parameters:
            options.setdefault("k", self._need)
        return self._sign * self._score_func(y_true, scores, **options)


def make_top_k_scorer(
    score_func: Callable[..., float],
    *,
    k: int = 20,
    greater_is_better: bool = True,
    name: str | None = None,
    **kwargs: Any,
) -> TopKScorer:
    """Make a scorer from a metric that needs only the ``k`` best labels of each sample.

    The scorer works wherever scikit-learn takes ``scoring``. It asks the classifier for
    ``predict_top_k(X, k=k)``; of one without that method it takes ``predict_proba`` or
    ``decision_function``, a block of rows at a time. Either way the scores of all labels are never
    held for more than one block.

    Parameters
    ----------
    score_func : callable
        Called as ``score_func(y_true, (indices, scores), **kwargs)``, with ``k=k`` too if it has
        such a parameter.
    k : int, default=20
        Number of labels the metric needs. Several scorers given to
        :func:`sklearn.model_selection.cross_validate` share one prediction.
    greater_is_better : bool, default=True
        Whether a higher value is better. If not, the scorer flips the sign.
    name : str, default=None
        How the scorer prints itself.
    **kwargs : dict
        Further arguments of `score_func`.

    Returns
    -------
    scorer : callable
        Object with the signature ``scorer(estimator, X, y_true, sample_weight=None)``.

    Raises
    ------
    ValueError
        Where `k` is no integer of at least 1. The scorer raises it where a classifier cannot rank
        its labels, or does not score the labels of `y_true`.

    See Also
    --------
    get_scorer : The metrics of this package as scorers, by name.
    sklearn.metrics.make_scorer : For metrics of predicted labels or of the whole score matrix.

    Notes
    -----
    With a 1-d `y_true` each class of the fitted classifier is a label.

    A :class:`~sklearn.pipeline.Pipeline` is asked through its last step, after the steps before it
    have transformed `X`.

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


def get_scorer(name: str, **options: Any) -> TopKScorer:
    """Return the scorer of a metric by its name.

    Parameters
    ----------
    name : str
        One of `scorer_names`, or the same with any other number: ``"gap@20"``, ``"hit@7"``,
        ``"perr"``, ``"map"``, ``"map@20"``, ``"mrr"``, ``"mrr@5"``, ``"lrr"``,
        ``"precision@3"``, ``"recall@10"``, ``"ndcg@5"``, ``"psp@5"``, ``"psndcg@5"``.
    **options : dict
        Further arguments of the metric, such as ``absent_labels`` for ``"map@20"``. ``"psp"`` and
        ``"psndcg"`` need ``propensities``.

    Returns
    -------
    scorer : callable
        Object with the signature ``scorer(estimator, X, y_true, sample_weight=None)``, for
        ``scoring`` wherever scikit-learn has it.

    Raises
    ------
    ValueError
        Where there is no metric of this name.
    TypeError
        Where the metric has no such argument, or needs propensities and is not given them.

    See Also
    --------
    make_top_k_scorer : A scorer of any other metric of the best labels.

    Notes
    -----
    Several scorers given to one :func:`sklearn.model_selection.cross_validate` share one prediction
    of each fold. ``"map"``, ``"mrr"`` and ``"lrr"`` need the scores of all labels: with one of them
    among the scorers, the matrix of all scores of the fold is held.

    With scikit-learn's metadata routing a scorer takes ``rated``, the indicator of the pairs that
    count: ``scorer.set_score_request(rated=True)``, then
    ``cross_validate(..., params={"rated": rated})``. It then needs the scores of all labels.

    Examples
    --------
    >>> from sklearn.datasets import make_multilabel_classification
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sk_yt8m.metrics import get_scorer
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> scoring = {name: get_scorer(name) for name in ("gap@20", "hit@1", "mrr")}
    >>> results = cross_validate(KNeighborsClassifier(), X, Y, scoring=scoring, cv=3)
    >>> results["test_mrr"].shape
    (3,)
    """
    metric = find_metric(name)
    score_func = metric.family.score
    known = signature(score_func).parameters.keys() - {"y_true", "y_score", "sample_weight"}
    unknown = sorted(options.keys() - known | options.keys() & metric.options.keys())
    if unknown:
        raise TypeError(f"the metric {name!r} has no further argument {unknown[0]!r}.")
    if metric.family.takes_propensities and options.get("propensities") is None:
        raise TypeError(f"{name!r}: {MISSING_PROPENSITIES}")
    text = "".join(f", {key}={value!r}" for key, value in options.items())
    kwargs = {**metric.options, **options}
    return TopKScorer(score_func, 1, kwargs, metric.need, f"get_scorer({name!r}{text})")


def scorer_names() -> list[str]:
    """Return the names that `get_scorer` knows, each family with its usual numbers.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from sk_yt8m.metrics import scorer_names
    >>> scorer_names()[:5]
    ['gap@20', 'hit@1', 'hit@5', 'hit@20', 'perr']
    """
    return metric_names()


def indicator_of(y_true: Any, estimator: Any) -> Any:
    """Return ``y_true`` as it is, or one column a class of the estimator where it is 1-d.

    Raises
    ------
    ValueError
        If labels have other names than those that the estimator learned, or another order.
    """
    refuse_masked(y_true, "y_true")
    if not hasattr(y_true, "tocsr") and np.shape(y_true)[1:] == (1,):
        final = final_classifier(estimator)
        # What these classifiers learn from one column are classes.
        if hasattr(final, "label_names_") and np.ndim(final.classes_) == 1:
            y_true = np.asarray(y_true)[:, 0]
    if np.ndim(y_true) != 1 or hasattr(y_true, "tocsr"):
        check_names(y_true, "y", estimator)
        return y_true
    classes, y_true = np.asarray(estimator.classes_), np.asarray(y_true)
    unseen = ~np.isin(y_true, classes)
    if unseen.any():
        raise ValueError(
            f"y_true holds the class {y_true[unseen].tolist()[0]!r}, which is not among the "
            f"classes of {type(estimator).__name__}."
        )
    columns = np.searchsorted(classes, y_true)
    ones = np.ones(len(y_true), dtype=np.uint8)
    shape = (len(y_true), len(classes))
    return csr_array((ones, columns, np.arange(len(y_true) + 1)), shape=shape)


def check_names(matrix: Any, name: str, estimator: Any) -> None:
    """Raise ValueError if the columns of a DataFrame are not the labels that were learned."""
    names = label_columns(matrix)
    expected = getattr(final_classifier(estimator), "label_names_", None)
    if names is not None and expected is not None:
        check_label_names(np.asarray(expected), names, names.size, name)


gap_scorer = make_top_k_scorer(gap_score, name="gap_scorer")
hit_at_1_scorer = make_top_k_scorer(hit_at_k_score, k=1, name="hit_at_1_scorer")
hit_at_5_scorer = make_top_k_scorer(hit_at_k_score, k=5, name="hit_at_5_scorer")
hit_at_20_scorer = make_top_k_scorer(hit_at_k_score, k=20, name="hit_at_20_scorer")
