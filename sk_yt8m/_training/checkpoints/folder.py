"""The folder of a training's checkpoints: it keeps the last two, and resumes from the newest."""

import os
import re
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._network.architecture import Weights
from sk_yt8m._training.checkpoints.file import Checkpoint, read_checkpoint, write_checkpoint
from sk_yt8m._training.checkpoints.fingerprint import check_same_run
from sk_yt8m._training.history import History

_NAME = "checkpoint-{epoch:06d}-{step:09d}.safetensors"
_PATTERN = re.compile(r"checkpoint-\d{6,}-\d{9,}\.safetensors")
_DRAFT = re.compile(r"\.checkpoint-\d{6,}-\d{9,}\.safetensors\.[0-9a-f]{16}\.tmp")
_KEPT = 2


class FolderCheckpoints:
    """Checkpoints of one call of `fit`, in a folder that it locks.

    Parameters
    ----------
    folder : str or path
        The folder; created if it does not exist.
    every : int or None
        Steps between checkpoints within an epoch; None for one at the end of each epoch only.
    verbose : bool
        Whether to print where training resumes.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int | None, verbose: bool) -> None:
        self.folder = Path(folder)
        self.every = every
        self.verbose = verbose
        self._kept: list[Path] = []
        self._found: Checkpoint | None = None
        self._lock: int | None = None

    def __enter__(self) -> "FolderCheckpoints":
        """Lock the folder and read the newest checkpoint in it.

        Raises
        ------
        OSError
            If the folder cannot be created or read.
        RuntimeError
            If another call uses it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock_folder(self.folder)
        with suppress(OSError):
            self._delete(_DRAFT)
        self._found = self._newest_valid()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def begin(self, drawn: int) -> int:
        """Return the seed of the checkpoint found in the folder, or else the one drawn."""
        self._seed = drawn if self._found is None else self._found.seed
        return self._seed

    def identify(self, run: dict[str, Any]) -> None:
        """Take the fingerprint of this call.

        Raises
        ------
        ValueError
            If the checkpoint found is of another call; the message names the differences.
        """
        self._run = run
        if self._found is not None:
            check_same_run(self._found.run, run, str(self.folder))

    def resume(self) -> tuple[Weights | None, History]:
        """Return the state and the history in the checkpoint found; None and an empty history."""
        found, self._found = self._found, None
        if found is None:
            return None, History()
        if self.verbose:
            epoch, step = len(found.history.losses) + 1, found.history.part.n_steps
            print(f"resuming in epoch {epoch} after {step} of its steps", flush=True)
        return found.state, found.history

    def save(self, state: Weights, history: History) -> None:
        """Write a checkpoint and delete all but the last two; warn if that fails."""
        name = _NAME.format(epoch=len(history.losses), step=history.part.n_steps)
        checkpoint = Checkpoint(self._seed, self._run, history, state)
        try:
            write_checkpoint(self.folder / name, checkpoint)
            self._kept = [*self._kept, self.folder / name][-_KEPT:]
            self._delete(_PATTERN, self._kept)
        except OSError as error:
            warnings.warn(
                f"cannot write a checkpoint to {self.folder}, training continues without: {error}",
                RuntimeWarning,
                stacklevel=6,
            )

    def clear(self) -> None:
        """Delete the checkpoints of a complete training."""
        try:
            self._delete(_PATTERN)
        except OSError as error:
            warnings.warn(
                f"cannot delete the checkpoints in {self.folder}: {error}",
                RuntimeWarning,
                stacklevel=5,
            )

    def _newest_valid(self) -> Checkpoint | None:
        """Return the newest checkpoint that can be read; warn of damaged ones."""
        paths = sorted(path for path in self.folder.iterdir() if _PATTERN.fullmatch(path.name))
        for path in reversed(paths):
            try:
                checkpoint = read_checkpoint(path)
            except (ModelFileError, OSError) as error:
                warnings.warn(
                    f"the checkpoint {path} cannot be used, the previous one is tried: {error}",
                    RuntimeWarning,
                    stacklevel=5,
                )
                continue
            self._kept = [path]
            return checkpoint
        return None

    def _delete(self, names: re.Pattern[str], but: Sequence[Path] = ()) -> None:
        for path in self.folder.iterdir():
            if names.fullmatch(path.name) and path not in but:
                path.unlink(missing_ok=True)


def open_checkpoints(
    folder: str | os.PathLike[str] | None, every: int | None, verbose: bool
) -> AbstractContextManager[FolderCheckpoints | None]:
    """Return the checkpoints of a folder; without a folder, a context that gives None."""
    return nullcontext() if folder is None else FolderCheckpoints(folder, every, verbose)


def _lock_folder(folder: Path) -> int | None:
    """Return an open descriptor that locks the folder until it is closed."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise RuntimeError(
            f"checkpoint_dir {folder} is in use by another call of fit: give each its own folder"
        ) from error
    except OSError:  # a file system without locks
        os.close(descriptor)
        return None
    return descriptor
