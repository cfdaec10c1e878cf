"""The compiled training steps of one device: many steps a call, inside one TensorFlow graph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sk_yt8m._inputs.minibatches import Batches
from sk_yt8m._network.architecture import Architecture
from sk_yt8m._tensorflow import has_gpu, tf
from sk_yt8m._training.steps.numbers import StepNumbers, StepOptions
from sk_yt8m._training.steps.replica import Replica, RowsOfStep, StepKind


def step_specs(kind: StepKind) -> tuple[Any, ...]:
    """Return the types of features, batches and masks of one replica, for many steps."""
    n_masks = len(kind.architecture.hidden_layer_sizes) + 1
    n_features = kind.architecture.n_features if kind.is_sized else None
    return (
        tf.TensorSpec([None, n_features], tf.float32),
        tf.TensorSpec([None, None], tf.int64),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, None, 2], tf.int32),
        tf.TensorSpec([None, None], tf.float32),
        tf.TensorSpec([None, 2, n_masks], tf.uint32),
    )


#: The type of the numbers of many steps.
NUMBERS_SPEC = tf.TensorSpec([None, len(StepNumbers._fields)], tf.float32)


def over_steps(take_step: Any, numbers: Any) -> Any:
    """Take one step after the other and return their losses; call it inside a graph."""
    n_steps = tf.shape(numbers)[0]

    def body(i: Any, losses: Any) -> tuple[Any, Any]:
        loss = take_step(i, StepNumbers(*tf.unstack(numbers[i])))
        return i + 1, losses.write(i, loss)

    start = tf.zeros([], tf.int32), tf.TensorArray(tf.float32, n_steps, element_shape=[])
    _, losses = tf.while_loop(lambda i, _: i < n_steps, body, start, parallel_iterations=1)
    return losses.stack()


class CompiledSteps:
    """The steps of a training on one device.

    Parameters
    ----------
    kind : StepKind
        What the trainings share that use them one after the other.

    Attributes
    ----------
    replicas : list of Replica
        The one network with its optimiser.
    """

    def __init__(self, kind: StepKind) -> None:
        replica = Replica(kind)
        self.replicas = [replica]
        self._seed, self._is_finite = 0, True
        self._run = _compiled(replica)
        self._check = tf.function(replica.is_finite, autograph=False)

    def configure(self, architecture: Architecture, options: StepOptions, seed: int) -> None:
        """Take the next steps in this way, with dropout masks from a seed."""
        self._seed = seed
        self.replicas[0].configure(architecture, options)

    def parts(self, batches: Batches) -> list[Batches]:
        """Return what each replica of this process takes of some batches."""
        return [batches]

    def run(self, parts: Sequence[tuple[Any, ...]], learning_rates: np.ndarray) -> np.ndarray:
        """Take a step for each batch and return their losses, summed over the rows."""
        (part,), (replica,) = parts, self.replicas
        n_steps = len(learning_rates)
        masks = replica.masks(self._seed, 0, n_steps)
        losses, self._is_finite = self._run(*part, masks, replica.numbers(learning_rates))
        replica.step.assign_add(n_steps)
        return losses.numpy()

    def is_finite(self) -> bool:
        """Tell whether `Replica.is_finite` after the last step."""
        return bool(self._check() if self.replicas[0].kind.fusion.units else self._is_finite)


def _compiled(replica: Replica) -> Any:
    """Compile the function that takes a step for each of several batches."""

    def take_step(rows: RowsOfStep, numbers: StepNumbers) -> Any:
        n_rows = tf.cast(tf.shape(rows.features)[0], tf.float32)
        loss, gradients = replica.gradients(rows, n_rows, numbers)
        replica.apply(gradients, n_rows, numbers)
        return loss

    if has_gpu() and replica.kind.fusion.units:
        take_step = tf.function(take_step, jit_compile=True, autograph=False)

    def take_all(features: Any, rows: Any, *rest: Any) -> Any:
        *parts, numbers = rest

        def take(i: Any, numbers: StepNumbers) -> Any:
            chosen = RowsOfStep(tf.gather(features, rows[i]), *(part[i] for part in parts))
            return take_step(chosen, numbers)

        losses = over_steps(take, numbers)
        if replica.kind.fusion.units:
            # A large network is checked less often.
            return losses, True
        with tf.control_dependencies([losses]):
            return losses, replica.is_finite()

    return tf.function(take_all, autograph=False).get_concrete_function(
        *step_specs(replica.kind), NUMBERS_SPEC
    )
