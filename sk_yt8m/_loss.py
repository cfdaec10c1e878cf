"""Cross-entropy from the positions of the positives, with no dense matrix of labels."""

from typing import Any

from sk_yt8m._runtime import tf


@tf.custom_gradient
def sigmoid_cross_entropy(
    logits: Any, row_weights: Any, positions: Any, position_weights: Any
) -> tuple[Any, Any]:
    """Return the weighted sum over rows and labels of the binary cross-entropy.

    Parameters
    ----------
    logits : tensor of shape (batch_size, n_labels), float32
        Scores before the sigmoid.
    row_weights : tensor of shape (batch_size,), float32
        Weight of each row.
    positions : tensor of shape (width, 2), int32
        Row and label of each positive.
    position_weights : tensor of shape (width,), float32
        The weight of that row; 0 for padding.

    Notes
    -----
    The sum over labels of ``softplus(z)``, less the logits of the true labels, is the
    cross-entropy of the dense indicator.
    """
    negatives = tf.linalg.matvec(tf.math.softplus(logits), tf.ones([logits.shape[1]]))
    loss = tf.tensordot(row_weights, negatives, 1) - tf.tensordot(
        position_weights, tf.gather_nd(logits, positions), 1
    )

    def gradient(upstream: Any) -> tuple[Any, None, None, None]:
        predicted = tf.math.sigmoid(logits) * (row_weights * upstream)[:, tf.newaxis]
        return _less_positives(predicted, positions, position_weights * upstream), *[None] * 3

    return loss, gradient


@tf.custom_gradient
def softmax_cross_entropy(
    logits: Any, row_weights: Any, positions: Any, position_weights: Any
) -> tuple[Any, Any]:
    """Return the weighted sum over rows of the categorical cross-entropy.

    The parameters are those of `sigmoid_cross_entropy`; each row has one positive.
    """
    loss = tf.tensordot(row_weights, tf.reduce_logsumexp(logits, axis=1), 1) - tf.tensordot(
        position_weights, tf.gather_nd(logits, positions), 1
    )

    def gradient(upstream: Any) -> tuple[Any, None, None, None]:
        predicted = tf.nn.softmax(logits) * (row_weights * upstream)[:, tf.newaxis]
        return _less_positives(predicted, positions, position_weights * upstream), *[None] * 3

    return loss, gradient


def _less_positives(predicted: Any, positions: Any, weights: Any) -> Any:
    return tf.tensor_scatter_nd_sub(predicted, positions, weights)


LOSSES = {"logistic": sigmoid_cross_entropy, "softmax": softmax_cross_entropy}
