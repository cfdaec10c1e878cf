"""AdamW and the moving average of the weights."""

import numpy as np
import pytest
import tensorflow as tf

from sk_yt8m._training import adamw
from sk_yt8m._training.steps import numbers


@pytest.mark.parametrize("fused", [False, True], ids=["as it is", "compiled"])
class TestOptimizer:
    def run(self, fused, n_steps, weight_decay, ema_decay):
        rng = np.random.default_rng(0)
        start = [rng.normal(size=shape).astype(np.float32) for shape in ((4, 3), (3,))]
        gradients = rng.normal(size=(n_steps, 15)).astype(np.float32)
        variables = [tf.Variable(value) for value in start]
        options = numbers.StepOptions(
            out_activation="logistic",
            precision="float32",
            loss_reduction="sum",
            n_heads=1,
            alpha=0.0,
            weight_decay=weight_decay,
            ema_decay=ema_decay,
            beta_1=0.9,
            beta_2=0.99,
            epsilon=1e-8,
            dropout=0.0,
            input_dropout=0.0,
        )
        optimizer = adamw.AdamW(variables, averaged=ema_decay is not None, fused=fused)
        optimizer.reset()
        rates = (0.1 / np.arange(1, n_steps + 1)).astype(np.float32)

        @tf.function
        def step(flat, row):
            of_step = numbers.StepNumbers(*tf.unstack(row))
            optimizer.apply([tf.reshape(flat[:12], (4, 3)), flat[12:]], of_step)

        for flat, row in zip(gradients, numbers.step_numbers(options, 3, 0, rates), strict=True):
            step(tf.constant(flat), tf.constant(row))
        return start, gradients, variables, optimizer

    def test_it_is_adamw(self, fused):
        start, gradients, variables, _ = self.run(fused, 5, weight_decay=0.3, ema_decay=None)
        for value, columns, decay, variable in zip(
            start, (slice(0, 12), slice(12, 15)), (0.3, 0.0), variables, strict=True
        ):
            x = value.astype(np.float64)
            m, v = np.zeros_like(x), np.zeros_like(x)
            for i, flat in enumerate(gradients.astype(np.float64)):
                g, rate = flat[columns].reshape(x.shape), 0.1 / (i + 1)
                m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
                corrected = m / (1 - 0.9 ** (i + 1)), v / (1 - 0.99 ** (i + 1))
                x = x * (1 - rate * decay) - rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
            np.testing.assert_allclose(variable.numpy(), x, rtol=1e-4, atol=1e-6)

    def test_the_average_follows(self, fused):
        _, _, variables, optimizer = self.run(fused, 200, weight_decay=0.0, ema_decay=0.9)
        for variable, average in zip(variables, optimizer.averages, strict=True):
            np.testing.assert_allclose(average.numpy(), variable.numpy(), atol=0.02)
            assert (average.numpy() != variable.numpy()).any()

    def test_the_first_steps_are_all_averaged(self, fused):
        start, _, variables, optimizer = self.run(fused, 1, weight_decay=0.0, ema_decay=0.9)
        keep = 2 / 11
        for value, variable, average in zip(start, variables, optimizer.averages, strict=True):
            expected = keep * value + (1 - keep) * variable.numpy()
            np.testing.assert_allclose(average.numpy(), expected, rtol=1e-5)
