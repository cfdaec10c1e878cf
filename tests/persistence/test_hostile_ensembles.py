"""Damaged and forged files of ensembles give one clear error, and nothing else happens."""

import os
import subprocess
import sys

import numpy as np
import pytest
from ensembles import fitted_ensemble
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_files import dump_json, forge, header_of, with_header
from small_problem import N_LABELS, X

import sk_yt8m
from sk_yt8m.persistence import ModelFileError

TERABYTES = 2**42


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the bytes of a good file: an average of a network and of one with neighbours."""
    path = tmp_path_factory.mktemp("good") / "good.safetensors"
    fitted_ensemble("average").save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def expected():
    return fitted_ensemble("average").predict_proba(X[:3]).tobytes()


def assert_refused_or_same(path, expected):
    """Return whether the file loads, and check that it then predicts as before."""
    try:
        loaded = sk_yt8m.load(path)
    except ModelFileError:
        return False
    assert loaded.predict_proba(X[:3]).tobytes() == expected
    return True


class TestDamage:
    def test_truncations(self, stored, good):
        for size in range(0, len(good), 7):
            with pytest.raises(ModelFileError):
                sk_yt8m.load(stored(good[:size]))

    @pytest.mark.parametrize(
        "first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(1, 11))]
    )
    def test_bytes(self, stored, good, expected, first):
        survived = 0
        places = range(first, len(good), 11)
        for place in places:
            damaged = bytearray(good)
            damaged[place] ^= 1
            survived += assert_refused_or_same(stored(bytes(damaged)), expected)
        assert survived < len(places) / 100

    @settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_anything_else(self, stored, good, expected, data):
        start = data.draw(st.integers(0, len(good)))
        stop = data.draw(st.integers(start, min(start + 64, len(good))))
        other = data.draw(st.binary(max_size=64))
        assert_refused_or_same(stored(good[:start] + other + good[stop:]), expected)


def put(value, *place):
    """Return a change of the content that puts a value into a place of it."""

    def change(envelope, tensors):
        part = envelope["content"]
        for name in place[:-1]:
            part = part[name]
        part[place[-1]] = value

    return change


def take(*place):
    """Return a change of the content that takes a place out of it."""

    def change(envelope, tensors):
        part = envelope["content"]
        for name in place[:-1]:
            part = part[name]
        del part[place[-1]]

    return change


def tensor(name, edit):
    """Return a change of one tensor by a function."""

    def change(envelope, tensors):
        tensors[name] = edit(tensors[name].copy())

    return change


def element(name, place, value):
    def edit(array):
        array.flat[place] = value
        return array

    return tensor(name, edit)


def swapped_parts(envelope, tensors):
    envelope["content"]["parts"].reverse()


def deeper(n_levels):
    """Return a change that puts the content into averages of averages."""

    def change(envelope, tensors):
        content = envelope["content"]
        target = content["target"]
        for _ in range(n_levels):
            content = {
                "estimator": "AveragingClassifier",
                "parameters": {"estimators": []},
                "target": None,
                "names": ["a"],
                "is_used": [True],
                "parts": [{**content, "target": None}],
            }
        envelope["content"] = {**content, "target": target}
        inner = dict(tensors)
        tensors.clear()
        tensors.update({"parts/0/" * n_levels + name: array for name, array in inner.items()})

    return change


def many_parts(envelope, tensors):
    content = envelope["content"]
    content["parts"] = content["parts"] + [content["parts"][0]] * 4000


def one_more_feature(envelope, tensors):
    envelope["content"]["parts"][0]["architecture"]["n_features"] = 7
    name = "parts/0/weights/hidden_0/kernel"
    tensors[name] = np.vstack([tensors[name], tensors[name][:1]])
    for part in ("mean", "scale"):
        name = f"parts/0/weights/standardization/{part}"
        tensors[name] = np.append(tensors[name], 1.0)


NET, NEAR, ROWS = ("parts", 0), ("parts", 1), "parts/1/neighbors/"
UNFITTED = ("parameters", "estimators", 0, "tuple", 1, "unfitted")
WRONG = {
    "an estimator": (put("os.system", "estimator"), "another estimator, 'os.system': this version"),
    "an estimator inside": (put("Pipeline", *NET, "estimator"), "another estimator, 'Pipeline'"),
    "no estimator inside": (take(*NET, "estimator"), "no 'estimator'"),
    "a network of a network": (
        put("DeepNeighborsClassifier", *NEAR, "network", "estimator"),
        "its network is a 'DeepNeighborsClassifier'",
    ),
    "another kind": (put("DeepNeighborsClassifier", "estimator"), "no 'network'"),
    "the kind of a part": (
        put("DeepMultiLabelClassifier", *NEAR, "estimator"),
        "no 'architecture'",
    ),
    "more content": (put(1, "callable"), r"unknown entries: \['callable'\]"),
    "more content inside": (put(1, *NEAR, "callable"), r"unknown entries: \['callable'\]"),
    "no parts": (put([], "parts"), "an ensemble of no classifiers"),
    "parts that are none": (put([1, 2], "parts"), "expected a JSON object with 'estimator'"),
    "a part less": (take("parts", 1), "are not those of its network"),
    "parts in another order": (swapped_parts, "1 hidden layers, but 0 tensors"),
    "many parts": (many_parts, "hidden layers, but 0 tensors"),
    "deep parts": (deeper(400), "nested too deeply"),
    "names twice": (put(["net", "net"], "names"), r"2 classifiers with the names \['net', 'net'\]"),
    "names too many": (put(["a", "b", "a"], "names"), "2 classifiers with the names"),
    "names of numbers": (put([1, 2], "names"), "2 classifiers with the names"),
    "used of numbers": (put([1, 0, 1], "is_used"), r"where \[1, 0, 1\] are used"),
    "fewer used": (put([True, False, False], "is_used"), "2 classifiers where"),
    "more used": (put([True] * 3 + [False], "is_used"), "2 classifiers where"),
    "used of another length": (
        put([True, False, True, False], "is_used"),
        "impossible weights: weights must be 4 finite numbers",
    ),
    "weights": (put([1, -1, 1], "parameters", "weights"), "impossible weights"),
    "weights of digits": (put([10**400, 1, 1], "parameters", "weights"), "impossible weights"),
    "weights of strings": (put(["a"] * 3, "parameters", "weights"), "impossible weights"),
    "terabytes of weights": (
        put({"range": TERABYTES}, "parameters", "weights"),
        "weights has 4398046511104 elements",
    ),
    "no estimators": (take("parameters", "estimators"), "impossible parameter: .*'estimators'"),
    "estimators that are no list": (put(5, "parameters", "estimators"), "impossible parameter"),
    "a parameter": (put(1, "parameters", "callback"), r"unknown entries: \['callback'\]"),
    "a parameter inside": (put(-1, *NEAR, "parameters", "n_neighbors"), "impossible parameter"),
    "an unfitted estimator": (
        put("subprocess.Popen", *UNFITTED, "estimator"),
        "the parameter estimators holds another estimator, 'subprocess.Popen'",
    ),
    "more of an unfitted one": (put(1, *UNFITTED, "fitted"), "the estimator in the parameter est"),
    "its parameters": (put({"func": 1}, *UNFITTED, "parameters"), r"unknown entries: \['func'\]"),
    "a place to write to": (
        put("/etc", *UNFITTED, "parameters", "checkpoint_dir"),
        r"unknown entries: \['checkpoint_dir'\]",
    ),
    "its requests": (
        put({"fit": {"x": True}}, *UNFITTED, "metadata_requests"),
        "impossible metadata request",
    ),
    "requests of no such method": (
        put({"partial_fit": {"sample_weight": True}}, "metadata_requests"),
        "impossible metadata request",
    ),
    "no target": (put(None, "target"), "'target' must be of type dict, got None"),
    "a target of other size": (
        put({"range": TERABYTES}, "target", "names"),
        "label names has 4398046511104 elements: expected 9",
    ),
    "another target inside": (
        put(
            {
                "kind": "multiclass",
                "classes": {"range": N_LABELS},
                "names": {"range": N_LABELS},
                "dtype": "<i8",
                "sparse": False,
            },
            *NET,
            "target",
        ),
        "a multiclass classifier of 9 labels or classes in a multilabel ensemble of 9",
    ),
    "other features inside": (one_more_feature, r"its classifiers take \[6, 7\] features"),
    "no rows": (
        lambda envelope, tensors: tensors.update(
            {
                ROWS + "references": np.zeros((0, 8), "f4"),
                ROWS + "log_weights": np.zeros(0),
                ROWS + "indptr": np.zeros(1, "i8"),
                ROWS + "indices": np.zeros(0, "i8"),
            }
        ),
        "its 0 training rows must be at least one",
    ),
    "rows of another width": (tensor(ROWS + "references", lambda a: a[:, :7].copy()), "of shape"),
    "a row less": (tensor(ROWS + "log_weights", lambda a: a[1:].copy()), "must be of shape"),
    "log weights of no shape": (
        tensor(ROWS + "log_weights", lambda a: np.array(1.0)),
        "must be of shape",
    ),
    "no rows of labels": (
        lambda envelope, tensors: tensors.pop(ROWS + "indptr") is None,
        r"\['parts/1/neighbors/indptr'\] missing",
    ),
    "rows of integers": (tensor(ROWS + "references", lambda a: a.astype("i8")), "type float32"),
    "long rows": (element(ROWS + "references", 5, -1e30), "numbers of at most 1"),
    "a NaN": (element(ROWS + "references", 5, np.nan), "references' holds NaN or infinity"),
    "an infinite weight": (element(ROWS + "log_weights", 0, -np.inf), "log_weights' holds NaN"),
    "a label beyond the last": (
        element(ROWS + "indices", 3, N_LABELS),
        "ascending numbers below 9",
    ),
    "a label below zero": (element(ROWS + "indices", 3, -1), "ascending numbers below 9"),
    "a label twice": (
        lambda envelope, tensors: tensors.update(
            {
                ROWS + "indices": np.array([1, 1]),
                ROWS + "indptr": np.append(0, np.full(tensors[ROWS + "indptr"].size - 1, 2)),
            }
        ),
        "ascending numbers",
    ),
    "labels from 1": (element(ROWS + "indptr", 0, 1), "do not follow one another"),
    "labels to the end": (element(ROWS + "indptr", -1, 3), "do not follow one another"),
    "labels that go back": (element(ROWS + "indptr", 5, 2**40), "do not follow one another"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_contents_with_the_right_checksum(stored, good, case):
    change, message = WRONG[case]
    with pytest.raises(ModelFileError, match=message):
        sk_yt8m.load(stored(forge(good, change)))


def test_a_forged_file_without_a_change_is_good(stored, good, expected):
    same = forge(good, lambda envelope, tensors: None)
    assert assert_refused_or_same(stored(same), expected)
    assert assert_refused_or_same(stored(forge(good, deeper(3))), expected)
    more = forge(good, put(3, "parts", 1, "parameters", "n_neighbors"))
    assert sk_yt8m.load(stored(more)).estimators_[1].n_neighbors == 3


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 5000])
def test_deep_values(stored, good, depth):
    text = '{"tuple":[' * depth + "1" + "]}" * depth
    header = header_of(good)
    envelope = header["__metadata__"]["sk_yt8m"].replace('"weights":[1,7,3]', f'"weights":{text}')
    assert text in envelope
    header["__metadata__"]["sk_yt8m"] = envelope
    with pytest.raises(ModelFileError, match=r"SHA-256|nested too deeply|impossible"):
        sk_yt8m.load(stored(with_header(good, dump_json(header).encode())))


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the size is read from /proc")
def test_memory_is_not_blown(tmp_path, good):
    bombs = [case for case in WRONG if case.startswith(("terabytes", "many", "deep", "a target"))]
    for case in bombs:
        (tmp_path / f"{case}.safetensors").write_bytes(forge(good, WRONG[case][0]))
    code = """
import resource, sys, sk_yt8m
from sk_yt8m.ensemble import AveragingClassifier
from sk_yt8m._loading import load
from sk_yt8m.persistence import ModelFileError
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 300 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sys.argv[1:]:
    try:
        load(path)
    except ModelFileError as error:
        print("refused")
"""
    command = [sys.executable, "-c", code, *(tmp_path / f"{case}.safetensors" for case in bombs)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(bombs) >= 4
    assert run.stdout.split() == ["refused"] * len(bombs)
