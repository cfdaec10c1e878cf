"""The fitted attributes of the classifier, and their way into files and back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._estimators.plain_values import plain_value
from sk_yt8m._estimators.saving import check_class, parameters_of, requests_of
from sk_yt8m._inputs.types import PathLike
from sk_yt8m._network.fitted_network import FittedNetwork
from sk_yt8m._training.history import History
from sk_yt8m._training.ongoing import OngoingTraining
from sk_yt8m.persistence._contents import SavedClassifier

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator as _Base
else:
    _Base = object


class FittedState(_Base):
    """The attributes of a fitted classifier, written to files and restored from them."""

    _fitted: OngoingTraining

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    def save(self, path: PathLike, *, include_training_state: bool = False) -> None:
        """Write the fitted classifier to one file that is safe to open.

        The file is in the safetensors format: weights as numbers, and parameters, classes, names
        and metadata requests as JSON text, with a checksum of everything. `sk_yt8m.load` reads it.
        It is written atomically: after a crash or with a full disk, an old file of that name is
        unchanged.

        Read more in the :ref:`User Guide <saving>`.

        Parameters
        ----------
        path : str or path
            The file; ``.safetensors`` is the usual extension. Of a symbolic link, the file that it
            points to is replaced.
        include_training_state : bool, default=False
            Whether to save the state that `partial_fit` needs to continue exactly, which makes
            the file four times as large. Without it, `partial_fit` starts a new optimiser from
            the saved weights.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If a parameter was set to a value that `fit` would refuse.
        ModelFileError
            A ValueError: if a parameter or name is not a number, string or other plain value,
            or a weight is not finite. `checkpoint_dir` is not saved, because it is a path on one
            machine.
        OSError
            If the file cannot be written.

        See Also
        --------
        sk_yt8m.load : Read the file.
        export : Write the network for another runtime.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
        >>> import tempfile
        >>> import sk_yt8m
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     clf.save(f"{folder}/videos.safetensors")
        ...     again = sk_yt8m.load(f"{folder}/videos.safetensors")
        >>> bool((again.predict_proba(X) == clf.predict_proba(X)).all())
        True
        """
        from sk_yt8m.persistence._model_file import write_model

        check_is_fitted(self)
        check_class(self, "the classifier")
        write_model(path, self._to_saved(include_training_state))

    def export(
        self, path: PathLike, format: Literal["saved_model", "onnx", "litert"] = "saved_model"
    ) -> None:
        """Write the predicting network for another runtime, through Keras' exporters.

        The exported network takes float32 features of shape (n, n_features) under the name
        ``features`` and gives what `predict_proba` gives, up to rounding.

        Read more in the :ref:`User Guide <saving>`.

        Parameters
        ----------
        path : str or path
            A folder for ``"saved_model"``, a file for ``"onnx"``, and a file with the extension
            ``.tflite`` for ``"litert"``. An earlier export is replaced.
        format : {"saved_model", "onnx", "litert"}, default="saved_model"
            TensorFlow SavedModel, ONNX (needs the packages tf2onnx and onnx) or LiteRT, formerly
            TensorFlow Lite. ``pip install "sk-yt8m[export]"`` brings exporters and runtimes.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If `format` or the extension of `path` is another, or float32 cannot resolve the
            features: those with a mean beyond some 100,000 standard deviations.
        ImportError
            If a package that the format needs is not installed.

        See Also
        --------
        save : Write the classifier for this package.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
        >>> import tempfile
        >>> import tensorflow as tf
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     clf.export(f"{folder}/videos")
        ...     network = tf.saved_model.load(f"{folder}/videos")
        >>> probabilities = network.serve(X.astype("float32"))
        >>> bool(abs(probabilities - clf.predict_proba(X)).numpy().max() < 1e-5)
        True
        """
        from sk_yt8m.persistence._export import export_network

        check_is_fitted(self)
        export_network(self._fitted.network, path, format)

    def _plain_parameters(self) -> dict[str, Any]:
        return {name: plain_value(value) for name, value in self.get_params(deep=False).items()}

    def _set_trained(self, network: FittedNetwork, history: History) -> None:
        """Set the attributes of a complete training."""
        self._set_fitted(OngoingTraining(network))
        self._set_history(history.losses, history.scores, history.seconds, history.n_seen)

    def _set_fitted(self, training: OngoingTraining) -> None:
        """Set the attributes that follow from a trained network."""
        self._fitted = training
        self.classes_ = training.form.classes
        self.label_names_ = training.form.names
        self.out_activation_ = training.form.out_activation
        self.n_outputs_ = training.architecture.n_outputs
        self.hidden_layer_sizes_ = training.architecture.hidden_layer_sizes
        self.n_layers_ = len(self.hidden_layer_sizes_) + 2

    def _set_history(
        self, losses: list[float], scores: list[float], seconds: list[float], n_seen: int
    ) -> None:
        """Set the attributes that tell of the training."""
        self.epoch_times_ = seconds
        self.loss_curve_ = losses
        self.loss_ = losses[-1] if losses else np.inf
        self.best_loss_ = None if scores else min(losses, default=np.inf)
        self.n_iter_ = len(losses)
        self.t_ = n_seen
        self.validation_scores_ = scores or None
        self.best_validation_score_ = max(scores) if scores else None

    def _to_saved(self, include_training_state: bool = False) -> SavedClassifier:
        """Return the fitted classifier as plain values."""
        network = self._fitted.network
        return SavedClassifier(
            parameters=parameters_of(self),
            architecture=network.architecture,
            form=network.form,
            feature_names=getattr(self, "feature_names_in_", None),
            losses=self.loss_curve_,
            scores=self.validation_scores_ or [],
            seconds=self.epoch_times_,
            n_seen=self.t_,
            requests=requests_of(self),
            weights=network.weights,
            training_state=self._fitted.state() if include_training_state else None,
        )

    def _restore(self, saved: SavedClassifier, parts: Sequence[Any]) -> None:
        """Set the fitted attributes from plain values."""
        network = FittedNetwork(saved.architecture, saved.form, saved.weights)
        self._set_fitted(OngoingTraining(network, saved.training_state))
        self._set_history(saved.losses, saved.scores, saved.seconds, saved.n_seen)
        self.n_features_in_ = saved.architecture.n_features
        if saved.feature_names is not None:
            self.feature_names_in_ = saved.feature_names
