"""Names, shapes and first values of all weights: the one place that knows them."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights

_FIRST_VALUES = {"bias": 0.0, "gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0}
_NOT_TRAINED = {"moving_mean", "moving_variance"}


class Parameter(NamedTuple):
    """Shape and dtype of an array of weights, and whether the optimiser changes it."""

    shape: tuple[int, ...]
    dtype: np.dtype = np.dtype(np.float32)
    is_trained: bool = True


#: Parameters by name, in the order of the layers.
Layout = dict[str, Parameter]


def weight_layout(architecture: Architecture) -> Layout:
    """Return the weights of a network by name, in the order of its layers."""
    a = architecture
    sizes = (a.n_features, *a.hidden_layer_sizes)
    statistics = Parameter((a.n_features,), np.dtype(np.float64), is_trained=False)
    layout: Layout = {MEAN: statistics, SCALE: statistics}
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        layout[f"hidden_{i}/kernel"] = Parameter((fan_in, fan_out))
        normalization = ("gamma", "beta", "moving_mean", "moving_variance")
        for part in normalization if a.batch_normalization else ("bias",):
            is_trained = part not in _NOT_TRAINED
            layout[f"units_{i}/{part}"] = Parameter((fan_out,), is_trained=is_trained)
    layout["output/kernel"] = Parameter((sizes[-1], a.n_outputs))
    layout["output/bias"] = Parameter((a.n_outputs,))
    return layout


def training_layout(architecture: Architecture, *, averaged: bool) -> Layout:
    """Return the state that training resumes from: all weights in float32, and Adam's slots."""
    weights = weight_layout(architecture)
    trained = [one for one in weights.values() if one.is_trained]
    slots = {
        f"optimizer/{group}/{i}": parameter
        for group in (("first", "second", "average") if averaged else ("first", "second"))
        for i, parameter in enumerate(trained)
    }
    step = Parameter((), np.dtype(np.int64), is_trained=False)
    return {
        **{name: one._replace(dtype=np.dtype(np.float32)) for name, one in weights.items()},
        **slots,
        "optimizer/step": step,
    }


def initial_weights(
    architecture: Architecture,
    statistics: tuple[np.ndarray, np.ndarray] | None,
    output_bias: np.ndarray,
    seed: int,
) -> Weights:
    """Draw the weights that training starts from.

    Parameters
    ----------
    architecture : Architecture
        The network.
    statistics : tuple of ndarray of shape (n_features,), float64, or None
        Mean and standard deviation of each feature; None for inputs that are not standardised.
    output_bias : ndarray of shape (n_outputs,)
        First value of the output layer's bias.
    seed : int
        Seed of the kernels, uniform within ``sqrt(6 / (fan_in + fan_out))``
        (Glorot and Bengio, 2010).
    """
    rng = np.random.default_rng(seed)
    n_features = architecture.n_features
    mean, deviation = statistics or (np.zeros(n_features), np.ones(n_features))
    given = {
        MEAN: mean,
        SCALE: 1.0 / np.where(deviation > 0, deviation, 1.0),
        "output/bias": output_bias,
    }
    weights: Weights = {}
    for name, (shape, dtype, _) in weight_layout(architecture).items():
        part = name.split("/")[1]
        if part == "kernel":
            kernel = rng.random(shape, dtype=np.float32)
            kernel -= 0.5
            kernel *= 2 * (6.0 / sum(shape)) ** 0.5
            weights[name] = kernel
        else:
            values = given[name] if name in given else np.full(shape, _FIRST_VALUES[part])
            weights[name] = np.asarray(values, dtype=dtype)
    return weights
