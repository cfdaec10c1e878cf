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
from sk_yt8m._training.steps.compiled import NUMBERS_SPEC, over_steps, step_specs
from sk_yt8m._training.steps.numbers import StepNumbers, StepOptions
from sk_yt8m._training.steps.replica import Replica, RowsOfStep, StepKind

#: An all-reduce over the network sends packs of this size while it adds others up.
_BYTES_PER_PACK = 8_000_000


class ReplicatedSteps:
    """The steps of a training on the replicas of a strategy.

    Parameters
    ----------
    kind : StepKind
        What the trainings share that use them one after the other.
    strategy : tf.distribute.Strategy
        The strategy; its scope must be active in `run`.
    gradient_dtype : {"float32", "bfloat16"}
        In which format the gradients of matrices are summed over the replicas.

    Attributes
    ----------
    replicas : list of Replica
        Those of this process.
    """

    def __init__(self, kind: StepKind, strategy: Any, gradient_dtype: str) -> None:
        self._strategy = strategy
        self._gradient_dtype = tf.as_dtype(gradient_dtype)
        self.replicas = [
            Replica(kind, device, sum_over_replicas) for device in strategy.extended.worker_devices
        ]
        self._numbers = local_numbers(strategy)
        self._seed = 0
        self._n_rows = 0
        self._first_rows = [0] * len(self.replicas)
        self._run = self._compiled(kind)
        self._check = tf.function(self.replicas[0].is_finite, autograph=False)

    def configure(self, architecture: Architecture, options: StepOptions, seed: int) -> None:
        """Take the next steps in this way, with masks of the whole batch from a seed."""
        self._seed = seed
        for replica in self.replicas:
            replica.configure(architecture, options)

    def parts(self, batches: Batches) -> list[Batches]:
        """Return what each replica of this process takes of some batches."""
        n = self._strategy.num_replicas_in_sync
        self._n_rows = batches.rows.shape[1]
        self._first_rows = [first_row_of_part(batches, number, n) for number in self._numbers]
        return [part_of_batches(batches, number, n) for number in self._numbers]

    def run(self, parts: Sequence[tuple[Any, ...]], learning_rates: np.ndarray) -> np.ndarray:
        """Take a step for each batch and return their losses, summed over all replicas' rows."""
        n_steps = len(learning_rates)
        with_masks = [
            (*part, replica.masks(self._seed, first, n_steps))
            for part, first, replica in zip(parts, self._first_rows, self.replicas, strict=True)
        ]
        numbers = self.replicas[0].numbers(learning_rates)
        losses = self._run(with_masks, numbers, tf.constant(self._n_rows, tf.float32)).numpy()
        for replica in self.replicas:
            replica.step.assign_add(n_steps)
        return losses

    def is_finite(self) -> bool:
        """Tell whether `Replica.is_finite`, of all replicas as of the first."""
        return bool(self._check())

    def _compiled(self, kind: StepKind) -> Any:
        """Compile the function that takes a step for each of several batches."""
        jit = True if has_gpu() and kind.fusion.units else None
        # Ops between the replicas cannot stand in a nested function.
        nested = not any(replica.network.is_synchronized for replica in self.replicas)
        gradients = [
            tf.function(replica.gradients, jit_compile=jit) if nested else replica.gradients
            for replica in self.replicas
        ]
        changes = [tf.function(replica.apply, jit_compile=jit) for replica in self.replicas]

        def take_all(parts: Any, numbers: Any, n_rows: Any) -> Any:
            def take_step(i: Any, numbers: StepNumbers) -> Any:
                def on_replica() -> Any:
                    here = self._numbers.index(_number(tf.distribute.get_replica_context()))
                    features, rows, *rest = parts[here]
                    chosen = RowsOfStep(tf.gather(features, rows[i]), *(part[i] for part in rest))
                    loss, slopes = gradients[here](chosen, n_rows, numbers)
                    loss, *slopes = sum_over_replicas([loss, *map(self._on_the_wire, slopes)])
                    changes[here](slopes, n_rows, numbers)
                    return loss

                losses = self._strategy.run(on_replica)
                return self._strategy.experimental_local_results(losses)[0]

            return over_steps(take_step, numbers)

        return tf.function(
            take_all,
            input_signature=[
                [step_specs(kind)] * len(self.replicas),
                NUMBERS_SPEC,
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
