"""Other runtimes give what the classifier gives."""

import copy
import os
import random
import sys

import numpy as np
import pytest
from model_files import brief
from small_problem import small, weights_in


@pytest.fixture(scope="module")
def problem():
    """Enough labels for a top 20, and features far from zero, which standardising must survive."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 12))
    Y = X @ rng.normal(size=(12, 50)) > np.linspace(1, 7, 50)
    return (X * 5 + 1000).astype(np.float32), Y.astype(np.uint8)


@pytest.fixture(scope="module")
def classifier(problem):
    X, Y = problem
    return small(hidden_layer_sizes=(40, 30), max_iter=20).fit(X, Y)


def run_saved_model(path, X):
    import tensorflow as tf

    model = tf.saved_model.load(str(path))
    return model.serve(X).numpy()


def run_onnx(path, X):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    return session.run(None, {"features": X})[0]


def run_litert(path, X):
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is optional")
    interpreter = litert.Interpreter(str(path))
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, X.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, X)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


RUNTIMES = {
    "saved_model": ("model", run_saved_model),
    "onnx": ("model.onnx", run_onnx),
    "litert": ("model.tflite", run_litert),
}


@pytest.fixture(params=RUNTIMES)
def exported(request, tmp_path):
    """Return a function that exports a classifier and runs it elsewhere."""
    name, run = RUNTIMES[request.param]

    if name == "model.onnx":
        for package in ("tf2onnx", "onnxruntime"):
            pytest.importorskip(package, reason="ONNX is optional")

    def export_and_run(clf, X):
        clf.export(tmp_path / name, format=request.param)
        assert [path.name for path in tmp_path.iterdir()] == [name]
        return run(tmp_path / name, X)

    return export_and_run


def test_the_same_top_k(classifier, problem, exported):
    X, _ = problem
    probabilities = exported(classifier, X)
    expected = classifier.predict_top_k(X, k=20)
    indices = np.argsort(-probabilities, axis=1, kind="stable")[:, :20]
    np.testing.assert_array_equal(indices, expected.indices)
    scores = np.take_along_axis(probabilities, indices, axis=1)
    np.testing.assert_allclose(scores, expected.scores, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_columns_of_predict_proba(data, exported, n_classes):
    X, _ = data
    clf = brief(X, np.arange(len(X)) % n_classes)
    np.testing.assert_allclose(exported(clf, X), clf.predict_proba(X), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "gelu", "silu"])
def test_every_activation(data, exported, activation):
    X, Y = data
    clf = brief(X, Y, activation=activation, hidden_layer_sizes=(5, 4))
    np.testing.assert_allclose(exported(clf, X), clf.predict_proba(X), rtol=1e-4, atol=1e-6)


def test_saturated_scores_tie_as_in_predict_proba(data, fitted, tmp_path):
    X, _ = data
    clf = copy.deepcopy(fitted)
    weights_in(clf)["output/bias"][:] = np.repeat([-200, 0, 200], 3)
    expected = clf.predict_proba(X)
    clf.export(tmp_path / "model")
    exported = run_saved_model(tmp_path / "model", X)
    np.testing.assert_array_equal(exported[:, 6:], expected[:, 6:])
    assert len(np.unique(expected[:, 6:])) == 1


def test_exporting_again_replaces(data, tmp_path):
    X, Y = data
    for seed in (0, 1):
        clf = brief(X, Y, hidden_layer_sizes=(3 + seed,))
        clf.export(tmp_path / "model")
        clf.export(tmp_path / "model.tflite", format="litert")
    np.testing.assert_allclose(
        run_saved_model(tmp_path / "model", X), clf.predict_proba(X), rtol=1e-4
    )
    np.testing.assert_allclose(
        run_litert(tmp_path / "model.tflite", X), clf.predict_proba(X), rtol=1e-4
    )


@pytest.mark.parametrize("n_renames", [1, 2])
def test_a_failure_leaves_the_old_export(data, fitted, tmp_path, monkeypatch, n_renames):
    X, Y = data
    fitted.export(tmp_path / "model")
    replace, calls = os.replace, []

    def fail_at(*paths):
        calls.append(paths)
        if len(calls) == n_renames:
            raise ZeroDivisionError
        replace(*paths)

    monkeypatch.setattr(os, "replace", fail_at)
    with pytest.raises(ZeroDivisionError):
        fitted.export(tmp_path / "model")
    assert len(calls) >= n_renames
    assert run_saved_model(tmp_path / "model", X).shape == Y.shape
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_global_random_state_is_not_touched(fitted, tmp_path):
    before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    fitted.export(tmp_path / "model")
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


class TestRefused:
    def test_formats_and_names(self, fitted, tmp_path):
        with pytest.raises(ValueError, match=r"format must be one of \['litert', 'onnx', 'saved"):
            fitted.export(tmp_path / "model", format="h5")
        with pytest.raises(ValueError, match=r"must end in \.tflite, got 'model\.lite'"):
            fitted.export(tmp_path / "model.lite", format="litert")
        assert not list(tmp_path.iterdir())

    def test_a_folder_that_holds_something_else(self, fitted, tmp_path):
        (tmp_path / "thesis.tex").write_text("years of work")
        with pytest.raises(ValueError, match="holds something else than a SavedModel"):
            fitted.export(tmp_path)
        folder = tmp_path / "folder.tflite"
        folder.mkdir()
        with pytest.raises(ValueError, match="is a folder: expected"):
            fitted.export(folder, format="litert")
        assert (tmp_path / "thesis.tex").read_text() == "years of work"

    def test_a_package_that_is_missing(self, fitted, tmp_path, monkeypatch):
        for package in ("tf2onnx", "onnx"):
            monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ImportError, match=r"needs tf2onnx and onnx: pip install .sk-yt8m\[exp"):
            fitted.export(tmp_path / "model.onnx", format="onnx")
