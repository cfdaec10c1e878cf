"""Tensors of a file against those of its classifier: names, shapes, dtypes and values."""

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import shown
from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights
from sk_yt8m._network.parameters import training_layout, weight_layout

#: Shape and dtype of each tensor by name.
Layout = dict[str, tuple[tuple[int, ...], np.dtype]]

WEIGHTS, TRAINING = "weights/", "training/"
_FLOAT = np.dtype(np.float32)
#: Dtype of the feature statistics; files of version 0.1.0 have float32.
_WIDE = np.dtype(np.float64)
#: Largest number in a row of length 1, with rounding.
_LONGEST = 1 + 1e-5


def network_layout(architecture: Architecture, found: Layout) -> Layout:
    """Return the tensors of a network, with its training state if `found` has any of it."""
    n_hidden = len(architecture.hidden_layer_sizes)
    if n_hidden > len(found):
        raise ModelFileError(f"it has {n_hidden} hidden layers, but {len(found)} tensors")
    layouts = {WEIGHTS: weight_layout(architecture)}
    if any(name.startswith(TRAINING) for name in found):
        averaged = any(name.startswith(f"{TRAINING}optimizer/average/") for name in found)
        layouts[TRAINING] = training_layout(architecture, averaged=averaged)
    return {
        prefix + name: (parameter.shape, parameter.dtype)
        for prefix, layout in layouts.items()
        for name, parameter in layout.items()
    }


def neighbors_layout(architecture: Architecture, found: Layout) -> Layout:
    """Return the tensors of the training rows of a network, as many as `found` has."""
    width = (architecture.n_features, *architecture.hidden_layer_sizes)[-1]
    n_rows, n_labels = (
        found[name][0][0] if len(found.get(name, ((),))[0]) else 0
        for name in ("log_weights", "indices")
    )
    return {
        "references": ((n_rows, width), _FLOAT),
        "log_weights": ((n_rows,), _WIDE),
        "indptr": ((n_rows + 1,), np.dtype(np.int64)),
        "indices": ((n_labels,), np.dtype(np.int64)),
    }


def check_tensors(found: Layout, expected: Layout) -> None:
    """Raise an error if tensors are missing, unknown, or of another shape or dtype."""
    missing, unknown = sorted(expected.keys() - found), sorted(found.keys() - expected)
    if missing or unknown:
        raise ModelFileError(
            f"its tensors are not those of its network: {shown(missing)} missing, "
            f"{shown(unknown)} unknown"
        )
    for name, (shape, dtype) in expected.items():
        is_old = name.endswith((MEAN, SCALE)) and found[name] == (shape, _FLOAT)
        if found[name] != (shape, dtype) and not is_old:
            raise ModelFileError(
                f"tensor {name!r} must be of shape {shape} and type {dtype}, got {found[name][0]} "
                f"and {found[name][1]}"
            )


def check_values(tensors: Weights) -> None:
    """Raise an error if tensors hold NaN or infinities, or squares and counts below zero."""
    for name, array in tensors.items():
        lowest = array.min(initial=0)
        if not np.isfinite(lowest) or not np.isfinite(array.max(initial=0)):
            raise ModelFileError(f"tensor {name!r} holds NaN or infinity")
        square = name.endswith(("/moving_variance", "optimizer/step")) or "/second/" in name
        if square and lowest < 0:
            raise ModelFileError(f"tensor {name!r} holds a value below zero")


def check_neighbors(neighbors: Weights, n_columns: int) -> None:
    """Raise an error if training rows have no length of 1 at most, or labels that are no CSR."""
    indptr, indices = neighbors["indptr"], neighbors["indices"]
    references, n_rows = neighbors["references"], len(neighbors["references"])
    if n_rows == 0 or max(references.max(initial=0), -references.min(initial=0)) > _LONGEST:
        raise ModelFileError(
            f"its {n_rows} training rows must be at least one, with numbers of at most 1"
        )
    if indptr[0] != 0 or indptr[-1] != indices.size or (np.diff(indptr) < 0).any():
        raise ModelFileError("the labels of its training rows do not follow one another")
    falls = np.flatnonzero(np.diff(indices) <= 0) + 1
    in_range = not indices.size or 0 <= indices.min() <= indices.max() < n_columns
    if not in_range or not np.isin(falls, indptr).all():
        raise ModelFileError(
            f"the labels of its training rows are not ascending numbers below {n_columns}"
        )
