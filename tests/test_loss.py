"""The loss from sparse positions is the loss of the dense indicator."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

LOGITS = np.array([[2.0, -1.0, 0.5], [30.0, -40.0, 3.0], [0.0, 0.1, -5.0]], dtype=np.float32)
DENSE = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]], dtype=np.float32)
WEIGHTS = np.array([1.0, 2.0, 0.5], dtype=np.float32)


def evaluate(loss, dense, weights):
    from sk_yt8m._runtime import tf

    rows, labels = np.nonzero(dense)
    positions = np.concatenate([np.stack([rows, labels], axis=1), np.zeros((2, 2))])
    position_weights = np.concatenate([weights[rows], np.zeros(2)]).astype(np.float32)
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(
            logits,
            tf.constant(weights),
            tf.constant(positions.astype(np.int32)),
            tf.constant(position_weights),
        )
    return value.numpy(), tape.gradient(value, logits).numpy()


def test_sigmoid_cross_entropy():
    from sk_yt8m._loss import sigmoid_cross_entropy

    value, gradient = evaluate(sigmoid_cross_entropy, DENSE, WEIGHTS)
    cells = np.logaddexp(0, LOGITS) - DENSE * LOGITS
    assert value == pytest.approx((cells.sum(axis=1) * WEIGHTS).sum(), rel=1e-6)
    expected = (expit(LOGITS) - DENSE) * WEIGHTS[:, np.newaxis]
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


def test_softmax_cross_entropy():
    from sk_yt8m._loss import softmax_cross_entropy

    one_hot = np.eye(3, dtype=np.float32)[[2, 0, 1]]
    value, gradient = evaluate(softmax_cross_entropy, one_hot, WEIGHTS)
    rows = -(one_hot * log_softmax(LOGITS, axis=1)).sum(axis=1)
    assert value == pytest.approx((rows * WEIGHTS).sum(), rel=1e-6)
    expected = (softmax(LOGITS, axis=1) - one_hot) * WEIGHTS[:, np.newaxis]
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)
