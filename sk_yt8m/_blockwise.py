"""Predictions of estimators that give the probabilities of multilabel rows block by block."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._labels import TargetForm, encode_targets
from sk_yt8m._topk import TopK
from sk_yt8m.metrics import gap_score
from sk_yt8m.metrics._select import select_top_k

BLOCK_ROWS = 256


class BlockwisePredictions:
    """The predicting methods of an estimator for multilabel targets.

    A subclass sets `_form` in `fit` and gives `_probabilities`.
    """

    _form: TargetForm

    def _probabilities(self, rows: Any) -> np.ndarray:
        """Return the probabilities of one block of rows, float32."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every label.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_labels), float32
            Probabilities from 0 to 1.
        """
        blocks = [block for _, block in self._blocks(X)]
        return np.concatenate(blocks)

    def predict(self, X: Any) -> Any:
        """Return the labels of probability above one half.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_labels)
            An indicator in the form that `fit` was given, sparse for sparse.
        """
        blocks = [sp.csr_array(block > 0.5) for _, block in self._blocks(X)]
        labels = sp.csr_matrix(sp.vstack(blocks, format="csr").astype(self._form.dtype))
        return labels if self._form.sparse else labels.toarray()

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
            If `k` is not a positive integer, or a probability is NaN.
        """
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(f"k must be an integer of at least 1, got {k!r}")
        best = []
        for start, block in self._blocks(X):
            chosen = select_top_k(block, min(int(k), block.shape[1]))
            if chosen is None:
                raise ValueError(f"rows {start} to {start + len(block) - 1} got a probability NaN")
            best.append(chosen)
        indices, scores = zip(*best, strict=True)
        return TopK(np.concatenate(indices), np.concatenate(scores))

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return GAP@20.

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
        """
        return float(gap_score(y, self.predict_top_k(X), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        tags.target_tags.single_output = False
        tags.input_tags.sparse = True
        return tags

    def _blocks(self, X: Any) -> Iterator[tuple[int, np.ndarray]]:
        check_is_fitted(self)
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        if n_samples == 0:
            raise ValueError("X has 0 rows: expected at least one")
        for start in range(0, n_samples, BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            block = self._probabilities(X.iloc[rows] if hasattr(X, "iloc") else X[rows])
            yield start, np.ascontiguousarray(block, dtype=np.float32)


def multilabel_targets(y: Any, who: str) -> tuple[Any, TargetForm]:
    """Return the indicator of multilabel targets and their form, and refuse other targets."""
    indicator, form = encode_targets(y)
    if form.kind != "multilabel":
        raise ValueError(
            f"{who} takes an indicator matrix of shape (n_samples, n_labels), got {form.kind} "
            "classes"
        )
    return indicator, form
