"""Small data, small networks, and what the tests compare of two classifiers.

TensorFlow compiles a training step once for each shape of a network and each set of its options,
which takes about a second. Tests that are not about the shape use the one of `small` with `X` and
`Y`, or with the first four labels of `Y`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from sklearn.base import clone

from sk_yt8m import DeepMultiLabelClassifier

N, N_FEATURES, N_LABELS = 100, 6, 9
_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(N, N_FEATURES)).astype(np.float32)
Y = (X @ _RNG.normal(size=(N_FEATURES, N_LABELS)) > 1).astype(np.uint8)
for _array in (X, Y):
    _array.setflags(write=False)


def small(**parameters: Any) -> DeepMultiLabelClassifier:
    """Return an unfitted classifier of one hidden layer, which trains two epochs."""
    defaults = {
        "hidden_layer_sizes": (8,),
        "max_iter": 2,
        "learning_rate_init": 0.02,
        "precision": "float32",
        "random_state": 0,
    }
    return DeepMultiLabelClassifier(**(defaults | parameters))


def learner(**parameters: Any) -> DeepMultiLabelClassifier:
    """Return an unfitted classifier that learns the labels of the fixture `learnable`."""
    defaults = {
        "hidden_layer_sizes": (40,),
        "max_iter": 20,
        "learning_rate_init": 0.02,
        "dropout": 0.1,
        "input_dropout": 0.0,
        "random_state": 0,
    }
    return DeepMultiLabelClassifier(**(defaults | parameters))


def tensors_of(clf: DeepMultiLabelClassifier, **options: Any) -> dict[str, np.ndarray]:
    """Return the tensors of a fitted classifier by name, as `save` writes them."""
    with tempfile.TemporaryDirectory() as folder:
        clf.save(Path(folder) / "model.safetensors", **options)
        return load_file(Path(folder) / "model.safetensors")


def weights_of(clf: DeepMultiLabelClassifier) -> dict[str, np.ndarray]:
    """Return the weights of a fitted classifier by name."""
    return {name.removeprefix("weights/"): array for name, array in tensors_of(clf).items()}


def weights_in(clf: DeepMultiLabelClassifier) -> dict[str, np.ndarray]:
    """Return the dict of weights that a fitted classifier predicts with, to be changed in place."""
    return next(
        held for held in _dicts(vars(clf)) if "output/bias" in held and "optimizer/step" not in held
    )


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _dicts(part)
    elif type(value).__module__.startswith("sk_yt8m."):
        yield from _dicts(vars(value))


def assert_same_weights(one: DeepMultiLabelClassifier, other: DeepMultiLabelClassifier) -> None:
    """Compare two classifiers by every bit of their weights."""
    expected = weights_of(other)
    for name, array in weights_of(one).items():
        np.testing.assert_array_equal(array, expected.pop(name), err_msg=name)
    assert not expected


def assert_same_training(one: DeepMultiLabelClassifier, other: DeepMultiLabelClassifier) -> None:
    """Compare two classifiers by their weights and by what they tell of their training."""
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    assert (one.n_iter_, one.t_, one.best_loss_) == (other.n_iter_, other.t_, other.best_loss_)
    assert one.best_validation_score_ == other.best_validation_score_
    assert len(one.epoch_times_) == len(other.epoch_times_)
    assert_same_weights(one, other)


def trained_rows(clf: DeepMultiLabelClassifier, y: Any) -> np.ndarray:
    """Tell of each row of `y` whether it is trained on, and not set aside for validation.

    Row i has a 1 in feature i alone. So the mean of that feature over the rows that are trained on
    tells whether row i is one of them.
    """
    rows = np.eye(np.shape(y)[0], dtype=np.float32)
    return weights_of(clone(clf).fit(rows, y))["standardization/mean"] > 0


def mapped(array: np.ndarray, folder: Path, mode: str = "r") -> np.memmap:
    """Return a memory map of an array that was written to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "X.npy", array)
    return np.load(folder / "X.npy", mmap_mode=mode)
