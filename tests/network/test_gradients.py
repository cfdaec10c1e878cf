"""The written-out gradient of a network is the automatic one."""

import numpy as np
import pytest
import tensorflow as tf

from sk_yt8m._network import architecture, gradients, layers, parameters


@pytest.mark.parametrize("batch_normalization", [False, True])
@pytest.mark.parametrize(
    ("hidden_layer_sizes", "n_heads"), [((), 1), ((6,), 1), ((7, 6, 5), 1), ((5, 6), 3)]
)
def test_backpropagation_is_the_automatic_gradient(
    hidden_layer_sizes, n_heads, batch_normalization
):
    rng = np.random.default_rng(0)
    shape = architecture.Architecture(
        4, hidden_layer_sizes, 3, "tanh", batch_normalization, 0.0, 0.0, True
    )
    network = layers.TrainableNetwork(shape, "float32")
    moments = rng.normal(size=4), rng.uniform(0.5, 2, 4)
    network.set(parameters.initial_weights(shape, moments, rng.normal(size=3), seed=0))
    features = tf.constant(rng.normal(size=(16, 4)), tf.float32)
    target = tf.constant(rng.normal(size=(16, 3)), tf.float32)
    variables = network.trained

    def squares(products, bias):
        error = products + bias - target
        return tf.reduce_sum(error**2), 2 * error

    value, found = gradients.loss_and_gradients(
        network, features, squares, n_heads, [None] * (len(hidden_layer_sizes) + 1), 0.0
    )
    with tf.GradientTape() as tape:
        h = (features - moments[0].astype(np.float32)) / moments[1].astype(np.float32)
        rest = iter(variables)
        for _ in hidden_layer_sizes:
            h = h @ next(rest)
            if batch_normalization:
                mean, variance = tf.nn.moments(h, [0])
                h = (h - mean) / tf.sqrt(variance + 1e-3) * next(rest) + next(rest)
            else:
                h = h + next(rest)
            h = tf.tanh(h)
        kernel, bias = rest
        parts = zip(tf.split(h, n_heads, axis=1), tf.split(kernel, n_heads), strict=True)
        logits = tf.stack([n_heads * part @ block + bias for part, block in parts])
        expected = tf.reduce_sum((logits - target) ** 2) / n_heads
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    for one, other in zip(found, tape.gradient(expected, variables), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
