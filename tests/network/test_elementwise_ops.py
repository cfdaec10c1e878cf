"""The compiled operations of a training step do what their plain formulas say."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, log_softmax, softmax

from sk_yt8m._network import elementwise_ops, losses

LOGITS = np.array([[2.0, -1.0, 0.5], [30.0, -90.0, 3.0], [0.0, 0.1, -5.0]], dtype=np.float32)
WEIGHTS = np.array([1.0, 2.0, 0.5], dtype=np.float32)
BIAS = np.array([1.0, -2.0, 0.25], dtype=np.float32)
FACTOR = 0.25


def evaluate(out_activation: str, dense: np.ndarray, fused: bool):
    rows, labels = np.nonzero(dense)
    positions = np.concatenate([np.stack([rows, labels], axis=1), np.zeros((2, 2))])
    position_weights = np.concatenate([WEIGHTS[rows], np.zeros(2)]).astype(np.float32)
    value, gradient = losses.cross_entropy(
        elementwise_ops.row_ops(fused).losses[out_activation],
        tf.constant(LOGITS - BIAS),
        tf.constant(BIAS),
        tf.constant(WEIGHTS),
        tf.constant(positions.astype(np.int32)),
        tf.constant(position_weights),
        tf.constant(FACTOR),
    )
    return value.numpy(), gradient.numpy()


@pytest.fixture(params=[False, True], ids=["as they are", "compiled"])
def fused(request):
    """Whether XLA compiles the ops."""
    return request.param


def test_binary_cross_entropy(fused):
    dense = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])
    value, gradient = evaluate("logistic", dense, fused)
    cells = np.logaddexp(0, LOGITS) - dense * LOGITS
    assert value == pytest.approx((cells.sum(axis=1) * WEIGHTS).sum(), rel=1e-6)
    expected = (expit(LOGITS) - dense) * WEIGHTS[:, np.newaxis] * FACTOR
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


def test_categorical_cross_entropy(fused):
    one_hot = np.eye(3)[[2, 0, 1]]
    value, gradient = evaluate("softmax", one_hot, fused)
    rows = -(one_hot * log_softmax(LOGITS, axis=1)).sum(axis=1)
    assert value == pytest.approx((rows * WEIGHTS).sum(), rel=1e-6)
    expected = (softmax(LOGITS, axis=1) - one_hot) * WEIGHTS[:, np.newaxis] * FACTOR
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


def dropout_of(seed, rate):
    """Return the dropout of a share of the values."""
    threshold = tf.constant(round(rate * 2**32), tf.uint32)
    return elementwise_ops.Dropout(
        tf.constant(seed, tf.uint32), threshold, tf.constant(1 / (1 - rate))
    )


def slopes_of_softmax(products):
    """Return the slopes for one positive in each row, without cancellation."""
    logits = products.astype(np.float64)
    slopes = softmax(logits, axis=1)
    for row, label in ((0, 0), (1, 1)):
        slopes[row, label] = -np.delete(slopes[row], label).sum()
    return slopes


def slopes_in_bfloat16(out_activation, products, weights, positions, padding):
    positions = np.array([*positions, *[[0, 0]] * padding], dtype=np.int32)
    position_weights = [*weights[positions[: len(positions) - padding, 0]], *[0.0] * padding]
    _, gradient = losses.cross_entropy(
        elementwise_ops.row_ops(False).losses[out_activation],
        tf.constant(products, tf.bfloat16),
        tf.zeros(3),
        tf.constant(weights),
        tf.constant(positions),
        tf.constant(position_weights, tf.float32),
        tf.constant(1 / 512, tf.float32),
    )
    return tf.cast(gradient, tf.float32).numpy()


@pytest.mark.parametrize("padding", [0, 3])
class TestSlopesOfConfidentPositivesInBfloat16:
    """They are rounded once; the difference of two rounded numbers would be 0 or far off.

    (0, 0) is a positive, too, and all padding points at it.
    """

    weights = np.array([1.0, 1.7], dtype=np.float32)

    def test_of_labels(self, padding):
        products = np.array([[8.0, 1.0, -3.0], [5.5, 12.0, 0.5]], dtype=np.float32)
        positions = [[0, 0], [1, 0], [1, 1]]
        found = slopes_in_bfloat16("logistic", products, self.weights, positions, padding)
        signs = np.array([[-1, 1, 1], [-1, -1, 1]])
        expected = signs * expit(signs * products) * self.weights[:, np.newaxis] / 512
        np.testing.assert_allclose(found, expected, rtol=2**-8)

    def test_of_classes(self, padding):
        products = np.array([[8.0, 1.0, -3.0], [2.0, 12.0, 0.5]], dtype=np.float32)
        positions = [[0, 0], [1, 1]]
        found = slopes_in_bfloat16("softmax", products, self.weights, positions, padding)
        expected = slopes_of_softmax(products) * self.weights[:, np.newaxis] / 512
        # The logarithm of a probability near 1 has the rounding errors of its logit.
        np.testing.assert_allclose(found, expected, rtol=2**-6)


@pytest.mark.parametrize("positions", [[[0, 0], [0, 0]], [[1, 1], [0, 0]]])
def test_padding_changes_no_slope(positions):
    """Also without a positive, and next to a positive of a row of weight 0."""
    weights = tf.constant([1.0, 0.0])
    _, gradient = losses.cross_entropy(
        elementwise_ops.row_ops(False).losses["logistic"],
        tf.constant(LOGITS[:2], tf.bfloat16),
        tf.zeros(3),
        weights,
        tf.constant(positions, tf.int32),
        tf.zeros(2),
        tf.constant(1.0),
    )
    expected = expit(LOGITS[:2]) * weights[:, np.newaxis]
    np.testing.assert_allclose(tf.cast(gradient, tf.float32), expected, rtol=2**-8)


class TestDropout:
    @pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
    def test_the_mask_is_a_fair_function_of_the_seed(self, rate):
        def mask(seed):
            dropout = dropout_of(seed, rate)
            shape = tf.constant([512, 300])
            return elementwise_ops.dropout_mask(shape, dropout.seed, dropout.threshold).numpy()

        one = mask(7)
        np.testing.assert_array_equal(one, mask(7))
        assert one.mean() == pytest.approx(1 - rate, abs=0.006)
        # Rows, columns and successive seeds behave as if they were independent.
        assert one.mean(axis=0).std() == pytest.approx((rate * (1 - rate) / 512) ** 0.5, rel=0.2)
        assert one.mean(axis=1).std() == pytest.approx((rate * (1 - rate) / 300) ** 0.5, rel=0.2)
        for other in (mask(8), mask(7 + 0x85EBCA6B), np.roll(one, 1, axis=0), np.roll(one, 1)):
            assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01

    def test_the_mean_stays(self):
        values = tf.ones([400, 400])
        out = elementwise_ops.drop(values, dropout_of(1, 0.4)).numpy()
        np.testing.assert_allclose(np.unique(out), [0.0, 1 / 0.6], rtol=1e-6)
        assert out.mean() == pytest.approx(1, abs=0.01)
        assert elementwise_ops.drop(values, None) is values


@pytest.mark.parametrize("name", ["identity", "logistic", "tanh", "relu", "gelu", "silu"])
@pytest.mark.parametrize("normalized", [False, True])
def test_hidden_units(name, normalized, fused):
    rng = np.random.default_rng(0)
    products = tf.constant(rng.normal(1, 2, (64, 10)), tf.float32)
    scale, offset = (tf.constant(rng.normal(1, 0.3, 10), tf.float32) for _ in range(2))
    upstream = tf.constant(rng.normal(size=(64, 10)), tf.float32)
    dropout = dropout_of(3, 0.3)
    mask = elementwise_ops.dropout_mask(tf.constant([64, 10]), dropout.seed, dropout.threshold)
    mask = tf.cast(mask, tf.float32) / 0.7

    def plain(products, scale, offset):
        values = products
        if normalized:
            mean, variance = tf.nn.moments(products, [0])
            values = (products - mean) / tf.sqrt(variance + 1e-3) * scale
        return elementwise_ops.activation(name)(values + offset) * mask

    ops = elementwise_ops.unit_ops(name, normalized, fused)
    arguments = [products, scale, offset]
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        expected = plain(*arguments)
    outputs, mean, variance = ops.forward(*arguments, dropout)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    if normalized:
        np.testing.assert_allclose(mean, products.numpy().mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(variance, products.numpy().var(axis=0), rtol=1e-4)
    gradients = ops.backward(*arguments, dropout, upstream)
    for one, other in zip(gradients, tape.gradient(expected, arguments, upstream), strict=True):
        assert (one is None) == (other is None)
        if other is not None:
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("share", [0.0, 1e-4, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("slope", [0.0, -1.0, 1e18])
def test_weight_decay_is_exact_whatever_the_gradient(share, slope):
    weights = np.array([[3.0, -2.0], [1e-3, 0.0]], dtype=np.float32)
    variable = tf.Variable(weights)
    elementwise_ops._shrink(variable, tf.constant(share), tf.fill([2, 2], slope))
    expected = weights.astype(np.float64) * (1 - share)
    np.testing.assert_allclose(variable.numpy(), expected, rtol=5e-7, atol=5e-7)
