"""Fitted classifiers that the tests of this folder share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from model_files import N_FEATURES, N_LABELS, N, small

from sk_yt8m import DeepMultiLabelClassifier


@pytest.fixture(scope="session")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, N_FEATURES)).astype(np.float32)
    return X, (X @ rng.normal(size=(N_FEATURES, N_LABELS)) > 1).astype(np.uint8)


@pytest.fixture(scope="session")
def fitted(data: tuple[np.ndarray, np.ndarray]) -> DeepMultiLabelClassifier:
    return small().fit(*data)


@pytest.fixture(scope="session")
def trained(data: tuple[np.ndarray, np.ndarray]) -> DeepMultiLabelClassifier:
    """A classifier in the midst of its training."""
    return small().partial_fit(*data).partial_fit(*data)


@pytest.fixture(scope="session")
def model_file(
    trained: DeepMultiLabelClassifier, tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    """The bytes of a good file, with its training state."""
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    trained.save(path, include_training_state=True)
    return path.read_bytes()


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[bytes], Path]:
    """Return a function that lays bytes into a file."""

    def store(data: bytes) -> Path:
        path = tmp_path / "model.safetensors"
        path.write_bytes(data)
        return path

    return store
