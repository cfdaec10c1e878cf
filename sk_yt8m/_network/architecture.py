"""Sizes and kinds: all that determines the shape and behaviour of a network."""

from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

#: Weights of a network by name, in float32; the standardisation's mean and scale in float64.
Weights = dict[str, np.ndarray]

#: What `activation` may be.
ACTIVATIONS = ("identity", "logistic", "tanh", "relu", "gelu", "silu")

#: Names of the standardisation's weights.
MEAN, SCALE = "standardization/mean", "standardization/scale"

#: Batch normalisation's guard against division by zero.
BATCH_NORMALIZATION_EPSILON = 1e-3

#: Bounds of the probabilities, so that no float32 of them is 0 or 1.
LOWEST_PROBABILITY = float(np.finfo(np.float32).tiny)
HIGHEST_PROBABILITY = float(np.nextafter(np.float32(1), np.float32(0)))

#: `"auto"`: 5 to 25 times these sizes. So few sizes are chosen from that the folds of a
#: cross-validation have the same.
_UNIT_SIZES, _FEWEST, _MOST = (80, 128), 5, 25
_ROWS_PER_UNIT, _OUTPUTS_PER_UNIT = 500, 16

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
    """The structure of a network: sizes, activation, normalisation and dropout rates."""

    n_features: int
    hidden_layer_sizes: tuple[int, ...]
    n_outputs: int
    activation: str
    batch_normalization: bool
    dropout: float
    input_dropout: float
    standardize: bool

    @property
    def n_units(self) -> int:
        """Number of features, hidden units and outputs."""
        return sum(self._widths)

    @property
    def n_weights(self) -> int:
        """Number of weights of all kernels."""
        return sum(one * other for one, other in pairwise(self._widths))

    @property
    def _widths(self) -> tuple[int, ...]:
        return (self.n_features, *self.hidden_layer_sizes, self.n_outputs)

    def without_rates(self) -> "Architecture":
        """Return what networks of these sizes share that have the same graph: rates are 0 or 1."""
        dropout, input_dropout = float(self.dropout > 0), float(self.input_dropout > 0)
        return replace(self, dropout=dropout, input_dropout=input_dropout, standardize=True)

    def without_sizes(self) -> "Architecture":
        """Return what networks share that have the same graph: sizes are 1, rates 0 or 1."""
        sizes = (1,) * len(self.hidden_layer_sizes)
        return replace(self.without_rates(), n_features=1, hidden_layer_sizes=sizes, n_outputs=1)

    def check_same_layers(self, other: "Architecture") -> None:
        """Raise a ValueError if the weights of one network mean something else in the other."""
        for name in _FIXED:
            if getattr(self, name) != getattr(other, name):
                raise ValueError(
                    f"{name} was {getattr(self, name)} when the network was trained and is now "
                    f"{getattr(other, name)}: to train a new one, use fit with warm_start=False"
                )


def layer_sizes(
    hidden_layer_sizes: npt.ArrayLike,
    n_heads: int,
    shape: tuple[int, int] | None,
    previous: tuple[int, ...] | None = None,
) -> tuple[int, ...]:
    """Return the sizes of the hidden layers, the last of which is divided among the heads.

    Parameters
    ----------
    hidden_layer_sizes : array-like of int, int or "auto"
        The parameter of the classifier.
    n_heads : int
        Number of parts of the last layer.
    shape : tuple of (n_samples, n_outputs) or None
        Numbers of training rows and of outputs; None if the rows are not known.
    previous : tuple of int or None
        Sizes of the network that is trained further, which ``"auto"`` stands for.
    """
    if isinstance(hidden_layer_sizes, str) and hidden_layer_sizes == "auto":
        if previous is None:
            return auto_layer_sizes(*shape, n_heads) if shape else _multiple(_MOST, n_heads)
        hidden_layer_sizes = previous
    one = np.isscalar(hidden_layer_sizes) or isinstance(hidden_layer_sizes, np.ndarray)
    sizes: list[Any] = list(np.atleast_1d(hidden_layer_sizes) if one else hidden_layer_sizes)  # type: ignore[arg-type]
    whole = [isinstance(n, Integral) and not isinstance(n, (bool, np.bool_)) for n in sizes]
    if not all(whole) or any(n <= 0 for n in sizes):
        raise ValueError(f"hidden_layer_sizes must be integers above 0, got {hidden_layer_sizes!r}")
    if n_heads > 1 and (not sizes or sizes[-1] % n_heads):
        raise ValueError(
            f"n_heads must divide the last of hidden_layer_sizes, got n_heads={n_heads} and "
            f"hidden_layer_sizes={hidden_layer_sizes!r}"
        )
    return tuple(map(int, sizes))


def auto_layer_sizes(n_samples: int, n_outputs: int, n_heads: int) -> tuple[int, ...]:
    """Return sizes from 400 - 640 to 2000 - 3200 units that grow with the rows and the outputs.

    The first layer has 0.16 units for each row and 5 for each output, to the nearest multiple of
    80. Many outputs need wide layers even where there are few rows.
    """
    wanted = round(n_samples / _ROWS_PER_UNIT + n_outputs / _OUTPUTS_PER_UNIT)
    return _multiple(min(_MOST, max(_FEWEST, wanted)), n_heads)


def _multiple(number: int, n_heads: int) -> tuple[int, ...]:
    """Return a multiple of the sizes, the last of which is reduced to one of the heads' number."""
    *sizes, last = (number * size for size in _UNIT_SIZES)
    return (*sizes, last - last % n_heads or n_heads)
