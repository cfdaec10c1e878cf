"""Training chunk by chunk: `partial_fit`."""

from typing import Self

import numpy.typing as npt

from sk_yt8m._estimators.fitted_state import FittedState
from sk_yt8m._inputs.features import check_features
from sk_yt8m._inputs.types import MatrixLike
from sk_yt8m._sklearn import fit_context
from sk_yt8m._training.rollback import restored_on_failure


class IncrementalTraining(FittedState):
    """`partial_fit` of a network."""

    early_stopping: bool

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: MatrixLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Train on the given rows once, continuing from the last call.

        The first call determines the feature statistics and the first output biases, so its rows
        should be typical. The learning rate is always `learning_rate_init`, and
        ``batch_size="auto"`` means at most 512 rows. As the number of rows of all calls is not
        known, ``hidden_layer_sizes="auto"`` starts a network of ``(2000, 3200)``; give smaller
        sizes for small data. Parameters of the training may change between
        calls and take effect at once; those of the network's structure may not:
        `hidden_layer_sizes`, `activation`, `batch_normalization` and `standardize`. `max_iter`,
        `learning_rate`, `warmup_fraction`, `tol` and `n_iter_no_change` are for `fit` only.

        A call that fails leaves the classifier unchanged. Callbacks are for `fit` only.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features, as in `fit`.
        y : {array-like, sparse matrix, DataFrame, SparseIndicator} of shape \
                (n_samples,) or (n_samples, n_labels)
            Targets, as in `fit`. Labels must have the same names and order in every call;
            `label_names_` are the first ones given. Of tags, write
            ``SparseIndicator.from_tags(tags, label_names)`` with the names of all calls.
        classes : array-like of shape (n_classes,), optional
            All classes of all calls; required in the first call if `y` is one-dimensional and
            does not hold all of them, and the same in every call. For multilabel targets the
            labels are the columns of `y`.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each row, as in `fit`; at least one must be above 0.

        Returns
        -------
        DeepMultiLabelClassifier
            The fitted classifier itself.

        Raises
        ------
        TypeError
            If an argument is a masked array, whose mask would be ignored.
        ValueError
            If a value is not as described here, or differs from the first call where it must not.
        FloatingPointError
            If the training diverges.

        See Also
        --------
        fit : Train for several epochs on all rows.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), random_state=0)
        >>> for start in range(0, 200, 50):
        ...     clf = clf.partial_fit(X[start : start + 50], Y[start : start + 50])
        >>> clf.t_
        200
        """
        from sk_yt8m._training.partial_fit import partial_fit_network

        # The decorator validates the parameters of the first call only.
        self._validate_params()
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        with restored_on_failure(self):
            previous = self._fitted if hasattr(self, "_fitted") else None
            X = check_features(self, X, reset=previous is None)
            n_calls, losses, n_seen = 0, [], 0
            if previous is not None:
                n_calls, losses, n_seen = self.n_iter_, self.loss_curve_, self.t_
            training, loss, n_samples = partial_fit_network(
                self._plain_parameters(), X, y, classes, sample_weight, previous, n_calls
            )
            self._set_fitted(training)
            self._set_history([*losses, loss], [], [], n_seen + n_samples)
        return self
