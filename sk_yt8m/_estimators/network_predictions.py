"""The predicting methods of a network."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._estimators.blockwise import probabilities_of
from sk_yt8m._estimators.predictions import Predictions, best_labels
from sk_yt8m._inputs.features import check_features
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._inputs.types import MatrixLike
from sk_yt8m._network.architecture import HIGHEST_PROBABILITY
from sk_yt8m._top_k import TopK
from sk_yt8m._training.ongoing import OngoingTraining


class NetworkPredictions(Predictions):
    """Predictions of a fitted network."""

    predict_precision: str
    _fitted: OngoingTraining

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Return the scores before the output's link.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, `n_outputs_`), or (n_samples,) if binary, float32
            Log-odds, or for multiclass targets the log-probabilities up to a constant of each row.

        Raises
        ------
        NotFittedError, ValueError
            As `predict_proba`.

        See Also
        --------
        predict_proba, predict_log_proba : Probabilities and their logarithms.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
        >>> import numpy as np
        >>> from scipy.special import expit
        >>> bool(np.allclose(expit(clf.decision_function(X)), clf.predict_proba(X), atol=1e-6))
        True
        """
        predictor, X = self._predictor(X)
        logits = predictor.logits(X)
        return logits.ravel() if self._fitted.form.kind == "binary" else logits

    def hidden_activations(self, X: MatrixLike) -> np.ndarray:
        """Return the activations of the last hidden layer, a learned description of every row.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, ``hidden_layer_sizes_[-1]``), float32
            Activations; without hidden layers, the standardised features.

        Raises
        ------
        NotFittedError, ValueError
            As `predict_proba`.

        See Also
        --------
        sk_yt8m.DeepNeighborsClassifier : Finds neighbours by these activations.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
        >>> clf.hidden_activations(X[:3]).shape
        (3, 8)
        """
        predictor, X = self._predictor(X)
        return predictor.hidden(X)

    def _target_form(self) -> TargetForm:
        return self._fitted.form

    def _probabilities(self, X: Any) -> np.ndarray:
        predictor, X = self._predictor(X)
        return self._of_all_names(predictor.probabilities(X))

    def _probability_blocks(self, X: Any) -> Iterator[np.ndarray]:
        predictor, X = self._predictor(X)
        return (self._of_all_names(block) for _, block in predictor.chunks("probabilities", X))

    def _label_blocks(self, X: Any) -> Iterator[np.ndarray]:
        predictor, X = self._predictor(X)
        return (logits > 0 for _, logits in predictor.chunks("logits", X))

    def _class_codes(self, X: Any) -> np.ndarray:
        predictor, X = self._predictor(X)
        return predictor.codes(X)

    def _top_k(self, X: Any, k: int) -> TopK:
        if self._fitted.form.kind == "binary":
            return best_labels(self._probabilities(X), k)
        predictor, X = self._predictor(X)
        return predictor.top_k(X, min(k, predictor.n_outputs))

    def _of_all_names(self, probabilities: np.ndarray) -> np.ndarray:
        """Return a column for each name: of a binary target, also that of the first class."""
        if self._fitted.form.kind != "binary":
            return probabilities
        negative = np.minimum(1.0 - probabilities, HIGHEST_PROBABILITY)
        return np.hstack([negative, probabilities])

    def _hidden_and_probabilities(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        predictor, X = self._predictor(X)
        hidden, probabilities = predictor.hidden_and_probabilities(X)
        return hidden, self._of_all_names(probabilities)

    def _predictor(self, X: Any) -> tuple[Any, Any]:
        """Return the compiled network and checked features."""
        check_is_fitted(self)
        X = check_features(self, X, reset=False)
        return self._fitted.network.predictor(str(self.predict_precision)), X


def hidden_and_probabilities(
    network: Any, rows: Any, n_columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return hidden activations and checked probabilities, in one pass through our networks."""
    if _is_our_own(network):
        return network._hidden_and_probabilities(rows)
    own = probabilities_of(network, rows, n_columns)
    return network.hidden_activations(rows), own


def _is_our_own(network: Any) -> bool:
    """Tell whether both methods are those of this package, and no subclass's or stub's."""
    methods = {
        "predict_proba": Predictions.predict_proba,
        "hidden_activations": NetworkPredictions.hidden_activations,
    }
    return isinstance(network, NetworkPredictions) and all(
        getattr(getattr(network, name), "__func__", None) is method
        for name, method in methods.items()
    )
