"""Predictions of estimators that give the probabilities of rows block by block."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _num_samples, check_is_fitted

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.targets import TargetForm, accuracy, as_pandas
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics import gap_score
from sk_yt8m.metrics._inputs.select import select_top_k
from sk_yt8m.metrics._scoring.responses import of_class_one

BLOCK_ROWS = 256

# Probabilities in float32 may be so far outside 0 to 1 by rounding.
_ROUNDING = 1e-5


class BlockwisePredictions:
    """The predicting methods of an estimator that is put together from others.

    A subclass sets `_form` in `fit`, and gives `_probabilities` and `_parts`.
    """

    _form: TargetForm

    def _probabilities(self, rows: Any) -> np.ndarray:
        """Return the probabilities of one block of rows, float64, a column for each name."""
        raise NotImplementedError

    def _parts(self) -> list[Any]:
        """Return the fitted estimators."""
        raise NotImplementedError

    @property
    def n_features_in_(self) -> int:
        """Number of features, where an estimator knows it."""
        return self._known("n_features_in_")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features, where an estimator knows them."""
        return self._known("feature_names_in_")

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples, n_classes), float32
            Probabilities from 0 to 1, both included.
        """
        return np.concatenate([block for _, block in self._blocks(X)])

    def predict(self, X: Any) -> Any:
        """Return the most probable classes, or the labels of probability above one half.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels), or CSR matrix
            Classes, or an indicator in the form that `fit` was given, sparse for sparse.
        """
        check_is_fitted(self)
        form = self._form
        if form.kind != "multilabel":
            codes = [block.argmax(axis=1) for _, block in self._blocks(X)]
            return form.classes[np.concatenate(codes)]
        blocks = [sp.csr_array(block > 0.5) for _, block in self._blocks(X)]
        labels = sp.csr_matrix(sp.vstack(blocks, format="csr").astype(form.dtype))
        return labels if form.sparse else labels.toarray()

    def predict_top_k(self, X: Any, k: int = 20) -> TopK:
        """Return the `k` most probable labels of every row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        k : int, default=20
            How many labels; at most as many as there are.

        Returns
        -------
        TopK
            The tuple ``(indices, scores)``, both of shape (n_samples, k), best first, ties to the
            lower index. The matrix of all probabilities is never made.

        Raises
        ------
        ValueError
            If `k` is not a positive integer.
        """
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(f"k must be an integer of at least 1, got {k!r}")
        best = []
        for _, block in self._blocks(X):
            chosen = select_top_k(block, min(int(k), block.shape[1]))
            assert chosen is not None, "probabilities_of lets no NaN through"
            best.append(chosen)
        indices, scores = zip(*best, strict=True)
        return TopK(np.concatenate(indices), np.concatenate(scores))

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return GAP@20 for multilabel targets, accuracy for others.

        Parameters
        ----------
        X, y
            Features and targets, as in `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        float
            The score, from 0 to 1.

        Raises
        ------
        ValueError
            If `y` has other labels than in training, or in another order.
        """
        check_is_fitted(self)
        self._form.check_labels(y)
        if self._form.kind == "multilabel":
            return float(
                gap_score(as_pandas(y), self.predict_top_k(X), sample_weight=sample_weight)
            )
        return accuracy(y, self.predict(X), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = True
        return tags

    def _publish(self, form: TargetForm) -> None:
        """Set the attributes that follow from the form of the target."""
        self._form = form
        self.classes_ = form.classes
        self.label_names_ = form.names
        self.n_outputs_ = 1 if form.kind == "binary" else len(form.names)

    def _blocks(self, X: Any) -> Iterator[tuple[int, np.ndarray]]:
        check_is_fitted(self)
        self._validate_params()  # type: ignore[attr-defined]
        refuse_masked(X, "X")
        (X,) = indexable(np.asarray(X) if isinstance(X, (list, tuple)) else X)
        n_samples = _num_samples(X)
        if n_samples == 0:
            raise ValueError("X has 0 rows: expected at least one")
        for start in range(0, n_samples, BLOCK_ROWS):
            rows = _safe_indexing(X, slice(start, min(start + BLOCK_ROWS, n_samples)))
            try:
                block = self._probabilities(rows)
            except _RowError as error:
                raise ValueError(f"row {start + error.row} of X: {error}") from error
            except ValueError as error:
                located = _located(error, rows, start)
                if located is None:
                    raise
                raise located from error
            # The mean of probabilities of 1 can be one rounding above.
            yield start, np.clip(block, 0.0, 1.0).astype(np.float32)

    def _known(self, name: str) -> Any:
        check_is_fitted(self)
        for part in self._parts():
            if hasattr(part, name):
                return getattr(part, name)
        raise AttributeError(f"none of the estimators of this {type(self).__name__} has {name}")


def probabilities_of(estimator: Any, rows: Any, n_columns: int) -> np.ndarray:
    """Return what `predict_proba` of a fitted classifier gives, as one checked array.

    Raises
    ------
    ValueError
        If it does not give a probability for each row and column.
    """
    result = estimator.predict_proba(rows)
    if isinstance(result, list):
        pairs = zip(result, estimator.classes_, strict=True)
        result = np.column_stack([of_class_one(*pair) for pair in pairs])
    expected = (_num_samples(rows), n_columns)
    actual = getattr(result, "shape", type(result).__name__)
    if actual != expected:
        raise ValueError(
            f"predict_proba of {type(estimator).__name__} must give one array of shape {expected}, "
            f"got {actual}"
        )
    probabilities = np.asarray(result)
    wrong = ~((probabilities >= -_ROUNDING) & (probabilities <= 1 + _ROUNDING))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise _RowError(
            f"predict_proba of {type(estimator).__name__} gives {probabilities[row, column]}, "
            "expected a number from 0 to 1",
            int(row),
        )
    return probabilities


class _RowError(ValueError):
    """A wrong value in a row of a block."""

    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


def _located(error: ValueError, rows: Any, start: int) -> ValueError | None:
    """Return the error of a block of rows with their numbers in X, None where it has them."""
    try:
        if sp.issparse(rows):
            values = rows.toarray()
        elif hasattr(rows, "iloc"):
            values = rows.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = np.asarray(rows, dtype=np.float64)
        bad = np.argwhere(~np.isfinite(values))
    except (TypeError, ValueError):
        bad = np.empty((0, 2), dtype=int)
    if len(bad) and bad.shape[1] == 2:
        row, column = bad[0]
        what = "NaN" if np.isnan(values[row, column]) else "infinity"
        return ValueError(
            f"Input X contains {what} in row {start + row}, column {column}: "
            "expected finite numbers"
        )
    if start == 0:
        return None
    stop = start + _num_samples(rows) - 1
    return ValueError(f"in rows {start} to {stop} of X, counted from {start}: {error}")
