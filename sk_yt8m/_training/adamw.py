"""AdamW and the moving average of the weights, on the variables of a network."""

from collections.abc import Sequence
from typing import Any

from sk_yt8m._network.architecture import Weights
from sk_yt8m._network.elementwise_ops import update_ops
from sk_yt8m._tensorflow import empty_variable, tf


class AdamW:
    """Adam with decoupled weight decay and an exponential moving average of the weights.

    Parameters
    ----------
    variables : sequence of tf.Variable
        Trained weights, float32. Matrices decay [2]_, vectors do not.
    averaged : bool
        Whether to keep a moving average.
    fused : bool
        Whether XLA compiles an update into few passes.

    References
    ----------
    .. [1] Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    .. [2] Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(self, variables: Sequence[Any], *, averaged: bool, fused: bool) -> None:
        self.variables = list(variables)
        self.first, self.second, self.averages = (
            [empty_variable(v.shape) for v in self.variables[: len(variables) * is_kept]]
            for is_kept in (True, True, averaged)
        )
        self._ops = update_ops(fused)

    def reset(self) -> None:
        """Set the moments to zero and the averages to the current weights."""
        for variable, *moments in zip(self.variables, self.first, self.second, strict=True):
            for moment in moments:
                moment.assign(tf.zeros_like(variable))
        self._start_averages()

    def restore(self, state: Weights) -> None:
        """Continue from the slots of another optimiser of these variables, set to its values."""
        for name, slot in self.slots().items():
            if name in state:
                slot.assign(state[name])
        if "optimizer/average/0" not in state:
            self._start_averages()

    def apply(self, gradients: Sequence[Any], numbers: Any) -> None:
        """Take one step, whose `numbers` are `StepNumbers` [1]_; call it inside a graph."""
        for variable, first, second, gradient in zip(
            self.variables, self.first, self.second, gradients, strict=True
        ):
            self._ops.adamw(variable, first, second, gradient, numbers)
        if self.averages:
            keep = numbers.keep_average
            tf.cond(keep < 1.0, lambda: self._average(keep), lambda: tf.no_op())

    def slots(self) -> dict[str, Any]:
        """Return the optimiser's own variables by name."""
        groups = {"first": self.first, "second": self.second, "average": self.averages}
        return {
            f"optimizer/{group}/{i}": variable
            for group, variables in groups.items()
            for i, variable in enumerate(variables)
        }

    def _average(self, keep: Any) -> Any:
        for variable, average in zip(self.variables, self.averages, strict=True):
            self._ops.average_into(average, variable, keep)
        return tf.no_op()

    def _start_averages(self) -> None:
        for average, variable in zip(self.averages, self.variables, strict=False):
            average.assign(variable)
