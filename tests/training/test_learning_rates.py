"""The learning rate of each step."""

import numpy as np
import pytest

from sk_yt8m._training import schedule


class TestLearningRates:
    def test_cosine(self):
        rates = schedule.learning_rates("cosine", 0.5, 0.1, range(100), 100)
        assert (np.diff(rates[:10]) > 0).all()
        assert rates[10] == pytest.approx(0.5)
        assert (np.diff(rates[10:]) < 0).all()
        assert rates[-1] < 0.001
        np.testing.assert_array_equal(
            rates[40:60], schedule.learning_rates("cosine", 0.5, 0.1, range(40, 60), 100)
        )

    def test_constant(self):
        np.testing.assert_allclose(schedule.learning_rates("constant", 0.5, 0.0, range(3), 3), 0.5)
