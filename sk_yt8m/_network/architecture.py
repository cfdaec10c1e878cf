"""The shape of a network and the names of its parts, known without TensorFlow."""

from dataclasses import dataclass

import numpy as np

#: Weights of a network by name, in float32; the standardisation's mean and scale in float64.
Weights = dict[str, np.ndarray]

#: What `activation` may be.
ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "gelu", "silu")

#: Names of the standardisation's weights.
MEAN, SCALE = "standardization/mean", "standardization/scale"

#: Bounds of the probabilities, so that no float32 of them is 0 or 1.
LOWEST_PROBABILITY = float(np.finfo(np.float32).tiny)
HIGHEST_PROBABILITY = float(np.nextafter(np.float32(1), np.float32(0)))


#: What the first training fixes.
_FIXED = (
    "n_features",
    "hidden_layer_sizes",
    "n_outputs",
    "activation",
    "batch_normalization",
    "standardize",
)


@dataclass(frozen=True)
class Architecture:
    """All that determines the shape and the behaviour of a network, but not its weights."""

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    n_outputs: int
    activation: str
    batch_normalization: bool
    dropout: float
    input_dropout: float
    standardize: bool

    def check_same_layers(self, other: "Architecture") -> None:
        """Raise a ValueError if the weights of one network mean something else in the other."""
        for name in _FIXED:
            if getattr(self, name) != getattr(other, name):
                raise ValueError(
                    f"{name} was {getattr(self, name)} when the network was trained and is now "
                    f"{getattr(other, name)}: to train a new one, use fit with warm_start=False"
                )
