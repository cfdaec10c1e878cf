"""The forward pass in numpy, for so few rows that calling TensorFlow takes longer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, ndtr, softmax

from sk_yt8m._network.architecture import HIGHEST_PROBABILITY, LOWEST_PROBABILITY
from sk_yt8m._tensorflow import tf

_ACTIVATIONS: dict[str, Any] = {
    "identity": lambda x: x,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0, out=x),
    "gelu": lambda x: x * ndtr(x),
    "silu": lambda x: x * expit(x),
}


def forward(
    name: str,
    activation: str,
    out_activation: str,
    standardization: Sequence[np.ndarray],
    layers: Sequence[np.ndarray],
) -> Callable[..., Any]:
    """Return the function from rows to the named result of `Predictor`, and which are finite.

    Parameters
    ----------
    name : {"hidden", "hidden_and_probabilities", "logits", "probabilities", "top_k"}
        The result.
    activation, out_activation : str
        Names of the activations.
    standardization : sequence of ndarray of shape (n_features,)
        Mean and scale.
    layers : sequence of ndarray
        Kernel and bias of each layer, of one dtype, in which the pass computes.
    """
    mean, scale = (array.astype(layers[-1].dtype) for array in standardization)

    def hidden_layers(rows: np.ndarray) -> np.ndarray:
        h = (rows - mean) * scale
        for kernel, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
            h = _ACTIVATIONS[activation](h @ kernel + bias)
        return h

    def scores(hidden: np.ndarray) -> np.ndarray:
        return hidden @ layers[-2] + layers[-1]

    def checked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = values.astype(np.float32, copy=False)
        return values, np.isfinite(values).all(axis=1)

    def linked(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = expit(logits) if out_activation == "logistic" else softmax(logits, axis=1)
        values = values.astype(np.float32, copy=False)
        inside = np.clip(values, LOWEST_PROBABILITY, HIGHEST_PROBABILITY, dtype=np.float32)
        return inside, checked(logits)[1]

    def probabilities(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return linked(scores(hidden_layers(rows)))

    def hidden_and_probabilities(rows: np.ndarray) -> Any:
        hidden = hidden_layers(rows)
        inside, is_finite = linked(scores(hidden))
        values, has_finite = checked(hidden)
        return (values, inside), is_finite & has_finite

    def top_k(rows: np.ndarray, k: Any) -> tuple[Any, np.ndarray]:
        inside, is_finite = probabilities(rows)
        return tf.math.top_k(inside, k), is_finite

    functions: dict[str, Callable[..., Any]] = {
        "hidden": lambda rows: checked(hidden_layers(rows)),
        "hidden_and_probabilities": hidden_and_probabilities,
        "logits": lambda rows: checked(scores(hidden_layers(rows))),
        "probabilities": probabilities,
        "top_k": top_k,
    }

    def run(rows: np.ndarray, *further: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            return functions[name](rows, *further)

    return run
