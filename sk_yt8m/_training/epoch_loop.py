"""Epochs: order, learning rates, validation, the best weights and when to stop."""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from sk_yt8m._inputs.minibatches import Batches, n_steps, pack_batches
from sk_yt8m._network.architecture import Weights
from sk_yt8m._training.adamw import learning_rates
from sk_yt8m._training.row_source import Feed
from sk_yt8m._training.trainer import Trainer

#: What `"auto"` aims at: enough steps for a small set, large batches for a large one.
_LARGEST_BATCH, _SMALLEST_BATCH = 512, 32
_STEPS_PER_EPOCH = 80
_FEWEST_EPOCHS, _FEWEST_STEPS = 12, 320


class TrainingInterruptedWarning(UserWarning):
    """A KeyboardInterrupt ended a training early."""


@dataclass(frozen=True)
class Plan:
    """How the epochs are run.

    `tol` is in the units of the figure that is watched.
    """

    n_epochs: int
    batch_size: int
    schedule: str
    learning_rate_init: float
    warmup_fraction: float
    shuffle: bool
    seed: int
    tol: float
    n_iter_no_change: int
    early_stopping: bool


@dataclass(frozen=True)
class Part:
    """What an epoch that is not finished gave so far."""

    n_steps: int = 0
    loss_sum: float = 0.0
    weight_sum: float = 0.0

    @property
    def loss(self) -> float:
        """Mean loss of the rows."""
        return self.loss_sum / self.weight_sum


