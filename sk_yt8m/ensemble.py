"""The average of several classifiers."""

import warnings
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.parallel import Parallel, delayed

from sk_yt8m._estimators.blockwise import BlockwisePredictions, probabilities_of
from sk_yt8m._estimators.callbacks import fit_part, hook_arguments
from sk_yt8m._estimators.routing import fit_params_of, router_of
from sk_yt8m._estimators.saving import SavedComposition, parameters_of, requests_of, saved_of
from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.forms.array_columns import stack_rows
from sk_yt8m._inputs.targets import encode_targets
from sk_yt8m._inputs.types import MatrixLike
from sk_yt8m._sklearn import BaseComposition, CallbackSupportMixin, fit_context, has_callbacks
from sk_yt8m.persistence._ensemble_kinds import SavedAverage


class AveragingClassifier(
    CallbackSupportMixin,
    BlockwisePredictions,
    SavedComposition,
    ClassifierMixin,
    BaseComposition,
):
    """Average the probabilities of several classifiers.

    Like scikit-learn's ``VotingClassifier(voting="soft")``, but for labels as well as classes:
    networks with different seeds, sizes or features make different errors, and their mean makes
    fewer [1]_.

    Read more in the :ref:`User Guide <ensembles>`.

    Parameters
    ----------
    estimators : list of (str, estimator) tuples
        The classifiers by name, or ``"drop"`` to leave one out. Their ``predict_proba`` returns
        one array of shape (n_samples, n_labels) or, like scikit-learn's forests and neighbours, a
        list with the class probabilities of each label.
    weights : array-like of shape (n_estimators,), default=None
        Weight of each estimator in the mean, including those left out; None for equal weights.
        May be set on a fitted classifier.
    n_jobs : int, default=None
        Number of processes for fitting, as in joblib. A network uses all cores by itself.

    Attributes
    ----------
    estimators_ : list of estimators
        The fitted classifiers, without those left out.
    named_estimators_ : dict
        The same by name.
    classes_ : ndarray of shape (n_classes,) or (n_labels,)
        The classes; for multilabel targets the numbers of the labels, as Python integers.
    label_names_ : ndarray of shape (n_classes,) or (n_labels,)
        Names of the columns of the probabilities.
    n_outputs_ : int
        Number of labels or classes; 1 for binary targets.
    n_features_in_ : int
        Number of features, if one of the classifiers knows it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if one of the classifiers knows them.

    See Also
    --------
    DeepMultiLabelClassifier : The network.
    DeepNeighborsClassifier : A network averaged with its nearest training rows.
    sklearn.ensemble.VotingClassifier : The same for classes.

    References
    ----------
    .. [1] Hansen and Salamon, "Neural network ensembles", IEEE Transactions on Pattern Analysis and
       Machine Intelligence 12(10), 1990, https://doi.org/10.1109/34.58871

    Examples
    --------
    >>> from sk_yt8m import AveragingClassifier, DeepMultiLabelClassifier
    >>> from sk_yt8m.datasets import make_videos
    >>> X, Y = make_videos(300, n_labels=30, n_features=20, random_state=0, return_X_y=True)
    >>> networks = [
    ...     (f"seed {seed}", DeepMultiLabelClassifier((32,), max_iter=3, random_state=seed))
    ...     for seed in range(2)
    ... ]
    >>> clf = AveragingClassifier(networks).fit(X, Y)
    >>> clf.predict_proba(X[:5]).shape
    (5, 30)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimators": [list],
        "weights": ["array-like", None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimators: list[tuple[str, Any]],
        *,
        weights: npt.ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimators = estimators
        self.weights = weights
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: MatrixLike, y: MatrixLike, **fit_params: Any) -> Self:
        """Fit all classifiers.

        Callbacks set by `set_callbacks` are told of each of them, and passed on to them as
        scikit-learn's meta-estimators do: see the :ref:`User Guide <callbacks>`.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, which every classifier gets as they are, except that a column of equal-length
            arrays is stacked.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            Classes, or the indicator matrix of the labels, which every classifier gets as they
            are.
        **fit_params : dict
            Further arguments of their `fit`: for all of them alike, or with metadata routing for
            each what it requests (:ref:`User Guide <routing>`).

        Returns
        -------
        AveragingClassifier
            The fitted classifier itself.

        Raises
        ------
        TypeError
            If an argument is a masked array, whose mask would be ignored, or with metadata routing
            one that no classifier requests.
        ValueError
            If there is no estimator, names repeat, an estimator is no classifier with
            ``predict_proba``, the weights are not one finite number of at least 0 for each, or
            `y` is neither classes nor an indicator of labels.

        Examples
        --------
        The same validation data for both networks:

        >>> from sk_yt8m import AveragingClassifier, DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> relu = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
        >>> gelu = DeepMultiLabelClassifier((8,), "gelu", max_iter=2, random_state=1)
        >>> clf = AveragingClassifier([("relu", relu), ("gelu", gelu)], weights=[2, 1])
        >>> clf = clf.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
        >>> len(clf.named_estimators_["gelu"].validation_scores_)
        2
        """
        used = self._used_estimators()
        is_used = np.array([name in used for name, _ in self.estimators])
        self._shares(is_used)
        refuse_masked(X, "X")
        for name, value in fit_params.items():
            refuse_masked(value, name)
        X = stack_rows(X)
        params = fit_params_of(self, used, fit_params)
        _, form = encode_targets(y)
        told = {"estimator": self, **hook_arguments(X, y, fit_params.get("sample_weight"))}
        task = self._init_callback_context(max_subtasks=len(used), sequential_subtasks=False)
        task.call_on_fit_task_begin(**told)
        # All subtasks exist before the first one is sent to another process.
        subtasks = [task.subcontext(name, task_id=number) for number, name in enumerate(used)]
        whole = self if has_callbacks(self) else None
        estimators = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit)(self._part(estimator), X, y, params[name], whole, subtask)
            for (name, estimator), subtask in zip(used.items(), subtasks, strict=True)
        )
        for name, estimator in zip(used, estimators, strict=True):
            classes = getattr(estimator, "classes_", form.classes)
            if form.kind != "multilabel" and not np.array_equal(classes, form.classes):
                raise ValueError(
                    f"estimator {name!r} has the classes_ {classes}: expected those of y, "
                    f"{form.classes}"
                )
        self.estimators_ = estimators
        self.named_estimators_ = dict(zip(used, estimators, strict=True))
        self._is_used = is_used
        self._publish(form)
        task.call_on_fit_task_end(**told, reconstruction_attributes={})
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, and with `deep` those of the classifiers by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the classifiers and their parameters.

        Returns
        -------
        dict
            Values by name.

        Examples
        --------
        >>> from sk_yt8m import AveragingClassifier, DeepMultiLabelClassifier
        >>> clf = AveragingClassifier([("net", DeepMultiLabelClassifier(max_iter=2))])
        >>> clf.get_params()["net__max_iter"]
        2
        """
        return dict(self._get_params("estimators", deep=deep))

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also of the classifiers: ``name__parameter=value``.

        Parameters
        ----------
        **params : dict
            Values by name.

        Returns
        -------
        AveragingClassifier
            The classifier itself.

        Examples
        --------
        >>> from sk_yt8m import AveragingClassifier, DeepMultiLabelClassifier
        >>> clf = AveragingClassifier([("net", DeepMultiLabelClassifier())])
        >>> clf.set_params(net__max_iter=2)
        AveragingClassifier(estimators=[('net', DeepMultiLabelClassifier(max_iter=2))])
        """
        self._set_params("estimators", **params)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the router: `fit` hands each classifier the metadata that it requests.

        Returns
        -------
        MetadataRouter
            The requests of the classifiers, and those of the average's own `score`.
        """
        items = self.estimators if isinstance(self.estimators, list) else []
        pairs = dict(item for item in items if _is_pair(item))
        return router_of(self, {name: part for name, part in pairs.items() if not _is_drop(part)})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        parts = [get_tags(part) for part in self._classifiers()]
        tags.input_tags.sparse = all(part.input_tags.sparse for part in parts)
        tags.input_tags.allow_nan = all(part.input_tags.allow_nan for part in parts)
        for name in ("multi_label", "multi_class"):
            able = all(getattr(part.classifier_tags, name) for part in parts)
            setattr(tags.classifier_tags, name, able)
        return tags

    def _classifiers(self) -> list[Any]:
        """Return the estimators that are classifiers, whatever else the list may hold."""
        items = self.estimators if isinstance(self.estimators, list) else []
        parts = [item[1] for item in items if _is_pair(item)]
        return [
            part
            for part in parts
            if isinstance(part, BaseEstimator) and get_tags(part).classifier_tags is not None
        ]

    def _used_estimators(self) -> dict[str, Any]:
        """Return the estimators that are not left out by name, checked."""
        if not self.estimators or not all(_is_pair(item) for item in self.estimators):
            raise ValueError(
                "estimators must hold at least one (name, estimator) pair, and only such, got "
                f"{self.estimators!r}"
            )
        self._validate_names([name for name, _ in self.estimators])
        used = {name: part for name, part in self.estimators if not _is_drop(part)}
        if not used:
            raise ValueError('all estimators are "drop": expected at least one that is not')
        for name, part in used.items():
            if not hasattr(part, "fit") or not hasattr(part, "predict_proba"):
                raise ValueError(
                    f"estimator {name!r} is {part!r}: expected a classifier with fit and "
                    'predict_proba, or "drop" to leave it out'
                )
        return used

    def _shares(self, is_used: np.ndarray) -> np.ndarray:
        """Return the shares of the estimators in use, of sum 1."""
        if self.weights is None:
            return np.full(is_used.sum(), 1 / is_used.sum())
        refuse_masked(self.weights, "weights")
        try:
            weights = np.asarray(self.weights, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            weights = np.empty(0)
        if (
            weights.shape != is_used.shape
            or not (np.isfinite(weights) & (weights >= 0)).all()
            or not weights[is_used].any()
        ):
            raise ValueError(
                f"weights must be {is_used.size} finite numbers of at least 0, one for each "
                f"estimator and not all 0, got {self.weights!r}"
            )
        # The sum of weights near the largest float would overflow.
        shares = weights[is_used] / weights[is_used].max()
        return shares / shares.sum()

    def _to_saved(self) -> SavedAverage:
        self._shares(self._is_used)
        return SavedAverage(
            parameters=parameters_of(self),
            form=self._form,
            requests=requests_of(self),
            names=list(self.named_estimators_),
            is_used=self._is_used.tolist(),
            parts=[
                saved_of(part, f"the fitted estimator {name!r}")
                for name, part in self.named_estimators_.items()
            ],
        )

    def _restore(self, saved: SavedAverage, parts: list[Any]) -> None:
        """Set the fitted attributes from plain values."""
        self.estimators_ = parts
        self.named_estimators_ = dict(zip(saved.names, parts, strict=True))
        self._is_used = np.array(saved.is_used)
        self._publish(saved.form)
        try:
            self._shares(self._is_used)
        except (TypeError, ValueError) as error:
            raise ModelFileError(f"it holds impossible weights: {error}") from error

    def _parts(self) -> list[Any]:
        return self.estimators_

    def _block_probabilities(self, rows: Any) -> np.ndarray:
        n_columns = len(self.label_names_)
        total = np.zeros((1, n_columns))
        for share, estimator in zip(self._shares(self._is_used), self.estimators_, strict=True):
            if share:
                total = total + share * probabilities_of(estimator, rows, n_columns)
        return total


def _fit(*task: Any) -> Any:
    """Fit one; a KeyboardInterrupt that ends its training early is not to let the next begin."""
    from sk_yt8m._training.epoch_loop import TrainingInterruptedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", TrainingInterruptedWarning)
        try:
            return fit_part(*task)
        except TrainingInterruptedWarning:
            raise KeyboardInterrupt from None


def _is_pair(item: Any) -> bool:
    return isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[0], str)


def _is_drop(part: Any) -> bool:
    return isinstance(part, str) and part == "drop"
