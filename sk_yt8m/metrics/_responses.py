"""The k best labels of any scikit-learn classifier, without its whole score matrix."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, gen_batches
from sklearn.utils.validation import _num_samples

from sk_yt8m._topk import TopK
from sk_yt8m.metrics._scores import DenseScores

_BLOCK_BYTES = 2**25


class BestLabels(BaseEstimator):
    """The best labels of a fitted classifier, as a response method named ``top_<k>``.

    The scorers of scikit-learn keep a response under the name of its method. With ``k`` in that
    name, scorers that ask for the same ``k`` share one prediction.

    Parameters
    ----------
    estimator : object
        Fitted classifier.
    n_labels : int
        Number of labels it scores.
    """

    def __init__(self, estimator: Any, n_labels: int) -> None:
        self.estimator = estimator
        self.n_labels = n_labels

    def __getattr__(self, name: str) -> Callable[[Any], TopK]:
        prefix, _, k = name.partition("_")
        if prefix != "top" or not k.isdecimal():
            raise AttributeError(name)

        return partial(best_labels, self.estimator, k=int(k), n_labels=self.n_labels)


def best_labels(estimator: Any, X: Any, *, k: int, n_labels: int) -> TopK:
    """Return the ``k`` best labels of each sample.

    Parameters
    ----------
    estimator : object
        Fitted classifier with ``predict_top_k``, ``predict_proba`` or ``decision_function``, asked
        in this order; a Pipeline that ends in one; or a search that has refitted one.
    X : array-like of shape (n_samples, n_features)
        Samples.
    k : int
        Number of labels; more than `n_labels` means `n_labels`.
    n_labels : int
        Number of labels the estimator scores.

    Returns
    -------
    top : TopK
    """
    k = min(k, n_labels)
    final, X = _final_step(estimator, X)
    if hasattr(final, "predict_top_k"):
        return TopK(*final.predict_top_k(X, k=k))
    rows = max(1, _BLOCK_BYTES // (8 * n_labels))
    parts = []
    for batch in gen_batches(_num_samples(X), rows):
        scores = _scores(final, _safe_indexing(X, batch))
        if scores.shape[1] != n_labels:
            raise ValueError(
                f"y_true has {n_labels} labels, but {type(final).__name__} scores "
                f"{scores.shape[1]}."
            )
        parts.append(DenseScores(scores).top_k(k))
    return TopK(
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def _final_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Follow pipelines and searches, which hide predict_top_k, down to the classifier."""
    if hasattr(estimator, "best_estimator_"):
        return _final_step(estimator.best_estimator_, X)
    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return _final_step(estimator[-1], X)
    return estimator, X


def _scores(estimator: Any, X: Any) -> npt.NDArray[Any]:
    """Return the scores of each label, shape (n_samples, n_labels)."""
    if hasattr(estimator, "predict_proba"):
        scores = estimator.predict_proba(X)
        if isinstance(scores, list):
            pairs = zip(scores, estimator.classes_, strict=True)
            return np.column_stack([_of_class_one(*pair) for pair in pairs])
        return np.asarray(scores)
    if hasattr(estimator, "decision_function"):
        scores = np.asarray(estimator.decision_function(X))
        return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
    raise ValueError(
        f"{type(estimator).__name__} has none of predict_top_k, predict_proba and "
        "decision_function, so that its labels cannot be ranked."
    )


def _of_class_one(proba: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # A label that was always or never true in training has one class, and so one column.
    columns = np.flatnonzero(np.asarray(classes) == 1)
    return proba[:, columns[0]] if columns.size else np.zeros(len(proba), dtype=proba.dtype)
