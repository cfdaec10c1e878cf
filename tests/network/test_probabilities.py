"""Probabilities of log-odds of any size."""

from functools import partial

import numpy as np
import pytest
from small_problem import X, Y, small, weights_of

from sk_yt8m._tensorflow import products_keep_order

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
    """Return a classifier with more weights than are multiplied in float64 anywhere."""
    return small(hidden_layer_sizes=(370, 370), max_iter=1).fit(X, Y)


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "hidden_activations"])
@pytest.mark.parametrize("pieces", [1, 2, 7, 64, 99])
def test_the_rows_beside_change_rounding_at_most(large, method, pieces):
    predict = getattr(large, method)
    apart = np.vstack([predict(X[i : i + pieces]) for i in range(0, len(X), pieces)])
    together = predict(np.tile(X, (9, 1)))[: len(X)]
    np.testing.assert_allclose(apart, together, rtol=1e-6, atol=1e-6)
    if products_keep_order():
        np.testing.assert_array_equal(apart, together)
