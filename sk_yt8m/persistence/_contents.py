"""A fitted classifier as plain values, and their JSON form in a model file."""

from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import check_keys, field, shown
from sk_yt8m._files.values import (
    decode,
    decode_array,
    decode_dtype,
    encode,
    encode_array,
    encode_dtype,
)
from sk_yt8m._inputs.target_form import TargetForm, label_numbers
from sk_yt8m._network.architecture import ACTIVATIONS, Architecture, Weights

_ESTIMATOR = "DeepMultiLabelClassifier"
_KINDS = ("binary", "multiclass", "multilabel")
_PARTS = {"estimator", "versions", "parameters", "architecture", "target", "feature_names"}
_PARTS |= {"history", "metadata_requests"}

#: Methods whose arguments a meta-estimator may route.
ROUTED = ("fit", "partial_fit", "score")

Requests = dict[str, dict[str, bool | str]]


@dataclass(frozen=True)
class SavedClassifier:
    """A fitted `DeepMultiLabelClassifier` as plain values.

    Attributes
    ----------
    parameters : dict
        Parameters by name, in the JSON form of `encode`.
    architecture : Architecture
        Structure of the network.
    form : TargetForm
        What the outputs stand for.
    feature_names : ndarray of shape (n_features,), object, or None
        Names of the features.
    losses, scores, seconds : list of float
        Training loss, validation score and time of each epoch; `scores` may be empty.
    n_seen : int
        Number of rows trained on.
    requests : dict of str to dict
        Metadata requests by method.
    weights : Weights
        Weights to predict with.
    training_state : Weights or None
        State that `partial_fit` continues from.
    """

    parameters: dict[str, Any]
    architecture: Architecture
    form: TargetForm
    feature_names: np.ndarray | None
    losses: list[float]
    scores: list[float]
    seconds: list[float]
    n_seen: int
    requests: Requests
    weights: Weights
    training_state: Weights | None


def to_json(saved: SavedClassifier) -> dict[str, Any]:
    """Return the JSON part of a model file: everything but the weights."""
    form, names, requests = saved.form, saved.feature_names, saved.requests
    return {
        "estimator": _ESTIMATOR,
        "versions": {name: _version(name) for name in ("sk-yt8m", "tensorflow", "numpy")},
        "parameters": saved.parameters,
        "architecture": {
            name: list(value) if name == "hidden_layer_sizes" else encode(value, name)
            for name, value in asdict(saved.architecture).items()
        },
        "target": {
            "kind": form.kind,
            "classes": None
            if form.kind == "multilabel"
            else encode_array(form.classes, "the array of classes"),
            "names": encode_array(form.names, "the array of label names"),
            "dtype": encode_dtype(form.dtype, "the type of y"),
            "sparse": form.sparse,
        },
        "feature_names": None if names is None else encode_array(names, "the feature names"),
        "history": {
            "losses": [encode(float(loss), "a loss") for loss in saved.losses],
            "scores": [encode(float(score), "a score") for score in saved.scores],
            "seconds": [encode(float(time), "a time") for time in saved.seconds],
            "n_seen": int(saved.n_seen),
        },
        **({"metadata_requests": requests} if requests else {}),
    }


def from_json(
    content: dict[str, Any], weights: Weights, training_state: Weights | None
) -> SavedClassifier:
    """Check the JSON part of a model file, and return the saved classifier.

    Called after the tensors of the file were compared with the network, so that the arrays that
    are created here are not larger than the file.
    """
    check_keys(content, _PARTS, "its content")
    if field(content, "estimator", str) != _ESTIMATOR:
        raise ModelFileError(f"it holds another estimator: {shown(content['estimator'])}")
    architecture = read_architecture(content)
    history = field(content, "history", dict)
    names = field(content, "feature_names", dict, type(None))
    return SavedClassifier(
        parameters=field(content, "parameters", dict),
        architecture=architecture,
        form=_read_form(field(content, "target", dict), architecture),
        feature_names=None if names is None else _read_names(names, architecture.n_features),
        losses=_read_floats(history, "losses"),
        scores=_read_floats(history, "scores"),
        seconds=_read_floats(history, "seconds"),
        n_seen=_read_count(history, "n_seen"),
        requests=_read_requests(content.get("metadata_requests", {})),
        weights=weights,
        training_state=training_state,
    )


def read_architecture(content: dict[str, Any]) -> Architecture:
    """Return the network that a file is for."""
    value = field(content, "architecture", dict)
    check_keys(value, set(Architecture.__dataclass_fields__), "its architecture")
    sizes = field(value, "hidden_layer_sizes", list)
    for size in (field(value, "n_features", int), field(value, "n_outputs", int), *sizes):
        if type(size) is not int or not 1 <= size < 2**31:
            raise ModelFileError(f"its network has a layer of {shown(size)} units")
    activation = field(value, "activation", str)
    if activation not in ACTIVATIONS:
        raise ModelFileError(f"its network has the unknown activation {shown(activation)}")
    rates = {name: field(value, name, int, float) for name in ("dropout", "input_dropout")}
    if not all(0 <= rate < 1 for rate in rates.values()):
        raise ModelFileError(f"its network has dropout rates outside [0, 1): {shown(rates)}")
    # Files of version 0.1.0 have it among the parameters only.
    standardize = value if "standardize" in value else field(content, "parameters", dict)
    return Architecture(
        n_features=value["n_features"],
        hidden_layer_sizes=tuple(sizes),
        n_outputs=value["n_outputs"],
        activation=activation,
        batch_normalization=field(value, "batch_normalization", bool),
        standardize=field(standardize, "standardize", bool),
        **rates,
    )


def _read_requests(value: Any) -> Requests:
    if type(value) is not dict:
        raise ModelFileError(f"its metadata requests are not an object, but {shown(value)}")
    check_keys(value, set(ROUTED), "the list of its metadata requests")
    return {
        method: {name: field(asked, name, bool, str) for name in asked}
        for method, asked in ((method, field(value, method, dict)) for method in value)
    }


def _read_form(value: dict[str, Any], architecture: Architecture) -> TargetForm:
    kind, n_outputs = field(value, "kind", str), architecture.n_outputs
    if kind not in _KINDS or (kind == "binary" and n_outputs != 1):
        raise ModelFileError(f"its target is {shown(kind)} with {n_outputs} outputs")
    n_names = 2 if kind == "binary" else n_outputs
    if kind == "multilabel":
        field(value, "classes", type(None))
        classes = label_numbers(n_names)
    else:
        classes = decode_array(field(value, "classes", dict), "the array of classes", n_names)
    names = decode_array(field(value, "names", dict), "the array of label names", n_names)
    dtype = decode_dtype(field(value, "dtype", str), "the type of y")
    return TargetForm(kind, classes, names, dtype, field(value, "sparse", bool))


def _read_names(value: dict[str, Any], n_features: int) -> np.ndarray:
    names = decode_array(value, "the feature names", n_features)
    if names.dtype != object or not all(type(name) is str for name in names):
        raise ModelFileError("its feature names are not strings")
    return names


def _read_floats(value: dict[str, Any], name: str) -> list[float]:
    floats = [decode(item, name) for item in field(value, name, list)]
    if not all(type(item) is float for item in floats):
        raise ModelFileError(f"{name!r} must hold floats only")
    return floats


def _read_count(value: dict[str, Any], name: str) -> int:
    count = field(value, name, int)
    if count < 0:
        raise ModelFileError(f"{name!r} must not be below zero, got {shown(count)}")
    return int(count)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
