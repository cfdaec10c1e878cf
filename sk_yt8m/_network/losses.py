"""Cross-entropy from the positions of the positives, with no dense matrix of labels."""

from typing import Any

from sk_yt8m._network.fused_ops import sigmoid_loss, softmax_loss
from sk_yt8m._tensorflow import tf

_OVER_ALL_LABELS = {"logistic": sigmoid_loss, "softmax": softmax_loss}


def cross_entropy(
    out_activation: str,
    products: Any,
    bias: Any,
    row_weights: Any,
    positions: Any,
    position_weights: Any,
    factor: Any,
) -> tuple[Any, Any]:
    """Return the weighted sum of the cross-entropy, and its gradient times a factor.

    Parameters
    ----------
    out_activation : {"logistic", "softmax"}
        Binary cross-entropy, summed over labels, or the categorical one.
    products : tensor of shape (batch_size, n_outputs)
        The output layer's products; with the bias, the scores before the link.
    bias : tensor of shape (n_outputs,), float32
        The output layer's bias.
    row_weights : tensor of shape (batch_size,), float32
        Weight of each row.
    positions : tensor of shape (width, 2), int32
        Row and label of each positive.
    position_weights : tensor of shape (width,), float32
        The weight of that row; 0 for padding.
    factor : tensor of float32
        What the gradient is multiplied by.

    Returns
    -------
    loss : tensor of float32
        The sum over rows.
    gradient : tensor of shape (batch_size, n_outputs)
        By the products and in their dtype.

    Notes
    -----
    The sum over labels of ``softplus(z)``, less the logits of the true labels, is the binary
    cross-entropy of the dense indicator; with ``logsumexp(z)`` it is the categorical one.
    """
    loss, gradient = _OVER_ALL_LABELS[out_activation](products, bias, row_weights, factor)
    true = tf.cast(tf.gather_nd(products, positions), tf.float32)
    true += tf.gather(bias, positions[:, 1])
    less = tf.cast(position_weights * factor, gradient.dtype)
    return (
        loss - tf.tensordot(position_weights, true, 1),
        tf.tensor_scatter_nd_sub(gradient, positions, less),
    )
