"""What a fitted scikit-learn classifier predicts: its best labels, or the scores of all."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, issparse
from sklearn.pipeline import Pipeline
from sklearn.utils import gen_batches

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.forms.refused_tags import refuse_tags
from sk_yt8m._inputs.target_form import check_label_names, label_columns
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._inputs.dense_scores import DenseScores

_BLOCK_BYTES = 2**25


def best_labels(estimator: Any, X: Any, *, k: int, n_labels: int) -> TopK:
    """Return the ``k`` best of ``n_labels`` labels of each sample.

    The fitted estimator has ``predict_top_k``, ``predict_proba`` or ``decision_function``, the
    first of which is used; or is a Pipeline that ends in one, or a search that has refitted one.
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
    """Return the scores of all labels, with one copy of the matrix in memory.

    A TopK of all labels if the classifier has only ``predict_top_k``.
    """
    final, X = _final_step(estimator, X)
    if not (hasattr(final, "predict_proba") or hasattr(final, "decision_function")):
        return best_labels(final, X, k=n_labels, n_labels=n_labels)
    matrix = None
    for batch, scores in _blocks_of_scores(final, X, n_labels):
        if matrix is None:
            if len(scores) == _n_rows(X):
                return scores
            matrix = np.empty((_n_rows(X), n_labels), dtype=scores.dtype)
        matrix[batch] = scores
    assert matrix is not None
    return matrix


def indicator_of(y_true: Any, estimator: Any) -> Any:
    """Return ``y_true`` as it is, or one column for each class of the estimator if it is 1-d.

    Raises
    ------
    ValueError
        If the label names, or their order, differ from those of training.
    """
    refuse_masked(y_true, "y_true")
    refuse_tags(y_true, "y_true")
    if not hasattr(y_true, "tocsr") and np.shape(y_true)[1:] == (1,):
        final = final_classifier(estimator)
        # The classifiers of this package read one column as classes.
        if hasattr(final, "label_names_") and not is_multilabel(final):
            y_true = np.asarray(y_true)[:, 0]
    if np.ndim(y_true) != 1 or hasattr(y_true, "tocsr"):
        check_names(y_true, "y", estimator)
        return y_true
    if is_multilabel(final_classifier(estimator)):
        raise ValueError(
            f"y_true has the shape {np.shape(y_true)}: expected an indicator of the "
            f"{len(estimator.classes_)} labels of {type(estimator).__name__}."
        )
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
    """Raise ValueError if the label names of a matrix differ from those of training."""
    names = label_columns(matrix)
    expected = getattr(final_classifier(estimator), "label_names_", None)
    if names is not None and expected is not None:
        check_label_names(np.asarray(expected), names, names.size, name)


def final_classifier(estimator: Any) -> Any:
    """Return the classifier inside pipelines and searches."""
    if hasattr(estimator, "best_estimator_"):
        return final_classifier(estimator.best_estimator_)
    return final_classifier(estimator[-1]) if isinstance(estimator, Pipeline) else estimator


def is_multilabel(classifier: Any) -> bool:
    """Tell whether a fitted classifier of this package was trained on labels.

    Its `classes_` do not tell: numbers of labels may also be classes.
    """
    form = getattr(classifier, "_target_form", None)
    return form is not None and form().kind == "multilabel"


def of_class_one(proba: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the probabilities of class 1 of one label."""
    # A label that was always or never true in training has one class, and so one column.
    columns = np.flatnonzero(np.asarray(classes) == 1)
    return proba[:, columns[0]] if columns.size else np.zeros(len(proba), dtype=proba.dtype)


def _final_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the classifier inside pipelines and searches, and X transformed for it.

    Pipelines and searches have no ``predict_top_k`` of their own.
    """
    if hasattr(estimator, "best_estimator_"):
        return _final_step(estimator.best_estimator_, X)
    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return _final_step(estimator[-1], X)
    return estimator, X


def _blocks_of_scores(
    estimator: Any, X: Any, n_labels: int
) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    # Not every sparse format can be indexed by rows.
    X = X.tocsr() if issparse(X) else X
    rows = max(1, _BLOCK_BYTES // (8 * n_labels))
    for batch in gen_batches(_n_rows(X), rows):
        scores = _scores(estimator, X.iloc[batch] if hasattr(X, "iloc") else X[batch])
        if scores.shape[1] != n_labels:
            raise ValueError(
                f"y_true has {n_labels} labels, but {type(estimator).__name__} scores "
                f"{scores.shape[1]}."
            )
        yield batch, scores


def _n_rows(X: Any) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)


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
