"""Pipelines in ONNX give what they give in scikit-learn."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from small_problem import X, Y, small

from sk_yt8m import (
    AveragingClassifier,
    DeepNeighborsClassifier,
    ModalityNormalizer,
    NormalizedModalitiesClassifier,
    register_onnx_converters,
)

for package in ("onnx", "onnxruntime", "skl2onnx"):
    pytest.importorskip(package, reason="ONNX is optional")


@pytest.fixture(scope="module", autouse=True)
def registered():
    register_onnx_converters()


def converted(estimator, rows, **options):
    """Return what the ONNX graph of an estimator gives: label and probabilities."""
    import onnx
    import onnxruntime
    import skl2onnx

    model = skl2onnx.to_onnx(estimator, rows[:1], **options)
    onnx.checker.check_model(model, full_check=True)
    assert [output.name for output in model.graph.output] == ["label", "probabilities"]
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: rows})


def assert_same(estimator, rows, **options):
    label, probabilities = converted(estimator, rows, **options)
    expected = estimator.predict_proba(rows)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4, atol=1e-6)
    predicted = estimator.predict(rows)
    assert label.dtype.kind in "iO"
    np.testing.assert_array_equal(
        label, predicted.toarray() if sp.issparse(predicted) else predicted
    )
    return probabilities


TARGETS = {
    "labels": Y,
    "sparse labels": sp.csr_matrix(Y),
    "one label": sp.csr_matrix(Y[:, :1]),
    "two integers": np.where(Y[:, 0], 5, -5),
    "bool": Y[:, 0] == 1,
    "two strings": np.array(["no", "yes"])[Y[:, 0]],
    "whole floats": np.array([0.0, 1.0, 7.0])[np.arange(len(Y)) % 3],
    "strings": np.array(["drei", "eins", "zwei"])[np.arange(len(Y)) % 3],
    "objects": np.array(["ä", "b", "c"], dtype=object)[np.arange(len(Y)) % 3],
}
MAKERS = {
    "pipeline": lambda: make_pipeline(StandardScaler(), small()),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=7),
    "average": lambda: AveragingClassifier(
        [
            ("net", small()),
            ("gone", "drop"),
            ("scaled", make_pipeline(StandardScaler(), small(random_state=3))),
            ("near", DeepNeighborsClassifier(small(random_state=1))),
            ("unused", small(random_state=2)),
        ],
        weights=[1, 9, 2, 3, 0],
    ),
    "normalized": lambda: AveragingClassifier(
        [
            ("own", NormalizedModalitiesClassifier(small(), {"a": 4, "b": 2})),
            ("piped", make_pipeline(ModalityNormalizer({"a": 1, "b": 5}), small())),
        ]
    ),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("maker", MAKERS)
def test_every_kind_of_target(maker, target):
    estimator = MAKERS[maker]().fit(X, TARGETS[target])
    for dtype in (np.float32, np.float64):
        assert_same(estimator, X.astype(dtype))


def test_modalities_of_zeros():
    rows = np.vstack([X, np.zeros_like(X[:1])])
    clf = NormalizedModalitiesClassifier(small(), {"a": 4, "b": 2}).fit(X, Y)
    assert_same(clf, rows)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "gelu", "silu"])
@pytest.mark.parametrize("sizes", [(), (5, 4)])
def test_every_activation(activation, sizes):
    for normalization in (True, False):
        clf = small(
            activation=activation, hidden_layer_sizes=sizes, batch_normalization=normalization
        )
        assert_same(clf.fit(X, Y), X)


def test_the_same_top_k(learnable, learned):
    features, labels = learnable
    rows = features.astype(np.float64) * 5 + 1000
    parts = [("net", learned), ("near", DeepNeighborsClassifier(learned, n_neighbors=9))]
    for clf in (learned, parts[1][1], AveragingClassifier(parts)):
        pipeline = make_pipeline(StandardScaler(), clf).fit(rows, labels)
        probabilities = assert_same(pipeline, rows)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
        scaled = pipeline[0].transform(rows)
        np.testing.assert_array_equal(best, pipeline[-1].predict_top_k(scaled, k=5).indices)


@pytest.mark.parametrize("offset", [1e5, 1e9])
def test_features_that_float32_cannot_standardise(offset):
    rows = X.astype(np.float64) + offset
    assert_same(small().fit(rows, Y), rows)


class TestNeighbors:
    @pytest.mark.parametrize(
        "parameters",
        [
            {"n_neighbors": 1},
            {"n_neighbors": 10**6},
            {"temperature": np.inf},
            {"temperature": 1e-300},
            {"neighbor_weight": 0},
            {"neighbor_weight": np.float32(1), "n_neighbors": np.int64(3)},
        ],
        ids=str,
    )
    def test_parameters(self, parameters):
        assert_same(DeepNeighborsClassifier(small(), **parameters).fit(X, Y), X)

    def test_equal_rows_and_weights(self):
        rows, labels = np.repeat(X[:20], 5, axis=0), Y
        weight = np.where(np.arange(len(X)) % 3 == 0, 0, 1 + np.arange(len(X)))
        clf = DeepNeighborsClassifier(small(), n_neighbors=3).fit(rows, labels, weight)
        assert_same(clf, rows)

    def test_rows_whose_activations_are_zero(self):
        clf = DeepNeighborsClassifier(small(hidden_layer_sizes=(2,), standardize=False)).fit(X, Y)
        rows = np.vstack([X, 1e3 * X])
        hidden = clf.estimator_.hidden_activations(rows)
        assert (hidden == 0).all(axis=1).any()
        assert_same(clf, rows)

    def test_rows_without_labels(self):
        assert_same(DeepNeighborsClassifier(small()).fit(X, Y * 0), X)

    def test_one_row(self):
        clf = DeepNeighborsClassifier(small()).fit(X, Y)
        assert_same(clf, X[:1])


class TestAround:
    def test_the_option_that_pipelines_usually_need(self):
        pipeline = make_pipeline(StandardScaler(), small()).fit(X, Y)
        assert_same(pipeline, X, options={id(pipeline[-1]): {"zipmap": False}})

    def test_columns(self):
        columns = ColumnTransformer([("a", Normalizer(), [0, 1, 2]), ("b", StandardScaler(), [4])])
        assert_same(make_pipeline(columns, small()).fit(X, Y), X)

    def test_a_search_and_a_vote(self):
        y = np.arange(len(X)) % 3
        assert_same(GridSearchCV(small(), {"max_iter": [1]}, cv=2).fit(X, y), X)
        parts = [("a", small()), ("b", LogisticRegression())]
        vote = VotingClassifier(parts, voting="soft", flatten_transform=False).fit(X, y)
        label, probabilities = converted(vote, X, options={id(vote): {"zipmap": False}})
        np.testing.assert_allclose(probabilities, vote.predict_proba(X), rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(label, vote.predict(X))

    def test_an_average_with_classifiers_of_others(self):
        y = np.array(["x", "y", "z"])[np.arange(len(X)) % 3]
        parts = [
            ("net", small()),
            ("forest", RandomForestClassifier(3, random_state=0)),
            ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
        ]
        assert_same(AveragingClassifier(parts).fit(X, y), X)
        several = AveragingClassifier([("net", small()), ("mlp", MLPClassifier((3,), max_iter=9))])
        assert_same(several.fit(X, Y), X)

    def test_it_can_be_registered_again(self):
        register_onnx_converters()
        register_onnx_converters()
        assert_same(small().fit(X, Y), X)


class TestRefused:
    def test_classes_that_onnx_has_not(self):
        classes = np.array(["2026", "2027", "2028"], dtype="M8[Y]")
        clf = small().fit(X, classes[np.arange(len(X)) % 3])
        with pytest.raises(ValueError, match="classes that are integers or strings, got"):
            converted(clf, X)

    def test_lists_of_probabilities(self):
        parts = [("net", small()), ("forest", RandomForestClassifier(2))]
        clf = AveragingClassifier(parts).fit(X, Y)
        with pytest.raises(TypeError, match="estimator 'forest' gives a list of probabilities"):
            converted(clf, X)

    def test_dictionaries_of_thousands_of_labels(self):
        clf = small().fit(X, Y)
        with pytest.raises(ValueError, match="zipmap"):
            converted(clf, X, options={id(clf): {"zipmap": True}})

    def test_without_skl2onnx(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "skl2onnx", None)
        with pytest.raises(ImportError, match=r"needs skl2onnx: pip install .sk-yt8m\[export\]"):
            register_onnx_converters()


def test_without_registering_skl2onnx_knows_no_converter():
    code = """
import numpy as np, skl2onnx
from sk_yt8m import DeepMultiLabelClassifier
X = np.random.default_rng(0).normal(size=(50, 4)).astype("f4")
clf = DeepMultiLabelClassifier((3,), max_iter=1).fit(X, X > 0)
try:
    skl2onnx.to_onnx(clf, X[:1])
except Exception as error:
    print(type(error).__name__)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split()[-1].startswith("Missing")
