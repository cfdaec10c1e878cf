"""The average of several multilabel classifiers."""

from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from sklearn.base import ClassifierMixin, clone
from sklearn.utils.metaestimators import _BaseComposition

from sk_yt8m._blockwise import BlockwisePredictions, multilabel_targets


class AveragingClassifier(BlockwisePredictions, ClassifierMixin, _BaseComposition):
    """Average the probabilities of several multilabel classifiers.

    What scikit-learn's ``VotingClassifier(voting="soft")`` does for classes, for labels: networks
    of different seeds, sizes or features make different mistakes, and their mean fewer.

    Parameters
    ----------
    estimators : list of (str, estimator) tuples
        The classifiers by name. Their ``predict_proba`` gives one array of shape (n_samples,
        n_labels).
    weights : array-like of shape (n_estimators,), default=None
        Weight of each in the mean; None for equal weights.
    n_jobs : int, default=None
        Number of processes that fit them. A network uses all cores by itself.

    Attributes
    ----------
    estimators_ : list of estimators
        The fitted classifiers.
    named_estimators_ : dict
        The same by name.
    classes_ : ndarray of shape (n_labels, 2)
        The classes of each label, 0 and 1.
    label_names_ : ndarray of shape (n_labels,)
        Names of the labels.
    n_outputs_ : int
        Number of labels.

    See Also
    --------
    DeepNeighborsClassifier : A network beside its nearest training rows.

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

    def fit(self, X: Any, y: Any, **fit_params: Any) -> "AveragingClassifier":
        """Fit all classifiers.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape (n_samples, n_labels)
            Indicator of the labels, which every classifier gets as it is.
        **fit_params : dict
            Further arguments of their `fit`.

        Returns
        -------
        AveragingClassifier
            The fitted classifier itself.

        Raises
        ------
        ValueError
            If there is no estimator, names repeat, the weights are not one number of at least 0
            for each, or `y` is not an indicator of labels.
        """
        names = [name for name, _ in self.estimators]
        if not names:
            raise ValueError("estimators must hold at least one (name, estimator) pair")
        self._validate_names(names)
        self._shares = self._checked_weights(len(names))
        indicator, self._form = multilabel_targets(y, type(self).__name__)
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit)(clone(estimator), X, y, fit_params) for _, estimator in self.estimators
        )
        self.named_estimators_ = dict(zip(names, self.estimators_, strict=True))
        self.classes_ = self._form.classes
        self.label_names_ = self._form.names
        self.n_outputs_ = indicator.shape[1]
        first = self.estimators_[0]
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(first, name):
                setattr(self, name, getattr(first, name))
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
        """
        return dict(self._get_params("estimators", deep=deep))

    def set_params(self, **params: Any) -> "AveragingClassifier":
        """Set parameters, also of the classifiers: ``name__parameter=value``.

        Parameters
        ----------
        **params : dict
            Values by name.

        Returns
        -------
        AveragingClassifier
            The classifier itself.
        """
        self._set_params("estimators", **params)
        return self

    def _checked_weights(self, n_estimators: int) -> np.ndarray:
        weights = np.ones(n_estimators) if self.weights is None else np.asarray(self.weights, float)
        if weights.shape != (n_estimators,) or not (weights >= 0).all() or not weights.sum() > 0:
            raise ValueError(
                f"weights must be {n_estimators} numbers of at least 0, one for each estimator and "
                f"not all 0, got {self.weights!r}"
            )
        return (weights / weights.sum()).astype(np.float32)

    def _probabilities(self, rows: Any) -> np.ndarray:
        total = np.zeros((1, self.n_outputs_), dtype=np.float32)
        for share, estimator in zip(self._shares, self.estimators_, strict=True):
            if share:
                total = total + share * _one_array(estimator, rows, self.n_outputs_)
        return total


def _fit(estimator: Any, X: Any, y: Any, fit_params: dict[str, Any]) -> Any:
    return estimator.fit(X, y, **fit_params)


def _one_array(estimator: Any, rows: Any, n_labels: int) -> np.ndarray:
    probabilities = estimator.predict_proba(rows)
    if not isinstance(probabilities, np.ndarray) or probabilities.shape[1:] != (n_labels,):
        got = getattr(probabilities, "shape", type(probabilities).__name__)
        raise ValueError(
            f"predict_proba of {type(estimator).__name__} must give one array of shape "
            f"(n_samples, {n_labels}), got {got}"
        )
    return probabilities
