"""Compiled steps that fits of the same kind use one after the other."""

import threading
from typing import Any, NamedTuple

from sk_yt8m._tensorflow import tf
from sk_yt8m._training.steps.compiled import CompiledSteps
from sk_yt8m._training.steps.replica import StepKind
from sk_yt8m._training.steps.replicated import ReplicatedSteps


class Kind(NamedTuple):
    """What trainings have in common that can use the same compiled steps."""

    steps: StepKind
    strategy: Any
    gradient_dtype: str


Steps = CompiledSteps | ReplicatedSteps
#: Idle steps, the last used at the end, and how many are kept.
_IDLE: list[tuple[Kind, Steps]] = []
_MOST_IDLE = 16
_LOCK = threading.RLock()


def replicating_strategy() -> Any:
    """Return the `tf.distribute` strategy in scope that has several replicas, or None.

    Raises
    ------
    TypeError
        If it is not one whose replicas hold all weights.
    """
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync == 1:
        return None
    known = tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy
    if not isinstance(strategy, known):
        raise TypeError(
            "expected the scope of a MirroredStrategy or MultiWorkerMirroredStrategy, got "
            f"{type(strategy).__name__}"
        )
    return strategy


def take_steps(kind: Kind) -> Steps:
    """Return compiled steps that no other training uses, an idle one if there is one.

    Fits of the same kind use a graph one after the other, which takes seconds to build.
    """
    with _LOCK:
        for place in reversed(range(len(_IDLE))):
            if _IDLE[place][0] == kind:
                return _IDLE.pop(place)[1]
    if kind.strategy is None:
        return CompiledSteps(kind.steps)
    return ReplicatedSteps(*kind)


def give_back_steps(kind: Kind, steps: Steps) -> None:
    """Keep compiled steps, without their weights, for the next training."""
    free_steps(steps)
    with _LOCK:
        _IDLE.append((kind, steps))
        del _IDLE[:-_MOST_IDLE]


def free_steps(steps: Steps) -> None:
    """Free the memory of weights and moments."""
    for replica in steps.replicas:
        replica.free()
