"""AdamW and the moving average of the weights."""

import numpy as np
import tensorflow as tf

from sk_yt8m._training import adamw


class TestOptimizer:
    def run(self, n_steps, **options):
        rng = np.random.default_rng(0)
        start = [rng.normal(size=shape).astype(np.float32) for shape in ((4, 3), (3,))]
        gradients = rng.normal(size=(n_steps, 15)).astype(np.float32)
        variables = [tf.Variable(value) for value in start]
        defaults = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8}
        optimizer = adamw.AdamW(variables, tf.Variable(0, dtype=tf.int64), **defaults, **options)

        @tf.function
        def step(flat, rate):
            optimizer.apply([tf.reshape(flat[:12], (4, 3)), flat[12:]], rate)

        for i, flat in enumerate(gradients):
            step(tf.constant(flat), tf.constant(0.1 / (i + 1)))
        return start, gradients, variables, optimizer

    def test_it_is_adamw(self):
        start, gradients, variables, _ = self.run(5, weight_decay=0.3, ema_decay=None)
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

    def test_the_average_follows(self):
        _, _, variables, optimizer = self.run(200, weight_decay=0.0, ema_decay=0.9)
        for variable, average in zip(variables, optimizer.averages, strict=True):
            np.testing.assert_allclose(average.numpy(), variable.numpy(), atol=0.02)
            assert (average.numpy() != variable.numpy()).any()

    def test_the_first_steps_are_all_averaged(self):
        start, _, variables, optimizer = self.run(1, weight_decay=0.0, ema_decay=0.9)
        keep = 2 / 11
        for value, variable, average in zip(start, variables, optimizer.averages, strict=True):
            expected = keep * value + (1 - keep) * variable.numpy()
            np.testing.assert_allclose(average.numpy(), expected, rtol=1e-5)
