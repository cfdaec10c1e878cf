"""The neighbours of DeepNeighborsClassifier, with a network that does nothing."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from ensemble_parts import Copying
from sklearn.base import clone
from small_problem import small

from sk_yt8m import DeepMultiLabelClassifier, DeepNeighborsClassifier, load
from sk_yt8m._network.predictor import Predictor

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 24)).astype(np.float32)
Y = rng.integers(0, 2, size=(90, 6))
WEIGHT = rng.integers(1, 4, size=90).astype(float)


def votes(**parameters) -> DeepNeighborsClassifier:
    """Return the neighbours alone."""
    return DeepNeighborsClassifier(Copying(), neighbor_weight=1.0, **parameters)


class TestWeights:
    @pytest.mark.parametrize("zero", [0.0, -0.0, 1e-300])
    @pytest.mark.parametrize("n_kept", [1, 7, 60])
    def test_a_weight_of_zero_is_removal(self, n_kept, zero):
        weight = np.where(np.arange(90) < n_kept, WEIGHT, zero)
        order = rng.permutation(90)
        clf = votes(n_neighbors=9).fit(X[order], Y[order], sample_weight=weight[order])
        kept = order[order < n_kept]
        removed = votes(n_neighbors=9).fit(X[kept], Y[kept], sample_weight=weight[kept])
        np.testing.assert_array_equal(clf.predict_proba(X), removed.predict_proba(X))

    @pytest.mark.parametrize("value", [3e38, 1e60])
    @pytest.mark.parametrize(
        "form",
        [np.asarray, sp.coo_array, pd.DataFrame, np.ndarray.tolist],
        ids=lambda f: f.__name__,
    )
    def test_rows_of_weight_zero_may_be_too_large_for_the_network(self, form, value):
        odd, weight = X.astype(np.float64), WEIGHT.copy()
        weight[::7] = 0.0
        odd[::7] = np.where(np.arange(24) % 2, value, -value)
        network = small()
        clf = DeepNeighborsClassifier(network).fit(form(odd), Y, sample_weight=weight)
        kept = weight > 0
        removed = DeepNeighborsClassifier(network)
        removed.fit(odd[kept], Y[kept], sample_weight=weight[kept])
        np.testing.assert_array_equal(clf.predict_proba(X), removed.predict_proba(X))

    def test_a_weight_of_two_is_two_copies_where_all_are_neighbours(self):
        clf = votes(n_neighbors=1000).fit(X, Y, sample_weight=WEIGHT)
        rows = np.repeat(np.arange(90), WEIGHT.astype(int))
        copies = votes(n_neighbors=1000).fit(X[rows], Y[rows])
        np.testing.assert_allclose(clf.predict_proba(X), copies.predict_proba(X), rtol=1e-6)

    @pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
    def test_their_scale_has_no_influence(self, scale):
        expected = votes().fit(X, Y, sample_weight=WEIGHT).predict_proba(X)
        clf = votes().fit(X, Y, sample_weight=WEIGHT * scale)
        np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-6)

    @pytest.mark.parametrize("weight", [2.0, np.float32(2), np.int64(2), np.full(90, 2).tolist()])
    def test_equal_weights_change_nothing(self, weight):
        clf = votes().fit(X, Y, sample_weight=weight)
        np.testing.assert_array_equal(clf.predict_proba(X), votes().fit(X, Y).predict_proba(X))

    @pytest.mark.parametrize(
        "weight",
        [
            *(0, -1.0, np.nan, np.float32("nan"), np.inf),
            *(np.zeros(90), -WEIGHT, WEIGHT * np.inf, WEIGHT[:-1], WEIGHT[:, np.newaxis]),
            np.where(np.arange(90) == 3, np.nan, 1),
        ],
    )
    def test_bad_weights(self, weight):
        with pytest.raises(ValueError, match=r"(?i)sample.weight"):
            votes().fit(X, Y, sample_weight=weight)


class TestTemperature:
    def test_it_divides_the_cosines(self):
        cosine = np.array([1.0, 0.6, 0.0])
        references = np.column_stack([cosine, np.sqrt(1 - cosine**2)]).astype(np.float32)
        labels = np.eye(3, dtype=int)
        for temperature in (0.1, 1.0, np.float32(7)):
            clf = votes(temperature=temperature).fit(references, labels)
            expected = np.exp(cosine / temperature) / np.exp(cosine / temperature).sum()
            probabilities = clf.predict_proba(np.array([[5.0, 0.0]]))
            np.testing.assert_allclose(probabilities[0], expected, rtol=1e-5)

    @pytest.mark.parametrize("temperature", [1e-320, 1e-30])
    def test_the_lowest_leave_the_nearest_alone(self, temperature):
        clf = votes(temperature=temperature).fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), Y)

    @pytest.mark.parametrize("temperature", [0, -0.1, np.nan, None])
    def test_others_are_refused(self, temperature):
        with pytest.raises(ValueError, match="temperature"):
            votes(temperature=temperature).fit(X, Y)


class TestAfterFit:
    @pytest.mark.parametrize(
        "parameters",
        [
            {"n_neighbors": 3},
            {"n_neighbors": np.int8(50)},
            {"temperature": np.float32(0.5)},
            {"neighbor_weight": np.float16(0.25)},
        ],
        ids=str,
    )
    def test_parameters_apply_at_once(self, parameters):
        clf = votes(n_neighbors=20).fit(X, Y).set_params(**parameters)
        expected = votes(n_neighbors=20).set_params(**parameters).fit(X, Y).predict_proba(X)
        np.testing.assert_array_equal(clf.predict_proba(X), expected)

    @pytest.mark.parametrize("name", ["n_neighbors", "temperature", "neighbor_weight"])
    def test_bad_ones_are_refused(self, name):
        clf = votes().fit(X, Y).set_params(**{name: -1})
        with pytest.raises(ValueError, match=f"'{name}' parameter"):
            clf.predict_proba(X)


class TestActivations:
    @pytest.mark.parametrize("scale", [1e-40, 1e-25, 1e25, 1e37])
    def test_their_scale_has_no_influence(self, scale):
        # Powers of 2 keep the directions, but for what is too small for a float32.
        factor = np.float32(2.0 ** np.round(np.log2(scale)))
        clf = votes().fit(X, Y)
        tolerance = 1e-3 if scale < 1e-37 else 1e-6
        np.testing.assert_allclose(
            clf.predict_proba(X * factor), clf.predict_proba(X), atol=tolerance
        )

    def test_rows_of_zeros_have_the_first_rows_as_neighbours(self):
        clf = votes(n_neighbors=4).fit(X, Y)
        np.testing.assert_allclose(
            clf.predict_proba(np.zeros((1, 24)))[0], Y[:4].mean(axis=0), rtol=1e-6
        )

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (5, "^the network's hidden activations overflow in row 5"),
            (516, "rows 512 to 539 of X, counted from 512: .* overflow in row 4"),
        ],
    )
    def test_infinite_ones_are_refused(self, row, message):
        rows = np.tile(X, (6, 1))
        rows[row, 2] = 1.5
        network = Copying(overflowing=1.5)
        clf = DeepNeighborsClassifier(network).fit(X, Y)
        with pytest.raises(ValueError, match=message):
            clf.predict_proba(rows)
        with pytest.raises(ValueError, match=f"overflow in row {row}"):
            DeepNeighborsClassifier(network).fit(rows, np.tile(Y, (6, 1)))

    def test_alike_training_rows_stay_in_order_in_every_block(self):
        """Which of two alike rows is the last neighbour must not depend on the rows beside."""
        references = np.concatenate([X] * 6)
        labels = np.eye(540, dtype=int)
        clf = votes(n_neighbors=2).fit(references, labels)
        expected = np.eye(540)[:90] + np.eye(540)[90:180]
        whole = clf.predict_proba(references)
        np.testing.assert_array_equal(whole, np.tile(expected / 2, (6, 1)))
        for rows in (slice(0, 1), slice(3, 8), slice(511, 513), slice(13, 540)):
            np.testing.assert_array_equal(clf.predict_proba(references[rows]), whole[rows])


class TestOnePass:
    """A network of this package runs once a block, with the results of two calls."""

    @pytest.mark.parametrize("labels", [Y, Y[:, 0], Y[:, :3].argmax(axis=1)], ids=["Y", "b", "m"])
    def test_the_results_are_those_of_two(self, labels):
        clf = DeepNeighborsClassifier(small(), n_neighbors=5).fit(X, labels)
        network, rows = clf.estimator_, np.tile(X, (6, 1))
        hidden, probabilities = network._hidden_and_probabilities(rows)
        np.testing.assert_array_equal(hidden, network.hidden_activations(rows))
        np.testing.assert_array_equal(probabilities, network.predict_proba(rows))
        expected = clf.predict_proba(rows)
        network.hidden_activations = network.hidden_activations  # takes two calls
        np.testing.assert_array_equal(clf.predict_proba(rows), expected)

    def test_each_row_is_computed_once(self, monkeypatch):
        clf = DeepNeighborsClassifier(small()).fit(X, Y)
        computed, run = [], Predictor._run

        def counting(self, name, rows, *further):
            computed.append((name, len(rows)))
            return run(self, name, rows, *further)

        monkeypatch.setattr(Predictor, "_run", counting)
        clf.predict_proba(np.tile(X, (6, 1)))
        assert computed == [("hidden_and_probabilities", 512), ("hidden_and_probabilities", 28)]

    def test_methods_of_a_subclass_are_called(self):
        class Certain(DeepMultiLabelClassifier):
            def predict_proba(self, X):
                return np.ones_like(super().predict_proba(X))

        clf = DeepNeighborsClassifier(Certain((8,), max_iter=1), neighbor_weight=0.0).fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), 1)

    def test_predictions_that_overflow_are_refused(self):
        network = small(hidden_layer_sizes=(8,), activation="identity", standardize=False)
        clf = DeepNeighborsClassifier(network).fit(X, Y)
        rows = X.copy()
        rows[7] = 3e38
        with pytest.raises(ValueError, match="row 7 of X is not a finite number"):
            clf.predict_proba(rows)


class TestAlgorithm:
    @pytest.mark.parametrize(
        "wrong", [{"algorithm": "hnsw"}, {"algorithm": None}, {"n_probes": 0}, {"n_probes": 1.5}]
    )
    def test_others_are_refused(self, wrong):
        (name,) = wrong
        with pytest.raises(ValueError, match=f"'{name}' parameter"):
            votes(**wrong).fit(X, Y)
        clf = votes().fit(X, Y).set_params(**wrong)
        with pytest.raises(ValueError, match=f"'{name}' parameter"):
            clf.predict_proba(X)

    def test_all_compared_is_exact(self):
        expected = votes().fit(X, Y).predict_proba(X)
        brute = votes(algorithm="brute").fit(X, Y)
        np.testing.assert_array_equal(brute.predict_proba(X), expected)

    def test_without_faiss_nothing_is_trained(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "faiss", None)
        clf = votes(algorithm="ivf")
        with pytest.raises(ImportError, match="algorithm='auto' needs nothing"):
            clf.fit(X, Y)
        assert not hasattr(clf, "estimator_")

    def test_inverted_lists_survive_files_and_pickles(self, tmp_path):
        pytest.importorskip("faiss", reason="faiss is optional")
        rows, labels = np.tile(X, (8, 1)), np.tile(Y, (8, 1))
        rows = (rows + rng.normal(size=rows.shape)).astype(np.float32)
        clf = DeepNeighborsClassifier(small(), n_neighbors=5, algorithm="ivf", n_probes=np.int8(2))
        expected = clone(clf).fit(rows, labels).predict_proba(X)
        fitted = clf.fit(rows, labels)
        np.testing.assert_array_equal(fitted.predict_proba(X), expected)
        assert (fitted.predict_proba(X) != votes().fit(rows, labels).predict_proba(X)).any()
        fitted.save(tmp_path / "clf.safetensors")
        for again in (load(tmp_path / "clf.safetensors"), pickle.loads(pickle.dumps(fitted))):
            assert (again.algorithm, again.n_probes) == ("ivf", 2)
            np.testing.assert_array_equal(again.predict_proba(X), expected)

    def test_files_without_the_parameters_have_the_defaults(self, tmp_path, monkeypatch):
        clf = DeepNeighborsClassifier(small()).fit(X, Y)
        saved = clf._to_saved()
        for name in ("algorithm", "n_probes"):
            del saved.parameters[name]
        monkeypatch.setattr(clf, "_to_saved", lambda: saved)
        clf.save(tmp_path / "clf.safetensors")
        again = load(tmp_path / "clf.safetensors")
        assert (again.algorithm, again.n_probes) == ("auto", 64)
        np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
