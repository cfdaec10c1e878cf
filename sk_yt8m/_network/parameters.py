"""Hyper-parameters -> the Keras network that is trained, and the plain one that predicts."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights
from sk_yt8m._network.layers import EPSILON, HiddenUnits, Standardization
from sk_yt8m._tensorflow import keras, tf


@dataclass(frozen=True)
class PlainLayers:
    """A network as it predicts: ``h = activation(h @ kernel + bias)`` layer by layer.

    Batch normalisation is folded into kernels and biases. The inputs are standardised first:
    ``(x - mean) * scale``, with mean and scale in float64.
    """

    mean: np.ndarray
    scale: np.ndarray
    kernels: list[np.ndarray]
    biases: list[np.ndarray]
    activation: str


def build_network(architecture: Architecture, precision: str) -> tuple[keras.Model, Any, list[Any]]:
    """Return the trainable network, which gives logits, and the variables that it reads.

    These are the counter of the steps, and for each layer that drops units the seed of its masks.
    """
    a = architecture
    policy = keras.DTypePolicy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    step = tf.Variable(0, dtype=tf.int64, trainable=False)
    seeds = [
        tf.Variable(0, dtype=tf.int64, trainable=False)
        for _ in range(len(a.hidden_layer_sizes) + 1)
    ]
    h = inputs = keras.Input((a.n_features,), dtype="float32", name="features")
    seed_of = iter(seeds)
    # `set_weights` gives the values.
    dense = partial(keras.layers.Dense, kernel_initializer="zeros")
    h = Standardization(
        a.input_dropout, next(seed_of), step, dtype=policy, autocast=False, name="standardization"
    )(h)
    for i, size in enumerate(a.hidden_layer_sizes):
        h = dense(size, use_bias=False, dtype=policy, name=f"hidden_{i}")(h)
        h = HiddenUnits(
            a.activation,
            a.batch_normalization,
            a.dropout,
            next(seed_of),
            step,
            dtype=policy,
            name=f"units_{i}",
        )(h)
    logits = dense(a.n_outputs, dtype=policy, name="output")(h)
    return keras.Model(inputs, logits), step, seeds


def mask_seeds(seed: int, n: int) -> list[int]:
    """Return the seeds of the dropout masks of `n` layers."""
    return [int(part) for part in np.random.SeedSequence(seed).generate_state(n, np.uint32)]


def initial_weights(
    architecture: Architecture,
    moments: tuple[np.ndarray, np.ndarray] | None,
    output_bias: np.ndarray,
    seed: int,
) -> Weights:
    """Draw the weights that training starts from, in the form `set_weights` takes.

    Kernels are uniform within ``sqrt(6 / (fan_in + fan_out))`` (Glorot and Bengio, 2010).
    """
    a = architecture
    rng = np.random.default_rng(seed)
    sizes = (a.n_features, *a.hidden_layer_sizes, a.n_outputs)
    mean, deviation = moments or (np.zeros(a.n_features), np.ones(a.n_features))
    scale = 1.0 / np.where(deviation > 0, deviation, 1.0)
    weights: Weights = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        last = i == len(a.hidden_layer_sizes)
        bound = (6.0 / (fan_in + fan_out)) ** 0.5
        kernel = rng.random((fan_in, fan_out), dtype=np.float32)
        kernel -= 0.5
        kernel *= 2 * bound
        name = "output" if last else f"hidden_{i}"
        weights[f"{name}/kernel"] = kernel
        if last:
            weights["output/bias"] = output_bias
        elif a.batch_normalization:
            for part, value in (("gamma", 1), ("beta", 0), ("moving_mean", 0)):
                weights[f"units_{i}/{part}"] = np.full(fan_out, value)
            weights[f"units_{i}/moving_variance"] = np.ones(fan_out)
        else:
            weights[f"units_{i}/bias"] = np.zeros(fan_out)
    weights = {name: np.asarray(value, dtype=np.float32) for name, value in weights.items()}
    return {MEAN: mean, SCALE: scale, **weights}


def named_weights(network: keras.Model) -> dict[str, Any]:
    """Return the variables of a network by layer and part, whatever scope it was built in."""
    return {
        f"{layer.name}/{variable.name}": variable
        for layer in network.layers
        for variable in layer.weights
    }


def set_weights(network: keras.Model, weights: Weights) -> None:
    """Give a network its weights by name."""
    for name, variable in named_weights(network).items():
        variable.assign(weights[name])


def set_standardization(network: keras.Model, mean: np.ndarray, scale: np.ndarray) -> None:
    """Set what the network itself subtracts from its inputs, and multiplies them by."""
    layer = network.get_layer("standardization")
    layer.mean.assign(mean)
    layer.scale.assign(scale)


def fold(architecture: Architecture, weights: Weights) -> PlainLayers:
    """Return the plain layers that predict what the trained network predicts."""
    kernels, biases = [], []
    for i in range(len(architecture.hidden_layer_sizes)):
        kernel = weights[f"hidden_{i}/kernel"]
        if architecture.batch_normalization:
            norm = {
                part: weights[f"units_{i}/{part}"].astype(np.float64)
                for part in ("gamma", "beta", "moving_mean", "moving_variance")
            }
            factor = norm["gamma"] / np.sqrt(norm["moving_variance"] + EPSILON)
            kernel = kernel * factor.astype(np.float32)
            bias = (norm["beta"] - norm["moving_mean"] * factor).astype(np.float32)
        else:
            bias = weights[f"units_{i}/bias"]
        kernels.append(kernel)
        biases.append(bias)
    kernels.append(weights["output/kernel"])
    biases.append(weights["output/bias"])
    mean, scale = (np.asarray(weights[name], dtype=np.float64) for name in (MEAN, SCALE))
    return PlainLayers(mean, scale, kernels, biases, architecture.activation)
