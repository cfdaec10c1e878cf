"""The kinds of classifiers that a model file may hold: what each ensemble adds, and all by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import field, shown
from sk_yt8m._files.tensor_content import Tensors, add_prefix, with_prefix
from sk_yt8m._files.values import encode
from sk_yt8m.persistence._common_contents import Common, Content, Saved
from sk_yt8m.persistence._contents import (
    SavedClassifier,
    names_json,
    read_architecture,
    read_names,
)
from sk_yt8m.persistence._tensor_checks import Layout, check_neighbors, neighbors_layout

_NEIGHBORS = "neighbors/"


@dataclass(frozen=True)
class SavedNeighbors(Saved):
    """A fitted `DeepNeighborsClassifier` as plain values, beside those of every `Saved`.

    Attributes
    ----------
    network : SavedClassifier
        The fitted network.
    neighbors : dict of str to ndarray
        ``references`` and ``log_weights`` of the training rows, and ``indptr`` and ``indices`` of
        their labels.
    """

    network: SavedClassifier
    neighbors: Tensors

    estimator = "DeepNeighborsClassifier"
    entries: ClassVar = {"network"}

    @property
    def inside(self) -> dict[str, Saved]:
        return {"network": self.network}

    def own_json(self, target: Content | None, inside: dict[str, Content]) -> Content:
        return {"target": target, **inside}

    def own_tensors(self) -> Tensors:
        return add_prefix(self.neighbors, _NEIGHBORS)

    @classmethod
    def contents_inside(cls, content: Content) -> dict[str, Content]:
        network = field(content, "network", dict)
        if kind_of(network) is not SavedClassifier:
            raise ModelFileError(f"its network is a {shown(network['estimator'])}")
        return {"network": network}

    @classmethod
    def own_layout(cls, content: Content, found: Layout) -> Layout:
        architecture = read_architecture(content["network"])
        rows = neighbors_layout(architecture, with_prefix(found, _NEIGHBORS))
        return add_prefix(rows, _NEIGHBORS)

    @classmethod
    def read(cls, content: Content, tensors: Tensors, common: Common, inside: list[Saved]) -> Self:
        (network,) = inside
        assert isinstance(network, SavedClassifier)
        neighbors = with_prefix(tensors, _NEIGHBORS)
        check_neighbors(neighbors, len(network.form.names))
        return cls(*common, network, neighbors)


@dataclass(frozen=True)
class SavedNormalized(Saved):
    """A fitted `NormalizedModalitiesClassifier` as plain values, beside those of every `Saved`.

    Attributes
    ----------
    modalities : dict of str to int, or None
        Modalities that `fit` was called with.
    feature_names : ndarray of shape (n_features,), object, or None
        Names of the features.
    classifier : Saved
        The fitted classifier.
    """

    modalities: dict[str, int] | None
    feature_names: np.ndarray | None
    classifier: Saved

    estimator = "NormalizedModalitiesClassifier"
    entries: ClassVar = {"classifier", "modalities", "feature_names"}

    @property
    def inside(self) -> dict[str, Saved]:
        return {"classifier": self.classifier}

    def own_json(self, target: Content | None, inside: dict[str, Content]) -> Content:
        return {
            "target": target,
            **inside,
            "modalities": widths_json(self.modalities, "modalities"),
            "feature_names": names_json(self.feature_names),
        }

    @classmethod
    def contents_inside(cls, content: Content) -> dict[str, Content]:
        return {"classifier": field(content, "classifier", dict)}

    @classmethod
    def read(cls, content: Content, tensors: Tensors, common: Common, inside: list[Saved]) -> Self:
        n_features = inside[0].n_features
        modalities = widths_of(field(content, "modalities", list, type(None)), "modalities")
        if modalities is not None and sum(modalities.values()) != n_features:
            raise ModelFileError(f"its {n_features} features have modalities {shown(modalities)}")
        return cls(*common, modalities, read_names(content, n_features), *inside)


@dataclass(frozen=True)
class SavedAverage(Saved):
    """A fitted `AveragingClassifier` as plain values, beside those of every `Saved`.

    Attributes
    ----------
    names : list of str
        Names of the fitted classifiers.
    is_used : list of bool
        Which of the estimators were not left out in `fit`.
    parts : sequence of Saved
        The fitted classifiers.
    """

    names: list[str]
    is_used: list[bool]
    parts: Sequence[Saved]

    estimator = "AveragingClassifier"
    entries: ClassVar = {"names", "is_used", "parts"}

    @property
    def inside(self) -> dict[str, Saved]:
        return {f"parts/{number}": part for number, part in enumerate(self.parts)}

    def own_json(self, target: Content | None, inside: dict[str, Content]) -> Content:
        parts = list(inside.values())
        return {"target": target, "names": self.names, "is_used": self.is_used, "parts": parts}

    @classmethod
    def contents_inside(cls, content: Content) -> dict[str, Content]:
        parts = field(content, "parts", list)
        if not parts:
            raise ModelFileError("it holds an ensemble of no classifiers")
        return {f"parts/{number}": part for number, part in enumerate(parts)}

    @classmethod
    def read(cls, content: Content, tensors: Tensors, common: Common, inside: list[Saved]) -> Self:
        n_parts, widths = len(inside), {part.n_features for part in inside}
        if len(widths) > 1:
            raise ModelFileError(f"its classifiers take {shown(sorted(widths))} features")
        names, is_used = field(content, "names", list), field(content, "is_used", list)
        is_named = all(type(name) is str for name in names)
        if not is_named or not len(set(names)) == len(names) == n_parts:
            raise ModelFileError(f"it has {n_parts} classifiers with the names {shown(names)}")
        if not all(type(used) is bool for used in is_used) or sum(is_used) != n_parts:
            raise ModelFileError(f"it has {n_parts} classifiers where {shown(is_used)} are used")
        return cls(*common, names, is_used, inside)


_KINDS: dict[str, type[Saved]] = {
    kind.estimator: kind
    for kind in (SavedClassifier, SavedNeighbors, SavedNormalized, SavedAverage)
}


def kind_of(content: Any) -> type[Saved]:
    """Return the kind of classifier that a content is of."""
    name: str = field(content, "estimator", str)
    if name not in _KINDS:
        raise ModelFileError(
            f"it holds another estimator, {shown(name)}: this version reads {', '.join(_KINDS)}"
        )
    return _KINDS[name]


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
