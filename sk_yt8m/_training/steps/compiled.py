"""The compiled training steps of one device: many steps a call, inside one TensorFlow graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sk_yt8m._inputs.minibatches import Batches
from sk_yt8m._network.architecture import Architecture
from sk_yt8m._tensorflow import has_gpu, tf
from sk_yt8m._training.steps.replica import Replica, StepOptions


def step_specs(n_features: int) -> tuple[Any, ...]:
    """Return the types of the features and batches of one replica, for many steps."""
    return (
        tf.TensorSpec([None, n_features], tf.float32),
        tf.TensorSpec([None, None], tf.int32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, None, 2], tf.int32),
        tf.TensorSpec([None, None], tf.float32),
    )


class CompiledSteps:
    """The steps of a training on one device.

    Parameters
    ----------
    architecture : Architecture
        The network to build.
    options : StepOptions
        How each step is done.

    Attributes
    ----------
    replicas : list of Replica
        The one network with its optimiser.
    """

    def __init__(self, architecture: Architecture, options: StepOptions) -> None:
        replica = Replica(architecture, options)
        self.replicas = [replica]
        self._run = _compiled(replica)

    def reseed(self, seed: int) -> None:
        """Draw the dropout masks from another seed from now on."""
        self.replicas[0].network.reseed(seed)

    def parts(self, batches: Batches) -> list[Batches]:
        """Return what each replica of this process takes of some batches."""
        return [batches]

    def run(self, parts: Sequence[tuple[Any, ...]], learning_rates: np.ndarray) -> float:
        """Take a step for each batch and return the sum of the losses."""
        (part,) = parts
        return float(self._run(*part, tf.convert_to_tensor(learning_rates)))


def _compiled(replica: Replica) -> Any:
    """Compile the function that takes a step for each of several batches."""

    def take_step(
        features: Any,
        row_weights: Any,
        positions: Any,
        position_weights: Any,
        learning_rate: Any,
    ) -> Any:
        n_rows = tf.cast(tf.shape(row_weights)[0], tf.float32)
        loss, gradients = replica.gradients(
            features, row_weights, positions, position_weights, n_rows
        )
        replica.apply(gradients, learning_rate, n_rows)
        return loss

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
        *step_specs(replica.network.architecture.n_features), tf.TensorSpec([None], tf.float32)
    )
