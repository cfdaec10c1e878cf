"""AdamW, a running mean of the weights, and the learning rates."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sk_yt8m._network.architecture import Weights
from sk_yt8m._network.fused_ops import adamw, average_into
from sk_yt8m._network.layers import ramped
from sk_yt8m._tensorflow import fill_with_zeros, tf

#: The mean of the weights moves slowly; past the first steps it is taken at every 8th.
_AVERAGE_EVERY = 8
_WARM_STEPS = 64


class AdamW:
    """Adam with decoupled weight decay and an exponential moving average of the weights.

    Parameters
    ----------
    variables : sequence of tf.Variable
        What is trained. Matrices decay, vectors do not.
    step : tf.Variable of int64
        Counts the steps taken; it is increased here.
    beta_1, beta_2, epsilon : float
        As in Kingma and Ba, 2015.
    weight_decay : float
        Share of a weight, times the learning rate, that is taken off at each step
        (Loshchilov and Hutter, 2019).
    ema_decay : float or None
        Decay of the moving average; None for none.
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
        """Start anew from the present values of the variables."""
        fill_with_zeros(self.slots().values())
        for average, variable in zip(self.averages, self.variables, strict=False):
            average.assign(variable)

    def restore(self, state: Weights) -> None:
        """Go on from the slots of an optimiser of the same variables, which have their values."""
        for name, slot in self.slots().items():
            if name in state:
                slot.assign(state[name])
        if "optimizer/average/0" not in state:
            for average, variable in zip(self.averages, self.variables, strict=False):
                average.assign(variable)

    def apply(self, gradients: Sequence[Any], learning_rate: Any) -> None:
        """Take one step; called inside a graph."""
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


def learning_rates(
    schedule: str, learning_rate_init: float, warmup_fraction: float, steps: range, total: int
) -> np.ndarray:
    """Return the learning rate of each step, float32.

    Parameters
    ----------
    schedule : {"cosine", "constant"}
        How the rate goes on after the warm-up: down to 0 along half a cosine (Loshchilov and
        Hutter, 2017), or unchanged.
    learning_rate_init : float
        The rate at the end of the warm-up.
    warmup_fraction : float
        Share of all steps in which the rate grows linearly to `learning_rate_init`.
    steps : range
        The steps that the rates are for.
    total : int
        Number of steps of the whole training.
    """
    step = np.arange(steps.start, steps.stop, dtype=np.float64)
    warmup = warmup_fraction * total
    rates = np.ones_like(step)
    if schedule == "cosine":
        progress = np.clip((step - warmup) / max(1.0, total - warmup), 0.0, 1.0)
        rates = 0.5 * (1.0 + np.cos(np.pi * progress))
    rates = np.where(step < warmup, (step + 1) / (warmup + 1), rates)
    return (learning_rate_init * rates).astype(np.float32)
