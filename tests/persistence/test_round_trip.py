"""What is saved is what is loaded."""

import copy
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from faults import raising
from model_files import brief
from safetensors.numpy import load_file
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_problem import N_LABELS, assert_same_weights, small, tensors_of, weights_in, weights_of

import sk_yt8m
from sk_yt8m.persistence import ModelFileError


def reloaded(clf, folder: Path, **options):
    clf.save(folder / "clf.safetensors", **options)
    return sk_yt8m.load(folder / "clf.safetensors")


def assert_same_values(one, other):
    """Compare two objects by type and value, whatever they hold."""
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif type(one).__module__.startswith("sk_yt8m."):
        assert_same_values(one.__getstate__(), other.__getstate__())
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same_values(one[name], other[name])
    else:
        assert one == other or (one != one and other != other)


def assert_same_state(one, other):
    """Compare all that two classifiers keep in a pickle."""
    assert_same_values(one.__getstate__(), other.__getstate__())


def multiclass(values):
    return lambda Y: np.asarray(values)[np.arange(len(Y)) % len(values)]


TARGETS = {
    "indicator": lambda Y: Y,
    "bool indicator": lambda Y: Y.astype(bool),
    "csr": sp.csr_matrix,
    "DataFrame": lambda Y: pd.DataFrame(Y, columns=[f'läbel "{i}"' for i in range(N_LABELS)]),
    "DataFrame of numbers": lambda Y: pd.DataFrame(Y, columns=range(5, 5 + N_LABELS)),
    "DataFrame of pairs": lambda Y: pd.DataFrame(
        Y, columns=pd.MultiIndex.from_product([["a", "b", "c"], [1, 2, 3]])
    ),
    "DataFrame of dates": lambda Y: pd.DataFrame(
        Y, columns=pd.date_range("2026-01-01", periods=N_LABELS)
    ),
    "two integers": multiclass([-1, 1]),
    "two strings": multiclass(["no", "yes"]),
    "bool": multiclass([False, True]),
    "floats": multiclass([0.0, 1.0, 7.0]),
    "strings": multiclass(["drei", "eins", "zwei"]),
    "objects": multiclass(np.array(["a", "b", "c"], dtype=object)),
    "big-endian": multiclass(np.array([3, 1, 2], dtype=">i4")),
    "categories": lambda Y: pd.Series(pd.Categorical(multiclass(["x", "y", "z"])(Y))),
}


@pytest.mark.parametrize("target", TARGETS)
def test_every_kind_of_target(data, tmp_path, target):
    X, Y = data
    clf = brief(X, TARGETS[target](Y))
    loaded = reloaded(clf, tmp_path)
    assert_same_state(clf, loaded)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    predictions = [c.predict(X) for c in (clf, loaded)]
    if sp.issparse(predictions[0]):
        predictions = [p.toarray() for p in predictions]
    assert_same_values(*predictions)


@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": [5, 4]},
        {"hidden_layer_sizes": np.array([5, 4])},
        {"hidden_layer_sizes": (5,), "batch_normalization": False},
        {"batch_size": np.int64(16), "dropout": np.float32(0.25), "shuffle": np.bool_(True)},
        {"tol": 1e300, "n_iter_no_change": 1, "ema_decay": None, "verbose": 1},
        {"early_stopping": True, "activation": "gelu"},
    ],
    ids=str,
)
def test_every_kind_of_parameter(data, tmp_path, parameters):
    X, Y = data
    clf = brief(X, Y, **parameters)
    loaded = reloaded(clf, tmp_path)
    for name, value in clf.get_params().items():
        np.testing.assert_array_equal(getattr(loaded, name), value)
    assert_same_weights(clf, loaded)
    assert loaded.loss_curve_ == clf.loss_curve_
    assert loaded.validation_scores_ == clf.validation_scores_
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_a_random_state_goes_on_where_it_was(data, tmp_path):
    X, Y = data
    clf = brief(X, Y, random_state=np.random.RandomState(5))
    clf.random_state.normal()
    loaded = reloaded(clf, tmp_path)
    np.testing.assert_array_equal(
        loaded.random_state.normal(size=9), clf.random_state.normal(size=9)
    )
    np.testing.assert_array_equal(*(c.fit(X, Y).predict_proba(X) for c in (clf, loaded)))


