"""The gradient of a network, written out layer by layer.

An automatic gradient would do, but for two things: it gives the gradients of the kernels in
float32, after a pass over memory that the update does not need, and TensorFlow keeps the gradient
functions of custom operations, and with them the network, for as long as the process lives.
"""

from collections.abc import Callable
from typing import Any

from sk_yt8m._runtime import keras, tf


def loss_and_gradients(
    network: keras.Model, features: Any, loss: Callable[[Any, Any], tuple[Any, Any]]
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

    Returns
    -------
    loss : tensor
        What `loss` gave.
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
    value, slope = loss(tf.matmul(h, kernel), tf.convert_to_tensor(output.bias.value))
    by_bias = tf.reduce_sum(tf.cast(slope, tf.float32), axis=0)
    gradients = [tf.matmul(h, slope, transpose_a=True), by_bias]
    for h, below, products, units in reversed(kept):
        upstream = tf.matmul(slope, kernel, transpose_b=True)
        slope, by_units = units.backward(products, upstream)
        kernel = below
        gradients = [tf.matmul(h, slope, transpose_a=True), *by_units, *gradients]
    return value, gradients
