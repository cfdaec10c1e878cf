"""Fused ops of a training step: compiled by XLA into few passes over memory.

Matrix products stay outside: on a CPU, XLA does not use the units that multiply bfloat16.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from sk_yt8m._tensorflow import tf

#: Distance of the seeds of two neighbouring cells of a dropout mask.
CELL_FACTOR = 0x9E3779B9


def activation(name: str) -> Any:
    """Return the function of an activation of the classifier."""
    functions = {
        "identity": tf.identity,
        "logistic": tf.math.sigmoid,
        "tanh": tf.math.tanh,
        "relu": tf.nn.relu,
        "gelu": partial(tf.nn.gelu, approximate=False),
        "silu": tf.nn.silu,
    }
    return functions[name]


def dropout_mask(shape: Any, seed: Any, rate: float) -> Any:
    """Return a deterministic mask of kept units; it depends only on seed and shape.

    Parameters
    ----------
    shape : tensor of shape (2,)
        Shape of the mask.
    seed : tensor of uint32
        Seed of the mask.
    rate : float
        Share of the units that are dropped.

    Notes
    -----
    The index of a unit is hashed by two rounds of multiplication and shift (the constants are
    those of C. Wellons' "lowbias32") and compared with the rate: a few instructions a unit, which
    XLA fuses into the pass that applies the mask.
    """
    cells = tf.cast(tf.reshape(tf.range(shape[0] * shape[1]), shape), tf.uint32)
    bits = cells * tf.constant(CELL_FACTOR, tf.uint32) + seed
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        shifted = tf.bitwise.right_shift(bits, tf.constant(shift, tf.uint32))
        bits = tf.bitwise.bitwise_xor(bits, shifted) * tf.constant(factor, tf.uint32)
    return bits >= tf.constant(min(2**32 - 1, round(rate * 2**32)), tf.uint32)


def dropout(values: Any, seed: Any, rate: float) -> Any:
    """Set a share of the values to zero and scale up the others."""
    if not rate:
        return values
    return tf.where(dropout_mask(tf.shape(values), seed, rate), values * (1.0 / (1.0 - rate)), 0.0)


@tf.function(jit_compile=True)
def standardize(features: Any, mean: Any, scale: Any, seed: Any, rate: float, dtype: Any) -> Any:
    """Standardise the inputs of a network and drop some of them."""
    return tf.cast(dropout((features - mean) * scale, seed, rate), dtype)


def normalize(inputs: Any, scale: Any, offset: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Normalise over the batch (Ioffe and Szegedy, 2015); return the moments too."""
    values = tf.cast(inputs, tf.float32)
    mean = tf.reduce_mean(values, axis=0)
    variance = tf.reduce_mean(tf.square(values - mean), axis=0)
    factor = tf.math.rsqrt(variance + epsilon) * scale
    return (values - mean) * factor + offset, mean, variance


@dataclass(frozen=True)
class UnitOps:
    """Fused normalisation or bias, activation and dropout of a hidden layer, and their gradient.

    ``forward(products, scale, offset, seed)`` returns the outputs, and mean and variance of the
    products; ``backward(products, scale, offset, seed, upstream)`` returns the gradients by
    products, scale and offset. The backward pass computes the outputs again, so that only the
    products are kept in between.
    """

    forward: Any
    backward: Any


@cache
def unit_ops(name: str, rate: float, epsilon: float | None) -> UnitOps:
    """Compile the fused ops of a hidden layer, once for all networks of the process.

    Parameters
    ----------
    name : str
        Name of the activation.
    rate : float
        Share of the outputs that dropout sets to zero.
    epsilon : float or None
        Batch normalisation's guard against division by zero; None for no normalisation, where the
        offset is the bias.
    """

    def forward(products: Any, scale: Any, offset: Any, seed: Any) -> tuple[Any, Any, Any]:
        if epsilon is None:
            values, mean, variance = tf.cast(products, tf.float32) + offset, offset, offset
        else:
            values, mean, variance = normalize(products, scale, offset, epsilon)
        outputs = dropout(activation(name)(values), seed, rate)
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

    return UnitOps(tf.function(forward, jit_compile=True), tf.function(backward, jit_compile=True))


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
    """Take one step of AdamW (Kingma and Ba, 2015; Loshchilov and Hutter, 2019).

    One pass over memory on a GPU; three on a CPU, where XLA writes one array per pass.

    Parameters
    ----------
    variable, first, second : tf.Variable
        Weights and their moments, float32.
    gradient : tensor
        In any precision.
    rate : tensor of float32
        Learning rate.
    shrink : tensor of float32
        Share of the weights that is subtracted.
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
    """Update a moving average of a variable."""
    average.assign(keep * average + (1.0 - keep) * variable)
