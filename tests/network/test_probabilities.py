"""Probabilities of log-odds of any size."""

from functools import partial

import numpy as np
import pytest
from small_problem import X, Y, small, weights_in, weights_of

linear = partial(small, hidden_layer_sizes=(), standardize=False, max_iter=1)


def shifted(clf, shift):
    """Return rows with that much more in the first log-odds of a linear model."""
    direction = weights_of(clf)["output/kernel"][:, 0].astype(np.float64)
    return (X + shift * direction / (direction @ direction)).astype(np.float32)


class TestProbabilities:
    @pytest.mark.parametrize("predict_precision", ["float32", "bfloat16"])
    @pytest.mark.parametrize("shift", [-300, -100, -40, -17, 0, 17, 40, 100, 300])
    @pytest.mark.parametrize("y", [Y[:, 0], Y[:, :4].sum(axis=1), Y], ids=["2", "5", "labels"])
    def test_they_are_strictly_inside_0_and_1(self, y, shift, predict_precision):
        clf = linear(predict_precision=predict_precision).fit(X, y)
        rows = shifted(clf, shift)
        probabilities = clf.predict_proba(rows)
        assert probabilities.dtype == np.float32
        assert probabilities.min() > 0
        assert probabilities.max() < 1
        scores = clf.predict_top_k(rows, k=2).scores
        assert scores.dtype == np.float32
        assert 0 < scores.min() <= scores.max() < 1
        np.testing.assert_array_equal(scores, -np.sort(-probabilities, axis=1)[:, :2])
        if y.ndim == 1:
            np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
            np.testing.assert_array_equal(
                clf.classes_[probabilities.argmax(axis=1)], clf.predict(rows)
            )

    def test_small_probabilities_are_not_rounded_up(self):
        clf = linear().fit(X, Y[:, 0])
        rows = shifted(clf, -40)
        log_odds = clf.decision_function(rows)
        assert log_odds.max() < -30
        np.testing.assert_allclose(clf.predict_proba(rows)[:, 1], np.exp(log_odds), rtol=1e-4)


@pytest.fixture(scope="module")
def large():
    """Return a classifier with more weights than are multiplied in float64."""
    return small(hidden_layer_sizes=(800, 800), max_iter=1).fit(X, Y)


@pytest.fixture(scope="module", params=["relu", "gelu", "silu", "tanh", "logistic", "identity"])
def tiny(request):
    """Return a classifier that predicts in float64."""
    return small(activation=request.param, max_iter=1).fit(X, Y)


def apart_and_together(predict, pieces):
    """Return what is predicted of some rows at a time, and of all among 8,000 others."""
    apart = np.vstack([predict(X[i : i + pieces]) for i in range(0, len(X), pieces)])
    return apart, predict(np.tile(X, (80, 1)))[: len(X)]


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "hidden_activations"])
@pytest.mark.parametrize("pieces", [1, 2, 7, 64, 99])
class TestOtherRowsBeside:
    def test_they_change_rounding_at_most(self, large, method, pieces):
        apart, together = apart_and_together(getattr(large, method), pieces)
        tolerance = 1e-6 if method == "predict_proba" else 1e-5
        np.testing.assert_allclose(apart, together, rtol=tolerance, atol=tolerance)

    def test_they_change_nothing_of_small_networks(self, tiny, method, pieces):
        apart, together = apart_and_together(getattr(tiny, method), pieces)
        np.testing.assert_array_equal(apart, together)


@pytest.mark.parametrize("n_rows", [1, 3])
def test_top_k_of_few_rows(large, tiny, n_rows):
    for clf in (large, tiny):
        whole = clf.predict_top_k(np.tile(X, (80, 1)), k=3)
        few = clf.predict_top_k(X[:n_rows], k=3)
        np.testing.assert_array_equal(few.indices, whole.indices[:n_rows])
        np.testing.assert_allclose(few.scores, whole.scores[:n_rows], rtol=1e-6)


def test_ties_go_to_the_first_label_in_few_rows_too():
    clf = small(hidden_layer_sizes=(), max_iter=1, output_bias_init="zeros").fit(X, Y)
    weights = weights_in(clf)
    weights.update({name: np.zeros_like(weights[name]) for name in weights if "output" in name})
    assert clf.predict_top_k(X[:1], k=3).indices.tolist() == [[0, 1, 2]]
