"""A training in progress: its steps, its weights and its state."""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from sk_yt8m._inputs.minibatches import Batches
from sk_yt8m._inputs.standardization import standardized
from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights
from sk_yt8m._tensorflow import tf
from sk_yt8m._training.distributed.settings import settings
from sk_yt8m._training.row_source import RowSource
from sk_yt8m._training.steps.fusion import Fusion
from sk_yt8m._training.steps.numbers import StepOptions
from sk_yt8m._training.steps.pool import (
    Kind,
    free_steps,
    give_back_steps,
    replicating_strategy,
    take_steps,
)
from sk_yt8m._training.steps.replica import kind_of_steps


def kind_of_training(architecture: Architecture, options: StepOptions, fusion: Fusion) -> Kind:
    """Return the kind of a training in the present scope."""
    strategy = replicating_strategy()
    steps = kind_of_steps(architecture, options, fusion, is_sized=strategy is not None)
    return Kind(steps, strategy, settings().gradient_dtype)


class Trainer:
    """A network with its optimiser, trained batch by batch.

    Leaving the ``with`` block frees its memory. After an error, except a diverged training, its
    compiled steps are not used again.

    Parameters
    ----------
    architecture : Architecture
        The network to build.
    weights : Weights
        Initial weights.
    options : StepOptions
        How each step is done.
    seed : int
        Seed of the dropout masks.
    fusion : Fusion
        What XLA compiles.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Weights,
        options: StepOptions,
        seed: int,
        fusion: Fusion,
    ) -> None:
        self.kind = kind_of_training(architecture, options, fusion)
        steps = take_steps(self.kind)
        # Weights beyond float32 become infinite, which `is_finite` reports.
        with np.errstate(over="ignore"):
            for replica in steps.replicas:
                replica.reset(weights)
        steps.configure(architecture, options, seed)
        # Steps that cannot be reset are not given back.
        self._steps = steps
        self._give_back = weakref.finalize(self, give_back_steps, self.kind, steps)
        self._give_back.atexit = False
        self._statistics = {
            name: np.asarray(weights[name], dtype=np.float64) for name in (MEAN, SCALE)
        }
        # All replicas have the same values.
        self._first = steps.replicas[0]

    @property
    def devices(self) -> list[str]:
        """Devices of this process's replicas."""
        return [replica.device for replica in self._steps.replicas]

    @property
    def has_peers(self) -> bool:
        """Whether other processes take part."""
        strategy = self.kind.strategy
        return strategy is not None and strategy.num_replicas_in_sync > len(self.devices)

    @property
    def n_steps(self) -> int:
        """Number of steps taken."""
        return int(self._first.step)

    def configure(self, architecture: Architecture, options: StepOptions, seed: int) -> None:
        """Take the next steps in this way, which is of the same kind."""
        self._steps.configure(architecture, options, seed)

    def inputs(self, X: Any) -> Any:
        """Return the rows to feed; the network standardises what is not standardised in them."""
        rows, mean, scale = standardized(X, *self._statistics.values())
        for replica in self._steps.replicas:
            replica.network.variables[MEAN].assign(mean)
            replica.network.variables[SCALE].assign(scale)
        return rows

    def train(self, source: RowSource, batches: Batches, learning_rates: np.ndarray) -> np.ndarray:
        """Take one step a batch and return their losses, summed over the rows."""
        losses = np.empty(len(batches), dtype=np.float32)
        parts = self._steps.parts(batches)
        for blocks, steps in source.blocks(parts, batches.rows.shape[1]):
            arguments = [
                (
                    features,
                    tf.convert_to_tensor(places, tf.int64),
                    tf.convert_to_tensor(part.row_weights[steps]),
                    tf.convert_to_tensor(part.positions[steps]),
                    tf.convert_to_tensor(part.position_weights[steps]),
                )
                for part, (features, places) in zip(parts, blocks, strict=True)
            ]
            losses[steps] = self._steps.run(arguments, learning_rates[steps])
        return losses

    def is_finite(self) -> bool:
        """Tell whether all moments and the squares of all weights are finite.

        Squares overflow first, and weights with infinite squares give no finite products either.
        """
        return self._steps.is_finite()

    def weights(self) -> Weights:
        """Return the weights to predict with: the moving average if there is one."""
        weights = {name: variable.numpy() for name, variable in self._predicting().items()}
        return weights | self._statistics

    def finish(self) -> Weights:
        """Return the prediction weights as zero-copy views; call last."""
        weights = {
            name: np.asarray(memoryview(variable.read_value()))
            for name, variable in self._predicting().items()
        }
        return weights | self._statistics

    def state(self) -> Weights:
        """Return everything that training needs to resume exactly here."""
        return {name: variable.numpy() for name, variable in self._first.state().items()}

    def restore(self, state: Weights | None) -> None:
        """Resume from the `state` of this or another trainer; None changes nothing.

        Moving averages that the other trainer did not keep start from its weights.
        """
        if state is not None:
            for replica in self._steps.replicas:
                replica.restore(state)

    def hold(self) -> Callable[[], None]:
        """Return a function that rolls the training back to its current state.

        Nothing is copied: while a value is held, the next step writes to new memory.
        """
        held = [
            (variable, variable.read_value())
            for replica in self._steps.replicas
            for variable in replica.state().values()
        ]

        def roll_back() -> None:
            for variable, value in held:
                variable.assign(value)

        return roll_back

    def close(self) -> None:
        """Free the memory of the training and keep its compiled steps for the next one."""
        self._give_back()

    def discard(self) -> None:
        """Free the memory of a training that failed, and do not reuse its compiled steps."""
        if self._give_back.detach():
            free_steps(self._steps)

    def __enter__(self) -> "Trainer":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, FloatingPointError):
            self.close()
        else:
            self.discard()

    def _predicting(self) -> dict[str, Any]:
        optimizer, variables = self._first.optimizer, self._first.network.variables
        averages = zip(optimizer.variables, optimizer.averages, strict=False)
        averaged = {id(variable): average for variable, average in averages}
        return {name: averaged.get(id(variable), variable) for name, variable in variables.items()}
