"""Fitted ensembles that the tests of this folder share."""

from functools import cache
from typing import Any

import numpy as np
from small_problem import X, Y, small

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, NormalizedModalitiesClassifier

WEIGHT = np.where(np.arange(len(X)) % 7 == 0, 0.0, 1 + np.arange(len(X)))


def neighbors(seed: int = 0, **parameters: Any) -> DeepNeighborsClassifier:
    return DeepNeighborsClassifier(small(random_state=seed), **({"n_neighbors": 5} | parameters))


def average(**parameters: Any) -> AveragingClassifier:
    parts = [("net", small()), ("gone", "drop"), ("near", neighbors(1))]
    return AveragingClassifier(parts, **({"weights": [1, 7, 3]} | parameters))


def nested() -> AveragingClassifier:
    return AveragingClassifier([("near", neighbors(2)), ("both", average())])


def normalized() -> AveragingClassifier:
    plain = NormalizedModalitiesClassifier(small(random_state=3), {"a": 4, "b": 2})
    near = NormalizedModalitiesClassifier(neighbors(2), {"one": 6})
    return AveragingClassifier([("plain", plain), ("near", near)])


UNFITTED = {
    "neighbors": neighbors,
    "average": average,
    "nested": nested,
    "normalized": normalized,
}


@cache
def fitted_ensemble(name: str) -> Any:
    """Return a fitted ensemble; no test may change it."""
    return UNFITTED[name]().fit(X, Y, sample_weight=WEIGHT)
