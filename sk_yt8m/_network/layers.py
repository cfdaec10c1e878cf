"""The layers of the training network that Keras has only in a slower or less repeatable form."""

from typing import Any

from sk_yt8m._network.fused_ops import standardize, unit_kernels
from sk_yt8m._tensorflow import keras, tf

#: Batch normalisation's guard against division by zero.
EPSILON = 1e-3
_MOMENTUM = 0.99


def ramped(decay: float, step: Any) -> Any:
    """Return the decay of a running mean: small at first, so that its start is forgotten."""
    step = tf.cast(step, tf.float32)
    return tf.minimum(decay, (1.0 + step) / (10.0 + step))


def seed_at(seed: Any, step: Any) -> Any:
    """Return the seed of a dropout mask: one for each layer and step."""
    return tf.cast(step, tf.uint32) * tf.constant(0x85EBCA6B, tf.uint32) + tf.cast(seed, tf.uint32)


class Standardization(keras.layers.Layer):
    """Subtract a fixed mean, multiply by a fixed scale, and drop some inputs in training."""

    def __init__(self, rate: float, seed: Any, step: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        self.step = step

    def build(self, input_shape: Any) -> None:
        """Make room for the moments, which come from the training data."""
        for name, value in (("mean", "zeros"), ("scale", "ones")):
            weight = self.add_weight(
                name=name,
                shape=(input_shape[-1],),
                initializer=value,
                trainable=False,
                autocast=False,
            )
            setattr(self, name, weight)

    def call(self, inputs: Any) -> Any:
        """Return the inputs of the first product."""
        seed = seed_at(self.seed, self.step)
        mean, scale = (tf.convert_to_tensor(part.value) for part in (self.mean, self.scale))
        return standardize(inputs, mean, scale, seed, self.rate, self.compute_dtype)


class HiddenUnits(keras.layers.Layer):
    """What follows the product of a hidden layer: normalisation or bias, activation, dropout.

    The running moments start from the first batches and not from (0, 1), so that a short
    training ends with the right ones.
    """

    def __init__(
        self, activation: str, normalize: bool, rate: float, seed: Any, step: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.normalize = normalize
        self.seed = seed
        self.step = step
        self.kernels = unit_kernels(activation, rate, EPSILON if normalize else None)

    def build(self, input_shape: Any) -> None:
        """Create the bias, or scale, offset and running moments, all in float32."""
        parts = [("bias", "zeros", True)]
        if self.normalize:
            parts = [
                ("gamma", "ones", True),
                ("beta", "zeros", True),
                ("moving_mean", "zeros", False),
                ("moving_variance", "ones", False),
            ]
        for name, value, trainable in parts:
            weight = self.add_weight(
                name=name,
                shape=(input_shape[-1],),
                initializer=value,
                trainable=trainable,
                autocast=False,
            )
            setattr(self, name, weight)

    def call(self, inputs: Any) -> Any:
        """Return the layer's outputs, and move the running moments on."""
        outputs, mean, variance = self.kernels.forward(inputs, *self._arguments())
        if self.normalize:
            keep = ramped(_MOMENTUM, self.step)
            for moving, moment in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.value.assign_sub((1.0 - keep) * (moving.value - moment))
        return outputs

    def backward(self, inputs: Any, upstream: Any) -> tuple[Any, list[Any]]:
        """Return the gradients by the inputs and by the trainable variables."""
        by_inputs, by_scale, by_offset = self.kernels.backward(inputs, *self._arguments(), upstream)
        return by_inputs, [by_scale, by_offset] if self.normalize else [by_offset]

    def _arguments(self) -> tuple[Any, Any, Any]:
        offset = tf.convert_to_tensor((self.beta if self.normalize else self.bias).value)
        scale = tf.convert_to_tensor(self.gamma.value) if self.normalize else tf.ones_like(offset)
        return scale, offset, seed_at(self.seed, self.step)
