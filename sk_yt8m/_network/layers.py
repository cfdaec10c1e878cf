"""The network in training: TensorFlow variables, and the pass through each layer and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sk_yt8m._network.architecture import (
    BATCH_NORMALIZATION_EPSILON,
    MEAN,
    SCALE,
    Architecture,
    Weights,
)
from sk_yt8m._network.fused_ops import CELL_FACTOR, UnitOps, standardize, unit_ops
from sk_yt8m._network.parameters import weight_layout
from sk_yt8m._network.synchronized_ops import Sums, SynchronizedUnitOps
from sk_yt8m._tensorflow import fill_with_zeros, tf

_MOMENTUM = 0.99


def ramped(decay: float, step: Any) -> Any:
    """Return the decay of a running mean: small at first, so that its start is forgotten."""
    step = tf.cast(step, tf.float32)
    return tf.minimum(decay, (1.0 + step) / (10.0 + step))


def seed_at(seed: Any, step: Any) -> Any:
    """Return the seed of a dropout mask: one for each layer and step."""
    return tf.cast(step, tf.uint32) * tf.constant(0x85EBCA6B, tf.uint32) + tf.cast(seed, tf.uint32)


class TrainableNetwork:
    """A network's variables, which the training step reads and the optimiser changes.

    Parameters
    ----------
    architecture : Architecture
        The network. Its variables are zero until `set` gives them values.
    precision : {"float32", "bfloat16"}
        Number format of the matrix products; the variables are float32.
    sums : callable or None
        For one of several replicas: takes a list of tensors and returns their sums over all.

    Attributes
    ----------
    variables : dict of str to tf.Variable
        The weights by name, in the order of `weight_layout`.
    trained : list of tf.Variable
        Those that the optimiser changes, in the same order.
    hidden : list of HiddenLayer
        The hidden layers.
    step : tf.Variable of int64
        Number of steps taken.
    is_synchronized : bool
        Whether a pass through it waits for other replicas.
    """

    def __init__(
        self,
        architecture: Architecture,
        precision: str,
        sums: Sums | None = None,
    ) -> None:
        layout = weight_layout(architecture)
        self.architecture = architecture
        self.precision = precision
        self.variables = {
            name: tf.Variable(tf.zeros(one.shape), trainable=one.is_trained)
            for name, one in layout.items()
        }
        self.trained = [self.variables[name] for name, one in layout.items() if one.is_trained]
        n_hidden = len(architecture.hidden_layer_sizes)
        self.step, *self._seeds = [
            tf.Variable(0, dtype=tf.int64, trainable=False) for _ in range(n_hidden + 2)
        ]
        self.is_synchronized = sums is not None and architecture.batch_normalization
        self.hidden = [
            HiddenLayer(
                self._part(f"hidden_{i}") | self._part(f"units_{i}"),
                _layer_ops(architecture, sums),
                seed,
                self.step,
            )
            for i, seed in enumerate(self._seeds[1:])
        ]

    def set(self, weights: Weights) -> None:
        """Give the variables their values by name."""
        for name, variable in self.variables.items():
            variable.assign(weights[name])

    def reset(self, weights: Weights) -> None:
        """Give the variables their values, also after their memory was freed."""
        fill_with_zeros(self.variables.values())
        self.set(weights)

    def reseed(self, seed: int, first_row: int = 0) -> None:
        """Draw the dropout masks from another seed from now on.

        They are those of the rows from `first_row` of a batch.
        """
        parts = np.random.SeedSequence(seed).generate_state(len(self._seeds), np.uint32)
        widths = [self.architecture.n_features, *self.architecture.hidden_layer_sizes]
        for variable, part, width in zip(self._seeds, parts, widths, strict=True):
            variable.assign((int(part) + first_row * width * CELL_FACTOR) % 2**32)

    def inputs(self, features: Any) -> Any:
        """Return standardised features, some of them dropped, in the format of the products."""
        mean, scale = (tf.convert_to_tensor(self.variables[name]) for name in (MEAN, SCALE))
        seed = seed_at(self._seeds[0], self.step)
        rate = self.architecture.input_dropout
        return standardize(features, mean, scale, seed, rate, self.precision)

    def _part(self, layer: str) -> dict[str, Any]:
        return {
            name.split("/")[1]: variable
            for name, variable in self.variables.items()
            if name.split("/")[0] == layer
        }


def _layer_ops(architecture: Architecture, sums: Sums | None) -> UnitOps | SynchronizedUnitOps:
    name, rate = architecture.activation, architecture.dropout
    if not architecture.batch_normalization:
        return unit_ops(name, rate, None)
    if sums is None:
        return unit_ops(name, rate, BATCH_NORMALIZATION_EPSILON)
    return SynchronizedUnitOps(name, rate, BATCH_NORMALIZATION_EPSILON, sums)


@dataclass(frozen=True)
class HiddenLayer:
    """A hidden layer: its kernel, and normalisation or bias, activation and dropout after it.

    The running mean and variance start from the first batches and not from (0, 1), so that a short
    training ends with the right ones.
    """

    variables: dict[str, Any]
    ops: UnitOps | SynchronizedUnitOps
    seed: Any
    step: Any

    @property
    def kernel(self) -> Any:
        """The matrix of the layer's product."""
        return self.variables["kernel"]

    def forward(self, products: Any) -> Any:
        """Return the layer's outputs, and update the running mean and variance."""
        outputs, mean, variance = self.ops.forward(products, *self._arguments())
        if "gamma" in self.variables:
            keep = ramped(_MOMENTUM, self.step)
            for name, value in (("moving_mean", mean), ("moving_variance", variance)):
                moving = self.variables[name]
                moving.assign_sub((1.0 - keep) * (moving - value))
        return outputs

    def backward(self, products: Any, upstream: Any) -> tuple[Any, list[Any]]:
        """Return the gradients by the products, and by scale and offset or by the bias."""
        by_products, by_scale, by_offset = self.ops.backward(products, *self._arguments(), upstream)
        return by_products, [by_scale, by_offset] if "gamma" in self.variables else [by_offset]

    def _arguments(self) -> tuple[Any, Any, Any]:
        has_scale = "gamma" in self.variables
        offset = tf.convert_to_tensor(self.variables["beta" if has_scale else "bias"])
        scale = tf.convert_to_tensor(self.variables["gamma"]) if has_scale else tf.ones_like(offset)
        return scale, offset, seed_at(self.seed, self.step)
