"""AdamW and the moving average of the weights, on the variables of a network."""

from collections.abc import Sequence
from typing import Any

from sk_yt8m._network.architecture import Weights
from sk_yt8m._network.fused_ops import adamw, average_into
from sk_yt8m._network.layers import ramped
from sk_yt8m._tensorflow import fill_with_zeros, tf

#: The moving average changes slowly; after the first steps it is updated at every 8th.
_AVERAGE_EVERY = 8
_WARM_STEPS = 64


class AdamW:
    """Adam with decoupled weight decay and an exponential moving average of the weights.

    Parameters
    ----------
    variables : sequence of tf.Variable
        Trained weights, float32. Matrices decay, vectors do not.
    step : tf.Variable of int64
        Number of steps taken; `apply` increments it.
    beta_1, beta_2 : float
        Decay rates of the moments [1]_.
    epsilon : float
        Added to the root of the second moment.
    weight_decay : float
        Each step subtracts this share of a weight, times the learning rate [2]_.
    ema_decay : float or None
        Decay of the moving average; None for no average.

    References
    ----------
    .. [1] Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    .. [2] Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(
        self,
        variables: Sequence[Any],
        step: Any,
        *,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        weight_decay: float,
        ema_decay: float | None,
    ) -> None:
        self.variables = list(variables)
        self.step = step
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.weight_decay = weight_decay
        self.ema_decay = ema_decay
        self.first = [tf.Variable(tf.zeros(v.shape)) for v in self.variables]
        self.second = [tf.Variable(tf.zeros(v.shape)) for v in self.variables]
        self.averages = [] if ema_decay is None else [tf.Variable(v) for v in self.variables]

    def reset(self) -> None:
        """Set the moments to zero and the averages to the current weights."""
        fill_with_zeros(self.slots().values())
        for average, variable in zip(self.averages, self.variables, strict=False):
            average.assign(variable)

    def restore(self, state: Weights) -> None:
        """Continue from the slots of another optimiser of these variables, set to its values."""
        for name, slot in self.slots().items():
            if name in state:
                slot.assign(state[name])
        if "optimizer/average/0" not in state:
            for average, variable in zip(self.averages, self.variables, strict=False):
                average.assign(variable)

    def apply(self, gradients: Sequence[Any], learning_rate: Any) -> None:
        """Take one step; call it inside a graph."""
        taken = tf.cast(self.step + 1, tf.float32)
        corrections = [1.0 - tf.pow(beta, taken) for beta in (self.beta_1, self.beta_2)]
        betas = tf.stack([self.beta_1, self.beta_2, *corrections, self.epsilon])
        for variable, first, second, gradient in zip(
            self.variables, self.first, self.second, gradients, strict=True
        ):
            decays = self.weight_decay and len(variable.shape) > 1
            shrink = learning_rate * self.weight_decay if decays else 0.0
            adamw(variable, first, second, gradient, learning_rate, shrink, betas)
        step = self.step.assign_add(1)
        if self.averages:
            warm = step <= _WARM_STEPS
            if warm or step % _AVERAGE_EVERY == 0:
                self._average(tf.where(warm, 1.0, float(_AVERAGE_EVERY)))

    def slots(self) -> dict[str, Any]:
        """Return the optimiser's own variables by name."""
        groups = {"first": self.first, "second": self.second, "average": self.averages}
        slots = {
            f"optimizer/{group}/{i}": variable
            for group, variables in groups.items()
            for i, variable in enumerate(variables)
        }
        return {**slots, "optimizer/step": self.step}

    def _average(self, steps: Any) -> None:
        keep = ramped(self.ema_decay or 0.0, self.step) ** steps
        for variable, average in zip(self.variables, self.averages, strict=True):
            average_into(average, variable, keep)
