"""Fitted classifiers of all kinds as plain values: networks, and ensembles that hold others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import check_keys, field, shown
from sk_yt8m._files.tensor_content import Tensors, Value, with_prefix
from sk_yt8m._files.values import encode, encode_array
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._network.architecture import Architecture
from sk_yt8m.persistence._common_contents import (
    COMMON,
    Requests,
    read_requests,
    read_target,
    requests_json,
    target_json,
    versions,
)
from sk_yt8m.persistence._contents import (
    SavedClassifier,
    network_json,
    read_architecture,
    read_names,
    read_network,
)
from sk_yt8m.persistence._tensor_checks import (
    TRAINING,
    WEIGHTS,
    Layout,
    check_neighbors,
    neighbors_layout,
    network_layout,
)

_NETWORK, _NEIGHBORS, _CLASSIFIER, _PARTS = "network/", "neighbors/", "classifier/", "parts/"


@dataclass(frozen=True)
class SavedNeighbors:
    """A fitted `DeepNeighborsClassifier` as plain values.

    Attributes
    ----------
    parameters : dict
        Parameters by name, in the JSON form of `encode`.
    form : TargetForm
        What the outputs stand for.
    requests : dict of str to dict
        Metadata requests by method.
    network : SavedClassifier
        The fitted network.
    neighbors : dict of str to ndarray
        ``references`` and ``log_weights`` of the training rows, and ``indptr`` and ``indices`` of
        their labels.
    """

    parameters: dict[str, Any]
    form: TargetForm
    requests: Requests
    network: SavedClassifier
    neighbors: Tensors

    estimator: ClassVar[str] = "DeepNeighborsClassifier"

    @property
    def parts(self) -> "Sequence[Saved]":
        """The fitted classifiers inside."""
        return [self.network]

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.network.n_features


@dataclass(frozen=True)
class SavedNormalized:
    """A fitted `NormalizedModalitiesClassifier` as plain values.

    Attributes
    ----------
    parameters : dict
        Parameters by name, in the JSON form of `encode`.
    form : TargetForm
        What the outputs stand for.
    requests : dict of str to dict
        Metadata requests by method.
    modalities : dict of str to int, or None
        Modalities that `fit` was called with.
    feature_names : ndarray of shape (n_features,), object, or None
        Names of the features.
    classifier : Saved
        The fitted classifier.
    """

    parameters: dict[str, Any]
    form: TargetForm
    requests: Requests
    modalities: dict[str, int] | None
    feature_names: np.ndarray | None
    classifier: "Saved"

    estimator: ClassVar[str] = "NormalizedModalitiesClassifier"

    @property
    def parts(self) -> "Sequence[Saved]":
        """The fitted classifiers inside."""
        return [self.classifier]

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.classifier.n_features


@dataclass(frozen=True)
class SavedAverage:
    """A fitted `AveragingClassifier` as plain values.

    Attributes
    ----------
    parameters : dict
        Parameters by name, in the JSON form of `encode`.
    form : TargetForm
        What the outputs stand for.
    requests : dict of str to dict
        Metadata requests by method.
    names : list of str
        Names of the fitted classifiers.
    is_used : list of bool
        Which of the estimators were not left out in `fit`.
    parts : sequence of Saved
        The fitted classifiers.
    """

    parameters: dict[str, Any]
    form: TargetForm
    requests: Requests
    names: list[str]
    is_used: list[bool]
    parts: "Sequence[Saved]"

    estimator: ClassVar[str] = "AveragingClassifier"

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self.parts[0].n_features


Saved = SavedClassifier | SavedNeighbors | SavedNormalized | SavedAverage
_ENTRIES: dict[str, set[str]] = {
    SavedNeighbors.estimator: COMMON | {"network"},
    SavedNormalized.estimator: COMMON | {"classifier", "modalities", "feature_names"},
    SavedAverage.estimator: COMMON | {"names", "is_used", "parts"},
}


def to_json(saved: Saved) -> dict[str, Any]:
    """Return the JSON part of a model file: everything but the tensors."""
    return {"estimator": saved.estimator, "versions": versions(), **_json(saved, None)}


def tensors_of(saved: Saved) -> Tensors:
    """Return the tensors of a model file by name."""
    if isinstance(saved, SavedClassifier):
        state = saved.training_state or {}
        return _prefixed(WEIGHTS, saved.weights) | _prefixed(TRAINING, state)
    if isinstance(saved, SavedNeighbors):
        network = _prefixed(_NETWORK, tensors_of(saved.network))
        return network | _prefixed(_NEIGHBORS, saved.neighbors)
    if isinstance(saved, SavedNormalized):
        return _prefixed(_CLASSIFIER, tensors_of(saved.classifier))
    return _merged(tensors_of(part) for part in saved.parts)


def layout_of(content: dict[str, Any], found: Layout) -> Layout:
    """Return the tensors that a content describes, with shape and dtype.

    Numbers of training rows and of their labels, which only the tensors tell, are taken from
    `found`.
    """
    estimator = _estimator(content)
    if estimator == SavedClassifier.estimator:
        return network_layout(read_architecture(content), found)
    if estimator == SavedNeighbors.estimator:
        network = _network_of(content)
        rows = neighbors_layout(read_architecture(network), with_prefix(found, _NEIGHBORS))
        layout = layout_of(network, with_prefix(found, _NETWORK))
        return _prefixed(_NETWORK, layout) | _prefixed(_NEIGHBORS, rows)
    if estimator == SavedNormalized.estimator:
        inner = field(content, "classifier", dict)
        return _prefixed(_CLASSIFIER, layout_of(inner, with_prefix(found, _CLASSIFIER)))
    parts = _parts_of(content)
    return _merged(
        layout_of(part, mapping)
        for part, mapping in zip(parts, _split(found, len(parts)), strict=True)
    )


def from_json(content: dict[str, Any], tensors: Tensors) -> Saved:
    """Check the JSON part of a model file, and return the saved classifier.

    Called after the tensors of the file were compared with `layout_of`, so that the arrays that
    are created here are not larger than the file.
    """
    return _read(content, tensors, None)


def _json(saved: Saved, outer: TargetForm | None) -> dict[str, Any]:
    if isinstance(saved, SavedClassifier):
        return network_json(saved, outer)
    parts = [{"estimator": part.estimator, **_json(part, saved.form)} for part in saved.parts]
    inner: dict[str, Any]
    if isinstance(saved, SavedNeighbors):
        inner = {"network": parts[0]}
    elif isinstance(saved, SavedNormalized):
        names = saved.feature_names
        inner = {
            "classifier": parts[0],
            "modalities": widths_json(saved.modalities, "modalities"),
            "feature_names": None if names is None else encode_array(names, "the feature names"),
        }
    else:
        inner = {"names": saved.names, "is_used": saved.is_used, "parts": parts}
    return {
        "parameters": saved.parameters,
        "target": target_json(saved.form, outer),
        **inner,
        **requests_json(saved.requests),
    }


def _read(content: dict[str, Any], tensors: Tensors, outer: TargetForm | None) -> Saved:
    estimator = _estimator(content)
    if estimator == SavedClassifier.estimator:
        state = with_prefix(tensors, TRAINING) or None
        return read_network(content, with_prefix(tensors, WEIGHTS), state, outer)
    check_keys(content, _ENTRIES[estimator], "its content")
    parameters, requests = field(content, "parameters", dict), read_requests(content)
    form = read_target(content, _first_network(content).n_outputs, outer)
    if estimator == SavedNeighbors.estimator:
        network = _read(_network_of(content), with_prefix(tensors, _NETWORK), form)
        assert isinstance(network, SavedClassifier)
        neighbors = with_prefix(tensors, _NEIGHBORS)
        check_neighbors(neighbors, len(form.names))
        return SavedNeighbors(parameters, form, requests, network, neighbors)
    if estimator == SavedNormalized.estimator:
        inner = field(content, "classifier", dict)
        classifier = _read(inner, with_prefix(tensors, _CLASSIFIER), form)
        scaled = _read_modalities(content, classifier.n_features)
        return SavedNormalized(parameters, form, requests, *scaled, classifier)
    contents = _parts_of(content)
    parts = [
        _read(part, mapping, form)
        for part, mapping in zip(contents, _split(tensors, len(contents)), strict=True)
    ]
    widths = {part.n_features for part in parts}
    if len(widths) > 1:
        raise ModelFileError(f"its classifiers take {shown(sorted(widths))} features")
    names, is_used = field(content, "names", list), field(content, "is_used", list)
    is_named = all(type(name) is str for name in names)
    if not is_named or not len(set(names)) == len(names) == len(parts):
        raise ModelFileError(f"it has {len(parts)} classifiers with the names {shown(names)}")
    if not all(type(used) is bool for used in is_used) or sum(is_used) != len(parts):
        raise ModelFileError(f"it has {len(parts)} classifiers where {shown(is_used)} are used")
    return SavedAverage(parameters, form, requests, names, is_used, parts)


def widths_json(widths: dict[str, int] | None, what: str) -> list[list[Any]] | None:
    """Return the JSON form of modalities, which keeps their order."""
    if widths is None:
        return None
    pairs = [[name, encode(width, what)] for name, width in widths.items()]
    widths_of(pairs, what)
    return pairs


def widths_of(pairs: Any, what: str) -> dict[str, int] | None:
    """Return the modalities whose JSON form `widths_json` returned."""
    if pairs is None:
        return None
    good = type(pairs) is list and all(
        type(pair) is list
        and len(pair) == 2
        and type(pair[0]) is str
        and type(pair[1]) is int
        and pair[1] > 0
        for pair in pairs
    )
    if not good or not pairs or len(dict(pairs)) < len(pairs):
        raise ModelFileError(f"{what} must be different names with widths, got {shown(pairs)}")
    return dict(pairs)


def _read_modalities(
    content: dict[str, Any], n_features: int
) -> tuple[dict[str, int] | None, np.ndarray | None]:
    """Return the modalities and the names of features."""
    modalities = widths_of(field(content, "modalities", list, type(None)), "modalities")
    if modalities is not None and sum(modalities.values()) != n_features:
        raise ModelFileError(f"its {n_features} features have modalities {shown(modalities)}")
    names = field(content, "feature_names", dict, type(None))
    return modalities, None if names is None else read_names(names, n_features)


def _estimator(content: Any) -> str:
    name: str = field(content, "estimator", str)
    known = [SavedClassifier.estimator, *_ENTRIES]
    if name not in known:
        raise ModelFileError(
            f"it holds another estimator, {shown(name)}: this version reads {', '.join(known)}"
        )
    return name


def _network_of(content: dict[str, Any]) -> dict[str, Any]:
    network: dict[str, Any] = field(content, "network", dict)
    if _estimator(network) != SavedClassifier.estimator:
        raise ModelFileError(f"its network is a {shown(network['estimator'])}")
    return network


def _parts_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = field(content, "parts", list)
    if not parts:
        raise ModelFileError("it holds an ensemble of no classifiers")
    return parts


def _first_network(content: dict[str, Any]) -> Architecture:
    while (estimator := _estimator(content)) != SavedClassifier.estimator:
        if estimator == SavedAverage.estimator:
            content = _parts_of(content)[0]
        elif estimator == SavedNormalized.estimator:
            content = field(content, "classifier", dict)
        else:
            content = _network_of(content)
    return read_architecture(content)


def _prefixed(prefix: str, mapping: Mapping[str, Value]) -> dict[str, Value]:
    return {prefix + name: value for name, value in mapping.items()}


def _merged(mappings: Any) -> dict[str, Any]:
    return {
        f"{_PARTS}{number}/{name}": value
        for number, mapping in enumerate(mappings)
        for name, value in mapping.items()
    }


def _split(mapping: Mapping[str, Value], n_parts: int) -> list[dict[str, Value]]:
    """Return what `_merged` put together, in one pass; names of no part are left out."""
    parts: dict[str, dict[str, Value]] = {str(number): {} for number in range(n_parts)}
    for name, value in mapping.items():
        head, _, rest = name.removeprefix(_PARTS).partition("/")
        if name.startswith(_PARTS) and head in parts:
            parts[head][rest] = value
    return list(parts.values())
