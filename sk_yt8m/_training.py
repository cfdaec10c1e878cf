"""The step loop: many steps a call, inside one TensorFlow graph."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sk_yt8m._architecture import Architecture, Weights
from sk_yt8m._backprop import loss_and_gradients
from sk_yt8m._batches import Batches
from sk_yt8m._feeding import Feed
from sk_yt8m._loss import cross_entropy
from sk_yt8m._network import build_network, set_weights
from sk_yt8m._optimizer import AdamW
from sk_yt8m._runtime import has_gpu, keras, release, tf


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
        self._run = _compiled_loop(self.network, self.optimizer, options)

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

    def __del__(self) -> None:
        # Graphs hold the variables in cycles, which only a late garbage collection would free.
        release([variable.value for variable in self.network.weights])
        release(self.optimizer.slots().values())


def _compiled_loop(network: keras.Model, optimizer: AdamW, options: StepOptions) -> Any:
    """Compile the function that takes many steps a call and returns the sum of their losses."""
    n_terms = network.output_shape[1] if options.loss_reduction == "mean" else 1

    def take_step(
        features: Any,
        row_weights: Any,
        positions: Any,
        position_weights: Any,
        learning_rate: Any,
    ) -> Any:
        n_rows = tf.cast(tf.shape(row_weights)[0], tf.float32)
        loss, gradients = loss_and_gradients(
            network,
            features,
            lambda products, bias: cross_entropy(
                options.out_activation,
                products,
                bias,
                row_weights,
                positions,
                position_weights,
                1.0 / (n_rows * n_terms),
            ),
        )
        if options.alpha:
            gradients = [
                gradient + tf.cast(options.alpha / n_rows * variable, gradient.dtype)
                if len(variable.shape) > 1
                else gradient
                for gradient, variable in zip(gradients, optimizer.variables, strict=True)
            ]
        optimizer.apply(gradients, learning_rate)
        return loss / n_terms

    compiled_step = tf.function(take_step, jit_compile=has_gpu() or None)

    def take_steps(
        features: Any,
        rows: Any,
        row_weights: Any,
        positions: Any,
        position_weights: Any,
        learning_rates: Any,
    ) -> Any:
        total = tf.zeros([])
        for i in tf.range(tf.shape(rows)[0]):
            total += compiled_step(
                tf.gather(features, rows[i]),
                row_weights[i],
                positions[i],
                position_weights[i],
                learning_rates[i],
            )
        return total

    return tf.function(take_steps).get_concrete_function(
        tf.TensorSpec([None, network.input_shape[1]], tf.float32),
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, None, 2], tf.int32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None], tf.float32),
    )
