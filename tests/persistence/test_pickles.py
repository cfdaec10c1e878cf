"""Pickles, joblib files and deep copies hold numpy arrays and no TensorFlow object."""

import copy
import io
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from model_files import brief
from small_problem import small, weights_in, weights_of


class Recorder(pickle.Unpickler):
    """Records the modules that a pickle takes names from, as Python itself resolves them."""

    def __init__(self, file):
        super().__init__(file)
        self.modules = set()

    def find_class(self, module, name):
        self.modules.add(module)
        return super().find_class(module, name)


@pytest.fixture(scope="module", params=["fitted", "predicted", "trained", "validated"])
def state(request, data):
    """A classifier after each thing that could leave a TensorFlow object in it."""
    X, Y = data
    if request.param == "trained":
        return small().partial_fit(X, Y)
    if request.param == "validated":
        return small(early_stopping=True).fit(X, Y)
    clf = small().fit(X, Y)
    if request.param == "predicted":
        clf.predict_top_k(X)
    return clf


def test_only_plain_modules(state):
    pickled = pickle.dumps(state)
    recorder = Recorder(io.BytesIO(pickled))
    recorder.load()
    assert recorder.modules
    packages = {module.split(".")[0] for module in recorder.modules}
    assert packages <= {"sk_yt8m", "numpy", "sklearn", "builtins"}
    assert b"tensorflow" not in pickled
    assert b"keras" not in pickled


def test_nothing_is_lost(state, data):
    X, _ = data
    for again in (pickle.loads(pickle.dumps(state)), copy.deepcopy(state)):
        assert vars(again).keys() == vars(state).keys()
        assert again.get_params() == state.get_params()
        assert again.loss_curve_ == state.loss_curve_
        assert again.validation_scores_ == state.validation_scores_
        np.testing.assert_array_equal(again.predict_proba(X), state.predict_proba(X))


def test_a_copy_trains_on_by_itself(data):
    X, Y = data
    one = small(precision="float32").partial_fit(X, Y)
    before = one.predict_proba(X)
    copies = [copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    for other in copies:
        other.partial_fit(X, Y)
    np.testing.assert_array_equal(one.predict_proba(X), before)
    one.partial_fit(X, Y)
    for other in copies:
        np.testing.assert_array_equal(other.predict_proba(X), one.predict_proba(X))


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_size(data, tmp_path, protocol):
    clf = brief(*data, hidden_layer_sizes=(300, 400))
    clf.predict(data[0])
    n_bytes = sum(array.nbytes for array in weights_of(clf).values())
    assert len(pickle.dumps(clf, protocol)) < 1.2 * n_bytes
    joblib.dump(clf, tmp_path / "clf.joblib")
    assert (tmp_path / "clf.joblib").stat().st_size < 1.2 * n_bytes


def test_unpickling_needs_no_tensorflow_and_no_gpu(fitted, data, tmp_path):
    """A GPU that is not there cannot be asked for: the arrays are numpy's."""
    joblib.dump(fitted, tmp_path / "clf.joblib")
    np.save(tmp_path / "X.npy", data[0])
    code = """
import sys, joblib, numpy as np
clf = joblib.load(sys.argv[1] + "/clf.joblib")
assert not {"tensorflow", "keras"} & sys.modules.keys()
np.save(sys.argv[1] + "/p.npy", clf.predict_proba(np.load(sys.argv[1] + "/X.npy")))
"""
    environment = {"CUDA_VISIBLE_DEVICES": "-1", "PATH": ""}
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, env=environment)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), fitted.predict_proba(data[0]))


def test_memory_mapped_weights(fitted, data, tmp_path):
    joblib.dump(fitted, tmp_path / "clf.joblib")
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    assert isinstance(weights_in(mapped)["hidden_0/kernel"], np.memmap)
    np.testing.assert_array_equal(mapped.predict_proba(data[0]), fitted.predict_proba(data[0]))
