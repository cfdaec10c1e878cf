"""JSON content and tensors in one safetensors file, with a SHA-256 of both."""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from sk_yt8m._files.atomic_write import open_atomically
from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import dump_json, field, parse_json
from sk_yt8m._files.tensor_file import DTYPES, LARGEST_HEADER, TensorFile

Tensors = dict[str, np.ndarray]
Value = TypeVar("Value")

#: The types of tensors, in the order in which the safetensors library writes them.
_KINDS = list(DTYPES.values())


def write_content(
    path: str | os.PathLike[str],
    entry: str,
    content: dict[str, Any],
    tensors: Tensors,
    **facts: Any,
) -> None:
    """Write a file atomically.

    The JSON text is under the key `entry` of the file's header, with `facts` beside the content.
    The bytes are those that the safetensors library gives, which takes two copies of all tensors.
    """
    little = {
        name: np.asarray(array, order="C").astype(array.dtype.newbyteorder("<"), copy=False)
        for name, array in tensors.items()
    }
    names = sorted(tensors, key=lambda name: (_KINDS.index(little[name].dtype), name))
    text = dump_json({**facts, "sha256": sha256_of(content, little), "content": content})
    header: dict[str, Any] = {"__metadata__": {entry: text}}
    position = 0
    for name in names:
        array = little[name]
        place = [position, position := position + array.nbytes]
        header[name] = {
            "dtype": list(DTYPES)[_KINDS.index(array.dtype)],
            "shape": list(array.shape),
            "data_offsets": place,
        }
    start = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    start += b" " * (-len(start) % 8)
    if len(start) > LARGEST_HEADER:
        raise ModelFileError(
            f"the names and parameters take more than the {LARGEST_HEADER} bytes that a model "
            "file may use for them"
        )
    with open_atomically(path) as file:
        file.write(len(start).to_bytes(8, "little") + start)
        for name in names:
            file.write(_bytes_of(little[name]))


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
        digest.update(_bytes_of(plain))
    return digest.hexdigest()


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def with_prefix(tensors: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """Return the entries whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def add_prefix(tensors: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """Return the entries with a prefix before their names."""
    return {prefix + name: value for name, value in tensors.items()}
