"""Cross-entropy from the positions of the positives, with no dense matrix of labels."""

from typing import Any

from sk_yt8m._tensorflow import tf


def cross_entropy(
    over_all_labels: Any,
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
    over_all_labels : callable
        One of `RowOps.losses`: for binary cross-entropy, summed over labels, or categorical
        cross-entropy.
    products : tensor of shape (batch_size, n_outputs)
        Pre-activations of the output layer, without the bias.
    bias : tensor of shape (n_outputs,), float32
        The output layer's bias.
    row_weights : tensor of shape (batch_size,), float32
        Weight of each row.
    positions : tensor of shape (width, 2), int32
        Row and label of each positive.
    position_weights : tensor of shape (width,), float32
        Weight of that row; 0 for padding.
    factor : tensor of float32
        Factor of the gradient.

    Returns
    -------
    loss : tensor of float32
        Sum over rows.
    gradient : tensor of shape (batch_size, n_outputs)
        By the products, in their dtype.

    Notes
    -----
    The binary cross-entropy of the dense indicator is the sum of ``softplus(z)`` over labels minus
    the logits of the true labels; the categorical one has ``logsumexp(z)`` in place of the sum.
    """
    loss, gradient, totals = over_all_labels(products, bias, row_weights, factor)
    true = tf.cast(tf.gather_nd(products, positions), tf.float32)
    true += tf.gather(bias, positions[:, 1])
    loss -= tf.tensordot(position_weights, true, 1)
    log_probability = (
        -tf.nn.softplus(-true) if totals is None else true - tf.gather(totals, positions[:, 0])
    )
    slopes = tf.cast(tf.math.expm1(log_probability) * position_weights * factor, gradient.dtype)
    return loss, _write(gradient, positions, position_weights > 0, slopes)


def _write(gradient: Any, positions: Any, is_positive: Any, slopes: Any) -> Any:
    """Return a gradient with the slopes of the positives.

    Subtracting 1 from the probabilities instead would cancel all digits of a confident positive's
    slope in bfloat16.
    """
    slopes = tf.where(is_positive, slopes, tf.gather_nd(gradient, positions))
    # Padding repeats the first entry, so that all that is written to a place is the same.
    source = tf.where(is_positive, tf.range(tf.shape(positions)[0]), 0)
    return tf.tensor_scatter_nd_update(
        gradient, tf.gather(positions, source), tf.gather(slopes, source)
    )
