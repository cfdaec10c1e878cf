"""Tensors of a file against those of its network: names, shapes, dtypes and values."""

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import shown
from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.parameters import training_layout, weight_layout

#: Shape and dtype of each tensor by name.
Layout = dict[str, tuple[tuple[int, ...], np.dtype]]

WEIGHTS, TRAINING = "weights/", "training/"
_FLOAT = np.dtype(np.float32)
#: Dtype of the feature statistics; files of version 0.1.0 have float32.
_WIDE = np.dtype(np.float64)


def check_tensors(found: Layout, architecture: Architecture) -> None:
    """Raise an error if tensors are missing, unknown, or of another shape or dtype."""
    n_hidden = len(architecture.hidden_layer_sizes)
    if n_hidden > len(found):
        raise ModelFileError(f"it has {n_hidden} hidden layers, but {len(found)} tensors")
    layouts = {WEIGHTS: weight_layout(architecture)}
    if any(name.startswith(TRAINING) for name in found):
        averaged = any(name.startswith(f"{TRAINING}optimizer/average/") for name in found)
        layouts[TRAINING] = training_layout(architecture, averaged=averaged)
    expected: Layout = {
        prefix + name: (parameter.shape, parameter.dtype)
        for prefix, layout in layouts.items()
        for name, parameter in layout.items()
    }
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
