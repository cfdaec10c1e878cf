"""What metrics need of any scikit-learn classifier, predicted once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, gen_batches
from sklearn.utils.validation import _num_samples

from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._inputs.scores import DenseScores

_BLOCK_BYTES = 2**25


class Answers(BaseEstimator):
    """A fitted classifier as the scorers of scikit-learn see it, with one response method.

    They keep what it returns for all scorers of one call.

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

    def predictions(self, X: Any) -> "Predictions":
        """Return the predictions for the samples, of which nothing is computed yet."""
        return Predictions(self.estimator, X, self.n_labels)


class Predictions:
    """Best labels, or the scores of all, predicted when they are first needed.

    Parameters
    ----------
    estimator : object
        Fitted classifier.
    X : array-like of shape (n_samples, n_features)
        Samples.
    n_labels : int
        Number of labels the estimator scores.
    """

    def __init__(self, estimator: Any, X: Any, n_labels: int) -> None:
        self._source = estimator, X
        self._n_labels = n_labels
        self._expected = 0
        self._expects_all = False
        self._top: TopK | None = None
        self._all: Any = None

    def expect(self, width: int, *, all_scores: bool = False) -> None:
        """Tell what will be asked for: so many best labels, or the scores of all."""
        self._expected = max(self._expected, min(width, self._n_labels))
        self._expects_all = self._expects_all or all_scores

    def best(self, k: int) -> TopK:
        """Return the ``k`` best labels of each sample."""
        self.expect(k)
        k = min(k, self._n_labels)
        if self._top is None or self._top.indices.shape[1] < k:
            estimator, X = self._source
            if self._expects_all:
                self._top = self._best_of_all()
            else:
                self._top = best_labels(estimator, X, k=self._expected, n_labels=self._n_labels)
        return TopK(self._top.indices[:, :k], self._top.scores[:, :k])

    def all(self) -> Any:
        """Return the scores of all labels, or all labels as a top k where there is no other way."""
        self._expects_all = True
        if self._all is None:
            estimator, X = self._source
            self._all = all_scores(estimator, X, n_labels=self._n_labels)
        return self._all

    def _best_of_all(self) -> TopK:
        scores = self.all()
        return scores if isinstance(scores, TopK) else DenseScores(scores).top_k(self._expected)


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
    parts = [DenseScores(scores).top_k(k) for _, scores in _blocks_of_scores(final, X, n_labels)]
    return TopK(
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def all_scores(estimator: Any, X: Any, *, n_labels: int) -> npt.NDArray[Any] | TopK:
    """Return the scores of all labels, in one matrix and never in two.

    Parameters
    ----------
    estimator, X, n_labels
        See `best_labels`; ``predict_proba`` and ``decision_function`` are asked first here.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_labels), or TopK of all labels
        The latter of a classifier that has nothing but ``predict_top_k``.
    """
    final, X = _final_step(estimator, X)
    if not (hasattr(final, "predict_proba") or hasattr(final, "decision_function")):
        return best_labels(final, X, k=n_labels, n_labels=n_labels)
    matrix = None
    for batch, scores in _blocks_of_scores(final, X, n_labels):
        if matrix is None:
            if len(scores) == _num_samples(X):
                return scores
            matrix = np.empty((_num_samples(X), n_labels), dtype=scores.dtype)
        matrix[batch] = scores
    assert matrix is not None
    return matrix


def _blocks_of_scores(
    estimator: Any, X: Any, n_labels: int
) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    # Not every sparse format has rows to take.
    X = X.tocsr() if issparse(X) else X
    rows = max(1, _BLOCK_BYTES // (8 * n_labels))
    for batch in gen_batches(_num_samples(X), rows):
        scores = _scores(estimator, _safe_indexing(X, batch))
        if scores.shape[1] != n_labels:
            raise ValueError(
                f"y_true has {n_labels} labels, but {type(estimator).__name__} scores "
                f"{scores.shape[1]}."
            )
        yield batch, scores


def final_classifier(estimator: Any) -> Any:
    """Follow pipelines and searches down to the classifier."""
    if hasattr(estimator, "best_estimator_"):
        return final_classifier(estimator.best_estimator_)
    return final_classifier(estimator[-1]) if isinstance(estimator, Pipeline) else estimator


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
            return np.column_stack([of_class_one(*pair) for pair in pairs])
        return np.asarray(scores)
    if hasattr(estimator, "decision_function"):
        scores = np.asarray(estimator.decision_function(X))
        return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
    raise ValueError(
        f"{type(estimator).__name__} has none of predict_top_k, predict_proba and "
        "decision_function, so that its labels cannot be ranked."
    )


def of_class_one(proba: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the probabilities of class 1 of one label."""
    # A label that was always or never true in training has one class, and so one column.
    columns = np.flatnonzero(np.asarray(classes) == 1)
    return proba[:, columns[0]] if columns.size else np.zeros(len(proba), dtype=proba.dtype)
