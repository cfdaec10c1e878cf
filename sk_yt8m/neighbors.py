"""A network averaged with the labels of the nearest training rows in its last hidden layer."""

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.preprocessing import normalize
from sklearn.utils import indexable
from sklearn.utils.metadata_routing import MetadataRouter

from sk_yt8m._estimators.blockwise import BlockwisePredictions
from sk_yt8m._estimators.callbacks import fit_part, hook_arguments
from sk_yt8m._estimators.network_predictions import hidden_and_probabilities
from sk_yt8m._estimators.routing import fit_params_of, is_enabled, router_of
from sk_yt8m._estimators.saving import SavedComposition, parameters_of, requests_of, saved_of
from sk_yt8m._inputs.forms.array_columns import stack_rows
from sk_yt8m._inputs.sample_weight import check_sample_weight
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._inputs.targets import encode_targets
from sk_yt8m._inputs.types import MatrixLike
from sk_yt8m._neighbors.inverted_lists import import_faiss
from sk_yt8m._neighbors.search import NearestRows
from sk_yt8m._sklearn import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
    num_samples,
    safe_indexing,
)
from sk_yt8m.persistence._ensemble_kinds import SavedNeighbors

# Training rows whose activations are computed at a time.
_PART_ROWS = 1024


class DeepNeighborsClassifier(
    CallbackSupportMixin,
    BlockwisePredictions,
    SavedComposition,
    ClassifierMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Average a network with the labels of the nearest training rows in its last hidden layer.

    A network predicts rare labels poorly, while its training rows still show them. The neighbours
    of a row are the training rows whose activations in the last hidden layer have the highest
    cosine similarity with its own; their labels or classes are averaged with the weights
    ``exp(cosine / temperature)`` [1]_, and the result with the network's probabilities [2]_.

    Read more in the :ref:`User Guide <ensembles>`.

    Parameters
    ----------
    estimator : DeepMultiLabelClassifier or None, default=None
        The network, any classifier with ``predict_proba`` and ``hidden_activations``; None for a
        `DeepMultiLabelClassifier` with default parameters.
    n_neighbors : int, default=50
        Number of training rows that are averaged; all rows of a weight above 0 if there are
        fewer.
    temperature : float, default=1/30
        Divisor of the cosines, above 0. The lower it is, the more the nearest neighbours count;
        infinity gives all neighbours the same weight.
    neighbor_weight : float, default=0.5
        Share of the neighbours in the average, from 0 to 1.
    algorithm : {"auto", "brute", "ivf"}, default="auto"
        How the neighbours are found. ``"brute"`` compares a row with all training rows.
        ``"auto"`` does so, too, for few training rows or narrow activations, and otherwise in full
        only with those that are near in the leading directions (Notes). ``"ivf"`` is an inverted
        file index of faiss [3]_, for hundreds of thousands of training rows.
        ``pip install "sk-yt8m[ann]"`` brings faiss.
    n_probes : int, default=64
        Number of clusters of training rows that ``"ivf"`` searches for each row. The more, the
        fewer neighbours it misses. Without effect on the others.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network.
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        The classes; for multilabel targets the numbers of the labels, as Python integers.
    label_names_ : ndarray of shape (n_classes,) or (n_labels,)
        Names of the columns of the probabilities.
    n_outputs_ : int
        Number of labels or classes; 1 for binary targets.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where `X` was a DataFrame with string column names.

    See Also
    --------
    DeepMultiLabelClassifier : The network.
    AveragingClassifier : Average of several classifiers.
    sklearn.neighbors.KNeighborsClassifier : Neighbours by the features themselves.

    Notes
    -----
    The activations of all training rows are kept, in float32: ``4 * n_samples *
    hidden_layer_sizes[-1]`` bytes, as much again in a pickle. A prediction compares a row with all
    of them, which takes ``2 * n_samples * hidden_layer_sizes[-1]`` operations. The products are in
    bfloat16 where the device multiplies it natively, with a margin for its rounding. All cosines of
    neighbours are computed in float64 and rounded to float32; ties go to the first training row.

    With at least 8,192 training rows, 1,024 activations and no native bfloat16, ``"auto"`` compares
    rows in the 384 leading directions of the training rows, and in full with the ``4 *
    n_neighbors`` nearest there. On YouTube-8M it finds 999 of 1,000 neighbours
    (:ref:`results`); ``"brute"`` misses none.

    ``"ivf"`` has ``2 * sqrt(n_samples)`` clusters in the 256 leading directions; of the
    ``4 * n_neighbors`` rows that it finds the nearest are taken by their exact cosines. It depends
    on the training rows only. Neither projection nor index is in pickles and model files: they
    are made again when first needed, for the former in some seconds. ONNX graphs compare all rows.

    All parameters but `estimator` may be set on a fitted classifier.

    References
    ----------
    .. [1] Wu et al., "Unsupervised feature learning via non-parametric instance discrimination",
       CVPR 2018, https://arxiv.org/abs/1805.01978
    .. [2] Khandelwal et al., "Generalization through memorization: nearest neighbor language
       models", ICLR 2020, https://arxiv.org/abs/1911.00172
    .. [3] Douze et al., "The Faiss library", 2024, https://arxiv.org/abs/2401.08281

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
        "temperature": [Interval(Real, 0, None, closed="right")],
        "neighbor_weight": [Interval(Real, 0, 1, closed="both")],
        "algorithm": [StrOptions({"auto", "brute", "ivf"})],
        "n_probes": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_neighbors: int = 50,
        temperature: float = 1 / 30,
        neighbor_weight: float = 0.5,
        algorithm: Literal["auto", "brute", "ivf"] = "auto",
        n_probes: int = 64,
    ) -> None:
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.temperature = temperature
        self.neighbor_weight = neighbor_weight
        self.algorithm = algorithm
        self.n_probes = n_probes

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        sample_weight: npt.ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Train the network, and keep the training rows' activations in its last hidden layer.

        Callbacks set by `set_callbacks` are told of the network, and passed on to it as
        scikit-learn's meta-estimators do: see the :ref:`User Guide <callbacks>`.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, or a column of equal-length arrays.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            Classes, or the indicator matrix of the labels.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row in the network's loss and among the neighbours. Rows of weight 0
            are never neighbours.
        **fit_params : dict
            Further arguments of the network's `fit`, such as ``X_val`` and ``y_val``. With metadata
            routing the network gets of all of them, `sample_weight` included, what it requests
            (:ref:`User Guide <routing>`); the default network requests all.

        Returns
        -------
        DeepNeighborsClassifier
            The fitted classifier itself.

        Raises
        ------
        ImportError
            If `algorithm` is ``"ivf"`` and faiss is not installed.
        TypeError
            If an argument is a masked array, whose mask would be ignored, or with metadata routing
            one that the network does not request.
        ValueError
            If `y` is neither classes nor an indicator of labels, no weight is above 0, or the
            network refuses its data.

        Examples
        --------
        Validation data is for the network; its rows are no neighbours:

        >>> from sk_yt8m import DeepMultiLabelClassifier, DeepNeighborsClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> network = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
        >>> clf = DeepNeighborsClassifier(network, n_neighbors=10)
        >>> clf = clf.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
        >>> len(clf.estimator_.validation_scores_)
        2
        """
        if self.algorithm == "ivf":
            import_faiss()
        X = stack_rows(X)
        indicator, form = encode_targets(y)
        weight = check_sample_weight(sample_weight, X)
        if sample_weight is not None:
            fit_params["sample_weight"] = sample_weight
        network = self._part(self._network())
        params = fit_params_of(self, {"estimator": network}, fit_params)["estimator"]
        told = {"estimator": self, **hook_arguments(X, y, sample_weight)}
        task = self._init_callback_context(max_subtasks=1)
        task.call_on_fit_task_begin(**told)
        fit_part(network, X, y, params, self, task.subcontext("network"))
        weight = np.ones(indicator.shape[0]) if weight is None else weight
        used = np.flatnonzero(weight)
        references = _unit_rows(_activations(network, X, used))
        labels = _label_columns(indicator, form)[used]
        log_weights = np.log(weight[used])

        self.estimator_ = network
        self._search, self._labels, self._log_weights = NearestRows(references), labels, log_weights
        self._publish(form)
        task.call_on_fit_task_end(**told, reconstruction_attributes={})
        return self

    def _to_saved(self) -> SavedNeighbors:
        return SavedNeighbors(
            parameters=parameters_of(self),
            form=self._form,
            requests=requests_of(self),
            network=saved_of(self.estimator_, "the fitted estimator_"),
            neighbors={
                "references": self._search.references,
                "log_weights": self._log_weights,
                "indptr": self._labels.indptr.astype(np.int64),
                "indices": self._labels.indices.astype(np.int64),
            },
        )

    def _restore(self, saved: SavedNeighbors, parts: list[Any]) -> None:
        """Set the fitted attributes from plain values."""
        arrays = saved.neighbors
        ones = np.ones(arrays["indices"].size)
        kind = np.int32 if ones.size < 2**31 else np.int64
        places = arrays["indices"].astype(kind), arrays["indptr"].astype(kind)
        shape = (arrays["log_weights"].size, len(saved.form.names))
        (self.estimator_,) = parts
        self._search, self._log_weights = NearestRows(arrays["references"]), arrays["log_weights"]
        self._labels = sp.csr_array((ones, *places), shape=shape)
        self._publish(saved.form)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the router: `fit` hands the network the metadata that it requests.

        Returns
        -------
        MetadataRouter
            The requests of the network, and those of the classifier's own `fit` and `score`.
        """
        return router_of(self, {"estimator": self._network()})

    def _network(self) -> Any:
        """Return the network that `fit` trains a copy of."""
        from sk_yt8m.classifier import DeepMultiLabelClassifier

        if self.estimator is not None:
            return self.estimator
        network = DeepMultiLabelClassifier()
        if is_enabled():
            # No one else can set the requests of a network that is made here.
            network.set_fit_request(
                sample_weight=True, X_val=True, y_val=True, sample_weight_val=True
            )
        return network

    def _parts(self) -> list[Any]:
        return [self.estimator_]

    def _block_probabilities(self, rows: Any) -> np.ndarray:
        hidden, own = hidden_and_probabilities(self.estimator_, rows, len(self.label_names_))
        share = float(self.neighbor_weight)
        return (1 - share) * own.astype(np.float64) + share * self._neighbor_labels(hidden)

    def _neighbor_labels(self, hidden: np.ndarray) -> np.ndarray:
        neighbors, cosines = self._search.find(
            _unit_rows(hidden), int(self.n_neighbors), self.algorithm, int(self.n_probes)
        )
        with np.errstate(over="ignore"):
            falls = (cosines - cosines[:, :1]) / float(self.temperature)
        weights = softmax(falls + self._log_weights[neighbors], axis=1)
        starts = np.arange(0, neighbors.size + 1, neighbors.shape[1])
        shape = (len(neighbors), len(self._log_weights))
        mixture = sp.csr_array((weights.ravel(), neighbors.ravel(), starts), shape=shape)
        return (mixture @ self._labels).toarray()


