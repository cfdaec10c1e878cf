"""The gradient of a network, written out layer by layer.

An automatic gradient would do, but for two things: it gives the gradients of the kernels in
float32, after a pass over memory that the update does not need, and TensorFlow keeps the gradient
functions of custom operations, and with them the network, for as long as the process lives.
"""

from collections.abc import Callable
from typing import Any

from sk_yt8m._tensorflow import keras, tf


def loss_and_gradients(
    network: keras.Model,
    features: Any,
    loss: Callable[[Any, Any], tuple[Any, Any]],
    n_heads: int,
) -> tuple[Any, list[Any]]:
    """Run a batch through a network and back.

    Parameters
    ----------
    network : keras.Model
        As `build_network` makes it: inputs, standardisation, then products and hidden units in
        turn, and the output.
    features : tensor of shape (batch_size, n_features), float32
        The batch.
    loss : callable
        Takes the products and the bias of the output; returns the loss and its gradient by the
        products.
    n_heads : int
        Number of equal parts of the last hidden layer that predict alone, each with as many
        times its share of the products; the loss is the mean of theirs.

    Returns
    -------
    loss : tensor
        What `loss` gave, the mean over the heads.
    gradients : list of tensor
        By the trainable variables of the network, in their order. Those of kernels are in the
        precision of the products.
    """
    _, standardization, *hidden, output = network.layers
    h = standardization(features)
    kept = []
    for product, units in zip(hidden[::2], hidden[1::2], strict=True):
        kernel = tf.cast(product.kernel.value, h.dtype)
        products = tf.matmul(h, kernel)
        kept.append((h, kernel, products, units))
        h = units(products)
    kernel = tf.cast(output.kernel.value, h.dtype)
    bias = tf.convert_to_tensor(output.bias.value)
    values, by_bias, by_kernel, upstream = [], [], [], []
    for part, block in zip(tf.split(h, n_heads, axis=1), tf.split(kernel, n_heads), strict=True):
        products = tf.matmul(part, block)
        value, slope = loss(n_heads * products if n_heads > 1 else products, bias)
        values.append(value / n_heads)
        by_bias.append(tf.reduce_sum(tf.cast(slope, tf.float32), axis=0) / n_heads)
        by_kernel.append(tf.matmul(part, slope, transpose_a=True))
        upstream.append(tf.matmul(slope, block, transpose_b=True))
    gradients = [tf.concat(by_kernel, axis=0), tf.add_n(by_bias)]
    above = tf.concat(upstream, axis=1)
    for h, kernel, products, units in reversed(kept):
        slope, by_units = units.backward(products, above)
        gradients = [tf.matmul(h, slope, transpose_a=True), *by_units, *gradients]
        # Below the first layer nothing reads it, and the compiled graph leaves it out.
        above = tf.matmul(slope, kernel, transpose_b=True)
    return tf.add_n(values), gradients
