"""The compiled training steps: many steps a call, inside one TensorFlow graph."""

import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.gradients import loss_and_gradients
from sk_yt8m._network.layers import TrainableNetwork
from sk_yt8m._network.losses import cross_entropy
from sk_yt8m._tensorflow import free, has_gpu, tf
from sk_yt8m._training.adamw import AdamW


@dataclass(frozen=True)
class StepOptions:
    """Everything that a training step depends on, besides the network and the data."""

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


class CompiledSteps:
    """A network, its optimiser and the compiled function that trains them.

    Parameters
    ----------
    architecture : Architecture
        The network to build.
    options : StepOptions
        How each step is done.

    Attributes
    ----------
    network : TrainableNetwork
        The network.
    optimizer : AdamW
        Its optimiser.
    run : callable
        Takes features and the arrays of some batches, takes a step for each batch, and returns
        the sum of the losses.
    """

    def __init__(self, architecture: Architecture, options: StepOptions) -> None:
        self.network = TrainableNetwork(architecture, options.precision)
        self.optimizer = AdamW(
            self.network.trained,
            self.network.step,
            beta_1=options.beta_1,
            beta_2=options.beta_2,
            epsilon=options.epsilon,
            weight_decay=options.weight_decay,
            ema_decay=options.ema_decay,
        )
        self.run = _compiled(self.network, self.optimizer, options)

    def reset(self, weights: Weights, seed: int) -> None:
        """Start a new training from the given weights."""
        self.network.reset(weights)
        self.optimizer.reset()
        self.network.reseed(seed)

    def free(self) -> None:
        """Free the memory of weights and moments; `reset` fills them again."""
        free(self.network.variables.values())
        free(self.optimizer.slots().values())


_Key = tuple[Architecture, StepOptions]
_IDLE: defaultdict[_Key, list[CompiledSteps]] = defaultdict(list)
_LOCK = threading.RLock()


def take_steps(architecture: Architecture, options: StepOptions) -> CompiledSteps:
    """Return compiled steps that no other training uses, an idle one if there is one.

    TensorFlow never frees a graph, so fits of the same kind reuse it one after the other.
    """
    with _LOCK:
        idle = _IDLE[architecture, options]
        if idle:
            return idle.pop()
    return CompiledSteps(architecture, options)


def give_back_steps(architecture: Architecture, options: StepOptions, steps: CompiledSteps) -> None:
    """Keep compiled steps, without their weights, for the next training."""
    steps.free()
    with _LOCK:
        _IDLE[architecture, options].append(steps)


def _compiled(network: TrainableNetwork, optimizer: AdamW, options: StepOptions) -> Any:
    """Compile the function that takes a step for each of several batches."""
    n_outputs, n_features = network.architecture.n_outputs, network.architecture.n_features
    n_terms = n_outputs if options.loss_reduction == "mean" else 1

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

    def take_all(
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

    return tf.function(take_all).get_concrete_function(
        tf.TensorSpec([None, n_features], tf.float32),
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, None, 2], tf.int32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None], tf.float32),
    )
