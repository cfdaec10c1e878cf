"""The training steps of the replicas of a `tf.distribute` strategy: one batch, divided.

Each local replica has ordinary variables on its own device; the strategy runs the replicas and sums
their gradients. All replicas then change their weights in the same way.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sk_yt8m._inputs.minibatches import Batches, first_row_of_part, part_of_batches
from sk_yt8m._network.architecture import Architecture
from sk_yt8m._tensorflow import has_gpu, tf
from sk_yt8m._training.steps.compiled import step_specs
from sk_yt8m._training.steps.replica import Replica, StepOptions

#: An all-reduce over the network sends packs of this size while it adds others up.
_BYTES_PER_PACK = 8_000_000


class ReplicatedSteps:
    """The steps of a training on the replicas of a strategy.

    Parameters
    ----------
    architecture : Architecture
        The network to build.
    options : StepOptions
        How each step is done.
    strategy : tf.distribute.Strategy
        The strategy; its scope must be active in `run`.
    gradient_dtype : {"float32", "bfloat16"}
        In which format the gradients of matrices are summed over the replicas.

    Attributes
    ----------
    replicas : list of Replica
        Those of this process.
    """

    def __init__(
        self, architecture: Architecture, options: StepOptions, strategy: Any, gradient_dtype: str
    ) -> None:
        self._strategy = strategy
        self._gradient_dtype = tf.as_dtype(gradient_dtype)
        self.replicas = [
            Replica(architecture, options, device, sum_over_replicas)
            for device in strategy.extended.worker_devices
        ]
        self._numbers = local_numbers(strategy)
        self._seed = 0
        self._n_rows = 0
        self._first_rows = [0] * len(self.replicas)
        self._run = self._compiled()

    def reseed(self, seed: int) -> None:
        """Draw the dropout masks from another seed from now on: those of the whole batch."""
        self._seed = seed
        for first, replica in zip(self._first_rows, self.replicas, strict=True):
            replica.network.reseed(seed, first)

    def parts(self, batches: Batches) -> list[Batches]:
        """Return what each replica of this process takes of some batches."""
        n = self._strategy.num_replicas_in_sync
        if batches.rows.shape[1] != self._n_rows:
            self._n_rows = batches.rows.shape[1]
            self._first_rows = [first_row_of_part(batches, number, n) for number in self._numbers]
            self.reseed(self._seed)
        return [part_of_batches(batches, number, n) for number in self._numbers]

    def run(self, parts: Sequence[tuple[Any, ...]], learning_rates: np.ndarray) -> float:
        """Take a step for each batch and return the sum of the losses over all replicas."""
        n_rows = tf.constant(self._n_rows, tf.float32)
        return float(self._run([*parts], tf.convert_to_tensor(learning_rates), n_rows))

    def _compiled(self) -> Any:
        """Compile the function that takes a step for each of several batches."""
        jit = has_gpu() or None
        # Ops between the replicas cannot stand in a nested function.
        nested = not any(replica.network.is_synchronized for replica in self.replicas)
        gradients = [
            tf.function(replica.gradients, jit_compile=jit) if nested else replica.gradients
            for replica in self.replicas
        ]
        changes = [tf.function(replica.apply, jit_compile=jit) for replica in self.replicas]

        def take_all(parts: Any, learning_rates: Any, n_rows: Any) -> Any:
            def take_step(i: Any) -> Any:
                here = self._numbers.index(_number(tf.distribute.get_replica_context()))
                features, rows, row_weights, positions, position_weights = parts[here]
                loss, slopes = gradients[here](
                    tf.gather(features, rows[i]),
                    row_weights[i],
                    positions[i],
                    position_weights[i],
                    n_rows,
                )
                loss, *slopes = sum_over_replicas([loss, *map(self._on_the_wire, slopes)])
                changes[here](slopes, learning_rates[i], n_rows)
                return loss

            total = tf.zeros([])
            for i in tf.range(tf.shape(learning_rates)[0]):
                losses = self._strategy.run(take_step, args=(i,))
                total += self._strategy.experimental_local_results(losses)[0]
            return total

        specs = step_specs(self.replicas[0].network.architecture.n_features)
        return tf.function(
            take_all,
            input_signature=[
                [specs] * len(self.replicas),
                tf.TensorSpec([None], tf.float32),
                tf.TensorSpec([], tf.float32),
            ],
        )

    def _on_the_wire(self, gradient: Any) -> Any:
        is_matrix = len(gradient.shape) > 1
        return tf.cast(gradient, self._gradient_dtype if is_matrix else tf.float32)


def sum_over_replicas(tensors: Sequence[Any]) -> list[Any]:
    """Return the sums of tensors over all replicas; call it in a replica's context."""
    context = tf.distribute.get_replica_context()
    options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=_BYTES_PER_PACK)
    sums = list(tensors)
    # The tensors of one call are packed together, so they need one type.
    for dtype in sorted({tensor.dtype for tensor in tensors}, key=str):
        places = [i for i, tensor in enumerate(tensors) if tensor.dtype == dtype]
        summed = context.all_reduce(
            tf.distribute.ReduceOp.SUM, [tensors[i] for i in places], options
        )
        for i, tensor in zip(places, summed, strict=True):
            sums[i] = tensor
    return sums


def _number(context: Any) -> int:
    """Return the number of a context's replica."""
    return int(tf.get_static_value(tf.convert_to_tensor(context.replica_id_in_sync_group)))


def local_numbers(strategy: Any) -> list[int]:
    """Return the numbers of this process's replicas among all."""
    numbers = strategy.experimental_distribute_values_from_function(_number)
    return [int(number) for number in strategy.experimental_local_results(numbers)]