def test_feature_names(data, tmp_path):
    X, Y = data
    frame = pd.DataFrame(X, columns=list("uvwxyz"))
    loaded = reloaded(brief(frame, Y), tmp_path)
    assert loaded.feature_names_in_.tolist() == list("uvwxyz")
    loaded.predict(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.predict(frame[list("zyxwvu")])


def test_the_last_step_of_a_pipeline(data, tmp_path):
    X, Y = data
    pipeline = make_pipeline(StandardScaler(), small(max_iter=1)).fit(X, Y)
    again = copy.deepcopy(pipeline)
    again.steps[-1] = (again.steps[-1][0], reloaded(pipeline[-1], tmp_path))
    np.testing.assert_array_equal(again.predict_proba(X), pipeline.predict_proba(X))


class TestGoingOn:
    @pytest.mark.parametrize("parameters", [{}, {"ema_decay": None}, {"hidden_layer_sizes": ()}])
    def test_with_its_training_state_as_if_never_saved(self, data, tmp_path, parameters):
        X, Y = data
        clf = small(precision="float32", **parameters).partial_fit(X, Y).partial_fit(X, Y)
        loaded = reloaded(clf, tmp_path, include_training_state=True)
        for classifier in (clf, loaded):
            classifier.partial_fit(X, Y).partial_fit(X, Y)
        assert_same_state(clf, loaded)

    def test_a_loaded_state_can_be_saved_again(self, trained, tmp_path):
        once = reloaded(trained, tmp_path, include_training_state=True)
        first = (tmp_path / "clf.safetensors").read_bytes()
        reloaded(once, tmp_path, include_training_state=True)
        assert (tmp_path / "clf.safetensors").read_bytes() == first

    def test_without_it_a_new_optimiser_starts(self, data, trained, tmp_path):
        loaded = reloaded(trained, tmp_path)
        with_state = {"include_training_state": True}
        assert any(name.startswith("training/") for name in tensors_of(trained, **with_state))
        assert not any(name.startswith("training/") for name in tensors_of(loaded, **with_state))
        before = loaded.predict_proba(data[0])
        assert (loaded.partial_fit(*data).predict_proba(data[0]) != before).any()
        assert (loaded.n_iter_, loaded.t_) == (trained.n_iter_ + 1, trained.t_ + len(data[0]))

    def test_saving_changes_nothing(self, data, tmp_path):
        one, other = (small(precision="float32").partial_fit(*data) for _ in range(2))
        one.save(tmp_path / "clf.safetensors", include_training_state=True)
        assert_same_state(one.partial_fit(*data), other.partial_fit(*data))


def test_a_new_process_predicts_the_same_bits(data, fitted, trained, tmp_path):
    X, _ = data
    np.save(tmp_path / "X.npy", X)
    for i, clf in enumerate((fitted, trained)):
        clf.save(tmp_path / f"{i}.safetensors")
    code = """
import sys, numpy as np, sk_yt8m
for i in range(2):
    clf = sk_yt8m.load(f"{sys.argv[1]}/{i}.safetensors")
    assert "tensorflow" not in sys.modules or i, "loading needs no TensorFlow"
    np.save(f"{sys.argv[1]}/{i}.npy", clf.predict_proba(np.load(f"{sys.argv[1]}/X.npy")))
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
    for i, clf in enumerate((fitted, trained)):
        there, here = np.load(tmp_path / f"{i}.npy"), clf.predict_proba(X)
        assert there.tobytes() == here.tobytes()


class TestFile:
    def test_the_safetensors_library_reads_it(self, fitted, tmp_path):
        fitted.save(tmp_path / "clf.safetensors")
        tensors = load_file(tmp_path / "clf.safetensors")
        weights = weights_in(fitted)
        assert tensors.keys() == {f"weights/{name}" for name in weights}
        for name, array in weights.items():
            np.testing.assert_array_equal(tensors[f"weights/{name}"], array)

    def test_the_same_classifier_gives_the_same_bytes(self, fitted, tmp_path):
        for name in ("a", "b"):
            fitted.save(tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_it_holds_the_weights_and_little_more(self, data, tmp_path):
        clf = brief(*data, hidden_layer_sizes=(600, 700))
        clf.save(str(tmp_path / "clf.safetensors"))
        n_bytes = sum(array.nbytes for array in weights_of(clf).values())
        assert n_bytes < (tmp_path / "clf.safetensors").stat().st_size < 1.01 * n_bytes


def test_the_folder_of_checkpoints_stays_behind(data, tmp_path):
    clf = brief(*data, checkpoint_dir=tmp_path / "run", tol=0.5)
    loaded = reloaded(clf, tmp_path)
    assert (loaded.tol, loaded.checkpoint_dir) == (0.5, None)
    assert b"checkpoint_dir" not in (tmp_path / "clf.safetensors").read_bytes()


class TestRefused:
    def test_unfitted(self, tmp_path):
        with pytest.raises(NotFittedError):
            small().save(tmp_path / "clf.safetensors")

    def test_a_subclass(self, fitted, tmp_path):
        class Other(sk_yt8m.DeepMultiLabelClassifier):
            pass

        clf = Other()
        clf.__setstate__(fitted.__getstate__())
        with pytest.raises(ModelFileError, match="but a Other: use skops"):
            clf.save(tmp_path / "clf.safetensors")

    @pytest.mark.parametrize(
        ("attribute", "value", "message"),
        [
            ("tol", object(), "the parameter tol is <object"),
            ("verbose", np.ones((2, 2)), r"the parameter verbose is an array of shape \(2, 2\)"),
            ("random_state", np.random.RandomState(np.random.PCG64(0)), "draws from PCG64"),
            ("feature_names_in_", np.array([b"a"]), r"the feature names is an array.*\|S1"),
            ("feature_names_in_", np.array([{}], dtype=object), "an element of the feature names"),
        ],
    )
    def test_what_is_not_plain(self, fitted, tmp_path, attribute, value, message):
        clf = copy.deepcopy(fitted)
        setattr(clf, attribute, value)
        with pytest.raises(ModelFileError, match=message):
            clf.save(tmp_path / "clf.safetensors")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_a_save_that_fails_leaves_the_old_file(self, fitted, tmp_path, monkeypatch, call):
        path = tmp_path / "clf.safetensors"
        fitted.save(path)
        before = path.read_bytes()
        other = copy.deepcopy(fitted).set_params(tol=0.5)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, raising(OSError(errno.ENOSPC, "No space left on device")))
            with pytest.raises(OSError, match=r"No space left on device: '.*clf\.safetensors'"):
                other.save(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_weights_that_are_not_finite(self, fitted, tmp_path):
        clf = copy.deepcopy(fitted)
        weights_in(clf)["output/bias"][3] = np.nan
        with pytest.raises(ModelFileError, match="'weights/output/bias' holds NaN"):
            clf.save(tmp_path / "clf.safetensors")

    def test_names_that_are_too_long(self, fitted, tmp_path):
        clf = copy.deepcopy(fitted)
        clf.feature_names_in_ = np.array(["x" * 2**24], dtype=object)
        with pytest.raises(ModelFileError, match="take more than the 16777216 bytes"):
            clf.save(tmp_path / "clf.safetensors")
