"""Checkpoints of a training by several processes: the first one reads and writes them."""

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sk_yt8m._network.architecture import Weights
from sk_yt8m._training.checkpoints.folder import FolderCheckpoints, open_checkpoints
from sk_yt8m._training.distributed.ranks import Ranks
from sk_yt8m._training.history import History, PartialEpoch


class SharedCheckpoints:
    """The first process's `FolderCheckpoints`, as all processes see them.

    Parameters
    ----------
    own : FolderCheckpoints or None
        None in the other processes, which need no access to the folder.
    every : int or None
        Steps between checkpoints.
    ranks : Ranks
        The processes.
    """

    def __init__(self, own: FolderCheckpoints | None, every: int | None, ranks: Ranks) -> None:
        self._own, self.every, self._ranks = own, every, ranks

    def __enter__(self) -> "SharedCheckpoints":
        if self._own is not None:
            self._own.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._own is not None:
            self._own.__exit__(*exception)

    def begin(self, drawn: int) -> int:
        """Return the seed of the checkpoint found in the folder, or else the one drawn."""
        return self._ranks.first(drawn if self._own is None else self._own.begin(drawn))

    def identify(self, run: dict[str, Any]) -> None:
        """Take the fingerprint of this call, which must be that of the checkpoint found."""
        if self._own is not None:
            self._own.identify(run)

    def resume(self) -> tuple[Weights | None, History]:
        """Return the state and the history in the checkpoint found; None and an empty history."""
        state, history = (None, History()) if self._own is None else self._own.resume()
        if self._ranks.first(state is None):
            return None, History()
        content = self._ranks.first({**vars(history), "part": vars(history.part), "weights": None})
        content["part"] = PartialEpoch(**content["part"])
        content["weights"] = self._ranks.first_arrays(history.weights)
        return self._ranks.first_arrays(state or {}), History(**content)

    def save(self, state: Weights, history: History) -> None:
        """Write a checkpoint."""
        if self._own is not None:
            self._own.save(state, history)

    def clear(self) -> None:
        """Delete the checkpoints of a complete training."""
        if self._own is not None:
            self._own.clear()


Checkpoints = FolderCheckpoints | SharedCheckpoints


def open_for_all(
    folder: str | os.PathLike[str] | None, every: int | None, verbose: bool, ranks: Ranks
) -> AbstractContextManager[Checkpoints | None]:
    """Return the checkpoints of the first process's folder; without one, a context of None."""
    if ranks.count == 1:
        return open_checkpoints(folder, every, verbose)
    if ranks.first(folder is None):
        return nullcontext()
    is_own = ranks.is_first and folder is not None
    own = FolderCheckpoints(str(folder), every, verbose) if is_own else None
    return SharedCheckpoints(own, ranks.first(every), ranks)
