"""A way to forge model files: the format once more, written without the package's own code."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from safetensors.numpy import load as deserialize
from safetensors.numpy import save as serialize
from small_problem import small, weights_in

from sk_yt8m import DeepMultiLabelClassifier

dump_json = partial(json.dumps, separators=(",", ":"))


def brief(X: Any, Y: Any, **parameters: Any) -> DeepMultiLabelClassifier:
    """Return a classifier of two epochs, so that its history has more than one entry."""
    return small(**parameters).fit(X, Y)


def header_of(data: bytes) -> dict[str, Any]:
    """Return the header of a safetensors file."""
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")].decode())


def with_header(data: bytes, header: Any) -> bytes:
    """Return a file with another header before the same tensors."""
    text = header if isinstance(header, bytes) else dump_json(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + int.from_bytes(data[:8], "little") :]


def forge(data: bytes, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> bytes:
    """Return a file whose envelope and tensors were changed, with the right checksum."""
    envelope = json.loads(header_of(data)["__metadata__"]["sk_yt8m"])
    tensors = deserialize(data)
    change(envelope, tensors)
    if isinstance(envelope.get("content"), dict):
        envelope["sha256"] = sha256_of(envelope["content"], tensors)
    return serialize(tensors, metadata={"sk_yt8m": dump_json(envelope)})


def sha256_of(content: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(dump_json(content).encode())
    for name, array in sorted(tensors.items()):
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def assert_unchanged(loaded, original):
    assert loaded.get_params() == original.get_params()
    assert loaded.label_names_.tolist() == original.label_names_.tolist()
    assert loaded.loss_curve_ == original.loss_curve_
    weights = weights_in(original)
    for name, array in weights_in(loaded).items():
        np.testing.assert_array_equal(array, weights[name])
