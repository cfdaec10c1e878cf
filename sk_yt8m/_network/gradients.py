"""Loss and gradients of a batch: the forward and backward pass, written out layer by layer.

Automatic differentiation has two drawbacks here: it gives the kernels' gradients in float32, after
a pass over memory that the update does not need, and TensorFlow keeps the gradient functions of
custom operations, and with them the network, for as long as the process lives.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sk_yt8m._network.elementwise_ops import Dropout
from sk_yt8m._network.layers import TrainableNetwork
from sk_yt8m._tensorflow import tf


def loss_and_gradients(
    network: TrainableNetwork,
    features: Any,
    loss: Callable[[Any, Any], tuple[Any, Any]],
    n_heads: int,
    dropouts: Sequence[Dropout | None],
    keep_moving: Any,
) -> tuple[Any, list[Any]]:
    """Run a batch through a network and back.

    Parameters
    ----------
    network : TrainableNetwork
        The network; its running means and variances are updated.
    features : tensor of shape (batch_size, n_features), float32
        The batch.
    loss : callable
        Takes the pre-activations without bias and the bias of the output; returns the loss and its
        gradient by the pre-activations.
    n_heads : int
        Number of equal parts of the last hidden layer that predict alone, each with its share of
        the products times `n_heads`; the loss is the mean of theirs.
    dropouts : sequence of Dropout or None
        Of the inputs and of each hidden layer.
    keep_moving : tensor of float32
        Share of the running moments that they keep.

    Returns
    -------
    loss : tensor
        What `loss` gave, the mean over the heads.
    gradients : list of tensor
        By the trained variables of the network, in their order. Those of kernels are in the
        precision of the products.
    """
    h = network.inputs(features, dropouts[0])
    kept = []
    for layer, dropout in zip(network.hidden, dropouts[1:], strict=True):
        kernel = tf.cast(layer.kernel, h.dtype)
        products = tf.matmul(h, kernel)
        kept.append((h, kernel, products, layer, dropout))
        h = layer.forward(products, dropout, keep_moving)
    kernel = tf.cast(network.variables["output/kernel"], h.dtype)
    bias = tf.convert_to_tensor(network.variables["output/bias"])
    parts, blocks = [h], [kernel]
    if n_heads > 1:
        parts, blocks = tf.split(h, n_heads, axis=1), tf.split(kernel, n_heads)
    values, by_bias, by_kernel, upstream = [], [], [], []
    for part, block in zip(parts, blocks, strict=True):
        products = tf.matmul(part, block)
        value, slope = loss(n_heads * products if n_heads > 1 else products, bias)
        values.append(value / n_heads)
        by_bias.append(tf.reduce_sum(tf.cast(slope, tf.float32), axis=0) / n_heads)
        by_kernel.append(tf.matmul(part, slope, transpose_a=True))
        upstream.append(tf.matmul(slope, block, transpose_b=True))
    gradients = [tf.concat(by_kernel, axis=0), tf.add_n(by_bias)]
    above = tf.concat(upstream, axis=1)
    for h, kernel, products, layer, dropout in reversed(kept):
        slope, *by_units = layer.backward(products, dropout, above)
        gradients = [tf.matmul(h, slope, transpose_a=True), *by_units, *gradients]
        # Below the first layer nothing reads it, and the compiled graph leaves it out.
        above = tf.matmul(slope, kernel, transpose_b=True)
    return tf.add_n(values), gradients
