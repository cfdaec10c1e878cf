"""The predicting methods that all three classifiers share."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._inputs.targets import accuracy, as_pandas
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics import gap_score
from sk_yt8m.metrics._inputs.select import select_top_k


class Predictions:
    """The public predicting methods, from what a subclass predicts in the hooks below."""

    def _target_form(self) -> TargetForm:
        """Return what `y` was in training."""
        raise NotImplementedError

    def _probabilities(self, X: Any) -> np.ndarray:
        """Return the probabilities, float32, with a column for each name."""
        raise NotImplementedError

    def _label_blocks(self, X: Any) -> Iterator[np.ndarray]:
        """Yield which labels are predicted, block by block of rows, bool."""
        raise NotImplementedError

    def _class_codes(self, X: Any) -> np.ndarray:
        """Return the number of the most probable class of each row."""
        raise NotImplementedError

    def _top_k(self, X: Any, k: int) -> TopK:
        """Return the `k` most probable labels, or all of them if there are fewer."""
        raise NotImplementedError

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples, n_classes), float32
            Probabilities from 0 to 1; those of a network are strictly between. They do not depend
            on how rows are split into calls. For a network of more than 131,072 weights on a
            processor without AVX512 that holds up to rounding, about 1e-6.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X has other features than in training, a feature is not finite, or so large that
            the prediction would not be finite.

        See Also
        --------
        predict : The labels or classes themselves.
        predict_top_k : The most probable labels, without the matrix of all probabilities.
        """
        check_is_fitted(self)
        return self._probabilities(X)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the log-probability of every label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples, n_classes), float32
            Natural logarithms of `predict_proba`; minus infinity for a probability of 0, which no
            network gives.

        Raises
        ------
        NotFittedError, ValueError
            As `predict_proba`.

        See Also
        --------
        predict_proba : The probabilities.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Any:
        """Return the most probable classes, or the labels of probability above one half.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels), or CSR matrix
            Classes, or an indicator in the form of the training target: sparse if that was
            sparse, without a dense matrix in between.

        Raises
        ------
        NotFittedError, ValueError
            As `predict_proba`.

        See Also
        --------
        predict_proba : The probabilities.
        predict_top_k : As many labels for every row.
        """
        check_is_fitted(self)
        form = self._target_form()
        if form.kind != "multilabel":
            return form.classes[self._class_codes(X)]
        if form.sparse:
            blocks = [sp.csr_array(block) for block in self._label_blocks(X)]
            return sp.csr_matrix(sp.vstack(blocks, format="csr").astype(form.dtype))
        return np.concatenate([*self._label_blocks(X)], dtype=form.dtype, casting="unsafe")

    def predict_top_k(self, X: Any, k: int = 20) -> TopK:
        """Return the `k` most probable labels of every row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        k : int, default=20
            Number of labels; all of them if there are fewer.

        Returns
        -------
        TopK
            The tuple ``(indices, scores)``, both of shape (n_samples, k), best first, ties to the
            lower index. ``label_names_[indices]`` are the names. The matrix of all probabilities
            is never made.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If `k` is not a positive integer, and as `predict_proba`.

        See Also
        --------
        predict : The labels of probability above one half.
        sk_yt8m.metrics.gap_score : One of the metrics that take the result.
        """
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(f"k must be an integer of at least 1, got {k!r}")
        check_is_fitted(self)
        return self._top_k(X, int(k))

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """Return GAP@20 for multilabel targets, accuracy for others.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            True classes or labels, with the names and the order of the training target.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row.

        Returns
        -------
        float
            The score, from 0 to 1.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If `y` has other labels than in training, or in another order, and as `predict_proba`.

        See Also
        --------
        sk_yt8m.metrics.get_scorer : Other metrics, for scikit-learn's ``scoring``.
        sk_yt8m.metrics.gap_score : The definition of GAP.
        """
        check_is_fitted(self)
        form = self._target_form()
        form.check_labels(y)
        if form.kind == "multilabel":
            best = self.predict_top_k(X)
            return float(gap_score(as_pandas(y), best, sample_weight=sample_weight))
        return accuracy(y, self.predict(X), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.classifier_tags.multi_label = True
        tags.input_tags.sparse = True
        return tags


def best_labels(probabilities: np.ndarray, k: int) -> TopK:
    """Return the `k` highest of each row, ties to the lower index."""
    best = select_top_k(probabilities, min(k, probabilities.shape[1]))
    assert best is not None, "probabilities hold no NaN"
    return TopK(*best)
