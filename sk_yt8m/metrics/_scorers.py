"""Scorers for scikit-learn's ``scoring`` that ask a classifier for its best labels only."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
from scipy.sparse import csr_array

# The base class is private, but the only way to share one prediction among several scorers.
from sklearn.metrics._scorer import _BaseScorer

from sk_yt8m._topk import TopK
from sk_yt8m.metrics._checks import check_k
from sk_yt8m.metrics._gap import gap_score
from sk_yt8m.metrics._hit import hit_at_k_score
from sk_yt8m.metrics._responses import BestLabels

# Scorers of up to this many labels ask for the same number, so that one prediction serves them all.
_SHARED_K = 20


class TopKScorer(_BaseScorer):
    """Callable ``scorer(estimator, X, y_true)``, made by `make_top_k_scorer`."""

    def __init__(
        self,
        score_func: Callable[..., float],
        sign: int,
        kwargs: dict[str, Any],
        k: int,
        name: str | None,
    ) -> None:
        # Any estimator has one of these; whether its labels can be ranked is told when it scores.
        methods = ("predict_top_k", "predict_proba", "decision_function", "fit")
        super().__init__(score_func, sign, kwargs, response_method=methods)
        self._k = k
        self._name = name

    def __repr__(self) -> str:
        if self._name is not None:
            return self._name
        options = "".join(f", {key}={value!r}" for key, value in self._kwargs.items())
        sign = "" if self._sign > 0 else ", greater_is_better=False"
        return f"make_top_k_scorer({self._score_func.__name__}, k={self._k}{sign}{options})"

    def _score(
        self, method_caller: Callable[..., TopK], estimator: Any, X: Any, y_true: Any, **kwargs: Any
    ) -> float:
        self._warn_overlap("A parameter of this scorer is also passed as metadata.", kwargs)
        y_true = _indicator(y_true, estimator)
        width = max(self._k, _SHARED_K)
        view = BestLabels(estimator, n_labels=np.shape(y_true)[1])
        best = method_caller(view, f"top_{width}", X)
        if self._k < width:
            best = TopK(best.indices[:, : self._k], best.scores[:, : self._k])
        options = {**self._kwargs, **kwargs}
        if "k" in signature(self._score_func).parameters:
            options.setdefault("k", self._k)
        return self._sign * self._score_func(y_true, best, **options)


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
        Number of labels the metric needs. Scorers with a `k` of up to 20 share one prediction when
        several are given to :func:`sklearn.model_selection.cross_validate`.
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


def _indicator(y_true: Any, estimator: Any) -> Any:
    """Return ``y_true`` as it is, or one column a class of the estimator where it is 1-d."""
    if np.ndim(y_true) != 1 or hasattr(y_true, "tocsr"):
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


gap_scorer = make_top_k_scorer(gap_score, name="gap_scorer")
hit_at_1_scorer = make_top_k_scorer(hit_at_k_score, k=1, name="hit_at_1_scorer")
hit_at_5_scorer = make_top_k_scorer(hit_at_k_score, k=5, name="hit_at_5_scorer")
hit_at_20_scorer = make_top_k_scorer(hit_at_k_score, k=20, name="hit_at_20_scorer")
