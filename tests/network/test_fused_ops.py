"""The compiled operations of a training step do what their plain formulas say."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

LOGITS = np.array([[2.0, -1.0, 0.5], [30.0, -90.0, 3.0], [0.0, 0.1, -5.0]], dtype=np.float32)
WEIGHTS = np.array([1.0, 2.0, 0.5], dtype=np.float32)
BIAS = np.array([1.0, -2.0, 0.25], dtype=np.float32)
FACTOR = 0.25


def evaluate(out_activation: str, dense: np.ndarray):
    from sk_yt8m._network.losses import cross_entropy
    from sk_yt8m._tensorflow import tf

    rows, labels = np.nonzero(dense)
    positions = np.concatenate([np.stack([rows, labels], axis=1), np.zeros((2, 2))])
    position_weights = np.concatenate([WEIGHTS[rows], np.zeros(2)]).astype(np.float32)
    value, gradient = cross_entropy(
        out_activation,
        tf.constant(LOGITS - BIAS),
        tf.constant(BIAS),
        tf.constant(WEIGHTS),
        tf.constant(positions.astype(np.int32)),
        tf.constant(position_weights),
        tf.constant(FACTOR),
    )
    return value.numpy(), gradient.numpy()


def test_binary_cross_entropy():
    dense = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])
    value, gradient = evaluate("logistic", dense)
    cells = np.logaddexp(0, LOGITS) - dense * LOGITS
    assert value == pytest.approx((cells.sum(axis=1) * WEIGHTS).sum(), rel=1e-6)
    expected = (expit(LOGITS) - dense) * WEIGHTS[:, np.newaxis] * FACTOR
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


def test_categorical_cross_entropy():
    one_hot = np.eye(3)[[2, 0, 1]]
    value, gradient = evaluate("softmax", one_hot)
    rows = -(one_hot * log_softmax(LOGITS, axis=1)).sum(axis=1)
    assert value == pytest.approx((rows * WEIGHTS).sum(), rel=1e-6)
    expected = (softmax(LOGITS, axis=1) - one_hot) * WEIGHTS[:, np.newaxis] * FACTOR
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


class TestDropout:
    @pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
    def test_the_mask_is_a_fair_function_of_the_seed(self, rate):
        from sk_yt8m._network.fused_ops import kept
        from sk_yt8m._tensorflow import tf

        def mask(seed):
            return kept(tf.constant([512, 300]), tf.constant(seed, tf.uint32), rate).numpy()

        one = mask(7)
        np.testing.assert_array_equal(one, mask(7))
        assert one.mean() == pytest.approx(1 - rate, abs=0.006)
        # Rows, columns and successive seeds behave as if they were independent.
        assert one.mean(axis=0).std() == pytest.approx((rate * (1 - rate) / 512) ** 0.5, rel=0.2)
        assert one.mean(axis=1).std() == pytest.approx((rate * (1 - rate) / 300) ** 0.5, rel=0.2)
        for other in (mask(8), mask(7 + 0x85EBCA6B), np.roll(one, 1, axis=0), np.roll(one, 1)):
            assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01

    def test_the_mean_stays(self):
        from sk_yt8m._network.fused_ops import dropped
        from sk_yt8m._tensorflow import tf

        values = tf.ones([400, 400])
        out = dropped(values, tf.constant(1, tf.uint32), 0.4).numpy()
        np.testing.assert_allclose(np.unique(out), [0.0, 1 / 0.6], rtol=1e-6)
        assert out.mean() == pytest.approx(1, abs=0.01)
        assert dropped(values, tf.constant(1, tf.uint32), 0.0) is values


@pytest.mark.parametrize("name", ["identity", "logistic", "tanh", "relu", "gelu", "silu"])
@pytest.mark.parametrize("epsilon", [None, 1e-3])
def test_hidden_units(name, epsilon):
    from sk_yt8m._network.fused_ops import activation, kept, unit_kernels
    from sk_yt8m._tensorflow import tf

    rng = np.random.default_rng(0)
    products = tf.constant(rng.normal(1, 2, (64, 10)), tf.float32)
    scale, offset = (tf.constant(rng.normal(1, 0.3, 10), tf.float32) for _ in range(2))
    upstream = tf.constant(rng.normal(size=(64, 10)), tf.float32)
    seed = tf.constant(3, tf.uint32)
    mask = tf.cast(kept(tf.constant([64, 10]), seed, 0.3), tf.float32) / 0.7

    def plain(products, scale, offset):
        values = products
        if epsilon is not None:
            mean, variance = tf.nn.moments(products, [0])
            values = (products - mean) / tf.sqrt(variance + epsilon) * scale
        return activation(name)(values + offset) * mask

    kernels = unit_kernels(name, 0.3, epsilon)
    arguments = [products, scale, offset]
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        expected = plain(*arguments)
    outputs, mean, variance = kernels.forward(*arguments, seed)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    if epsilon is not None:
        np.testing.assert_allclose(mean, products.numpy().mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(variance, products.numpy().var(axis=0), rtol=1e-4)
    gradients = kernels.backward(*arguments, seed, upstream)
    for one, other in zip(gradients, tape.gradient(expected, arguments, upstream), strict=True):
        if other is not None:
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("batch_normalization", [False, True])
@pytest.mark.parametrize(
    ("hidden_layer_sizes", "n_heads"), [((), 1), ((6,), 1), ((7, 6, 5), 1), ((5, 6), 3)]
)
def test_backpropagation_is_the_automatic_gradient(
    hidden_layer_sizes, n_heads, batch_normalization
):
    from sk_yt8m._network.architecture import Architecture
    from sk_yt8m._network.gradients import loss_and_gradients
    from sk_yt8m._network.parameters import build_network, fold, initial_weights, set_weights
    from sk_yt8m._tensorflow import tf

    rng = np.random.default_rng(0)
    architecture = Architecture(
        4, hidden_layer_sizes, 3, "tanh", batch_normalization, 0.0, 0.0, True
    )
    network, *_ = build_network(architecture, "float32")
    moments = rng.normal(size=4), rng.uniform(0.5, 2, 4)
    set_weights(network, initial_weights(architecture, moments, rng.normal(size=3), seed=0))
    features = tf.constant(rng.normal(size=(16, 4)), tf.float32)
    target = tf.constant(rng.normal(size=(16, 3)), tf.float32)
    variables = [variable.value for variable in network.trainable_variables]

    def squares(products, bias):
        error = products + bias - target
        return tf.reduce_sum(error**2), 2 * error

    value, gradients = loss_and_gradients(network, features, squares, n_heads)
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
    for one, other in zip(gradients, tape.gradient(expected, variables), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    assert fold(architecture, {v.path: v.value.numpy() for v in network.weights}).kernels


class TestOptimizer:
    def run(self, n_steps, **options):
        from sk_yt8m._tensorflow import tf
        from sk_yt8m._training.adamw import AdamW

        rng = np.random.default_rng(0)
        start = [rng.normal(size=shape).astype(np.float32) for shape in ((4, 3), (3,))]
        gradients = rng.normal(size=(n_steps, 15)).astype(np.float32)
        variables = [tf.Variable(value) for value in start]
        defaults = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8}
        optimizer = AdamW(variables, tf.Variable(0, dtype=tf.int64), **defaults, **options)

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


class TestLearningRates:
    def test_cosine(self):
        from sk_yt8m._training.adamw import learning_rates

        rates = learning_rates("cosine", 0.5, 0.1, range(100), 100)
        assert (np.diff(rates[:10]) > 0).all()
        assert rates[10] == pytest.approx(0.5)
        assert (np.diff(rates[10:]) < 0).all()
        assert rates[-1] < 0.001
        np.testing.assert_array_equal(
            rates[40:60], learning_rates("cosine", 0.5, 0.1, range(40, 60), 100)
        )

    def test_constant(self):
        from sk_yt8m._training.adamw import learning_rates

        np.testing.assert_allclose(learning_rates("constant", 0.5, 0.0, range(3), 3), 0.5)
