"""Batch normalisation over all replicas of a training: moments and their gradients are summed."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sk_yt8m._network.architecture import BATCH_NORMALIZATION_EPSILON
from sk_yt8m._network.elementwise_ops import activation, activation_slope, compiled, drop
from sk_yt8m._tensorflow import tf

#: Takes a list of tensors and returns their sums over all replicas of a training.
Sums = Callable[[Sequence[Any]], list[Any]]


class SynchronizedUnitOps:
    """`UnitOps` of one hidden layer with batch normalisation, for one of several replicas.

    Parameters
    ----------
    name : str
        Name of the activation.
    fused : bool
        Whether XLA compiles what lies between the sums.
    sums : callable
        Takes a list of tensors and returns their sums over all replicas.

    Notes
    -----
    With ``u`` the gradient by the normalised products ``x``, of scale ``g`` and deviation ``s``,
    the gradient by the products is ``(u - g * (mean(u') + x * mean(u' * x))) / s``, where ``u'`` is
    the gradient by ``g * x`` and the means are over the rows of all replicas (Ioffe and Szegedy,
    2015). Their sums are the gradients by offset and scale.
    """

    def __init__(self, name: str, fused: bool, sums: Sums) -> None:
        self._parts = _compiled_parts(name, fused)
        self._sums = sums
        self._of_forward: tuple[Any, Any, Any] | None = None

    def forward(self, products: Any, scale: Any, offset: Any, dropout: Any) -> tuple[Any, Any, Any]:
        """Return the outputs, and mean and variance of the products over all replicas."""
        # Replicas may have different numbers of rows, or none.
        n_rows = tf.cast(tf.shape(products)[0], tf.float32)
        total, n_rows = self._sums([self._parts.sum(products), n_rows])
        mean = total / n_rows
        (squares,) = self._sums([self._parts.squares(products, mean)])
        variance = squares / n_rows
        # The graph's own tensors: the backward pass of the same step uses them.
        self._of_forward = mean, variance, n_rows
        return self._parts.outputs(products, mean, variance, scale, offset, dropout), mean, variance

    def backward(self, products: Any, scale: Any, offset: Any, dropout: Any, upstream: Any) -> Any:
        """Return the gradients by products, and this replica's by scale and offset."""
        assert self._of_forward is not None
        mean, variance, n_rows = self._of_forward
        given = products, mean, variance, scale, offset, dropout, upstream
        by_scale, by_offset = self._parts.by_scale_and_offset(*given)
        means = [total / n_rows for total in self._sums([by_scale, by_offset])]
        return self._parts.by_products(*given, *means), by_scale, by_offset


class _Parts(NamedTuple):
    sum: Any
    squares: Any
    outputs: Any
    by_scale_and_offset: Any
    by_products: Any


@cache
def _compiled_parts(name: str, fused: bool) -> _Parts:
    """Compile what lies between the sums over replicas."""

    def normalized(products: Any, mean: Any, variance: Any) -> Any:
        inverse = tf.math.rsqrt(variance + BATCH_NORMALIZATION_EPSILON)
        return (tf.cast(products, tf.float32) - mean) * inverse

    def sum_of(products: Any) -> Any:
        return tf.reduce_sum(tf.cast(products, tf.float32), axis=0)

    def squares(products: Any, mean: Any) -> Any:
        return sum_of(tf.square(tf.cast(products, tf.float32) - mean))

    def outputs(
        products: Any, mean: Any, variance: Any, scale: Any, offset: Any, dropout: Any
    ) -> Any:
        values = normalized(products, mean, variance) * scale + offset
        return tf.cast(drop(activation(name)(values), dropout), products.dtype)

    def slopes(
        products: Any,
        mean: Any,
        variance: Any,
        scale: Any,
        offset: Any,
        dropout: Any,
        upstream: Any,
    ) -> tuple[Any, Any]:
        x = normalized(products, mean, variance)
        kept = drop(tf.cast(upstream, tf.float32), dropout)
        return x, activation_slope(name, x * scale + offset, kept)

    def by_scale_and_offset(*given: Any) -> Any:
        x, slope = slopes(*given)
        return [tf.reduce_sum(slope * x, axis=0), tf.reduce_sum(slope, axis=0)]

    def by_products(*given: Any) -> Any:
        *forward, mean_by_scale, mean_by_offset = given
        x, slope = slopes(*forward)
        products, _, variance, scale, *_ = forward
        centred = scale * (slope - (mean_by_offset + x * mean_by_scale))
        inverse = tf.math.rsqrt(variance + BATCH_NORMALIZATION_EPSILON)
        return tf.cast(inverse * centred, products.dtype)

    functions = (sum_of, squares, outputs, by_scale_and_offset, by_products)
    return _Parts(*(compiled(function, fused) for function in functions))
