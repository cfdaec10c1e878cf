"""Predictions of estimators that are composed of others, block by block of rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import indexable
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._estimators.clones import MarkedClones
from sk_yt8m._estimators.predictions import Predictions, best_labels
from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.forms.array_columns import stack_rows
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._sklearn import num_samples, safe_indexing
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._scoring.responses import of_class_one

# As many as a network computes at a time.
_BLOCK_ROWS = 512

# Rounding errors of probabilities in float32 outside 0 to 1.
_ROUNDING = 1e-5


class BlockwisePredictions(Predictions, MarkedClones):
    """Predictions of an estimator that is composed of others.

    A subclass sets `_form` in `fit`, and gives `_block_probabilities` and `_parts`.
    """

    _form: TargetForm

    def _block_probabilities(self, rows: Any) -> np.ndarray:
        """Return the probabilities of one block of rows, float64, a column for each name."""
        raise NotImplementedError

    def _parts(self) -> list[Any]:
        """Return the fitted estimators."""
        raise NotImplementedError

    @property
    def n_features_in_(self) -> int:
        """Number of features, if an estimator knows it."""
        return self._known("n_features_in_")

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features, if an estimator knows them."""
        return self._known("feature_names_in_")

    def _target_form(self) -> TargetForm:
        return self._form

    def _probabilities(self, X: Any) -> np.ndarray:
        return np.concatenate([*self._probability_blocks(X)])

    def _label_blocks(self, X: Any) -> Iterator[np.ndarray]:
        return (block > 0.5 for block in self._probability_blocks(X))

    def _class_codes(self, X: Any) -> np.ndarray:
        return np.concatenate([block.argmax(axis=1) for block in self._probability_blocks(X)])

    def _top_k(self, X: Any, k: int) -> TopK:
        parts = [best_labels(block, k) for block in self._probability_blocks(X)]
        indices, scores = zip(*parts, strict=True)
        return TopK(np.concatenate(indices), np.concatenate(scores))

    def _publish(self, form: TargetForm) -> None:
        """Set the attributes that follow from the form of the target."""
        self._form = form
        self.classes_ = form.classes
        self.label_names_ = form.names
        self.n_outputs_ = 1 if form.kind == "binary" else len(form.names)

    def _probability_blocks(self, X: Any) -> Iterator[np.ndarray]:
        self._validate_params()
        refuse_masked(X, "X")
        X = stack_rows(X)
        (X,) = indexable(np.asarray(X) if isinstance(X, (list, tuple)) else X)
        n_samples = num_samples(X)
        if n_samples == 0:
            raise ValueError("X has 0 rows: expected at least one")
        for start in range(0, n_samples, _BLOCK_ROWS):
            rows = safe_indexing(X, slice(start, min(start + _BLOCK_ROWS, n_samples)))
            try:
                block = self._block_probabilities(rows)
            except _RowError as error:
                raise ValueError(f"row {start + error.row} of X: {error}") from error
            except ValueError as error:
                located = _located(error, rows, start)
                if located is None:
                    raise
                raise located from error
            # The mean of probabilities of 1 can be one rounding above.
            yield np.clip(block, 0.0, 1.0).astype(np.float32)

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
    expected = (num_samples(rows), n_columns)
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
    stop = start + num_samples(rows) - 1
    return ValueError(f"in rows {start} to {stop} of X, counted from {start}: {error}")
