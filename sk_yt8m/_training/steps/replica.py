"""A network and its optimiser on one device: the two halves of a training step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.gradients import loss_and_gradients
from sk_yt8m._network.layers import TrainableNetwork
from sk_yt8m._network.losses import cross_entropy
from sk_yt8m._network.synchronized_ops import Sums
from sk_yt8m._tensorflow import free, outside_strategy, tf
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


class Replica:
    """A network with its optimiser on one device.

    Parameters
    ----------
    architecture : Architecture
        The network to build.
    options : StepOptions
        How each step is done.
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
    """

    def __init__(
        self,
        architecture: Architecture,
        options: StepOptions,
        device: str = "",
        sums: Sums | None = None,
    ) -> None:
        self.device, self.options = device, options
        self._n_terms = architecture.n_outputs if options.loss_reduction == "mean" else 1

        def build() -> tuple[TrainableNetwork, AdamW]:
            with tf.device(device):
                network = TrainableNetwork(architecture, options.precision, sums)
                return network, AdamW(
                    network.trained,
                    network.step,
                    beta_1=options.beta_1,
                    beta_2=options.beta_2,
                    epsilon=options.epsilon,
                    weight_decay=options.weight_decay,
                    ema_decay=options.ema_decay,
                )

        self.network, self.optimizer = outside_strategy(build)

    def gradients(
        self,
        features: Any,
        row_weights: Any,
        positions: Any,
        position_weights: Any,
        n_rows: Any,
    ) -> tuple[Any, list[Any]]:
        """Return loss and gradients of some rows of a batch of `n_rows`; call it inside a graph.

        Summed over the parts of a batch they are the batch's, except for the gradient of the
        penalty, which `apply` adds.
        """
        options = self.options
        loss, gradients = loss_and_gradients(
            self.network,
            features,
            lambda products, bias: cross_entropy(
                options.out_activation,
                products,
                bias,
                row_weights,
                positions,
                position_weights,
                1.0 / (n_rows * self._n_terms),
            ),
            options.n_heads,
        )
        loss /= self._n_terms
        if options.alpha:
            squares = [tf.reduce_sum(v * v) for v in self.optimizer.variables if len(v.shape) > 1]
            penalty = options.alpha / 2 / n_rows * tf.add_n(squares)
            loss += penalty * tf.reduce_sum(row_weights)
        return loss, gradients

    def apply(self, gradients: Sequence[Any], learning_rate: Any, n_rows: Any) -> None:
        """Change the weights by the gradients of a batch of `n_rows`; call it inside a graph."""
        alpha = self.options.alpha
        if alpha:
            gradients = [
                gradient + tf.cast(alpha / n_rows * variable, gradient.dtype)
                if len(variable.shape) > 1
                else gradient
                for gradient, variable in zip(gradients, self.optimizer.variables, strict=True)
            ]
        self.optimizer.apply(gradients, learning_rate)

    def reset(self, weights: Weights) -> None:
        """Start a new training from the given weights."""
        self.network.reset(weights)
        self.optimizer.reset()

    def restore(self, state: Weights) -> None:
        """Continue from the state of another training."""
        self.network.set(state)
        self.optimizer.restore(state)

    def state(self) -> dict[str, Any]:
        """Return all variables that training changes, by name."""
        return {**self.optimizer.slots(), **self.network.variables}

    def free(self) -> None:
        """Free the memory of weights and moments; `reset` fills them again."""
        free(self.network.variables.values())
        free(self.optimizer.slots().values())
