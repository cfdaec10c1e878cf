"""One checkpoint: the state of a training in a file that is whole or not there."""

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from sk_yt8m._files.atomic_write import write_atomically
from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import dump_json, field, parse_json
from sk_yt8m._files.tensor_file import TensorFile
from sk_yt8m._network.architecture import Weights
from sk_yt8m._training.epoch_loop import History, Part
from sk_yt8m.persistence._model_file import _part, _sha256

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
        Data and parameters, in JSON, from `describe_run`.
    history : History
        What it had given.
    state : Weights
        The trainer's state.
    """

    seed: int
    run: dict[str, Any]
    history: History
    state: Weights


def write_checkpoint(path: str | os.PathLike[str], checkpoint: Checkpoint) -> None:
    """Write a checkpoint, force it to the disk, and only then give it its name."""
    from safetensors.numpy import save as serialize

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
    tensors = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    text = dump_json({"sha256": _sha256(content, tensors), "content": content})
    write_atomically(path, serialize(tensors, metadata={_ENTRY: text}))


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint, and raise a ModelFileError or OSError if it is damaged."""
    with TensorFile(path) as file:
        envelope = parse_json(field(file.metadata, _ENTRY, str))
        content = field(envelope, "content", dict)
        tensors = {name: file.read(name) for name in sorted(file.tensors)}
    if _sha256(content, tensors) != field(envelope, "sha256", str):
        raise ModelFileError("its SHA-256 is not that of its content: the file is damaged")
    part = field(content, "part", dict)
    history = History(
        losses=_floats(content, "losses"),
        scores=_floats(content, "scores"),
        seconds=_floats(content, "seconds"),
        weights=_part(tensors, _BEST),
        part=Part(
            field(part, "n_steps", int),
            field(part, "loss_sum", float),
            field(part, "weight_sum", float),
        ),
        elapsed=field(content, "elapsed", float),
    )
    return Checkpoint(
        field(content, "seed", int), field(content, "run", dict), history, _part(tensors, _STATE)
    )


def _floats(content: dict[str, Any], name: str) -> list[float]:
    values = field(content, name, list)
    if not all(type(value) is float and math.isfinite(value) for value in values):
        raise ModelFileError(f"{name!r} must hold finite floats only")
    return list(values)