@dataclass(frozen=True)
class History:
    """What the epochs gave so far: one entry a finished epoch.

    It is replaced and never changed, so that an interrupt at any moment leaves a whole one.

    Attributes
    ----------
    losses, scores : list of float
        Training loss, and validation score where there is one.
    seconds : list of float
        From the first step to the end of the epoch.
    weights : Weights
        The best weights, where there is a score, otherwise those at the end.
    part : Part
        The epoch that is not finished.
    elapsed : float
        Seconds from the first step until now.
    n_seen : int
        Rows trained on, set at the end.
    interrupted : bool
        Whether a KeyboardInterrupt ended the training.
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    weights: Weights = field(default_factory=dict)
    part: Part = Part()
    elapsed: float = 0.0
    n_seen: int = 0
    interrupted: bool = False


class Checkpoints(Protocol):
    """Where the state of the training is kept on the way."""

    every: int | None

    def resume(self, trainer: Trainer) -> History:
        """Bring the trainer to where an earlier call was, and return what that had given."""
        ...

    def save(self, trainer: Trainer, history: History) -> None:
        """Keep where the training is."""
        ...


@dataclass(frozen=True)
class Rows:
    """The rows to train on, without a copy of them.

    Attributes
    ----------
    feed : Feed
        Gives the features of the rows, and perhaps others.
    indicator : csr_array of shape (n_samples, n_outputs)
        Their positives.
    numbers : ndarray of shape (n_rows,)
        Which rows to train on.
    weight : ndarray of shape (n_samples,), float32, or None
        Weight of each row, of mean 1.
    """

    feed: Feed
    indicator: Any
    numbers: np.ndarray
    weight: np.ndarray | None


def auto_batch_size(n_samples: int) -> int:
    """Return a power of two that gives about 80 steps an epoch, from 32 to 512."""
    power = 2 ** round(np.log2(max(1.0, n_samples / _STEPS_PER_EPOCH)))
    return min(n_samples, max(_SMALLEST_BATCH, min(_LARGEST_BATCH, power)))


def auto_epochs(n_samples: int, batch_size: int) -> int:
    """Return 12, or as many epochs as make 320 steps."""
    return max(_FEWEST_EPOCHS, -(-_FEWEST_STEPS // n_steps(n_samples, batch_size)))


def train_one_epoch(trainer: Trainer, rows: Rows, plan: Plan, epoch: int) -> float:
    """Train on every row once and return the mean loss."""
    (part,) = train_parts(trainer, rows, plan, epoch)
    return part.loss


def train_parts(
    trainer: Trainer,
    rows: Rows,
    plan: Plan,
    epoch: int,
    part: Part | None = None,
    every: int | None = None,
) -> Iterator[Part]:
    """Train on every row once, pausing after every so many steps.

    The order is a function of the plan's seed and the epoch's number alone. Losses are summed
    pause by pause, so that a part gives the same sums whether or not it was stored in between.

    Parameters
    ----------
    trainer, rows, plan, epoch
        What is trained, on what, how, and in which epoch.
    part : Part, optional
        What was done of the epoch before.
    every : int or None
        Number of steps between pauses; None for no pause but the end.

    Yields
    ------
    Part
        The epoch up to a pause; the last one is the whole epoch.
    """
    part = part or Part()
    order = rows.numbers
    if plan.shuffle:
        order = rows.feed.shuffled(order, np.random.default_rng([plan.seed, epoch]))
    batches = pack_batches(order, rows.indicator, rows.weight, plan.batch_size)
    steps = range(epoch * len(batches), (epoch + 1) * len(batches))
    rates = learning_rates(
        plan.schedule,
        plan.learning_rate_init,
        plan.warmup_fraction,
        steps,
        plan.n_epochs * len(batches),
    )
    while part.n_steps < len(batches):
        stop = min(len(batches), part.n_steps + (every or len(batches)))
        chosen = slice(part.n_steps, stop)
        some = Batches(**{name: array[chosen] for name, array in vars(batches).items()})
        weight = float(some.row_weights.sum())
        loss_sum = part.loss_sum + trainer.train(rows.feed, some, rates[chosen])
        if not np.isfinite(loss_sum):
            raise _diverged(f"the training loss became {loss_sum}", plan, epoch)
        if not trainer.is_finite():
            raise _diverged(
                "the square of a weight, of a gradient or of a layer's product overflowed",
                plan,
                epoch,
            )
        part = Part(stop, loss_sum, part.weight_sum + weight)
        yield part


def _diverged(what: str, plan: Plan, epoch: int) -> FloatingPointError:
    return FloatingPointError(
        f"{what} in epoch {epoch + 1}: lower learning_rate_init (now "
        f"{plan.learning_rate_init:g}), or standardize the features"
    )


def _check_finite(weights: Weights, plan: Plan, epoch: int) -> None:
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise _diverged("weights became infinite or NaN", plan, epoch)


def train_epochs(
    trainer: Trainer,
    rows: Rows,
    plan: Plan,
    evaluate: Callable[[Weights], float] | None,
    report: Callable[[Plan, int, float, float | None, float], None] | None,
    checkpoints: Checkpoints | None = None,
) -> History:
    """Train for the planned epochs, or until nothing improves any more.

    A KeyboardInterrupt after the first step ends the training early, with a warning.

    Parameters
    ----------
    trainer : Trainer
        What is trained.
    rows : Rows
        What it is trained on.
    plan : Plan
        How.
    evaluate : callable or None
        Gives the validation score of weights; the best weights are kept then, otherwise the last.
    report : callable or None
        Takes the plan and the epoch's number, loss, score and samples a second.
    checkpoints : Checkpoints or None
        Where the training starts from and is kept on the way.
    """
    history = History() if checkpoints is None else checkpoints.resume(trainer)
    every = None if checkpoints is None else checkpoints.every
    begun = time.perf_counter() - history.elapsed
    steps_per_epoch = n_steps(rows.numbers.size, plan.batch_size)
    try:
        while not is_finished(history, plan):
            epoch, start = len(history.losses), time.perf_counter()
            fresh = steps_per_epoch - history.part.n_steps
            for part in train_parts(trainer, rows, plan, epoch, history.part, every):
                elapsed = time.perf_counter() - begun
                history = replace(history, part=part, elapsed=elapsed)
                if checkpoints is not None and part.n_steps < steps_per_epoch:
                    checkpoints.save(trainer, history)
            score, best = None, history.weights
            if evaluate is not None:
                weights = trainer.weights()
                score = evaluate(weights)
                if not history.scores or score > max(history.scores):
                    best = weights
            elapsed = time.perf_counter() - begun
            history = History(
                losses=[*history.losses, part.loss],
                scores=[*history.scores, *([] if score is None else [score])],
                seconds=[*history.seconds, elapsed],
                weights=best,
                elapsed=elapsed,
            )
            if report is not None:
                speed = rows.numbers.size * fresh / steps_per_epoch / (time.perf_counter() - start)
                report(plan, epoch, history.losses[-1], score, speed)
            if checkpoints is not None and not is_finished(history, plan):
                checkpoints.save(trainer, history)
    except KeyboardInterrupt:
        if not int(trainer.step):
            raise
        history = replace(history, interrupted=True)
        warnings.warn(_interrupted(history, plan), TrainingInterruptedWarning, stacklevel=4)
    n_run = len(history.losses)
    if report is not None and n_run < plan.n_epochs and not history.interrupted:
        print(_stopped(n_run, plan), flush=True)
    n_seen = int(trainer.step) * rows.numbers.size // steps_per_epoch
    weights = history.weights or trainer.finish()
    _check_finite(weights, plan, n_run - 1)
    return replace(history, weights=weights, n_seen=n_seen)


def is_finished(history: History, plan: Plan) -> bool:
    """Tell whether all epochs are done, or too many of them brought nothing."""
    if len(history.losses) >= plan.n_epochs:
        return True
    best, waited = -np.inf, 0
    for watched in history.scores if plan.early_stopping else [-x for x in history.losses]:
        waited = 0 if watched > best + plan.tol else waited + 1
        best = max(best, watched)
    return waited >= plan.n_iter_no_change


def _stopped(n_run: int, plan: Plan) -> str:
    watched = "validation score" if plan.early_stopping else "training loss"
    return (
        f"stopped after epoch {n_run} of {plan.n_epochs}: the {watched} did not improve by more "
        f"than {plan.tol:g} in {plan.n_iter_no_change} epochs (n_iter_no_change, tol)"
    )


def _interrupted(history: History, plan: Plan) -> str:
    kept = "the weights of the last step taken"
    if history.scores:
        kept = f"the best weights so far, of epoch {int(np.argmax(history.scores)) + 1}"
    return (
        f"training was interrupted in epoch {len(history.losses) + 1} of {plan.n_epochs}: the "
        f"model has {kept}"
    )


def print_epoch(
    metric: str, plan: Plan, epoch: int, loss: float, score: float | None, speed: float
) -> None:
    """Print one line about an epoch."""
    shown = "" if score is None else f"  {metric} {score:.4f}"
    print(
        f"epoch {epoch + 1:3d}/{plan.n_epochs}  loss {loss:9.4f}{shown}  {speed:8,.0f} samples/s",
        flush=True,
    )
