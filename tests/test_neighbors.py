"""The neighbours of DeepNeighborsClassifier, with a network that does nothing."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from ensemble_parts import Copying
from small_problem import small

from sk_yt8m import DeepNeighborsClassifier

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
            (260, "rows 256 to 269 of X, counted from 256: .* overflow in row 4"),
        ],
    )
    def test_infinite_ones_are_refused(self, row, message):
        rows = np.tile(X, (3, 1))
        rows[row, 2] = 1.5
        network = Copying(overflowing=1.5)
        clf = DeepNeighborsClassifier(network).fit(X, Y)
        with pytest.raises(ValueError, match=message):
            clf.predict_proba(rows)
        with pytest.raises(ValueError, match=f"overflow in row {row}"):
            DeepNeighborsClassifier(network).fit(rows, np.tile(Y, (3, 1)))

    def test_alike_training_rows_stay_in_order_in_every_block(self):
        """Which of two alike rows is the last neighbour must not depend on the rows beside."""
        references = np.concatenate([X, X, X])
        labels = np.eye(270, dtype=int)
        clf = votes(n_neighbors=2).fit(references, labels)
        expected = np.eye(270)[:90] + np.eye(270)[90:180]
        whole = clf.predict_proba(references)
        np.testing.assert_array_equal(whole, np.tile(expected / 2, (3, 1)))
        for rows in (slice(0, 1), slice(3, 8), slice(255, 257), slice(13, 270)):
            np.testing.assert_array_equal(clf.predict_proba(references[rows]), whole[rows])
