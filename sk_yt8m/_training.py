"""The step loop: many steps a call, inside one TensorFlow graph."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sk_yt8m._architecture import Architecture, Weights
from sk_yt8m._batches import Batches
from sk_yt8m._feeding import Feed
from sk_yt8m._loss import cross_entropy
from sk_yt8m._network import build_network, set_weights
from sk_yt8m._optimizer import AdamW
from sk_yt8m._runtime import has_gpu, tf


@dataclass(frozen=True)
class StepOptions:
    """All that one training step depends on, besides the network and the data."""

    out_activation: str
    precision: str
    loss_reduction: str
    alpha: float
    weight_decay: float
    ema_decay: float | None
    beta_1: float
    beta_2: float
    epsilon: float


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
        self.options = options
        self.network, self.step = build_network(architecture, options.precision, seed)
        set_weights(self.network, weights)
        self.optimizer = AdamW(
            [variable.value for variable in self.network.trainable_variables],
            self.step,
            beta_1=options.beta_1,
            beta_2=options.beta_2,
            epsilon=options.epsilon,
            weight_decay=options.weight_decay,
            ema_decay=options.ema_decay,
        )
        self._compiled_step = tf.function(self._take_step, jit_compile=has_gpu() or None)
        self._run = tf.function(self._take_steps).get_concrete_function(
            tf.TensorSpec([None, architecture.n_features], tf.float32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, None], tf.float32),
            tf.TensorSpec([None, None, 2], tf.int32),
            tf.TensorSpec([None, None], tf.float32),
            tf.TensorSpec([None], tf.float32),
        )

    def train(self, feed: Feed, batches: Batches, learning_rates: np.ndarray) -> float:
        """Take one step a batch and return the mean of the loss over the rows."""
        total = 0.0
        for features, places, steps in feed.blocks(batches):
            total += float(
                self._run(
                    features,
                    tf.convert_to_tensor(places),
                    tf.convert_to_tensor(batches.row_weights[steps]),
                    tf.convert_to_tensor(batches.positions[steps]),
                    tf.convert_to_tensor(batches.position_weights[steps]),
                    tf.convert_to_tensor(learning_rates[steps]),
                )
            )
        return total / float(batches.row_weights.sum())

    def weights(self) -> Weights:
        """Return the weights to predict with: the moving average where there is one."""
        averages = zip(self.network.trainable_variables, self.optimizer.averages, strict=False)
        averaged = {variable.path: average for variable, average in averages}
        return {
            variable.path: averaged.get(variable.path, variable.value).numpy()
            for variable in self.network.weights
        }

    def state(self) -> Weights:
        """Return all that training needs to go on exactly where it stands."""
        state = {name: variable.numpy() for name, variable in self.optimizer.slots().items()}
        return state | {variable.path: variable.value.numpy() for variable in self.network.weights}

    def restore(self, state: Weights | None) -> None:
        """Go on from what `state` returned; None for a new start."""
        if state is None:
            return
        set_weights(self.network, state)
        for name, variable in self.optimizer.slots().items():
            variable.assign(state[name])

    def _take_steps(
        self,
        features: Any,
        rows: Any,
        row_weights: Any,
        positions: Any,
        position_weights: Any,
        learning_rates: Any,
    ) -> Any:
        total = tf.zeros([])
        for i in tf.range(tf.shape(rows)[0]):
            total += self._compiled_step(
                tf.gather(features, rows[i]),
                row_weights[i],
                positions[i],
                position_weights[i],
                learning_rates[i],
            )
        return total

    def _take_step(
        self,
        features: Any,
        row_weights: Any,
        positions: Any,
        position_weights: Any,
        learning_rate: Any,
    ) -> Any:
        options = self.options
        variables = self.optimizer.variables
        n_rows = tf.cast(tf.shape(row_weights)[0], tf.float32)
        with tf.GradientTape() as tape:
            logits = self.network(features, training=True)
        n_terms = logits.shape[1] if options.loss_reduction == "mean" else 1
        loss, slope = cross_entropy(
            options.out_activation,
            logits,
            row_weights,
            positions,
            position_weights,
            1.0 / (n_rows * n_terms),
        )
        gradients = tape.gradient(logits, variables, slope)
        if options.alpha:
            gradients = [
                gradient + options.alpha / n_rows * variable * (len(variable.shape) > 1)
                for gradient, variable in zip(gradients, variables, strict=True)
            ]
        self.optimizer.apply(gradients, learning_rate)
        return loss / n_terms
