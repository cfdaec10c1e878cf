"""TensorFlow's coordination service: messages by key between the processes of a cluster.

It is private: the public interface has no messages, and does not end what waits for others.
"""

from sk_yt8m._tensorflow import eager_context, tf


def put(key: str, value: str) -> None:
    """Give a key its value, which all processes can read; the first value stays."""
    try:
        eager_context().set_config_key_value(key, value)
    except tf.errors.OpError:
        # There is a value, or the service has ended with its process, which everyone notices.
        return


def get(key: str, timeout: float) -> str | None:
    """Return the value of a key, or None if it has none within some seconds.

    Raises
    ------
    tf.errors.OpError
        If a process of the cluster is lost.
    """
    try:
        return str(eager_context().get_config_key_value(key, int(timeout * 1000)))
    except (tf.errors.DeadlineExceededError, tf.errors.NotFoundError):
        return None


def abort(reason: str) -> None:
    """Let the waiting of this process for others end with an AbortedError."""
    eager_context().abort_collective_ops(tf.errors.ABORTED, reason)
