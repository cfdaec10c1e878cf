"""The elementwise ops of a training step, as they are or compiled by XLA into few passes.

Matrix products stay outside: on a CPU, XLA does not use the units that multiply bfloat16.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from sk_yt8m._network.architecture import BATCH_NORMALIZATION_EPSILON
from sk_yt8m._tensorflow import has_gpu, tf

#: Distance of the seeds of two neighbouring cells of a dropout mask.
CELL_FACTOR = 0x9E3779B9

#: A learning rate whose steps vanish in float32.
_NO_STEP = 1e-25


class Dropout(NamedTuple):
    """What a dropout mask depends on: scalar tensors.

    Attributes
    ----------
    seed : tensor of uint32
        Seed of the mask.
    threshold : tensor of uint32
        2**32 times the share of the units that are dropped.
    factor : tensor of float32
        Factor of the units that are kept.
    """

    seed: Any
    threshold: Any
    factor: Any


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


def dropout_mask(shape: Any, seed: Any, threshold: Any) -> Any:
    """Return a deterministic mask of kept units; it depends only on seed and shape.

    Parameters
    ----------
    shape : tensor of shape (2,)
        Shape of the mask.
    seed : tensor of uint32
        Seed of the mask.
    threshold : tensor of uint32
        2**32 times the share of the units that are dropped.

    Notes
    -----
    The index of a unit is hashed by two rounds of multiplication and shift (the constants are
    those of C. Wellons' "lowbias32") and compared with the threshold: a few instructions a unit,
    which XLA fuses into the pass that applies the mask.
    """
    cells = tf.cast(tf.reshape(tf.range(shape[0] * shape[1]), shape), tf.uint32)
    bits = cells * tf.constant(CELL_FACTOR, tf.uint32) + seed
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        shifted = tf.bitwise.right_shift(bits, tf.constant(shift, tf.uint32))
        bits = tf.bitwise.bitwise_xor(bits, shifted)
        if factor != 1:
            bits *= tf.constant(factor, tf.uint32)
    return bits >= threshold


def drop(values: Any, dropout: Dropout | None) -> Any:
    """Set a share of the values to zero and scale up the others; None changes nothing."""
    if dropout is None:
        return values
    mask = dropout_mask(tf.shape(values), dropout.seed, dropout.threshold)
    return tf.where(mask, values * dropout.factor, 0.0)


class UnitOps(NamedTuple):
    """Normalisation or bias, activation and dropout of a hidden layer, and their gradient.

    ``forward(products, scale, offset, dropout)`` returns the outputs, and mean and variance of the
    products; ``backward(products, scale, offset, dropout, upstream)`` returns the gradients by
    products, scale and offset. The backward pass computes the outputs again, so that only the
    products are kept in between. Without normalisation the offset is the bias, and scale, mean and
    variance are None.
    """

    forward: Any
    backward: Any


@cache
def unit_ops(name: str, normalized: bool, fused: bool) -> UnitOps:
    """Return the ops of a hidden layer, the same for all networks of the process.

    Parameters
    ----------
    name : str
        Name of the activation.
    normalized : bool
        Whether batch normalisation (Ioffe and Szegedy, 2015) precedes the activation.
    fused : bool
        Whether XLA compiles them, anew for every shape.

    Notes
    -----
    With ``u`` the gradient by the normalised products ``x``, of scale ``g`` and deviation ``s``,
    the gradient by the products is ``g * (u - mean(u) - x * mean(u * x)) / s``.
    """

    def normalize(products: Any) -> tuple[Any, Any, Any, Any]:
        values = tf.cast(products, tf.float32)
        mean = tf.reduce_mean(values, axis=0)
        centred = values - mean
        variance = tf.reduce_mean(tf.square(centred), axis=0)
        inverse = tf.math.rsqrt(variance + BATCH_NORMALIZATION_EPSILON)
        return centred * inverse, inverse, mean, variance

    def before_activation(products: Any, scale: Any, offset: Any) -> tuple[Any, ...]:
        if not normalized:
            return tf.cast(products, tf.float32) + offset, None, None, None, None
        x, *moments = normalize(products)
        return x * scale + offset, x, *moments

    def forward(products: Any, scale: Any, offset: Any, dropout: Any) -> tuple[Any, Any, Any]:
        values, _, _, mean, variance = before_activation(products, scale, offset)
        outputs = drop(activation(name)(values), dropout)
        return tf.cast(outputs, products.dtype), mean, variance

    def backward(products: Any, scale: Any, offset: Any, dropout: Any, upstream: Any) -> Any:
        values, x, inverse, _, _ = before_activation(products, scale, offset)
        slope = activation_slope(name, values, drop(tf.cast(upstream, tf.float32), dropout))
        by_offset = tf.reduce_sum(slope, axis=0)
        if not normalized:
            return tf.cast(slope, products.dtype), None, by_offset
        by_scale = tf.reduce_sum(slope * x, axis=0)
        n_rows = tf.cast(tf.shape(products)[0], tf.float32)
        slope = (scale * inverse) * (slope - (by_offset + x * by_scale) / n_rows)
        return tf.cast(slope, products.dtype), by_scale, by_offset

    return UnitOps(compiled(forward, fused), compiled(backward, fused))


def activation_slope(name: str, x: Any, upstream: Any) -> Any:
    """Return the gradient by the values that an activation is applied to."""

    def gelu() -> Any:
        density = tf.exp(-0.5 * x * x) / (2 * np.pi) ** 0.5
        return upstream * (0.5 * (1.0 + tf.math.erf(x / 2**0.5)) + x * density)

    def silu() -> Any:
        y = tf.math.sigmoid(x)
        return upstream * y * (1.0 + x * (1.0 - y))

    slopes = {
        "identity": lambda: upstream,
        "logistic": lambda: tf.raw_ops.SigmoidGrad(y=tf.math.sigmoid(x), dy=upstream),
        "tanh": lambda: tf.raw_ops.TanhGrad(y=tf.math.tanh(x), dy=upstream),
        "relu": lambda: tf.raw_ops.ReluGrad(gradients=upstream, features=x),
        "gelu": gelu,
        "silu": silu,
    }
    return slopes[name]()


def compiled(function: Any, fused: bool) -> Any:
    """Return the function compiled by XLA, or as it is."""
    return tf.function(function, jit_compile=True, autograph=False) if fused else function


def _standardize(features: Any, mean: Any, scale: Any, dropout: Any, dtype: Any) -> Any:
    return tf.cast(drop((features - mean) * scale, dropout), dtype)


def _sigmoid_loss(products: Any, bias: Any, row_weights: Any, factor: Any) -> tuple[Any, Any, None]:
    z = tf.cast(products, tf.float32) + bias
    small = tf.exp(-tf.abs(z))
    inverse = 1.0 / (1.0 + small)
    sigmoid = tf.where(z >= 0, inverse, small * inverse)
    per_row = tf.reduce_sum(tf.maximum(z, 0.0) + tf.math.log(1.0 + small), axis=1)
    gradient = sigmoid * (row_weights * factor)[:, tf.newaxis]
    return tf.reduce_sum(row_weights * per_row), tf.cast(gradient, products.dtype), None


def _softmax_loss(products: Any, bias: Any, row_weights: Any, factor: Any) -> tuple[Any, Any, Any]:
    z = tf.cast(products, tf.float32) + bias
    largest = tf.reduce_max(z, axis=1, keepdims=True)
    powers = tf.exp(z - largest)
    totals = tf.reduce_sum(powers, axis=1, keepdims=True)
    gradient = powers / totals * (row_weights * factor)[:, tf.newaxis]
    per_row = (tf.math.log(totals) + largest)[:, 0]
    return tf.reduce_sum(row_weights * per_row), tf.cast(gradient, products.dtype), per_row


def _adamw(variable: Any, first: Any, second: Any, gradient: Any, numbers: Any) -> None:
    gradient = tf.cast(gradient, tf.float32)
    if variable.shape.rank > 1:
        _shrink(variable, numbers.shrink, gradient)
    # The op adds its epsilon to the root of the second moment as it is, Adam to that of the
    # corrected one.
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=first.handle,
        v=second.handle,
        beta1_power=1.0 - numbers.correction_1,
        beta2_power=1.0 - numbers.correction_2,
        lr=numbers.learning_rate,
        beta1=numbers.beta_1,
        beta2=numbers.beta_2,
        epsilon=numbers.epsilon * tf.sqrt(numbers.correction_2),
        grad=gradient,
    )


def _shrink(variable: Any, share: Any, gradient: Any) -> None:
    """Subtract a share of a variable, in place on a processor, where new memory costs more."""
    if has_gpu():
        variable.assign(variable * (1.0 - share))
        return
    # The op divides by 1 + l2 * alpha; alpha makes its own step along the gradient vanish.
    alpha = tf.constant(_NO_STEP)
    tf.raw_ops.ResourceApplyProximalGradientDescent(
        var=variable.handle,
        alpha=alpha,
        l1=tf.constant(0.0),
        l2=share / (1.0 - share) / alpha,
        delta=gradient,
    )


def _average_into(average: Any, variable: Any, keep: Any) -> None:
    average.assign_sub((1.0 - keep) * (average - variable))


class RowOps(NamedTuple):
    """The ops of a step on the rows of a batch, beside those of the hidden layers.

    Attributes
    ----------
    standardize : callable
        ``standardize(features, mean, scale, dropout, dtype)`` standardises the inputs of a network
        and drops some of them.
    losses : dict of str to callable
        By the output's activation: ``loss(products, bias, row_weights, factor)`` returns the
        weighted sum of ``softplus(logits)`` ("logistic") or ``logsumexp(logits)`` ("softmax"),
        `factor` times its gradient, and what the latter is for each row, None for "logistic".
    """

    standardize: Any
    losses: dict[str, Any]


class UpdateOps(NamedTuple):
    """The ops of a step on the weights.

    Attributes
    ----------
    adamw : callable
        ``adamw(variable, first, second, gradient, numbers)`` takes one step of AdamW (Kingma and
        Ba, 2015; Loshchilov and Hutter, 2019) with the numbers of the step.
    average_into : callable
        ``average_into(average, variable, keep)`` updates a moving average of a variable.
    """

    adamw: Any
    average_into: Any


@cache
def row_ops(fused: bool) -> RowOps:
    """Return the ops on rows, compiled by XLA or not."""
    losses = {"logistic": _sigmoid_loss, "softmax": _softmax_loss}
    return RowOps(
        compiled(_standardize, fused),
        {name: compiled(loss, fused) for name, loss in losses.items()},
    )


@cache
def update_ops(fused: bool) -> UpdateOps:
    """Return the ops on weights, compiled by XLA or not."""
    return UpdateOps(compiled(_adamw, fused), compiled(_average_into, fused))
