"""The learning-rate schedule, the batch size, the number of epochs and the rule for stopping."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sk_yt8m._inputs.minibatches import n_steps

#: `"auto"`: about 80 steps an epoch, in batches of 32 to 512 rows.
_LARGEST_BATCH, _SMALLEST_BATCH = 512, 32
_STEPS_PER_EPOCH = 80
_FEWEST_EPOCHS, _FEWEST_STEPS = 12, 320
#: Steps that are taken before the training asks whether to stop, if the epochs have fewer.
_STEPS_AT_ONCE = 64


@dataclass(frozen=True)
class Schedule:
    """How many epochs of which batches, at which learning rates, and when to stop.

    Attributes
    ----------
    n_epochs : int
        Number of epochs, at most.
    batch_size : int
        Rows of a step, at most.
    learning_rate : {"cosine", "constant"}
        How the rate changes after the warm-up.
    learning_rate_init : float
        The rate at the end of the warm-up.
    warmup_fraction : float
        Share of all steps in which the rate grows linearly to `learning_rate_init`.
    shuffle : bool
        Whether each epoch has a random order of its own.
    seed : int
        Seed of these orders.
    tol : float
        Smallest improvement, in the units of the monitored figure.
    n_iter_no_change : int or np.inf
        Epochs without improvement after which training stops.
    early_stopping : bool
        Whether the monitored figure is the validation score, not the training loss.
    """

    n_epochs: int
    batch_size: int
    learning_rate: str
    learning_rate_init: float
    warmup_fraction: float
    shuffle: bool
    seed: int
    tol: float
    n_iter_no_change: float
    early_stopping: bool

    def rates(self, epoch: int, steps_per_epoch: int) -> np.ndarray:
        """Return the learning rate of each step of an epoch, float32."""
        steps = range(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch)
        return learning_rates(
            self.learning_rate,
            self.learning_rate_init,
            self.warmup_fraction,
            steps,
            self.n_epochs * steps_per_epoch,
        )

    def size(self, n_samples: int) -> tuple[int, int]:
        """Return the rows of a step and the number of steps, both at most, of a whole training."""
        return min(n_samples, self.batch_size), self.n_epochs * n_steps(n_samples, self.batch_size)

    def is_finished(self, losses: Sequence[float], scores: Sequence[float]) -> bool:
        """Tell whether all epochs are done, or the monitored figure has stopped improving."""
        if len(losses) >= self.n_epochs:
            return True
        figures = scores if self.early_stopping else [-loss for loss in losses]
        return self._waited(figures) >= self.n_iter_no_change

    def epochs_at_once(self, losses: Sequence[float], steps_per_epoch: int) -> int:
        """Return a number of epochs, of few steps, before which the training cannot stop."""
        patience = self.n_iter_no_change - self._waited([-loss for loss in losses])
        left = self.n_epochs - len(losses)
        return int(max(1, min(patience, left, _STEPS_AT_ONCE // steps_per_epoch)))

    def _waited(self, figures: Sequence[float]) -> int:
        best, waited = -np.inf, 0
        for figure in figures:
            waited = 0 if figure > best + self.tol else waited + 1
            best = max(best, figure)
        return waited


def resolve_auto(batch_size: int | str, n_epochs: int | str, n_samples: int) -> tuple[int, int]:
    """Return batch size and number of epochs, with numbers in place of ``"auto"``."""
    size = auto_batch_size(n_samples) if isinstance(batch_size, str) else batch_size
    return size, auto_epochs(n_samples, size) if isinstance(n_epochs, str) else n_epochs


def auto_batch_size(n_samples: int) -> int:
    """Return a power of two that gives about 80 steps an epoch, from 32 to 512."""
    power = 2 ** round(np.log2(max(1.0, n_samples / _STEPS_PER_EPOCH)))
    return min(n_samples, max(_SMALLEST_BATCH, min(_LARGEST_BATCH, power)))


def auto_epochs(n_samples: int, batch_size: int) -> int:
    """Return 12, or as many epochs as make 320 steps."""
    return max(_FEWEST_EPOCHS, -(-_FEWEST_STEPS // n_steps(n_samples, batch_size)))


def learning_rates(
    schedule: str, learning_rate_init: float, warmup_fraction: float, steps: range, total: int
) -> np.ndarray:
    """Return the learning rate of each step, float32.

    Parameters
    ----------
    schedule : {"cosine", "constant"}
        After the warm-up: half a cosine down to 0 [1]_, or constant.
    learning_rate_init : float
        The rate at the end of the warm-up.
    warmup_fraction : float
        Share of all steps in which the rate grows linearly to `learning_rate_init`.
    steps : range
        Steps whose rates are returned.
    total : int
        Number of steps of the whole training.

    References
    ----------
    .. [1] Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
    """
    step = np.arange(steps.start, steps.stop, dtype=np.float64)
    warmup = warmup_fraction * total
    rates = np.ones_like(step)
    if schedule == "cosine":
        progress = np.clip((step - warmup) / max(1.0, total - warmup), 0.0, 1.0)
        rates = 0.5 * (1.0 + np.cos(np.pi * progress))
    rates = np.where(step < warmup, (step + 1) / (warmup + 1), rates)
    return (learning_rate_init * rates).astype(np.float32)
