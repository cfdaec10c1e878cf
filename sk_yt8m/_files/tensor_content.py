"""JSON content and tensors in one safetensors file, with a SHA-256 of both."""

import hashlib
import os
from typing import Any

import numpy as np

from sk_yt8m._files.atomic_write import write_atomically
from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import dump_json, field, parse_json
from sk_yt8m._files.tensor_file import LARGEST_HEADER, TensorFile

Tensors = dict[str, np.ndarray]


def write_content(
    path: str | os.PathLike[str],
    entry: str,
    content: dict[str, Any],
    tensors: Tensors,
    **facts: Any,
) -> None:
    """Write a file atomically.

    The JSON text is under the key `entry` of the file's header, with `facts` beside the content.
    """
    from safetensors.numpy import save as serialize

    tensors = {name: np.asarray(tensors[name], order="C") for name in sorted(tensors)}
    text = dump_json({**facts, "sha256": sha256_of(content, tensors), "content": content})
    # One entry only: the safetensors library writes several in a random order.
    data = serialize(tensors, metadata={entry: text})
    if int.from_bytes(data[:8], "little") > LARGEST_HEADER:
        raise ModelFileError(
            f"the names and parameters take more than the {LARGEST_HEADER} bytes that a model "
            "file may use for them"
        )
    write_atomically(path, data)


def read_envelope(file: TensorFile, entry: str) -> Any:
    """Return content, checksum and further facts of an open file."""
    return parse_json(field(file.metadata, entry, str))


def read_tensors(file: TensorFile, envelope: Any) -> Tensors:
    """Return all tensors of an open file, and raise a ModelFileError if the checksum is wrong."""
    tensors = {name: file.read(name) for name in sorted(file.tensors)}
    if sha256_of(field(envelope, "content", dict), tensors) != field(envelope, "sha256", str):
        raise ModelFileError("its SHA-256 is not that of its content: the file is damaged")
    return tensors


def sha256_of(content: dict[str, Any], tensors: Tensors) -> str:
    """Return the checksum of the JSON part and of name, type, shape and bytes of each tensor."""
    try:
        digest = hashlib.sha256(dump_json(content).encode())
    except ValueError as error:
        raise ModelFileError(f"its JSON text holds a number that is too large: {error}") from error
    for name, array in sorted(tensors.items()):
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name} {plain.dtype.str} {plain.shape}\n".encode())
        digest.update(plain.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def with_prefix(tensors: Tensors, prefix: str) -> Tensors:
    """Return the tensors whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in tensors.items()
        if name.startswith(prefix)
    }
