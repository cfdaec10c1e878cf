"""A training under way: where it stands, and how it goes on."""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from sk_yt8m._inputs.features import standardized
from sk_yt8m._inputs.minibatches import Batches
from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights
from sk_yt8m._network.parameters import named_weights, set_standardization, set_weights
from sk_yt8m._tensorflow import tf
from sk_yt8m._training.compiled_steps import StepOptions, give_back_loop, take_loop
from sk_yt8m._training.row_source import Feed


class Trainer:
    """A network, its optimiser and the compiled loop that trains it.

    Parameters
    ----------
    architecture : Architecture
        The network to build.
    weights : Weights
        Where training starts.
    options : StepOptions
        How each step is done.
    seed : int
        Seed of the dropout masks.
    """

    def __init__(
        self, architecture: Architecture, weights: Weights, options: StepOptions, seed: int
    ) -> None:
        self.kind = architecture, options
        loop = take_loop(architecture, options)
        with np.errstate(over="ignore"):
            loop.reset(weights, seed)
        # A loop that cannot be reset is thrown away.
        self._loop = loop
        self._give_back = weakref.finalize(self, give_back_loop, architecture, options, loop)
        self._give_back.atexit = False
        self._standardization = {
            name: np.asarray(weights[name], dtype=np.float64) for name in (MEAN, SCALE)
        }
        self.network, self.optimizer = self._loop.network, self._loop.optimizer
        self.step = self._loop.step

    def reseed(self, seed: int) -> None:
        """Draw the dropout masks from another seed from now on."""
        self._loop.reseed(seed)

    def inputs(self, X: Any) -> Any:
        """Return the rows that a feed is to take, and let the network do the rest to them."""
        rows, mean, scale = standardized(X, *self._standardization.values())
        set_standardization(self.network, mean, scale)
        return rows

    def train(self, feed: Feed, batches: Batches, learning_rates: np.ndarray) -> float:
        """Take one step a batch and return the sum of the loss over the rows."""
        total = 0.0
        for features, places, steps in feed.blocks(batches):
            total += float(
                self._loop.run(
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
        """Tell whether all moments and the squares of all weights are: they overflow first."""
        moments = [variable.value for variable in self.network.non_trainable_variables]
        moments += self.optimizer.second
        # Weights whose squares overflow give no finite products either.
        norms = [tf.nn.l2_loss(v) for v in (*self.optimizer.variables, *self.optimizer.averages)]
        return all(bool(tf.reduce_all(tf.math.is_finite(values))) for values in (*moments, *norms))

    def weights(self) -> Weights:
        """Return the weights to predict with: the moving average where there is one."""
        weights = {name: variable.numpy() for name, variable in self._predicting().items()}
        return weights | self._standardization

    def finish(self) -> Weights:
        """Return the same in the memory where they are; training cannot go on then."""
        weights = {
            name: np.asarray(memoryview(variable.read_value()))
            for name, variable in self._predicting().items()
        }
        return weights | self._standardization

    def state(self) -> Weights:
        """Return all that training needs to go on exactly where it stands."""
        variables = {**self.optimizer.slots(), **named_weights(self.network)}
        return {name: variable.numpy() for name, variable in variables.items()}

    def restore(self, state: Weights | None) -> None:
        """Go on from what `state` of this or another trainer returned; None for a new start.

        Moving averages that the other trainer did not keep start from its weights.
        """
        if state is None:
            return
        set_weights(self.network, state)
        self.optimizer.restore(state)

    def hold(self) -> Callable[[], None]:
        """Return what brings the training back to where it stands now.

        Nothing is copied: while a value is held, the next step writes to new memory.
        """
        variables = list(self.optimizer.slots().values())
        variables += [variable.value for variable in self.network.weights]
        held = [(variable, variable.read_value()) for variable in variables]

        def roll_back() -> None:
            for variable, value in held:
                variable.assign(value)

        return roll_back

    def close(self) -> None:
        """Free the memory of the training, and let another go on with its compiled loop."""
        self._give_back()

    def __enter__(self) -> "Trainer":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, FloatingPointError):
            self.close()
        else:
            self.discard()

    def discard(self) -> None:
        """Free the memory of a training that failed, and let nobody use its loop again."""
        if self._give_back.detach():
            self._loop.free()

    def _predicting(self) -> dict[str, Any]:
        averages = zip(self.network.trainable_variables, self.optimizer.averages, strict=False)
        averaged = {id(variable): average for variable, average in averages}
        return {
            name: averaged.get(id(variable), variable.value)
            for name, variable in named_weights(self.network).items()
        }
