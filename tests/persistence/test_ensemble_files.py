"""What is saved of an ensemble is what is loaded."""

import copy
import errno
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from ensembles import UNFITTED, WEIGHT, average, fitted_ensemble, neighbors
from faults import raising
from model_files import forge, header_of
from safetensors.numpy import load_file
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_problem import N_LABELS, X, Y, small, weights_in

import sk_yt8m
from sk_yt8m import (
    AveragingClassifier,
    DeepNeighborsClassifier,
    NormalizedModalitiesClassifier,
)
from sk_yt8m.persistence import ModelFileError

ENSEMBLES = pytest.mark.parametrize("name", UNFITTED)


def reloaded(clf, folder):
    clf.save(folder / "clf.safetensors")
    return sk_yt8m.load(folder / "clf.safetensors")


def same(one, other, path="it"):
    """Compare two objects by type and value, with all that they hold."""
    assert type(one) is type(other), path
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, path
        np.testing.assert_array_equal(one, other, err_msg=path)
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            same(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), path
        for number, pair in enumerate(zip(one, other, strict=True)):
            same(*pair, f"{path}[{number}]")
    elif sp.issparse(one):
        # The integers that scipy numbers the columns with may be narrower.
        assert one.dtype == other.dtype, path
        same(one.toarray(), other.toarray(), path)
    elif type(one).__module__.startswith("sk_yt8m."):
        states = [
            each.__getstate__() if hasattr(each, "__getstate__") else vars(each)
            for each in (one, other)
        ]
        # A file does not tell whether a part was a clone.
        same(*({k: v for k, v in state.items() if k != "_is_clone"} for state in states), path)
    else:
        assert one == other or (one != one and other != other), path


@ENSEMBLES
def test_every_attribute_and_every_bit(name, tmp_path):
    clf = fitted_ensemble(name)
    loaded = reloaded(clf, tmp_path)
    same(clf, loaded)
    assert loaded.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    same(loaded.predict_top_k(X, k=4), clf.predict_top_k(X, k=4))
    assert list(getattr(loaded, "named_estimators_", "")) == list(
        getattr(clf, "named_estimators_", "")
    )
    assert (loaded.n_features_in_, loaded.n_outputs_) == (X.shape[1], N_LABELS)
    assert loaded.score(X, Y) == clf.score(X, Y)


TARGETS = {
    "csr": sp.csr_matrix(Y),
    "DataFrame": pd.DataFrame(Y, columns=[f'läbel "{i}"' for i in range(N_LABELS)]),
    "DataFrame of dates": pd.DataFrame(Y, columns=pd.date_range("2026-01-01", periods=N_LABELS)),
    "DataFrame of pairs": pd.DataFrame(
        Y, columns=pd.MultiIndex.from_product([["a", "b", "c"], [1, 2, 3]])
    ),
    "two strings": np.array(["no", "yes"])[Y[:, 0]],
    "bool": Y[:, 0] == 1,
    "objects": np.array(["a", "b", "c"], dtype=object)[np.arange(len(Y)) % 3],
}


@pytest.mark.parametrize("target", TARGETS)
def test_every_kind_of_target(target, tmp_path):
    y = TARGETS[target]
    frame = pd.DataFrame(X, columns=list("uvwxyz"))
    clf = average().fit(frame, y)
    loaded = reloaded(clf, tmp_path)
    same(clf, loaded)
    assert loaded.feature_names_in_.tolist() == list("uvwxyz")
    assert loaded.predict_proba(frame).tobytes() == clf.predict_proba(frame).tobytes()
    predictions = [c.predict(frame) for c in (clf, loaded)]
    same(*[p.toarray() if sp.issparse(p) else p for p in predictions])


def test_names_of_labels_are_in_a_file_once(tmp_path):
    clf = average().fit(X, TARGETS["DataFrame"])
    loaded = reloaded(clf, tmp_path)
    envelope = header_of((tmp_path / "clf.safetensors").read_bytes())["__metadata__"]["sk_yt8m"]
    assert envelope.count("\\u00e4bel") == N_LABELS
    assert loaded.estimators_[1].estimator_.label_names_.tolist() == clf.label_names_.tolist()


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_neighbors": np.int64(3), "temperature": np.float32(0.1), "neighbor_weight": 1},
        {"n_neighbors": 10**9, "temperature": np.inf, "neighbor_weight": np.float16(0.25)},
        {"estimator": None},
    ],
    ids=str,
)
def test_every_kind_of_parameter_of_neighbors(parameters, tmp_path):
    clf = copy.deepcopy(fitted_ensemble("neighbors")).set_params(**parameters)
    loaded = reloaded(clf, tmp_path)
    assert str(loaded.get_params()) == str(
        {
            name: getattr(value, "tolist", lambda v=value: v)()
            for name, value in clf.get_params().items()
        }
    )
    assert loaded.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()


