"""A network beside the labels of the training rows that it finds most alike."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, _fit_context, clone
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import _check_sample_weight

from sk_yt8m._blockwise import BlockwisePredictions, multilabel_targets
from sk_yt8m.metrics._select import select_top_k


class DeepNeighborsClassifier(
    BlockwisePredictions, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Average a network with the labels of the nearest training rows in its last hidden layer.

    A network forgets rare labels that its training rows still show. The neighbours of a row are
    the training rows whose activations in the last hidden layer have the highest cosine with its
    own; their labels are averaged with the weights ``exp(temperature * cosine)``.

    Parameters
    ----------
    estimator : DeepMultiLabelClassifier or None, default=None
        The network; None for one with default parameters. Any classifier with ``predict_proba``
        and ``hidden_activations`` will do.
    n_neighbors : int, default=50
        Number of training rows that are averaged; at most as many as there are.
    temperature : float, default=30.0
        How fast the weight of a neighbour falls with its cosine.
    neighbor_weight : float, default=0.5
        Share of the neighbours in the average, from 0 to 1.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network.
    classes_ : ndarray of shape (n_labels, 2)
        The classes of each label, 0 and 1.
    label_names_ : ndarray of shape (n_labels,)
        Names of the labels.
    n_outputs_ : int
        Number of labels.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    AveragingClassifier : Average of several classifiers.

    Notes
    -----
    The activations of all training rows are kept, in float32: ``4 * n_samples *
    hidden_layer_sizes[-1]`` bytes, as much again in a pickle. A prediction compares a row with all
    of them, which takes ``2 * n_samples * hidden_layer_sizes[-1]`` operations.

    Examples
    --------
    >>> from sk_yt8m import DeepMultiLabelClassifier, DeepNeighborsClassifier
    >>> from sk_yt8m.datasets import make_videos
    >>> X, Y = make_videos(300, n_labels=30, n_features=20, random_state=0, return_X_y=True)
    >>> network = DeepMultiLabelClassifier((32,), max_iter=5, random_state=0)
    >>> clf = DeepNeighborsClassifier(network, n_neighbors=10).fit(X, Y)
    >>> clf.predict_top_k(X[:2], k=3).indices.shape
    (2, 3)
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [None, HasMethods(["fit", "predict_proba", "hidden_activations"])],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "temperature": [Interval(Real, 0, None, closed="left")],
        "neighbor_weight": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_neighbors: int = 50,
        temperature: float = 30.0,
        neighbor_weight: float = 0.5,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.temperature = temperature
        self.neighbor_weight = neighbor_weight

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None, **fit_params: Any
    ) -> "DeepNeighborsClassifier":
        """Train the network, and keep what its last hidden layer makes of the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape (n_samples, n_labels)
            Indicator of the labels.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the network's loss and among the neighbours.
        **fit_params : dict
            Further arguments of the network's `fit`, such as ``X_val`` and ``y_val``.

        Returns
        -------
        DeepNeighborsClassifier
            The fitted classifier itself.

        Raises
        ------
        ValueError
            If `y` is not an indicator of labels, or the network refuses its data.
        """
        from sk_yt8m.classifier import DeepMultiLabelClassifier

        indicator, self._form = multilabel_targets(y, type(self).__name__)
        network = DeepMultiLabelClassifier() if self.estimator is None else clone(self.estimator)
        if sample_weight is not None:
            fit_params["sample_weight"] = sample_weight
        self.estimator_ = network.fit(X, y, **fit_params)
        self._references = _unit_rows(self.estimator_.hidden_activations(X))
        self._labels = sp.csr_array(indicator.astype(np.float32))
        self._weights = None
        if sample_weight is not None:
            self._weights = _check_sample_weight(sample_weight, self._references, dtype=np.float32)
        self.classes_ = self._form.classes
        self.label_names_ = self._form.names
        self.n_outputs_ = indicator.shape[1]
        self.n_features_in_ = self.estimator_.n_features_in_
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
        return self

    def _probabilities(self, rows: Any) -> np.ndarray:
        own = self.estimator_.predict_proba(rows)
        share = np.float32(self.neighbor_weight)
        return (1 - share) * own + share * self._neighbor_labels(rows)

    def _neighbor_labels(self, rows: Any) -> np.ndarray:
        cosines = _unit_rows(self.estimator_.hidden_activations(rows)) @ self._references.T
        k = min(self.n_neighbors, cosines.shape[1])
        nearest = select_top_k(cosines, k)
        if nearest is None:
            raise ValueError("the network's hidden activations hold NaN")
        neighbors, cosines = nearest
        weights = np.exp(self.temperature * (cosines - cosines[:, :1]))
        if self._weights is not None:
            weights *= self._weights[neighbors]
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        starts = np.arange(0, neighbors.size + 1, k)
        shape = (len(neighbors), len(self._references))
        mixture = sp.csr_array((weights.ravel(), neighbors.ravel(), starts), shape=shape)
        return (mixture @ self._labels).toarray()


def _unit_rows(activations: np.ndarray) -> np.ndarray:
    """Divide rows by their lengths, in place; rows of zeros stay."""
    lengths = np.linalg.norm(activations, axis=1, keepdims=True)
    activations /= np.maximum(lengths, np.finfo(np.float32).tiny)
    return activations
