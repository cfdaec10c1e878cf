"""A classifier whose features are scaled to length 1, modality by modality."""

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter

from sk_yt8m._estimators.blockwise import BlockwisePredictions, probabilities_of
from sk_yt8m._estimators.callbacks import fit_part, hook_arguments
from sk_yt8m._estimators.routing import fit_params_of, router_of
from sk_yt8m._estimators.saving import SavedComposition, parameters_of, requests_of, saved_of
from sk_yt8m._inputs.dense import in_tuple, refuse_masked
from sk_yt8m._inputs.forms.array_columns import stack_rows
from sk_yt8m._inputs.targets import encode_targets
from sk_yt8m._inputs.types import MatrixLike
from sk_yt8m._sklearn import CallbackSupportMixin, HasMethods, fit_context
from sk_yt8m.persistence._ensemble_kinds import SavedNormalized
from sk_yt8m.presets.modalities import ModalityNormalizer


class NormalizedModalitiesClassifier(
    CallbackSupportMixin,
    BlockwisePredictions,
    SavedComposition,
    ClassifierMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Scale the features of each modality to length 1, and train a classifier on them.

    Like a pipeline of a `ModalityNormalizer` and the classifier. Unlike a pipeline it has
    ``predict_top_k`` and ``save``, and scales validation data, too.

    Read more in the :ref:`User Guide <presets>`.

    Parameters
    ----------
    estimator : classifier
        A classifier with ``predict_proba``.
    modalities : dict of str to int, default=None
        Name and number of features of each modality, as in `ModalityNormalizer`; None means that
        all features are of one.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    normalizer_ : ModalityNormalizer
        What scales the features.
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
    ModalityNormalizer : The scaling alone.
    make_classifier : The preset "neighbors" is such a classifier, "best" averages several.

    Notes
    -----
    `fit` holds all scaled features in memory, also those of a memory map. Predictions are made
    block by block.

    Examples
    --------
    >>> from sk_yt8m import DeepMultiLabelClassifier, NormalizedModalitiesClassifier
    >>> from sk_yt8m.datasets import make_videos
    >>> X, Y = make_videos(300, n_labels=30, n_features=20, random_state=0, return_X_y=True)
    >>> network = DeepMultiLabelClassifier((32,), max_iter=5, random_state=0)
    >>> clf = NormalizedModalitiesClassifier(network, {"rgb": 16, "audio": 4}).fit(X, Y)
    >>> clf.predict_top_k(10 * X[:2], k=3).indices.shape
    (2, 3)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "modalities": [dict, None],
    }

    def __init__(self, estimator: Any, modalities: dict[str, int] | None = None) -> None:
        self.estimator = estimator
        self.modalities = modalities

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: MatrixLike, y: MatrixLike, **fit_params: Any) -> Self:
        """Scale the features and train the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            Classes, or the indicator matrix of the labels.
        **fit_params : dict
            Further arguments of the classifier's `fit`, such as ``sample_weight``, ``X_val`` and
            ``y_val``; ``X_val`` is scaled as `X` is. With metadata routing the classifier gets what
            it requests of them (:ref:`User Guide <routing>`).

        Returns
        -------
        NormalizedModalitiesClassifier
            The fitted classifier itself.

        Raises
        ------
        TypeError
            If an argument is a masked array, whose mask would be ignored.
        ValueError
            If the modalities have another number of features together than `X`, or the classifier
            refuses its data.

        Examples
        --------
        The validation features are scaled, too:

        >>> from sk_yt8m import DeepMultiLabelClassifier, NormalizedModalitiesClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> network = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
        >>> clf = NormalizedModalitiesClassifier(network, {"rgb": 16, "audio": 4})
        >>> clf = clf.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
        >>> len(clf.estimator_.validation_scores_)
        2
        """
        for name, value in {"y": y, **fit_params}.items():
            refuse_masked(value, name)
        _, form = encode_targets(y)
        normalizer = ModalityNormalizer(self.modalities)
        scaled = normalizer.fit_transform(stack_rows(X))
        X_val = fit_params.get("X_val")
        if in_tuple(X_val):
            fit_params["X_val"] = (normalizer.transform(X_val[0]),)
        elif X_val is not None:
            fit_params["X_val"] = normalizer.transform(stack_rows(X_val))
        classifier = self._part(self.estimator)
        params = fit_params_of(self, {"estimator": classifier}, fit_params)["estimator"]
        told = {"estimator": self, **hook_arguments(X, y, fit_params.get("sample_weight"))}
        task = self._init_callback_context(max_subtasks=1)
        task.call_on_fit_task_begin(**told)
        self.estimator_ = fit_part(
            classifier, scaled, y, params, self, task.subcontext("classifier")
        )
        self.normalizer_ = normalizer
        self._publish(form)
        task.call_on_fit_task_end(**told, reconstruction_attributes={})
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the router: `fit` hands the classifier the metadata that it requests.

        Returns
        -------
        MetadataRouter
            The requests of the classifier, and those of this one's own `fit` and `score`.
        """
        return router_of(self, {"estimator": self.estimator})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if isinstance(self.estimator, BaseEstimator):
            inner = get_tags(self.estimator)
            tags.input_tags.sparse = inner.input_tags.sparse
            tags.classifier_tags = inner.classifier_tags
        return tags

    def _to_saved(self) -> SavedNormalized:
        widths = self.normalizer_.modalities
        return SavedNormalized(
            parameters=parameters_of(self),
            form=self._form,
            requests=requests_of(self),
            modalities=None if widths is None else {k: int(v) for k, v in widths.items()},
            feature_names=getattr(self.normalizer_, "feature_names_in_", None),
            classifier=saved_of(self.estimator_, "the fitted estimator_"),
        )

    def _restore(self, saved: SavedNormalized, parts: list[Any]) -> None:
        """Set the fitted attributes from plain values."""
        (self.estimator_,) = parts
        self.normalizer_ = ModalityNormalizer(saved.modalities)
        self.normalizer_.n_features_in_ = saved.n_features
        if saved.feature_names is not None:
            self.normalizer_.feature_names_in_ = saved.feature_names
        self._publish(saved.form)

    def _parts(self) -> list[Any]:
        return [self.normalizer_, self.estimator_]

    def _block_probabilities(self, rows: Any) -> np.ndarray:
        scaled = self.normalizer_.transform(rows)
        return probabilities_of(self.estimator_, scaled, len(self.label_names_)).astype(np.float64)
