"""The methods of the classifier that write files."""

import os
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from sk_yt8m.classifier import DeepMultiLabelClassifier


class FileMethods:
    """Model files and exports of a fitted classifier."""

    def save(self, path: str | os.PathLike[str], *, include_training_state: bool = False) -> None:
        """Write the fitted classifier to one file that is safe to open.

        The file is in the safetensors format: weights as numbers, and parameters, classes, names
        and metadata requests as JSON text with a checksum of it all. `sk_yt8m.load` reads it. It
        is written under another name in the same folder, forced to the disk and renamed, so that
        a crash or a full disk leaves an old file of that name as it was.

        Parameters
        ----------
        path : str or path
            Where to; ``.safetensors`` is the usual ending. Where it is a symbolic link, the file
            that it points to is replaced.
        include_training_state : bool, default=False
            Whether to keep what `partial_fit` needs to go on exactly where it is, which makes
            the file four times as large. Without it, `partial_fit` starts a new optimiser from
            the saved weights.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        ValueError
            If a parameter was set to a value that `fit` would refuse.
        ModelFileError
            A ValueError: if a parameter or name is not a number, string or other plain value,
            or a weight is not finite. `checkpoint_dir` is not kept: it belongs to a machine.
        OSError
            If the file cannot be written.
        """
        from sk_yt8m.persistence._model_file import save

        save(self._classifier(), path, include_training_state=include_training_state)

    def export(self, path: str | os.PathLike[str], format: str = "saved_model") -> None:
        """Write the predicting network for another runtime, through Keras' own exporters.

        The exported network takes float32 features of shape (n, n_features) under the name
        ``features`` and gives what `predict_proba` gives, up to rounding.

        Parameters
        ----------
        path : str or path
            Where to: a folder for ``"saved_model"``, a file for ``"onnx"``, and a file that ends
            in ``.tflite`` for ``"litert"``. What is there is replaced.
        format : {"saved_model", "onnx", "litert"}, default="saved_model"
            TensorFlow SavedModel, ONNX (needs the packages tf2onnx and onnx) or LiteRT, formerly
            TensorFlow Lite. ``pip install "sk-yt8m[export]"`` brings exporters and runtimes.

        Raises
        ------
        NotFittedError
            If there is nothing to export yet.
        ValueError
            If `format` or the ending of `path` is another, or float32 cannot hold the features:
            those with a mean beyond some 100,000 standard deviations.
        ImportError
            If a package that the format needs is not installed.
        """
        from sk_yt8m.persistence._export import export

        export(self._classifier(), path, format)

    def _classifier(self) -> "DeepMultiLabelClassifier":
        return cast("Any", self)
