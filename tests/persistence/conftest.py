"""Fitted classifiers that the tests of this folder share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_problem import X, Y, small

from sk_yt8m import DeepMultiLabelClassifier


@pytest.fixture(scope="session")
def data() -> tuple[np.ndarray, np.ndarray]:
    return X, Y


@pytest.fixture(scope="session")
def trained() -> DeepMultiLabelClassifier:
    """Return a classifier after two calls of `partial_fit`, in the shape of the forged files."""
    return small(hidden_layer_sizes=(7,)).partial_fit(X, Y).partial_fit(X, Y)


@pytest.fixture(scope="session")
def model_file(
    trained: DeepMultiLabelClassifier, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """Return the bytes of a good file, with its training state."""
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    trained.save(path, include_training_state=True)
    return path.read_bytes()


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[bytes], Path]:
    """Return a function that writes bytes to a file."""

    def store(data: bytes) -> Path:
        path = tmp_path / "model.safetensors"
        path.write_bytes(data)
        return path

    return store
