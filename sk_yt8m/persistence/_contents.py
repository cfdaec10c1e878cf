"""A fitted network as plain values, and their JSON form in a model file."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import check_keys, field, shown
from sk_yt8m._files.tensor_content import Tensors, add_prefix, with_prefix
from sk_yt8m._files.values import decode, decode_array, encode, encode_array
from sk_yt8m._network.architecture import ACTIVATIONS, Architecture, Weights
from sk_yt8m.persistence._common_contents import Common, Content, Saved
from sk_yt8m.persistence._tensor_checks import TRAINING, WEIGHTS, Layout, network_layout


@dataclass(frozen=True)
class SavedClassifier(Saved):
    """A fitted `DeepMultiLabelClassifier` as plain values, beside those of every `Saved`.

    Attributes
    ----------
    architecture : Architecture
        Structure of the network.
    feature_names : ndarray of shape (n_features,), object, or None
        Names of the features.
    losses, scores, seconds : list of float
        Training loss, validation score and time of each epoch; `scores` may be empty.
    n_seen : int
        Number of rows trained on.
    weights : Weights
        Weights to predict with.
    training_state : Weights or None
        State that `partial_fit` continues from.
    """

    architecture: Architecture
    feature_names: np.ndarray | None
    losses: list[float]
    scores: list[float]
    seconds: list[float]
    n_seen: int
    weights: Weights
    training_state: Weights | None

    estimator = "DeepMultiLabelClassifier"
    entries: ClassVar = {"architecture", "feature_names", "history"}

    @property
    def n_features(self) -> int:
        return self.architecture.n_features

    def own_json(self, target: Content | None, inside: dict[str, Content]) -> Content:
        return {
            "architecture": {
                name: list(value) if name == "hidden_layer_sizes" else encode(value, name)
                for name, value in asdict(self.architecture).items()
            },
            "target": target,
            "feature_names": names_json(self.feature_names),
            "history": {
                "losses": [encode(float(loss), "a loss") for loss in self.losses],
                "scores": [encode(float(score), "a score") for score in self.scores],
                "seconds": [encode(float(time), "a time") for time in self.seconds],
                "n_seen": int(self.n_seen),
            },
        }

    def own_tensors(self) -> Tensors:
        state = self.training_state or {}
        return add_prefix(self.weights, WEIGHTS) | add_prefix(state, TRAINING)

    @classmethod
    def own_layout(cls, content: Content, found: Layout) -> Layout:
        return network_layout(read_architecture(content), found)

    @classmethod
    def read(cls, content: Content, tensors: Tensors, common: Common, inside: list[Saved]) -> Self:
        architecture = read_architecture(content)
        history = field(content, "history", dict)
        return cls(
            *common,
            architecture=architecture,
            feature_names=read_names(content, architecture.n_features),
            losses=_read_floats(history, "losses"),
            scores=_read_floats(history, "scores"),
            seconds=_read_floats(history, "seconds"),
            n_seen=_read_count(history, "n_seen"),
            weights=with_prefix(tensors, WEIGHTS),
            training_state=with_prefix(tensors, TRAINING) or None,
        )


def read_architecture(content: Content) -> Architecture:
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


def names_json(names: np.ndarray | None) -> dict[str, Any] | None:
    """Return the JSON form of the names of features, if there are any."""
    return None if names is None else encode_array(names, "the feature names")


def read_names(content: Content, n_features: int) -> np.ndarray | None:
    """Return the names of features, if there are any."""
    value = field(content, "feature_names", dict, type(None))
    if value is None:
        return None
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