@pytest.mark.parametrize(
    "weights",
    [None, (0, 1, 2), np.array([1.0, 0.0, 1e300]), [np.float32(0.1), 5, np.int8(3)]],
    ids=str,
)
def test_every_kind_of_weights(weights, tmp_path):
    clf = copy.deepcopy(fitted_ensemble("average")).set_params(weights=weights, n_jobs=np.int64(1))
    loaded = reloaded(clf, tmp_path)
    assert type(loaded.weights) is type(weights)
    assert loaded.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()


def test_estimators_that_changed_since_the_fit(tmp_path):
    clf = copy.deepcopy(fitted_ensemble("average")).set_params(net="drop", gone=neighbors(5))
    clf.set_params(near__n_neighbors=2, near__estimator__max_iter=9)
    loaded = reloaded(clf, tmp_path)
    assert str(loaded) == str(clf)
    assert loaded.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()
    same(loaded.fit(X, Y).predict_proba(X), clf.fit(X, Y).predict_proba(X))


def test_it_trains_again_as_before(tmp_path):
    clf = fitted_ensemble("neighbors")
    one, other = (clone(c).fit(X, Y) for c in (clf, reloaded(clf, tmp_path)))
    assert one.predict_proba(X).tobytes() == other.predict_proba(X).tobytes()


def test_metadata_requests_of_every_level(tmp_path):
    with config_context(enable_metadata_routing=True):
        inner = small().set_fit_request(sample_weight="importance", X_val=False)
        clf = DeepNeighborsClassifier(inner).set_score_request(sample_weight=True)
    clf.fit(X, Y)
    loaded = reloaded(clf, tmp_path)
    for one, other in ((clf, loaded), (inner, loaded.estimator), (inner, loaded.estimator_)):
        requests = [e._get_metadata_request() for e in (one, other)]
        for method in ("fit", "score"):
            asked, again = (getattr(request, method).requests for request in requests)
            assert asked == again
    assert loaded.estimator._get_metadata_request().fit.requests["sample_weight"] == "importance"


def test_a_new_process_predicts_the_same_bits(tmp_path):
    np.save(tmp_path / "X.npy", X)
    clf = fitted_ensemble("nested")
    clf.save(tmp_path / "clf.safetensors")
    code = """
import sys, numpy as np, sk_yt8m
clf = sk_yt8m.load(f"{sys.argv[1]}/clf.safetensors")
assert "tensorflow" not in sys.modules, "loading needs no TensorFlow"
np.save(f"{sys.argv[1]}/p.npy", clf.predict_proba(np.load(f"{sys.argv[1]}/X.npy")))
"""
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
    assert np.load(tmp_path / "p.npy").tobytes() == clf.predict_proba(X).tobytes()


class TestFile:
    def test_format_versions(self, fitted, tmp_path):
        """Version 0.1.0 of the package reads the files of a network, and refuses the others."""
        found = {}
        for name, clf in {"network": fitted, "near": fitted_ensemble("neighbors")}.items():
            clf.save(tmp_path / name)
            header = header_of((tmp_path / name).read_bytes())
            found[name] = json.loads(header["__metadata__"]["sk_yt8m"])["format_version"]
            kinds = {tensor["dtype"] for key, tensor in header.items() if key != "__metadata__"}
            assert kinds <= {"F32", "F64", "I64"}
        assert found == {"network": 1, "near": 2}

    @ENSEMBLES
    def test_the_same_classifier_gives_the_same_bytes(self, name, tmp_path):
        clf = fitted_ensemble(name)
        reloaded(reloaded(clf, tmp_path), tmp_path)
        clf.save(tmp_path / "first")
        assert (tmp_path / "first").read_bytes() == (tmp_path / "clf.safetensors").read_bytes()

    def test_the_safetensors_library_reads_it(self, tmp_path):
        clf = fitted_ensemble("average")
        clf.save(tmp_path / "clf.safetensors")
        tensors = load_file(tmp_path / "clf.safetensors")
        kernel = tensors["parts/1/network/weights/hidden_0/kernel"]
        np.testing.assert_array_equal(
            kernel, weights_in(clf.named_estimators_["near"].estimator_)["hidden_0/kernel"]
        )
        lengths = np.linalg.norm(tensors["parts/1/neighbors/references"], axis=1)
        assert lengths.shape == (np.count_nonzero(WEIGHT),)
        assert ((lengths < 1e-6) | (np.abs(lengths - 1) < 1e-6)).all()

    def test_rows_without_any_label(self, tmp_path):
        clf = neighbors().fit(X, np.where(np.arange(N_LABELS) == 0, Y, 0) * 0)
        loaded = reloaded(clf, tmp_path)
        same(clf, loaded)
        assert loaded.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()


