"""Fitted classifiers in files that are safe to open."""

import hashlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sk_yt8m._files.atomic_write import write_atomically
from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import check_keys, dump_json, field, parse_json, shown
from sk_yt8m._files.tensor_file import LARGEST_HEADER, TensorFile
from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.fitted_network import Model
from sk_yt8m.persistence._contents import (
    Content,
    describe,
    read_architecture,
    read_content,
    set_requests,
)
from sk_yt8m.persistence._shapes import (
    Layout,
    check_layout,
    check_values,
    training_layout,
    weight_layout,
)

if TYPE_CHECKING:
    from sk_yt8m.classifier import DeepMultiLabelClassifier

#: Version of the files that are written; all up to it are read.
FORMAT_VERSION = 1

# One entry only: the safetensors library writes several in a random order.
_ENTRY = "sk_yt8m"
_WEIGHTS, _TRAINING = "weights/", "training/"


def save(
    estimator: "DeepMultiLabelClassifier",
    path: str | os.PathLike[str],
    *,
    include_training_state: bool = False,
) -> None:
    """Write a fitted classifier to a file; `DeepMultiLabelClassifier.save` describes it."""
    from safetensors.numpy import save as serialize

    from sk_yt8m.classifier import DeepMultiLabelClassifier

    check_is_fitted(estimator)
    if type(estimator) is not DeepMultiLabelClassifier:
        raise ModelFileError(
            "a model file holds a DeepMultiLabelClassifier, whose parameters are known when it is "
            f"read, and not a {type(estimator).__name__}"
        )
    model = estimator._fitted_model()
    tensors = {_WEIGHTS + name: array for name, array in model.weights.items()}
    if include_training_state:
        state = estimator.__getstate__()["_trainer_state"] or {}
        tensors |= {_TRAINING + name: array for name, array in state.items()}
    tensors = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    layout = {name: (array.shape, array.dtype) for name, array in tensors.items()}
    check_layout(layout, _expected_layout(model.architecture, layout))
    check_values(tensors)

    content = describe(estimator, model)
    # `load` refuses what `set_params` may have set since.
    estimator._validate_params()
    text = dump_json(
        {
            "format_version": FORMAT_VERSION,
            "sha256": _sha256(content, tensors),
            "content": content,
        }
    )
    data = serialize(tensors, metadata={_ENTRY: text})
    if int.from_bytes(data[:8], "little") > LARGEST_HEADER:
        raise ModelFileError(
            f"the names and parameters take more than the {LARGEST_HEADER} bytes that a model "
            "file may use for them"
        )
    write_atomically(path, data)


def load(path: str | os.PathLike[str]) -> "DeepMultiLabelClassifier":
    """Read a classifier that its `save` method wrote.

    No code in the file is run: it holds numbers and JSON text, and everything is checked before it
    is used. A checksum finds damage, but does not tell who wrote the file.

    Parameters
    ----------
    path : str or path
        The file; symbolic links are followed.

    Returns
    -------
    DeepMultiLabelClassifier
        Predicts bit for bit what the saved one did, on the same machine and with the same
        versions of the libraries. With its training state in the file, `partial_fit` goes on as
        if there had been no file.

    Raises
    ------
    ModelFileError
        A ValueError: if the file is not a model file, is damaged, or is of a later version.
    OSError
        If it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import sk_yt8m
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=50, random_state=0)
    >>> clf = sk_yt8m.DeepMultiLabelClassifier(hidden_layer_sizes=(8,), max_iter=2).fit(X, Y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clf.save(Path(folder) / "videos.safetensors")
    ...     again = sk_yt8m.load(Path(folder) / "videos.safetensors")
    >>> bool((again.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    try:
        with TensorFile(path) as file:
            return _restore(file)
    except ModelFileError as error:
        raise ModelFileError(f"cannot load {os.fspath(path)}: {error}") from error


def _restore(file: TensorFile) -> "DeepMultiLabelClassifier":
    check_keys(file.metadata, {_ENTRY}, "its header")
    envelope = parse_json(field(file.metadata, _ENTRY, str))
    version = field(envelope, "format_version", int)
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"it is of format version {shown(version)}, written by a later sk_yt8m; this one reads "
            f"versions up to {FORMAT_VERSION}"
        )
    if version < 1:
        raise ModelFileError(f"there is no format version {shown(version)}")
    check_keys(envelope, {"format_version", "sha256", "content"}, "its header")
    content = field(envelope, "content", dict)
    architecture = read_architecture(content)
    n_hidden, n_tensors = len(architecture.hidden_layer_sizes), len(file.tensors)
    if n_hidden > n_tensors:
        raise ModelFileError(f"it has {n_hidden} hidden layers, but {n_tensors} tensors")
    check_layout(file.layout, _expected_layout(architecture, file.layout))

    tensors = {name: file.read(name) for name in sorted(file.tensors)}
    if _sha256(content, tensors) != field(envelope, "sha256", str):
        raise ModelFileError("its SHA-256 is not that of its content: the file is damaged")
    check_values(tensors)
    return _build(read_content(content), tensors)


def _build(content: Content, tensors: Weights) -> "DeepMultiLabelClassifier":
    from sk_yt8m.classifier import DeepMultiLabelClassifier

    estimator = DeepMultiLabelClassifier(**content.parameters)
    estimator._publish(Model(content.architecture, content.form, _part(tensors, _WEIGHTS)))
    estimator._trainer_state = _part(tensors, _TRAINING) or None
    estimator._record(content.losses, content.scores, content.seconds, content.n_seen)
    estimator.n_features_in_ = content.architecture.n_features
    if content.feature_names is not None:
        estimator.feature_names_in_ = content.feature_names
    set_requests(estimator, content.requests)
    return estimator


def _expected_layout(architecture: Architecture, found: Layout) -> Layout:
    """Return the layout of a file's tensors, with the training state where one is found."""
    expected = _prefixed(_WEIGHTS, weight_layout(architecture))
    if any(name.startswith(_TRAINING) for name in found):
        averaged = any(name.startswith(f"{_TRAINING}optimizer/average/") for name in found)
        expected |= _prefixed(_TRAINING, training_layout(architecture, averaged=averaged))
    return expected


def _sha256(content: dict[str, Any], tensors: Weights) -> str:
    """Return the checksum of the JSON part and of name, type, shape and bytes of each tensor."""
    try:
        digest = hashlib.sha256(dump_json(content).encode())
    except ValueError as error:
        raise ModelFileError(f"its JSON text holds a number that is too large: {error}") from error
    for name, array in sorted(tensors.items()):
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name} {plain.dtype.str} {plain.shape}\n".encode())
        digest.update(plain.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _prefixed(prefix: str, layout: Layout) -> Layout:
    return {prefix + name: value for name, value in layout.items()}


def _part(tensors: Weights, prefix: str) -> Weights:
    return {
        name.removeprefix(prefix): array
        for name, array in tensors.items()
        if name.startswith(prefix)
    }
