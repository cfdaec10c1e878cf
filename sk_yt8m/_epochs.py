"""Epochs: order, learning rates, validation, the best weights and when to stop."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sk_yt8m._architecture import Weights
from sk_yt8m._batches import n_steps, pack_batches
from sk_yt8m._feeding import Feed
from sk_yt8m._optimizer import learning_rates
from sk_yt8m._training import Trainer

#: What `"auto"` aims at: enough steps for a small set, large batches for a large one.
_LARGEST_BATCH, _SMALLEST_BATCH = 512, 32
_STEPS_PER_EPOCH = 80
_FEWEST_EPOCHS, _FEWEST_STEPS = 12, 960


@dataclass(frozen=True)
class Plan:
    """How the epochs are run."""

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


@dataclass
class History:
    """What the epochs gave."""

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    weights: Weights = field(default_factory=dict)


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
    """Return 12, or as many epochs as make 960 steps."""
    return max(_FEWEST_EPOCHS, -(-_FEWEST_STEPS // n_steps(n_samples, batch_size)))


def train_one_epoch(trainer: Trainer, rows: Rows, plan: Plan, epoch: int) -> float:
    """Train on every row once and return the mean loss.

    The order is a function of the plan's seed and the epoch's number alone.
    """
    order = rows.numbers
    if plan.shuffle:
        order = np.random.default_rng([plan.seed, epoch]).permutation(order)
    batches = pack_batches(order, rows.indicator, rows.weight, plan.batch_size)
    steps = range(epoch * len(batches), (epoch + 1) * len(batches))
    rates = learning_rates(
        plan.schedule,
        plan.learning_rate_init,
        plan.warmup_fraction,
        steps,
        plan.n_epochs * len(batches),
    )
    loss = trainer.train(rows.feed, batches, rates)
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"the training loss became {loss} in epoch {epoch + 1}: lower learning_rate_init "
            f"(now {plan.learning_rate_init:g}), or standardize the features"
        )
    return loss


def train_epochs(
    trainer: Trainer,
    rows: Rows,
    plan: Plan,
    evaluate: Callable[[Weights], float] | None,
    report: Callable[[Plan, int, float, float | None, float], None] | None,
) -> History:
    """Train for the planned epochs, or until nothing improves any more.

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
    """
    history = History()
    begun = time.perf_counter()
    watched: list[float] = []
    best, waited = -np.inf, 0
    for epoch in range(plan.n_epochs):
        start = time.perf_counter()
        history.losses.append(train_one_epoch(trainer, rows, plan, epoch))
        score = None
        if evaluate is not None:
            weights = trainer.weights()
            score = evaluate(weights)
            if not history.scores or score > max(history.scores):
                history.weights = weights
            history.scores.append(score)
        history.seconds.append(time.perf_counter() - begun)
        if report is not None:
            speed = rows.numbers.size / (time.perf_counter() - start)
            report(plan, epoch, history.losses[-1], score, speed)
        watched = history.scores if plan.early_stopping else [-x for x in history.losses]
        waited = 0 if watched[-1] > best + plan.tol else waited + 1
        best = max(best, watched[-1])
        if waited >= plan.n_iter_no_change:
            break
    if evaluate is None:
        history.weights = trainer.weights()
    return history


def print_epoch(plan: Plan, epoch: int, loss: float, score: float | None, speed: float) -> None:
    """Print one line about an epoch."""
    shown = "" if score is None else f"  validation {score:.4f}"
    print(
        f"epoch {epoch + 1:3d}/{plan.n_epochs}  loss {loss:9.4f}{shown}  {speed:8,.0f} samples/s",
        flush=True,
    )