class TestRefused:
    @ENSEMBLES
    def test_unfitted(self, name, tmp_path):
        with pytest.raises(NotFittedError):
            UNFITTED[name]().save(tmp_path / "clf.safetensors")

    def test_estimators_of_others(self, tmp_path):
        y = np.arange(len(X)) % 3
        forest = RandomForestClassifier(3, random_state=0)
        pipeline = make_pipeline(StandardScaler(), small())
        for other in (forest, pipeline):
            clf = AveragingClassifier([("net", small()), ("other", other)]).fit(X, y)
            message = (
                f"fitted estimator 'other' is not a Deep.* but a {type(other).__name__}: .*sko"
            )
            unset = copy.deepcopy(clf).set_params(other="drop")
            with pytest.raises(ModelFileError, match=message):
                unset.save(tmp_path / "clf.safetensors")
            with pytest.raises(ModelFileError, match="an estimator in the parameter estimators is"):
                clf.save(tmp_path / "clf.safetensors")
        assert not list(tmp_path.iterdir())

    def test_a_subclass(self, tmp_path):
        class Other(DeepNeighborsClassifier):
            pass

        clf = Other(small()).fit(X, Y)
        with pytest.raises(ModelFileError, match="but a Other"):
            clf.save(tmp_path / "clf.safetensors")

    @pytest.mark.parametrize(
        ("name", "parameter", "value", "message"),
        [
            ("average", "weights", [1, 2], "weights must be 3 finite numbers"),
            ("average", "weights", pd.Series([1, 2, 3]), "a Series: a model file holds"),
            ("neighbors", "temperature", -1.0, "'temperature' parameter"),
            ("neighbors", "n_neighbors", object(), "the parameter n_neighbors is <object"),
        ],
    )
    def test_what_load_would_refuse(self, name, parameter, value, message, tmp_path):
        clf = copy.deepcopy(fitted_ensemble(name)).set_params(**{parameter: value})
        with pytest.raises(ValueError, match=message):
            clf.save(tmp_path / "clf.safetensors")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("call", ["open", "fsync", "replace"])
    def test_a_save_that_fails_leaves_the_old_file(self, tmp_path, monkeypatch, call):
        path = tmp_path / "clf.safetensors"
        fitted_ensemble("average").save(path)
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, call, raising(OSError(errno.ENOSPC, "No space left on device")))
            with pytest.raises(OSError, match=r"No space left on device: '.*clf\.safetensors'"):
                fitted_ensemble("nested").save(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_numbers_that_are_not_finite(self, tmp_path):
        clf = copy.deepcopy(fitted_ensemble("average"))
        clf.estimators_[1]._search.references[3, 2] = np.nan
        with pytest.raises(ModelFileError, match="'parts/1/neighbors/references' holds NaN"):
            clf.save(tmp_path / "clf.safetensors")


class TestModalities:
    @pytest.fixture
    def forged(self, tmp_path):
        """Return a function that loads a classifier whose file has other modalities."""
        clf = NormalizedModalitiesClassifier(small(), {"a": 4, "b": 2}).fit(X, Y)

        def load(change):
            clf.save(tmp_path / "clf")
            data = (tmp_path / "clf").read_bytes()
            (tmp_path / "clf").write_bytes(forge(data, change))
            return sk_yt8m.load(tmp_path / "clf")

        return load

    @pytest.mark.parametrize(
        "value", [{}, [], [["a", 4]], [["a", 4], ["a", 2]], [["a", 6.0]], [["a", 7], ["b", -1]]]
    )
    @pytest.mark.parametrize("place", ["fitted", "parameter"])
    def test_forged(self, forged, place, value):
        def change(envelope, tensors):
            content = envelope["content"]
            if place == "fitted":
                content["modalities"] = value
            else:
                content["parameters"]["modalities"] = {"widths": value}

        if (place, value) == ("parameter", [["a", 4]]):
            assert forged(change).modalities == {"a": 4}
        else:
            with pytest.raises(ModelFileError, match="modalities"):
                forged(change)

    def test_none_and_changed_since_the_fit(self, tmp_path):
        clf = NormalizedModalitiesClassifier(small()).fit(X, Y)
        clf.set_params(modalities={"c": np.int16(3)})
        loaded = reloaded(clf, tmp_path)
        assert loaded.modalities == {"c": 3}
        assert loaded.normalizer_.modalities is None
        assert loaded.predict_proba(X).tobytes() == clf.predict_proba(X).tobytes()

    def test_names_of_features(self, tmp_path):
        frame = pd.DataFrame(X, columns=list("uvwxyz"))
        clf = NormalizedModalitiesClassifier(small(), {"a": 4, "b": 2}).fit(frame, Y)
        loaded = reloaded(clf, tmp_path)
        same(clf, loaded)
        with pytest.raises(ValueError, match="feature names"):
            loaded.predict_proba(frame[list("zyxwvu")])
