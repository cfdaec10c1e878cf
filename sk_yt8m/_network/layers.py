"""The network in training: TensorFlow variables, and the pass through each layer and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights
from sk_yt8m._network.elementwise_ops import Dropout, UnitOps, row_ops, unit_ops
from sk_yt8m._network.parameters import weight_layout
from sk_yt8m._network.synchronized_ops import Sums, SynchronizedUnitOps
from sk_yt8m._tensorflow import empty_variable, tf


class TrainableNetwork:
    """A network's variables, which the training step reads and the optimiser changes.

    Unless `is_sized`, graphs that are built with it serve networks of any sizes: only the values
    have shapes.

    Parameters
    ----------
    architecture : Architecture
        The network. Its variables are empty until `set` gives them values.
    precision : {"float32", "bfloat16"}
        Number format of the matrix products; the variables are float32.
    fused : bool
        Whether XLA compiles the ops on rows.
    sums : callable or None
        For one of several replicas: takes a list of tensors and returns their sums over all.
    is_sized : bool
        Whether all networks have the sizes of the architecture.

    Attributes
    ----------
    variables : dict of str to tf.Variable
        The weights by name, in the order of `weight_layout`.
    trained : list of tf.Variable
        Those that the optimiser changes, in the same order.
    hidden : list of HiddenLayer
        The hidden layers.
    is_synchronized : bool
        Whether a pass through it waits for other replicas.
    """

    def __init__(
        self,
        architecture: Architecture,
        precision: str,
        fused: bool = False,
        sums: Sums | None = None,
        *,
        is_sized: bool = False,
    ) -> None:
        layout = weight_layout(architecture)
        self.precision = precision
        self.variables = {
            name: empty_variable(
                one.shape if is_sized else [None] * len(one.shape), trainable=one.is_trained
            )
            for name, one in layout.items()
        }
        self.trained = [self.variables[name] for name, one in layout.items() if one.is_trained]
        self.is_synchronized = sums is not None and architecture.batch_normalization
        self._standardize = row_ops(fused).standardize
        self.hidden = [
            HiddenLayer(
                self._part(f"hidden_{i}") | self._part(f"units_{i}"),
                _unit_ops(architecture, fused, sums),
            )
            for i in range(len(architecture.hidden_layer_sizes))
        ]

    def set(self, weights: Weights) -> None:
        """Give the variables their values by name."""
        for name, variable in self.variables.items():
            variable.assign(weights[name])

    def inputs(self, features: Any, dropout: Dropout | None) -> Any:
        """Return standardised features, some of them dropped, in the format of the products."""
        mean, scale = (tf.convert_to_tensor(self.variables[name]) for name in (MEAN, SCALE))
        return self._standardize(features, mean, scale, dropout, self.precision)

    def _part(self, layer: str) -> dict[str, Any]:
        return {
            name.split("/")[1]: variable
            for name, variable in self.variables.items()
            if name.split("/")[0] == layer
        }


def _unit_ops(
    architecture: Architecture, fused: bool, sums: Sums | None
) -> UnitOps | SynchronizedUnitOps:
    if sums is None or not architecture.batch_normalization:
        return unit_ops(architecture.activation, architecture.batch_normalization, fused)
    return SynchronizedUnitOps(architecture.activation, fused, sums)


@dataclass(frozen=True)
class HiddenLayer:
    """A hidden layer: its kernel, and normalisation or bias, activation and dropout after it.

    The running mean and variance start from the first batches and not from (0, 1), so that a short
    training ends with the right ones.
    """

    variables: dict[str, Any]
    ops: UnitOps | SynchronizedUnitOps

    @property
    def kernel(self) -> Any:
        """The matrix of the layer's product."""
        return self.variables["kernel"]

    def forward(self, products: Any, dropout: Dropout | None, keep: Any) -> Any:
        """Return the layer's outputs; the running moments keep a share of what they are."""
        outputs, *moments = self.ops.forward(products, *self._parameters(), dropout)
        if "gamma" in self.variables:
            for name, value in zip(("moving_mean", "moving_variance"), moments, strict=True):
                moving = self.variables[name]
                moving.assign_sub((1.0 - keep) * (moving - value))
        return outputs

    def backward(self, products: Any, dropout: Dropout | None, upstream: Any) -> Sequence[Any]:
        """Return the gradients by the products, and by scale and offset or by the bias."""
        gradients = self.ops.backward(products, *self._parameters(), dropout, upstream)
        return [gradient for gradient in gradients if gradient is not None]

    def _parameters(self) -> tuple[Any, Any]:
        names = (None, "bias") if "bias" in self.variables else ("gamma", "beta")
        scale, offset = (name and tf.convert_to_tensor(self.variables[name]) for name in names)
        return scale, offset
