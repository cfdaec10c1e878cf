"""The predicting half of the classifier."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._inputs.features import check_features
from sk_yt8m._inputs.targets import TargetForm, accuracy, as_pandas
from sk_yt8m._network.architecture import HIGHEST_PROBABILITY
from sk_yt8m._network.fitted_network import Model
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics import gap_score


class NetworkPredictions:
    """Predictions of an estimator that can give its fitted `Model`."""

    predict_precision: str

    def _fitted_model(self) -> Model:
        raise NotImplementedError

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores before the output's link.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs_), or (n_samples,) if binary, float32
            Log-odds, or for multiclass targets the logarithm of the probabilities up to a
            constant of each row.
        """
        form, predictor, X = self._ready(X)
        logits = predictor.logits(X)
        return logits.ravel() if form.kind == "binary" else logits

    def hidden_activations(self, X: Any) -> np.ndarray:
        """Return what the last hidden layer makes of every row, a learned description of it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, hidden_layer_sizes[-1]), float32
            Activations; without hidden layers the features as the output layer gets them.
        """
        _, predictor, X = self._ready(X)
        return predictor.hidden(X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples, n_classes), float32
            Probabilities strictly between 0 and 1. They do not depend on how rows are split into
            calls.

        Raises
        ------
        ValueError
            If a feature is not a finite number, or so large that the prediction would not be one.
        """
        form, predictor, X = self._ready(X)
        probabilities = predictor.probabilities(X)
        return _both_classes(probabilities) if form.kind == "binary" else probabilities

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of every label or class.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_labels) or (n_samples, n_classes), float32
            Natural logarithms of `predict_proba`.
        """
        return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Any:
        """Return the classes, or the labels of probability above one half.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels), or CSR matrix
            Classes, or an indicator in the form that `fit` was given, sparse for sparse. Nothing
            dense is made for a sparse one.
        """
        form, predictor, X = self._ready(X)
        if form.kind == "multilabel" and form.sparse:
            blocks = [
                sp.csr_array(logits > 0).astype(form.dtype)
                for _, logits in predictor.chunks("logits", X)
            ]
            return sp.csr_matrix(sp.vstack(blocks, format="csr"))
        if form.kind == "multilabel":
            labels = np.empty((X.shape[0], predictor.n_outputs), dtype=form.dtype)
            for start, logits in predictor.chunks("logits", X):
                labels[start : start + len(logits)] = logits > 0
            return labels
        return form.classes[predictor.codes(X)]

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
            lower index. ``label_names_[indices]`` are the names. The matrix of all scores is
            never made.

        Raises
        ------
        ValueError
            If `k` is not a positive integer.
        """
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
            raise ValueError(f"k must be an integer of at least 1, got {k!r}")
        form, predictor, X = self._ready(X)
        if form.kind == "binary":
            return _binary_top_k(predictor.probabilities(X), k)
        return predictor.top_k(X, min(int(k), predictor.n_outputs))

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
        form = self._fitted_model().form
        form.check_labels(y)
        if form.kind == "multilabel":
            return float(
                gap_score(as_pandas(y), self.predict_top_k(X), sample_weight=sample_weight)
            )
        return accuracy(y, self.predict(X), sample_weight)

    def _ready(self, X: Any) -> tuple[TargetForm, Any, Any]:
        check_is_fitted(self)
        X = check_features(self, X, reset=False)
        model = self._fitted_model()
        return model.form, model.predictor(str(self.predict_precision)), X


def _both_classes(probabilities: np.ndarray) -> np.ndarray:
    return np.hstack([np.minimum(1.0 - probabilities, HIGHEST_PROBABILITY), probabilities])


def _binary_top_k(probabilities: np.ndarray, k: int) -> TopK:
    both = _both_classes(probabilities)
    indices = np.argsort(-both, axis=1, kind="stable")[:, :k]
    return TopK(indices.astype(np.int32), np.take_along_axis(both, indices, axis=1))
