"""What an observer is told of a training by one or several processes."""

from collections.abc import Callable
from typing import Protocol

from sk_yt8m._network.architecture import Weights
from sk_yt8m._network.fitted_network import FittedNetwork
from sk_yt8m._training.distributed.ranks import Ranks
from sk_yt8m._training.history import History

#: The network and the history that `fit` would give if it stopped now; its weights are copied.
Trained = Callable[[], tuple[FittedNetwork, History]]


class Observer(Protocol):
    """Is told of the epochs of a training, and may end it."""

    def begin(self, n_epochs: int, n_done: int) -> None:
        """Take note of a training of so many epochs, some of them done before a checkpoint."""

    def begin_epoch(self, epoch: int) -> None:
        """Take note of the start of an epoch, counted from 0."""

    def end_epoch(self, trained: Trained) -> bool:
        """Take note of the end of an epoch, and tell whether to end the training."""


class Observation:
    """Tells the first process's observer of a training; its answers hold for all processes.

    Parameters
    ----------
    observer : Observer or None
        None in the other processes.
    ranks : Ranks
        The processes.
    network_of : callable
        Makes the network of given weights.
    """

    def __init__(
        self,
        observer: Observer | None,
        ranks: Ranks,
        network_of: Callable[[Weights], FittedNetwork],
    ) -> None:
        self._observer, self._ranks, self._network_of = observer, ranks, network_of

    def begin(self, n_epochs: int, n_done: int) -> None:
        """Tell of the start of a training."""
        if self._observer is not None:
            self._observer.begin(n_epochs, n_done)

    def begin_epoch(self, epoch: int) -> None:
        """Tell of the start of an epoch."""
        if self._observer is not None:
            self._observer.begin_epoch(epoch)

    def end_epoch(self, so_far: Callable[[], History]) -> bool:
        """Tell of the end of an epoch, and return whether to end the training."""

        def trained() -> tuple[FittedNetwork, History]:
            history = so_far()
            return self._network_of(history.weights), history

        observer = self._observer
        return self._ranks.first(observer is not None and observer.end_epoch(trained))


def observe(
    observer: Observer | None, ranks: Ranks, network_of: Callable[[Weights], FittedNetwork]
) -> Observation | None:
    """Return the observation of a training, None if the first process has no observer."""
    if not ranks.first(observer is not None):
        return None
    return Observation(observer if ranks.is_first else None, ranks, network_of)
