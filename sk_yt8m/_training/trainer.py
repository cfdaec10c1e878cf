"""A training in progress: its steps, its weights and its state."""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from sk_yt8m._inputs.minibatches import Batches
from sk_yt8m._inputs.standardization import standardized
from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights
from sk_yt8m._tensorflow import tf
from sk_yt8m._training.compiled_steps import StepOptions, give_back_steps, take_steps
from sk_yt8m._training.row_source import RowSource


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
    """

    def __init__(
        self, architecture: Architecture, weights: Weights, options: StepOptions, seed: int
    ) -> None:
        self.kind = architecture, options
        steps = take_steps(architecture, options)
        # Weights beyond float32 become infinite, which `is_finite` reports.
        with np.errstate(over="ignore"):
            steps.reset(weights, seed)
        # Steps that cannot be reset are not given back.
        self._steps = steps
        self._give_back = weakref.finalize(self, give_back_steps, architecture, options, steps)
        self._give_back.atexit = False
        self._statistics = {
            name: np.asarray(weights[name], dtype=np.float64) for name in (MEAN, SCALE)
        }
        self._variables, self._optimizer = steps.network.variables, steps.optimizer

    @property
    def n_steps(self) -> int:
        """Number of steps taken."""
        return int(self._steps.network.step)

    def reseed(self, seed: int) -> None:
        """Draw the dropout masks from another seed from now on."""
        self._steps.network.reseed(seed)

    def inputs(self, X: Any) -> Any:
        """Return the rows to feed; the network standardises what is not standardised in them."""
        rows, mean, scale = standardized(X, *self._statistics.values())
        self._variables[MEAN].assign(mean)
        self._variables[SCALE].assign(scale)
        return rows

    def train(self, source: RowSource, batches: Batches, learning_rates: np.ndarray) -> float:
        """Take one step a batch and return the sum of the loss over the rows."""
        total = 0.0
        for features, places, steps in source.blocks(batches):
            total += float(
                self._steps.run(
                    features,
                    tf.convert_to_tensor(places),
                    tf.convert_to_tensor(batches.row_weights[steps]),
                    tf.convert_to_tensor(batches.positions[steps]),
                    tf.convert_to_tensor(batches.position_weights[steps]),
                    tf.convert_to_tensor(learning_rates[steps]),
                )
            )
        return total

    def is_finite(self) -> bool:
        """Tell whether all moments and the squares of all weights are finite.

        Squares overflow first, and weights with infinite squares give no finite products either.
        """
        running = [value for name, value in self._variables.items() if not value.trainable]
        norms = [tf.nn.l2_loss(v) for v in (*self._optimizer.variables, *self._optimizer.averages)]
        values = (*running, *self._optimizer.second, *norms)
        return all(bool(tf.reduce_all(tf.math.is_finite(value))) for value in values)

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
        variables = {**self._optimizer.slots(), **self._variables}
        return {name: variable.numpy() for name, variable in variables.items()}

    def restore(self, state: Weights | None) -> None:
        """Resume from the `state` of this or another trainer; None changes nothing.

        Moving averages that the other trainer did not keep start from its weights.
        """
        if state is not None:
            self._steps.network.set(state)
            self._optimizer.restore(state)

    def hold(self) -> Callable[[], None]:
        """Return a function that rolls the training back to its current state.

        Nothing is copied: while a value is held, the next step writes to new memory.
        """
        variables = [*self._optimizer.slots().values(), *self._variables.values()]
        held = [(variable, variable.read_value()) for variable in variables]

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
            self._steps.free()

    def __enter__(self) -> "Trainer":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, FloatingPointError):
            self.close()
        else:
            self.discard()

    def _predicting(self) -> dict[str, Any]:
        averages = zip(self._optimizer.variables, self._optimizer.averages, strict=False)
        averaged = {id(variable): average for variable, average in averages}
        return {
            name: averaged.get(id(variable), variable) for name, variable in self._variables.items()
        }
