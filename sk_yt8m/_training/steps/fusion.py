"""Which ops of a training XLA compiles: those whose compilation pays back."""

from typing import NamedTuple

from sk_yt8m._network.architecture import Architecture

# Measured on processors. XLA compiles the ops of every new shape for about three seconds, and saves
# this many of them for each weight, and for each unit and row, of a step.
_SECONDS_TO_COMPILE = 3.0
_PER_WEIGHT, _PER_UNIT = 1e-10, 1e-8
#: With so many weights, arrays are so large that each new one is asked of the system.
_LARGE = 2**23


class Fusion(NamedTuple):
    """What XLA compiles.

    Attributes
    ----------
    units : bool
        The ops on the rows of a batch: a compilation for each size of the batch.
    updates : bool
        The updates of the weights.
    """

    units: bool
    updates: bool


def fusion_of_fit(architecture: Architecture, batch_size: int, n_steps: int) -> Fusion:
    """Return what pays back in a training of so many steps."""
    a = architecture
    saved = n_steps * (_PER_WEIGHT * a.n_weights + _PER_UNIT * batch_size * a.n_units)
    return Fusion(*[saved > _SECONDS_TO_COMPILE] * 2)


def fusion_of_partial_fit(architecture: Architecture) -> Fusion:
    """Return what pays back in trainings of batches of any size."""
    return Fusion(units=False, updates=architecture.n_weights >= _LARGE)
