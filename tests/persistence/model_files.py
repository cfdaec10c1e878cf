"""Small classifiers, and a way to forge model files."""

from collections.abc import Callable
from typing import Any

import numpy as np
from safetensors.numpy import load as deserialize
from safetensors.numpy import save as serialize

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m._files.strict_json import dump_json, parse_json
from sk_yt8m._network.fitted_network import Model
from sk_yt8m._training.problem import read_problem, start_weights
from sk_yt8m.persistence._model_file import _sha256

N, N_FEATURES, N_LABELS = 60, 6, 9


def small(**parameters: Any) -> DeepMultiLabelClassifier:
    defaults = {"hidden_layer_sizes": (7,), "max_iter": 2, "random_state": 0}
    return DeepMultiLabelClassifier(**(defaults | parameters))


def untrained(X: Any, Y: Any, **parameters: Any) -> DeepMultiLabelClassifier:
    """Return a fitted classifier whose weights were drawn and never trained, which is quick."""
    clf = small(**parameters)
    problem = read_problem(clf, X, Y, None)
    weights = start_weights(clf, problem, seed=0)
    clf._publish(Model(problem.architecture, problem.form, weights))
    clf._record([1.5, 1.0 / 3.0], [0.25], [0.5, 0.75], 2 * len(X))
    return clf


def header_of(data: bytes) -> dict[str, Any]:
    """Return the header of a safetensors file."""
    return parse_json(data[8 : 8 + int.from_bytes(data[:8], "little")].decode())


def with_header(data: bytes, header: Any) -> bytes:
    """Return a file with another header before the same tensors."""
    text = header if isinstance(header, bytes) else dump_json(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + int.from_bytes(data[:8], "little") :]


def forge(data: bytes, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> bytes:
    """Return a file whose envelope and tensors were changed, with the right checksum."""
    envelope = parse_json(header_of(data)["__metadata__"]["sk_yt8m"])
    tensors = deserialize(data)
    change(envelope, tensors)
    if isinstance(envelope.get("content"), dict):
        envelope["sha256"] = _sha256(envelope["content"], tensors)
    return serialize(tensors, metadata={"sk_yt8m": dump_json(envelope)})


def assert_unchanged(loaded, original):
    assert loaded.get_params() == original.get_params()
    assert loaded.label_names_.tolist() == original.label_names_.tolist()
    assert loaded.loss_curve_ == original.loss_curve_
    for name, array in original._fitted_model().weights.items():
        np.testing.assert_array_equal(loaded._model.weights[name], array)
