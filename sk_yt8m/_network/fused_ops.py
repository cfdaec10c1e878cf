"""The operations of a training step that XLA fuses into few passes over memory.

Matrix products stay outside: on a CPU, XLA does not use the units that multiply bfloat16.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sk_yt8m._tensorflow import keras, tf

_KERAS_NAMES = {"identity": "linear", "logistic": "sigmoid"}


def activation(name: str) -> Any:
    """Return the function of an activation of the classifier."""
    return keras.activations.get(_KERAS_NAMES.get(name, name))


def kept(shape: Any, seed: Any, rate: float) -> Any:
    """Return the dropout mask of a seed, a function of nothing else, the same on any device.

    Parameters
    ----------
    shape : tensor of shape (2,)
        Shape of the mask.
    seed : tensor of uint32
        Decides the mask.
    rate : float
        Share of the cells that are left out.

    Notes
    -----
    The number of a cell, scrambled by two rounds of multiplication and shift (the constants are
    those of C. Wellons' "lowbias32"), is compared with the rate. That is a few instructions a
    cell, which XLA fuses into the pass that applies the mask.
    """
    cells = tf.cast(tf.reshape(tf.range(shape[0] * shape[1]), shape), tf.uint32)
    bits = cells * tf.constant(0x9E3779B9, tf.uint32) + seed
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        shifted = tf.bitwise.right_shift(bits, tf.constant(shift, tf.uint32))
        bits = tf.bitwise.bitwise_xor(bits, shifted) * tf.constant(factor, tf.uint32)
    return bits >= tf.constant(min(2**32 - 1, round(rate * 2**32)), tf.uint32)


def dropped(values: Any, seed: Any, rate: float) -> Any:
    """Return the values with a share of them at zero and the others scaled up."""
    if not rate:
        return values
    return tf.where(kept(tf.shape(values), seed, rate), values * (1.0 / (1.0 - rate)), 0.0)


@tf.function(jit_compile=True)
def standardize(features: Any, mean: Any, scale: Any, seed: Any, rate: float, dtype: Any) -> Any:
    """Standardise the inputs of a network and drop some of them."""
    return tf.cast(dropped((features - mean) * scale, seed, rate), dtype)


def normalize(inputs: Any, scale: Any, offset: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Normalise over the batch (Ioffe and Szegedy, 2015); return the moments too."""
    values = tf.cast(inputs, tf.float32)
    mean = tf.reduce_mean(values, axis=0)
    variance = tf.reduce_mean(tf.square(values - mean), axis=0)
    factor = tf.math.rsqrt(variance + epsilon) * scale
    return (values - mean) * factor + offset, mean, variance


@dataclass(frozen=True)
class UnitKernels:
    """What takes a hidden layer's products to its outputs, and its gradient.

    ``forward(products, scale, offset, seed)`` returns outputs, and mean and variance of the
    products; ``backward(products, scale, offset, seed, upstream)`` returns the gradients by
    products, scale and offset. It computes the outputs again, in the same pass, and so nothing
    but the products need be kept.
    """

    forward: Any
    backward: Any


@cache
def unit_kernels(name: str, rate: float, epsilon: float | None) -> UnitKernels:
    """Compile the kernels of a hidden layer, once for all networks of the process.

    Parameters
    ----------
    name : str
        Name of the activation.
    rate : float
        Share of the outputs that dropout leaves out.
    epsilon : float or None
        Batch normalisation's; None for no normalisation, the offset being the bias then.
    """

    def forward(products: Any, scale: Any, offset: Any, seed: Any) -> tuple[Any, Any, Any]:
        if epsilon is None:
            values, mean, variance = tf.cast(products, tf.float32) + offset, offset, offset
        else:
            values, mean, variance = normalize(products, scale, offset, epsilon)
        outputs = dropped(activation(name)(values), seed, rate)
        return tf.cast(outputs, products.dtype), mean, variance

    def backward(products: Any, scale: Any, offset: Any, seed: Any, upstream: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([products, scale, offset])
            outputs, _, _ = forward(products, scale, offset, seed)
        return tape.gradient(
            outputs,
            [products, scale, offset],
            upstream,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )

    return UnitKernels(
        tf.function(forward, jit_compile=True), tf.function(backward, jit_compile=True)
    )


@tf.function(jit_compile=True)
def sigmoid_loss(products: Any, bias: Any, row_weights: Any, factor: Any) -> tuple[Any, Any]:
    """Return the weighted sum of ``softplus(logits)`` and `factor` times its gradient."""
    z = tf.cast(products, tf.float32) + bias
    small = tf.exp(-tf.abs(z))
    inverse = 1.0 / (1.0 + small)
    sigmoid = tf.where(z >= 0, inverse, small * inverse)
    per_row = tf.reduce_sum(tf.maximum(z, 0.0) + tf.math.log(1.0 + small), axis=1)
    gradient = sigmoid * (row_weights * factor)[:, tf.newaxis]
    return tf.reduce_sum(row_weights * per_row), tf.cast(gradient, products.dtype)


@tf.function(jit_compile=True)
def softmax_loss(products: Any, bias: Any, row_weights: Any, factor: Any) -> tuple[Any, Any]:
    """Return the weighted sum of ``logsumexp(logits)`` and `factor` times its gradient."""
    z = tf.cast(products, tf.float32) + bias
    largest = tf.reduce_max(z, axis=1, keepdims=True)
    powers = tf.exp(z - largest)
    totals = tf.reduce_sum(powers, axis=1, keepdims=True)
    gradient = powers / totals * (row_weights * factor)[:, tf.newaxis]
    per_row = (tf.math.log(totals) + largest)[:, 0]
    return tf.reduce_sum(row_weights * per_row), tf.cast(gradient, products.dtype)


@tf.function(jit_compile=True)
def adamw(
    variable: Any, first: Any, second: Any, gradient: Any, rate: Any, shrink: Any, betas: Any
) -> None:
    """Take one step of AdamW.

    One pass over memory on a GPU; on a CPU, where XLA writes one array a pass, one for each moment
    and one for the weights.

    Parameters
    ----------
    variable, first, second : tf.Variable
        Weights and their moments, float32.
    gradient : tensor
        In any precision.
    rate : tensor of float32
        Learning rate.
    shrink : tensor of float32
        Share of the weights that is taken off.
    betas : tensor of shape (5,), float32
        Decay rates of the moments, their bias corrections, and epsilon.
    """
    gradient = tf.cast(gradient, tf.float32)
    beta_1, beta_2, correction_1, correction_2, epsilon = tf.unstack(betas)
    m = beta_1 * first + (1.0 - beta_1) * gradient
    v = beta_2 * second + (1.0 - beta_2) * tf.square(gradient)
    step = (m / correction_1) / (tf.sqrt(v / correction_2) + epsilon)
    variable.assign(variable * (1.0 - shrink) - rate * step)
    first.assign(m)
    second.assign(v)


@tf.function(jit_compile=True)
def average_into(average: Any, variable: Any, keep: Any) -> None:
    """Move a running mean of a variable on by one step."""
    average.assign(keep * average + (1.0 - keep) * variable)