def _activations(network: Any, X: Any, used: np.ndarray) -> np.ndarray:
    """Return the hidden activations of some rows; the others may be too large for the network."""
    if used.size == num_samples(X):
        return network.hidden_activations(X)
    (X,) = indexable(np.asarray(X) if isinstance(X, (list, tuple)) else X)
    parts = (used[i : i + _PART_ROWS] for i in range(0, used.size, _PART_ROWS))
    return np.concatenate([network.hidden_activations(safe_indexing(X, part)) for part in parts])


def _unit_rows(activations: np.ndarray) -> np.ndarray:
    """Divide rows by their Euclidean norms, in place; rows of zeros stay."""
    # Squares of large activations would overflow, squares of small ones vanish.
    largest = np.abs(activations).max(axis=1, keepdims=True)
    if not np.isfinite(largest).all():
        row = int(np.argmin(np.isfinite(largest)))
        raise ValueError(f"the network's hidden activations overflow in row {row}")
    largest[largest == 0] = 1.0
    activations /= largest
    return normalize(activations, copy=False)


def _label_columns(indicator: Any, form: TargetForm) -> Any:
    """Return the labels with a column for each that has a probability, CSR in float64."""
    if form.kind == "binary":
        positive = indicator.toarray()
        return sp.csr_array(np.hstack([1 - positive, positive]), dtype=np.float64)
    return sp.csr_array(indicator, dtype=np.float64)
