"""The epochs of a training: steps, validation, the best weights, progress and checkpoints."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sk_yt8m._inputs.minibatches import Batches, joined_batches, n_steps, pack_batches
from sk_yt8m._network.architecture import Weights
from sk_yt8m._training.distributed.observation import Observation
from sk_yt8m._training.distributed.shared_checkpoints import Checkpoints
from sk_yt8m._training.history import History, PartialEpoch
from sk_yt8m._training.row_source import RowSource
from sk_yt8m._training.schedule import Schedule
from sk_yt8m._training.trainer import Trainer


class TrainingInterruptedWarning(UserWarning):
    """A KeyboardInterrupt ended a training early."""


@dataclass(frozen=True)
class TrainingRows:
    """The rows to train on.

    Attributes
    ----------
    source : RowSource
        Features of the rows.
    indicator : csr_array of shape (n_samples, n_outputs)
        Their positives.
    weight : ndarray of shape (n_samples,), float32, or None
        Weight of each row, of mean 1.
    waiting : callable
        Makes a context for what may wait for other processes.
    """

    source: RowSource
    indicator: Any
    weight: np.ndarray | None
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def n_samples(self) -> int:
        """Number of rows."""
        return self.indicator.shape[0]


def train_one_epoch(trainer: Trainer, rows: TrainingRows, schedule: Schedule, epoch: int) -> float:
    """Train on every row once and return the mean loss."""
    (part,) = train_parts(trainer, rows, schedule, epoch)
    return part.loss


def train_parts(
    trainer: Trainer,
    rows: TrainingRows,
    schedule: Schedule,
    epoch: int,
    part: PartialEpoch | None = None,
    every: int | None = None,
) -> Iterator[PartialEpoch]:
    """Train on every row once, pausing after every `every` steps.

    The order depends only on the schedule's seed and the epoch's number. Losses are summed from
    pause to pause, so that the sums are the same whether or not a checkpoint was restored between.

    Yields
    ------
    PartialEpoch
        The epoch up to a pause, `part` included; the last one is the complete epoch.

    Raises
    ------
    FloatingPointError
        If the loss or a weight is no longer finite.
    """
    part = part or PartialEpoch()
    batches, rates = _plan(rows, schedule, epoch)
    while part.n_steps < len(batches):
        stop = min(len(batches), part.n_steps + (every or len(batches)))
        chosen = slice(part.n_steps, stop)
        some = batches[chosen]
        with rows.waiting():
            losses = trainer.train(rows.source, some, rates[chosen])
        loss_sum = part.loss_sum + float(losses.sum(dtype=np.float64))
        _check_finite(trainer, loss_sum, schedule, epoch)
        weight_sum = part.weight_sum + float(some.row_weights.sum(dtype=np.float64))
        part = PartialEpoch(stop, loss_sum, weight_sum)
        yield part


def train_at_once(
    trainer: Trainer, rows: TrainingRows, schedule: Schedule, first: int, n_epochs: int
) -> list[float]:
    """Train for some epochs in one call of the compiled steps and return their mean losses.

    A call takes longer than some steps of a small network.
    """
    plans = [_plan(rows, schedule, first + i) for i in range(n_epochs)]
    batches = joined_batches([batches for batches, _ in plans])
    rates = np.concatenate([rates for _, rates in plans])
    losses = trainer.train(rows.source, batches, rates).reshape(n_epochs, -1)
    sums = losses.sum(axis=1, dtype=np.float64)
    for i, loss_sum in enumerate(sums):
        last = i == n_epochs - 1
        _check_finite(trainer if last else None, loss_sum, schedule, first + i)
    weights = [plan.row_weights.sum(dtype=np.float64) for plan, _ in plans]
    return (sums / weights).tolist()


def _plan(rows: TrainingRows, schedule: Schedule, epoch: int) -> tuple[Batches, np.ndarray]:
    """Return batches and learning rates of an epoch."""
    order = np.arange(rows.n_samples)
    if schedule.shuffle:
        order = rows.source.shuffled(order, np.random.default_rng([schedule.seed, epoch]))
    batches = pack_batches(order, rows.indicator, rows.weight, schedule.batch_size)
    return batches, schedule.rates(epoch, len(batches))


def _check_finite(trainer: Trainer | None, loss_sum: float, schedule: Schedule, epoch: int) -> None:
    if not np.isfinite(loss_sum):
        raise _diverged(f"the training loss became {loss_sum}", schedule, epoch)
    if trainer is not None and not trainer.is_finite():
        what = "the square of a weight, of a gradient or of a layer's product overflowed"
        raise _diverged(what, schedule, epoch)


def train_epochs(
    trainer: Trainer,
    rows: TrainingRows,
    schedule: Schedule,
    evaluate: Callable[[Weights], float] | None,
    report: Callable[[Schedule, int, float, float | None, float], None] | None,
    checkpoints: Checkpoints | None = None,
    observation: Observation | None = None,
) -> History:
    """Train for the scheduled epochs, or until the monitored figure stops improving.

    A KeyboardInterrupt after the first step ends the training early, with a warning, except when
    other processes take part, which would wait.

    Parameters
    ----------
    trainer, rows, schedule
        The network, its training data and the plan of the epochs.
    evaluate : callable or None
        Validation score of given weights; the best weights are kept. None keeps the last ones.
    report : callable or None
        Called after each epoch with the schedule, the epoch's number, its loss and score, and
        the samples per second.
    checkpoints : Checkpoints or None
        Where to resume from and to save to.
    observation : Observation or None
        What is told of each epoch, after validation and before the checkpoint; it may end the
        training.

    Raises
    ------
    FloatingPointError
        If the training diverges.
    """
    history = History() if checkpoints is None else _resume(trainer, checkpoints)
    every = None if checkpoints is None else checkpoints.every
    begun = time.perf_counter() - history.elapsed
    steps_per_epoch = n_steps(rows.n_samples, schedule.batch_size)

    def n_seen() -> int:
        return trainer.n_steps * rows.n_samples // steps_per_epoch

    def so_far() -> History:
        return replace(history, weights=history.weights or trainer.weights(), n_seen=n_seen())

    if observation is not None:
        observation.begin(schedule.n_epochs, len(history.losses))
    is_told_to_stop = False
    is_alone = not (evaluate or report or checkpoints or observation or trainer.has_peers)
    try:
        while not schedule.is_finished(history.losses, history.scores):
            epoch, start = len(history.losses), time.perf_counter()
            if is_alone:
                n_epochs = schedule.epochs_at_once(history.losses, steps_per_epoch)
                losses = train_at_once(trainer, rows, schedule, epoch, n_epochs)
                history = _with_losses(history, losses, time.perf_counter() - begun)
                continue
            if observation is not None:
                observation.begin_epoch(epoch)
            fresh = steps_per_epoch - history.part.n_steps
            for part in train_parts(trainer, rows, schedule, epoch, history.part, every):
                history = replace(history, part=part, elapsed=time.perf_counter() - begun)
                if checkpoints is not None and part.n_steps < steps_per_epoch:
                    checkpoints.save(trainer.state(), history)
            history = _with_epoch(history, part.loss, trainer, evaluate, begun)
            if report is not None:
                seconds = time.perf_counter() - start
                speed = rows.n_samples * fresh / steps_per_epoch / seconds
                score = history.scores[-1] if evaluate else None
                report(schedule, epoch, part.loss, score, speed)
            is_told_to_stop = observation is not None and observation.end_epoch(so_far)
            if is_told_to_stop:
                break
            if checkpoints is not None and not schedule.is_finished(history.losses, history.scores):
                checkpoints.save(trainer.state(), history)
    except KeyboardInterrupt:
        if not trainer.n_steps or trainer.has_peers:
            raise
        history = replace(history, interrupted=True)
        warnings.warn(_interrupted(history, schedule), TrainingInterruptedWarning, stacklevel=5)
    n_run = len(history.losses)
    if report is not None and n_run < schedule.n_epochs and not history.interrupted:
        print(_stopped(n_run, schedule, is_told_to_stop), flush=True)
    weights = history.weights or trainer.finish()
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise _diverged("weights became infinite or NaN", schedule, n_run - 1)
    return replace(history, weights=weights, n_seen=n_seen())


def _resume(trainer: Trainer, checkpoints: Checkpoints) -> History:
    """Restore the trainer from the newest checkpoint, if there is one, and return its history."""
    state, history = checkpoints.resume()
    trainer.restore(state)
    return history


def _with_epoch(
    history: History,
    loss: float,
    trainer: Trainer,
    evaluate: Callable[[Weights], float] | None,
    begun: float,
) -> History:
    """Validate the current weights and return the history with the complete epoch."""
    scores, best = history.scores, history.weights
    if evaluate is not None:
        weights = trainer.weights()
        score = evaluate(weights)
        if not scores or score > max(scores):
            best = weights
        scores = [*scores, score]
    elapsed = time.perf_counter() - begun
    return History(
        losses=[*history.losses, loss],
        scores=scores,
        seconds=[*history.seconds, elapsed],
        weights=best,
        elapsed=elapsed,
    )


def _with_losses(history: History, losses: list[float], elapsed: float) -> History:
    """Return the history with complete epochs, which share the time since the one before."""
    times = np.linspace(history.elapsed, elapsed, len(losses) + 1)[1:]
    return replace(
        history,
        losses=[*history.losses, *losses],
        seconds=[*history.seconds, *times.tolist()],
        elapsed=elapsed,
    )


def _diverged(what: str, schedule: Schedule, epoch: int) -> FloatingPointError:
    return FloatingPointError(
        f"{what} in epoch {epoch + 1}: lower learning_rate_init (now "
        f"{schedule.learning_rate_init:g}), or standardize the features"
    )


def _stopped(n_run: int, schedule: Schedule, is_told_to_stop: bool) -> str:
    stopped = f"stopped after epoch {n_run} of {schedule.n_epochs}: "
    if is_told_to_stop:
        return stopped + "a callback returned True"
    monitored = "validation score" if schedule.early_stopping else "training loss"
    return (
        f"{stopped}the {monitored} did not improve by more than {schedule.tol:g} in "
        f"{schedule.n_iter_no_change} epochs (n_iter_no_change, tol)"
    )


def _interrupted(history: History, schedule: Schedule) -> str:
    kept = "the weights of the last step taken"
    if history.scores:
        kept = f"the best weights so far, of epoch {int(np.argmax(history.scores)) + 1}"
    return (
        f"training was interrupted in epoch {len(history.losses) + 1} of {schedule.n_epochs}: the "
        f"model has {kept}"
    )


def print_epoch(
    metric: str, schedule: Schedule, epoch: int, loss: float, score: float | None, speed: float
) -> None:
    """Print one line about an epoch."""
    shown = "" if score is None else f"  {metric} {score:.4f}"
    print(
        f"epoch {epoch + 1:3d}/{schedule.n_epochs}  loss {loss:9.4f}{shown}  "
        f"{speed:8,.0f} samples/s",
        flush=True,
    )
