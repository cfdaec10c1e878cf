"""The layers of the training network that Keras has only in a slower or less repeatable form."""

from typing import Any

from sk_yt8m._runtime import keras, tf


def ramped(decay: float, step: Any) -> Any:
    """Return the decay of a running mean: small at first, so that its start is forgotten."""
    step = tf.cast(step, tf.float32)
    return tf.minimum(decay, (1.0 + step) / (10.0 + step))


class Standardization(keras.layers.Layer):
    """Subtract a fixed mean and multiply by a fixed scale, in float32."""

    def build(self, input_shape: Any) -> None:
        """Make room for the moments, which come from the training data."""
        size = (input_shape[-1],)
        self.mean = self.add_weight(name="mean", shape=size, initializer="zeros", trainable=False)
        self.scale = self.add_weight(name="scale", shape=size, initializer="ones", trainable=False)

    def call(self, inputs: Any) -> Any:
        """Return the standardised inputs."""
        return (inputs - self.mean) * self.scale


class StatelessDropout(keras.layers.Layer):
    """Dropout whose mask is a function of a seed and the step, with a byte of chance a cell.

    A run that was interrupted draws the same masks when it goes on, and a quarter of the random
    numbers suffices. The rate is rounded to 1/256.
    """

    def __init__(self, rate: float, seed: int, step: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.threshold = min(255, round(rate * 256))
        self.seed = seed
        self.step = step

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, in training with some of them at zero and the others scaled up."""
        if not training or self.threshold == 0:
            return inputs
        shape = tf.shape(inputs)
        n_words = (shape[0] * shape[1] + 3) // 4
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(self.step, tf.int64)])
        words = tf.random.stateless_uniform(
            [n_words], seed, minval=None, maxval=None, dtype=tf.uint32
        )
        chance = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[: shape[0] * shape[1]]
        kept = tf.cast(tf.reshape(chance, shape) >= self.threshold, inputs.dtype)
        return inputs * (kept * tf.cast(256 / (256 - self.threshold), inputs.dtype))


class BatchNorm(keras.layers.Layer):
    """Batch normalisation of (batch, features) by TensorFlow's fused kernel.

    The running moments start from the first batches and not from (0, 1), so that a short
    training ends with the right ones.
    """

    def __init__(self, step: Any, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs: Any):
        super().__init__(**kwargs)
        self.step = step
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Create scale, offset and running moments, all in float32."""
        size = (input_shape[-1],)
        for name, value, trainable in (
            ("gamma", "ones", True),
            ("beta", "zeros", True),
            ("moving_mean", "zeros", False),
            ("moving_variance", "ones", False),
        ):
            weight = self.add_weight(
                name=name, shape=size, initializer=value, trainable=trainable, autocast=False
            )
            setattr(self, name, weight)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Normalise by the moments of the batch in training, by the running ones otherwise."""
        moments = (
            (tf.zeros([0]), tf.zeros([0]))
            if training
            else (self.moving_mean.value, self.moving_variance.value)
        )
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs[:, tf.newaxis, tf.newaxis, :],
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=moments[0],
            variance=moments[1],
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            decay = ramped(self.momentum, self.step)
            self.moving_mean.value.assign_sub((1 - decay) * (self.moving_mean.value - mean))
            self.moving_variance.value.assign_sub(
                (1 - decay) * (self.moving_variance.value - variance)
            )
        return outputs[:, 0, 0, :]
