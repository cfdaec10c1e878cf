"""Export of the predicting network to the formats of other runtimes, by Keras."""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m._network.architecture import HIGHEST_PROBABILITY, LOWEST_PROBABILITY
from sk_yt8m._network.fitted_network import FittedNetwork
from sk_yt8m._network.folding import fold

#: Keras' name of each format, and the packages that it writes it with, beside TensorFlow.
_FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "saved_model": ("tf_saved_model", ()),
    "onnx": ("onnx", ("tf2onnx", "onnx")),
    "litert": ("litert", ()),
}
#: Coarsest resolution of a feature in standard deviations, and largest number, in float32.
_COARSEST, _LARGEST = 0.01, 1e33
_KERAS_NAMES = {"identity": "linear", "logistic": "sigmoid"}


def export_network(network: FittedNetwork, path: str | os.PathLike[str], format: str) -> None:
    """Write the predicting network; `DeepMultiLabelClassifier.export` describes it."""
    if format not in _FORMATS:
        raise ValueError(f"format must be one of {sorted(_FORMATS)}, got {format!r}")
    target = Path(path)
    if format == "litert" and target.suffix != ".tflite":
        raise ValueError(f"a file of format 'litert' must end in .tflite, got {target.name!r}")
    keras_name, needed = _FORMATS[format]
    missing = [package for package in needed if find_spec(package) is None]
    if missing:
        raise ImportError(
            f"the format {format!r} needs {' and '.join(missing)}: "
            'pip install "sk-yt8m[export]" brings it'
        )
    _check_replaceable(target, format)
    exported = keras_network(network, format)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        draft = Path(folder) / target.name
        exported.export(str(draft), format=keras_name, verbose=False)
        old = Path(folder) / "replaced"
        if target.is_dir():
            os.replace(target, old)
        try:
            os.replace(draft, target)
        except BaseException:
            if old.exists():
                os.replace(old, target)
            raise


def _check_replaceable(target: Path, format: str) -> None:
    """Raise an error if something else than an earlier export would be lost."""
    if not target.is_dir():
        return
    if format != "saved_model" or target.is_symlink():
        raise ValueError(f"{target} is a folder: expected the name of a new one, or of a file")
    if any(target.iterdir()) and not (target / "saved_model.pb").is_file():
        raise ValueError(f"{target} is a folder that holds something else than a SavedModel")


def keras_network(fitted: FittedNetwork, format: str = "saved_model") -> Any:
    """Return the Keras network, of Keras' own layers, that gives what `predict_proba` gives."""
    keras = _keras()
    layers = fold(fitted.architecture, fitted.weights)
    _check_float32(layers.mean, layers.scale)
    activation: Any = _KERAS_NAMES.get(layers.activation, layers.activation)
    if (format, activation) == ("onnx", "gelu"):
        activation = _gelu
    h = inputs = keras.Input((layers.mean.size,), dtype="float32", name="features")
    h = (h - layers.mean.astype(np.float32)) * layers.scale.astype(np.float32)
    for kernel, bias in zip(layers.kernels, layers.biases, strict=True):
        last = bias is layers.biases[-1]
        # Zeros, because an unseeded initialiser would draw from the global random state.
        dense = keras.layers.Dense(
            bias.size, activation=None if last else activation, kernel_initializer="zeros"
        )
        h = dense(h)
        dense.set_weights([kernel, bias])
    link = keras.ops.softmax if fitted.form.out_activation == "softmax" else keras.ops.sigmoid
    # As in `predict_proba`, so that saturated scores tie as they do there.
    h = keras.ops.clip(link(h), LOWEST_PROBABILITY, HIGHEST_PROBABILITY)
    if fitted.form.kind == "binary":
        negative = keras.ops.minimum(1.0 - h, HIGHEST_PROBABILITY)
        h = keras.ops.concatenate([negative, h], axis=1)
    network = keras.Model(inputs, h)
    # The exporter of ONNX refuses a network that has never been called.
    network(np.zeros((1, layers.mean.size), dtype=np.float32))
    return network


def _check_float32(mean: np.ndarray, scale: np.ndarray) -> None:
    """Raise an error if float32 inputs cannot tell the values of a feature apart."""
    with np.errstate(over="ignore"):
        resolution = np.spacing(np.abs(mean).astype(np.float32)) * scale
    # A feature that was constant has the scale 1.
    lost = ~(resolution <= _COARSEST) & (scale != 1)
    lost |= ~(np.abs(mean) < _LARGEST) | ~(scale < _LARGEST) | ~(scale > 1 / _LARGEST)
    if lost.any():
        column = int(np.argmax(lost))
        raise ValueError(
            f"an exported network takes float32, which cannot hold the features of column {column} "
            f"(mean {mean[column]:g}, standard deviation {1 / scale[column]:g}): subtract an "
            "offset from them or rescale them, and train on the result"
        )


def _gelu(x: Any) -> Any:
    """Return GELU by the error function: tf2onnx knows no complementary one, which Keras uses."""
    return 0.5 * x * (1.0 + _keras().ops.erf(x * 0.5**0.5))


def _keras() -> Any:
    """Return Keras on TensorFlow."""
    import sk_yt8m._tensorflow  # noqa: F401  sets TensorFlow up before its first import

    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            f"export needs Keras on TensorFlow, but Keras runs on {keras.backend.backend()!r}: set "
            "KERAS_BACKEND=tensorflow before Keras is imported"
        )
    return keras
