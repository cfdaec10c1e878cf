"""A network and its optimiser on one device: the two halves of a training step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.elementwise_ops import Dropout, row_ops
from sk_yt8m._network.gradients import loss_and_gradients
from sk_yt8m._network.layers import TrainableNetwork
from sk_yt8m._network.losses import cross_entropy
from sk_yt8m._network.synchronized_ops import Sums
from sk_yt8m._tensorflow import free, outside_strategy, refill, tf
from sk_yt8m._training.adamw import AdamW
from sk_yt8m._training.steps.fusion import Fusion
from sk_yt8m._training.steps.numbers import Masks, StepNumbers, StepOptions, step_numbers


@dataclass(frozen=True)
class StepKind:
    """What trainings share whose steps are the same graph.

    Attributes
    ----------
    architecture : Architecture
        The network, without rates, and without sizes unless `is_sized`.
    is_sized : bool
        Whether all have the same sizes: sums over processes need them in the graph.
    out_activation, precision, n_heads
        Those of `StepOptions`.
    is_averaged, is_penalized : bool
        Whether there is a moving average of the weights, and a penalty.
    fusion : Fusion
        What XLA compiles.
    """

    architecture: Architecture
    is_sized: bool
    out_activation: str
    precision: str
    n_heads: int
    is_averaged: bool
    is_penalized: bool
    fusion: Fusion


def kind_of_steps(
    architecture: Architecture, options: StepOptions, fusion: Fusion, is_sized: bool
) -> StepKind:
    """Return the kind of the steps of a training."""
    return StepKind(
        architecture.without_rates() if is_sized else architecture.without_sizes(),
        is_sized,
        options.out_activation,
        options.precision,
        options.n_heads,
        options.ema_decay is not None,
        options.alpha > 0,
        fusion,
    )


class RowsOfStep(NamedTuple):
    """What a step needs of its rows: tensors as those of `Batches`, of one batch.

    Attributes
    ----------
    features : tensor of shape (batch_size, n_features), float32
        Features.
    row_weights, positions, position_weights
        Those of the batch.
    masks : tensor of shape (2, n_masks), uint32
        Seeds and thresholds of the dropout masks.
    """

    features: Any
    row_weights: Any
    positions: Any
    position_weights: Any
    masks: Any


class Replica:
    """A network with its optimiser on one device, for one training after the other.

    Parameters
    ----------
    kind : StepKind
        What these trainings share.
    device : str
        Where to build it; "" for TensorFlow's choice.
    sums : callable or None
        How batch normalisation sums over all replicas; None if there are no others.

    Attributes
    ----------
    network : TrainableNetwork
        The network.
    optimizer : AdamW
        Its optimiser.
    step : tf.Variable of int64
        Number of steps taken.
    """

    def __init__(self, kind: StepKind, device: str = "", sums: Sums | None = None) -> None:
        self.device, self.kind = device, kind

        def build() -> tuple[TrainableNetwork, AdamW, Any]:
            with tf.device(device):
                fused = kind.fusion
                network = TrainableNetwork(
                    kind.architecture, kind.precision, fused.units, sums, is_sized=kind.is_sized
                )
                optimizer = AdamW(network.trained, averaged=kind.is_averaged, fused=fused.updates)
                return network, optimizer, tf.Variable(0, dtype=tf.int64, trainable=False)

        self.network, self.optimizer, self.step = outside_strategy(build)

    def gradients(
        self, rows: RowsOfStep, n_rows: Any, numbers: StepNumbers
    ) -> tuple[Any, list[Any]]:
        """Return loss and gradients of some rows of a batch of `n_rows`; call it inside a graph.

        Summed over the parts of a batch they are the batch's, except for the gradient of the
        penalty, which `apply` adds.
        """
        over_all_labels = row_ops(self.kind.fusion.units).losses[self.kind.out_activation]
        loss, gradients = loss_and_gradients(
            self.network,
            rows.features,
            lambda products, bias: cross_entropy(
                over_all_labels,
                products,
                bias,
                rows.row_weights,
                rows.positions,
                rows.position_weights,
                numbers.loss_factor / n_rows,
            ),
            self.kind.n_heads,
            self._dropouts(rows.masks, numbers),
            numbers.keep_moving,
        )
        loss *= numbers.loss_factor
        if self.kind.is_penalized:
            squares = [tf.reduce_sum(v * v) for v in self.optimizer.variables if v.shape.rank > 1]
            penalty = numbers.alpha / 2 / n_rows * tf.add_n(squares)
            loss += penalty * tf.reduce_sum(rows.row_weights)
        return loss, gradients

    def apply(self, gradients: Sequence[Any], n_rows: Any, numbers: StepNumbers) -> None:
        """Change the weights by the gradients of a batch of `n_rows`; call it inside a graph."""
        if self.kind.is_penalized:
            factor = numbers.alpha / n_rows
            gradients = [
                gradient + tf.cast(factor * variable, gradient.dtype)
                if variable.shape.rank > 1
                else gradient
                for gradient, variable in zip(gradients, self.optimizer.variables, strict=True)
            ]
        self.optimizer.apply(gradients, numbers)

    def configure(self, architecture: Architecture, options: StepOptions) -> None:
        """Take the next steps in this way."""
        widths = (architecture.n_features, *architecture.hidden_layer_sizes)
        self._options, self._n_outputs = options, architecture.n_outputs
        self._masks = Masks(options, widths)

    def reset(self, weights: Weights) -> None:
        """Start a new training from the given weights."""
        refill([*self.network.variables.values(), *self.optimizer.slots().values()])
        self.network.set(weights)
        self.optimizer.reset()
        self.step.assign(0)

    def restore(self, state: Weights) -> None:
        """Continue from the state of another training."""
        self.network.set(state)
        self.optimizer.restore(state)
        self.step.assign(state["optimizer/step"])

    def state(self) -> dict[str, Any]:
        """Return all variables that training changes, by name."""
        return {**self.optimizer.slots(), "optimizer/step": self.step, **self.network.variables}

    def free(self) -> None:
        """Free the memory of weights and moments; `reset` fills them again."""
        free(self.network.variables.values())
        free(self.optimizer.slots().values())

    def numbers(self, learning_rates: np.ndarray) -> Any:
        """Return the `StepNumbers` of the next steps as one tensor."""
        first = int(self.step)
        return tf.convert_to_tensor(
            step_numbers(self._options, self._n_outputs, first, learning_rates)
        )

    def masks(self, seed: int, first_row: int, n_steps: int) -> Any:
        """Return seeds and thresholds of the masks of the next steps as one tensor."""
        first = int(self.step)
        return tf.convert_to_tensor(self._masks.numbers(seed, first_row, first, n_steps))

    def is_finite(self) -> Any:
        """Tell whether all moments and the squares of all weights are finite; for a graph."""
        # Squares overflow first, and weights with infinite squares give no finite products either.
        optimizer = self.optimizer
        running = [v for v in self.network.variables.values() if not v.trainable]
        norms = [tf.nn.l2_loss(v) for v in (*optimizer.variables, *optimizer.averages)]
        values = (*running, *optimizer.second, *norms)
        return tf.reduce_all([tf.reduce_all(tf.math.is_finite(value)) for value in values])

    def _dropouts(self, masks: Any, numbers: StepNumbers) -> list[Dropout | None]:
        shape = self.kind.architecture
        seeds, thresholds = (tf.unstack(part) for part in tf.unstack(masks))
        is_dropped = [shape.input_dropout, *[shape.dropout] * len(self.network.hidden)]
        factors = [numbers.input_factor, *[numbers.factor] * len(self.network.hidden)]
        return [
            Dropout(*parts) if is_used else None
            for is_used, *parts in zip(is_dropped, seeds, thresholds, factors, strict=True)
        ]
