"""Which tensors a network has, and of what shape, known from its architecture alone."""

from itertools import pairwise

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import shown
from sk_yt8m._network.architecture import Architecture, Weights

#: Shape and dtype of each tensor by name.
Layout = dict[str, tuple[tuple[int, ...], np.dtype]]

_FLOAT, _COUNT = np.dtype(np.float32), np.dtype(np.int64)
#: What the standardisation is kept in; files of version 0.1.0 have it in float32.
_WIDE = np.dtype(np.float64)
_NOT_TRAINED = ("mean", "scale", "moving_mean", "moving_variance")


def weight_layout(architecture: Architecture) -> Layout:
    """Return the layout of a network's weights, in the order of its layers."""
    a = architecture
    shapes: dict[str, tuple[int, ...]] = {
        "standardization/mean": (a.n_features,),
        "standardization/scale": (a.n_features,),
    }
    sizes = (a.n_features, *a.hidden_layer_sizes)
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        shapes[f"hidden_{i}/kernel"] = (fan_in, fan_out)
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        for part in parts if a.batch_normalization else ("bias",):
            shapes[f"units_{i}/{part}"] = (fan_out,)
    shapes["output/kernel"] = (sizes[-1], a.n_outputs)
    shapes["output/bias"] = (a.n_outputs,)
    return {
        name: (shape, _WIDE if name.startswith("standardization/") else _FLOAT)
        for name, shape in shapes.items()
    }


def training_layout(architecture: Architecture, *, averaged: bool) -> Layout:
    """Return the layout of what training needs to go on: weights and the optimiser's slots."""
    weights = weight_layout(architecture)
    trained = [
        shape for name, (shape, _) in weights.items() if name.split("/")[1] not in _NOT_TRAINED
    ]
    groups = ("first", "second", "average") if averaged else ("first", "second")
    slots = {
        f"optimizer/{group}/{i}": (shape, _FLOAT)
        for group in groups
        for i, shape in enumerate(trained)
    }
    weights = {name: (shape, _FLOAT) for name, (shape, _) in weights.items()}
    return {**weights, **slots, "optimizer/step": ((), _COUNT)}


def check_layout(found: Layout, expected: Layout) -> None:
    """Raise an error if tensors are missing, too many, or of another shape or dtype."""
    missing, unknown = sorted(expected.keys() - found), sorted(found.keys() - expected)
    if missing or unknown:
        raise ModelFileError(
            f"its tensors are not those of its network: {shown(missing)} missing, "
            f"{shown(unknown)} unknown"
        )
    for name, (shape, dtype) in expected.items():
        is_old = dtype == _WIDE and found[name] == (shape, _FLOAT)
        if found[name] != (shape, dtype) and not is_old:
            raise ModelFileError(
                f"tensor {name!r} must be of shape {shape} and type {dtype}, got {found[name][0]} "
                f"and {found[name][1]}"
            )


def check_values(tensors: Weights) -> None:
    """Raise an error if tensors hold NaN or infinities, or squares and counts below zero."""
    for name, array in tensors.items():
        lowest = array.min()
        if not np.isfinite(lowest) or not np.isfinite(array.max()):
            raise ModelFileError(f"tensor {name!r} holds NaN or infinity")
        square = name.endswith(("/moving_variance", "optimizer/step")) or "/second/" in name
        if square and lowest < 0:
            raise ModelFileError(f"tensor {name!r} holds a value below zero")
