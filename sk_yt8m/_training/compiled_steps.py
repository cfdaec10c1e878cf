"""The compiled step loop: many steps a call, inside one TensorFlow graph."""

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.gradients import loss_and_gradients
from sk_yt8m._network.losses import cross_entropy
from sk_yt8m._network.parameters import build_network, mask_seeds, set_weights
from sk_yt8m._tensorflow import fill_with_zeros, free, has_gpu, keras, tf
from sk_yt8m._training.adamw import AdamW


@dataclass(frozen=True)
class StepOptions:
    """All that one training step depends on, besides the network and the data."""

    out_activation: str
    precision: str
    loss_reduction: str
    n_heads: int
    alpha: float
    weight_decay: float
    ema_decay: float | None
    beta_1: float
    beta_2: float
    epsilon: float


class StepLoop:
    """A network, its optimiser and the compiled function that trains them.

    Parameters
    ----------
    architecture : Architecture
        The network to build.
    options : StepOptions
        How each step is done.
    """

    def __init__(self, architecture: Architecture, options: StepOptions) -> None:
        self.network, self.step, self._seeds = build_network(architecture, options.precision)
        self.optimizer = AdamW(
            [variable.value for variable in self.network.trainable_variables],
            self.step,
            beta_1=options.beta_1,
            beta_2=options.beta_2,
            epsilon=options.epsilon,
            weight_decay=options.weight_decay,
            ema_decay=options.ema_decay,
        )
        self.run = _compiled(self.network, self.optimizer, options)

    def reset(self, weights: Weights, seed: int) -> None:
        """Start anew from the given weights, with other dropout masks."""
        fill_with_zeros(variable.value for variable in self.network.weights)
        set_weights(self.network, weights)
        self.optimizer.reset()
        self.reseed(seed)

    def reseed(self, seed: int) -> None:
        """Draw the dropout masks from another seed from now on."""
        for variable, value in zip(self._seeds, mask_seeds(seed, len(self._seeds)), strict=True):
            variable.assign(value)

    def free(self) -> None:
        """Free the memory of weights and moments; `reset` fills them again."""
        free(variable.value for variable in self.network.weights)
        free(self.optimizer.slots().values())


_Key = tuple[Architecture, StepOptions]
_IDLE: defaultdict[_Key, list[StepLoop]] = defaultdict(list)
_LOCK = threading.RLock()


def take_loop(architecture: Architecture, options: StepOptions) -> StepLoop:
    """Return a loop that nobody else has, compiled anew only if there is no idle one.

    TensorFlow never forgets a graph, so many fits of one kind share it, one after the other.
    """
    with _LOCK:
        idle = _IDLE[architecture, options]
        if idle:
            return idle.pop()
    return StepLoop(architecture, options)


def give_back_loop(architecture: Architecture, options: StepOptions, loop: StepLoop) -> None:
    """Keep a loop, without its weights, for the next that asks."""
    loop.free()
    with _LOCK:
        _IDLE[architecture, options].append(loop)


def _compiled(network: keras.Model, optimizer: AdamW, options: StepOptions) -> Any:
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
            options.n_heads,
        )
        if options.alpha:
            gradients = [
                gradient + tf.cast(options.alpha / n_rows * variable, gradient.dtype)
                if len(variable.shape) > 1
                else gradient
                for gradient, variable in zip(gradients, optimizer.variables, strict=True)
            ]
            squares = [tf.reduce_sum(v * v) for v in optimizer.variables if len(v.shape) > 1]
            penalty = options.alpha / 2 / n_rows * tf.add_n(squares)
        optimizer.apply(gradients, learning_rate)
        loss /= n_terms
        return loss + penalty * tf.reduce_sum(row_weights) if options.alpha else loss

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
