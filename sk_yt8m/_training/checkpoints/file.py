"""One checkpoint: the state of a training in a file that is written atomically."""

import math
import os
from dataclasses import dataclass
from typing import Any

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import field
from sk_yt8m._files.tensor_content import read_envelope, read_tensors, with_prefix, write_content
from sk_yt8m._files.tensor_file import TensorFile
from sk_yt8m._network.architecture import Weights
from sk_yt8m._training.history import History, PartialEpoch

_ENTRY = "sk_yt8m_checkpoint"
_STATE, _BEST = "training/", "best/"


@dataclass(frozen=True)
class Checkpoint:
    """Where a training was.

    Attributes
    ----------
    seed : int
        The seed that was drawn for it.
    run : dict
        Fingerprint of the call of `fit`, from `describe_run`.
    history : History
        Losses, scores and best weights until then.
    state : Weights
        The trainer's state.
    """

    seed: int
    run: dict[str, Any]
    history: History
    state: Weights


def write_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically."""
    history = checkpoint.history
    content = {
        "seed": checkpoint.seed,
        "run": checkpoint.run,
        "losses": history.losses,
        "scores": history.scores,
        "seconds": history.seconds,
        "elapsed": history.elapsed,
        "part": vars(history.part),
    }
    tensors = {_STATE + name: array for name, array in checkpoint.state.items()}
    tensors |= {_BEST + name: array for name, array in history.weights.items()}
    write_content(path, _ENTRY, content, tensors)


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint, and raise a ModelFileError or OSError if it is damaged."""
    with TensorFile(path) as file:
        envelope = read_envelope(file, _ENTRY)
        tensors = read_tensors(file, envelope)
    content = envelope["content"]
    part = field(content, "part", dict)
    history = History(
        losses=_floats(content, "losses"),
        scores=_floats(content, "scores"),
        seconds=_floats(content, "seconds"),
        weights=with_prefix(tensors, _BEST),
        part=PartialEpoch(
            field(part, "n_steps", int),
            field(part, "loss_sum", float),
            field(part, "weight_sum", float),
        ),
        elapsed=field(content, "elapsed", float),
    )
    return Checkpoint(
        field(content, "seed", int),
        field(content, "run", dict),
        history,
        with_prefix(tensors, _STATE),
    )


def _floats(content: dict[str, Any], name: str) -> list[float]:
    values = field(content, name, list)
    if not all(type(value) is float and math.isfinite(value) for value in values):
        raise ModelFileError(f"{name!r} must hold finite floats only")
    return list(values)
