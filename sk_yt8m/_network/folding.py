"""Trained weights -> the plain layers that predict, with batch normalisation folded in."""

from dataclasses import dataclass

import numpy as np

from sk_yt8m._network.architecture import (
    BATCH_NORMALIZATION_EPSILON,
    MEAN,
    SCALE,
    Architecture,
    Weights,
)


@dataclass(frozen=True)
class PlainLayers:
    """A network as it predicts: ``h = activation(h @ kernel + bias)`` layer by layer.

    The inputs are standardised first: ``(x - mean) * scale``, with mean and scale in float64.
    """

    mean: np.ndarray
    scale: np.ndarray
    kernels: list[np.ndarray]
    biases: list[np.ndarray]
    activation: str


def fold(architecture: Architecture, weights: Weights) -> PlainLayers:
    """Return the plain layers that predict what the trained network predicts."""
    kernels, biases = [], []
    for i in range(len(architecture.hidden_layer_sizes)):
        kernel = weights[f"hidden_{i}/kernel"]
        if architecture.batch_normalization:
            gamma, beta, mean, variance = (
                weights[f"units_{i}/{part}"].astype(np.float64)
                for part in ("gamma", "beta", "moving_mean", "moving_variance")
            )
            factor = gamma / np.sqrt(variance + BATCH_NORMALIZATION_EPSILON)
            kernel = kernel * factor.astype(np.float32)
            bias = (beta - mean * factor).astype(np.float32)
        else:
            bias = weights[f"units_{i}/bias"]
        kernels.append(kernel)
        biases.append(bias)
    kernels.append(weights["output/kernel"])
    biases.append(weights["output/bias"])
    mean, scale = (np.asarray(weights[name], dtype=np.float64) for name in (MEAN, SCALE))
    return PlainLayers(mean, scale, kernels, biases, architecture.activation)
