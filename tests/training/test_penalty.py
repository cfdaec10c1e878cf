"""The penalty on the weights, `alpha`."""

import pytest
from small_problem import N, X, Y, small, weights_of


class TestPenalty:
    @pytest.mark.parametrize("loss_reduction", ["sum", "mean"])
    @pytest.mark.parametrize("batch_size", [30, N])
    @pytest.mark.parametrize("y", [Y, Y[:, 0], Y[:, :3].sum(axis=1)], ids=["labels", "2", "4"])
    def test_it_is_in_the_loss(self, loss_reduction, batch_size, y):
        still = {"learning_rate_init": 1e-30, "max_iter": 1, "batch_size": batch_size}
        options = still | {"loss_reduction": loss_reduction, "weight_decay": 0.0}
        without, held = (small(alpha=alpha, **options).fit(X, y) for alpha in (0.0, 3.0))
        weights = weights_of(held)
        squares = sum((w**2).sum() for name, w in weights.items() if name.endswith("kernel"))
        size = -(-N // -(-N // batch_size))
        expected = without.loss_ + 3.0 / 2 * squares / size
        assert held.loss_ == pytest.approx(expected, rel=1e-4)
