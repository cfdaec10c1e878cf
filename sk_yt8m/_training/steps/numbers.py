"""The numbers of each training step, which the compiled graph gets as tensors.

So one graph serves all values of the parameters: nothing is compiled again for another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sk_yt8m._network.elementwise_ops import CELL_FACTOR

_MOMENTUM = 0.99
#: The moving average changes slowly; after the first steps it is updated at every 8th.
_AVERAGE_EVERY, _WARM_STEPS = 8, 64
#: Distance of the seeds of two successive steps.
_STEP_FACTOR = 0x85EBCA6B


@dataclass(frozen=True)
class StepOptions:
    """Everything that a training step depends on, besides the network and the data."""

    out_activation: str
    precision: str
    loss_reduction: str
    n_heads: int
    alpha: float
    weight_decay: float
    ema_decay: float | None
    beta_1: float
    beta_2: float
    epsilon: float
    dropout: float
    input_dropout: float


class StepNumbers(NamedTuple):
    """The numbers of one step: a column of float32 each.

    Attributes
    ----------
    learning_rate : tensor
        Learning rate.
    shrink : tensor
        Share of the kernels that weight decay subtracts.
    beta_1, beta_2, epsilon : tensor
        Those of Adam.
    correction_1, correction_2 : tensor
        Adam's corrections of the moments' bias.
    keep_moving : tensor
        Share that batch normalisation's running moments keep.
    keep_average : tensor
        Share that the moving average keeps; 1 where it is not updated.
    alpha : tensor
        Factor of the penalty.
    loss_factor : tensor
        1 over the number of outputs for a mean over them, 1 for a sum.
    input_factor, factor : tensor
        Factors of the inputs and units that dropout keeps.
    """

    learning_rate: Any
    shrink: Any
    beta_1: Any
    beta_2: Any
    epsilon: Any
    correction_1: Any
    correction_2: Any
    keep_moving: Any
    keep_average: Any
    alpha: Any
    loss_factor: Any
    input_factor: Any
    factor: Any


def step_numbers(
    options: StepOptions, n_outputs: int, first_step: int, learning_rates: np.ndarray
) -> np.ndarray:
    """Return the numbers of some steps, shape (n_steps, number of them), float32.

    Parameters
    ----------
    options : StepOptions
        How the steps are done.
    n_outputs : int
        Number of outputs of the network.
    first_step : int
        Number of steps taken before.
    learning_rates : ndarray of shape (n_steps,), float32
        Learning rate of each step.
    """
    o = options
    before = first_step + np.arange(len(learning_rates))
    taken = before + 1
    warm = taken <= _WARM_STEPS
    averaged = warm | (taken % _AVERAGE_EVERY == 0)
    keep = ramped(o.ema_decay or 0.0, taken) ** np.where(warm, 1, _AVERAGE_EVERY)
    numbers = StepNumbers(
        learning_rate=learning_rates,
        shrink=learning_rates.astype(np.float64) * o.weight_decay,
        beta_1=o.beta_1,
        beta_2=o.beta_2,
        epsilon=o.epsilon,
        correction_1=1.0 - o.beta_1**taken,
        correction_2=1.0 - o.beta_2**taken,
        keep_moving=ramped(_MOMENTUM, before),
        keep_average=np.where(averaged, keep, 1.0),
        alpha=o.alpha,
        loss_factor=1.0 / n_outputs if o.loss_reduction == "mean" else 1.0,
        input_factor=1.0 / (1.0 - o.input_dropout),
        factor=1.0 / (1.0 - o.dropout),
    )
    rows = np.empty((len(taken), len(numbers)), dtype=np.float32)
    for column, values in enumerate(numbers):
        rows[:, column] = values
    return rows


def ramped(decay: float, step: np.ndarray) -> np.ndarray:
    """Return the decay of a running mean: small at first, so that its start is forgotten."""
    return np.minimum(decay, (1.0 + step) / (10.0 + step))


class Masks:
    """The dropout masks of a training: of the inputs and of each hidden layer.

    Parameters
    ----------
    options : StepOptions
        How the steps are done.
    widths : sequence of int
        Number of features, and of units of each hidden layer.
    """

    def __init__(self, options: StepOptions, widths: Sequence[int]) -> None:
        rates = (options.input_dropout, *[options.dropout] * (len(widths) - 1))
        self._thresholds = [min(2**32 - 1, round(rate * 2**32)) for rate in rates]
        self._widths = widths

    def numbers(self, seed: int, first_row: int, first_step: int, n_steps: int) -> np.ndarray:
        """Return seed and threshold of each mask, shape (n_steps, 2, n_masks), uint32.

        The masks are those of the rows from `first_row` of a batch.
        """
        parts = np.random.SeedSequence(seed).generate_state(len(self._widths), np.uint32)
        layers = [
            (int(part) + first_row * width * CELL_FACTOR) % 2**32
            for part, width in zip(parts, self._widths, strict=True)
        ]
        steps = np.arange(first_step, first_step + n_steps, dtype=np.uint64)[:, np.newaxis]
        seeds = (steps * np.uint64(_STEP_FACTOR) + np.array(layers, np.uint64)) % 2**32
        thresholds = np.broadcast_to(np.array(self._thresholds, np.uint64), seeds.shape)
        return np.stack([seeds, thresholds], axis=1).astype(np.uint32)
