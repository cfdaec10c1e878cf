"""Batch normalisation over all replicas of a training: moments and their gradients are summed."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sk_yt8m._network.fused_ops import activation, dropout
from sk_yt8m._tensorflow import tf

#: Takes a list of tensors and returns their sums over all replicas of a training.
Sums = Callable[[Sequence[Any]], list[Any]]


class SynchronizedUnitOps:
    """`UnitOps` of one hidden layer with batch normalisation, for one of several replicas.

    Parameters
    ----------
    name : str
        Name of the activation.
    rate : float
        Share of the outputs that dropout sets to zero.
    epsilon : float
        Batch normalisation's guard against division by zero.
    sums : callable
        Takes a list of tensors and returns their sums over all replicas.

    Notes
    -----
    With ``u`` the gradient by the normalised products ``x``, of scale ``g`` and deviation ``s``,
    the gradient by the products is ``(u - g * (mean(u') + x * mean(u' * x))) / s``, where ``u'`` is
    the gradient by ``g * x`` and the means are over the rows of all replicas (Ioffe and Szegedy,
    2015). Their sums are the gradients by offset and scale.
    """

    def __init__(self, name: str, rate: float, epsilon: float, sums: Sums) -> None:
        self._parts = _compiled_parts(name, rate, epsilon)
        self._sums = sums
        self._of_forward: tuple[Any, Any, Any] | None = None

    def forward(self, products: Any, scale: Any, offset: Any, seed: Any) -> tuple[Any, Any, Any]:
        """Return the outputs, and mean and variance of the products over all replicas."""
        # Replicas may have different numbers of rows, or none.
        n_rows = tf.cast(tf.shape(products)[0], tf.float32)
        total, n_rows = self._sums([self._parts.sum(products), n_rows])
        mean = total / n_rows
        (squares,) = self._sums([self._parts.squares(products, mean)])
        variance = squares / n_rows
        # The graph's own tensors: the backward pass of the same step uses them.
        self._of_forward = mean, variance, n_rows
        return self._parts.outputs(products, mean, variance, scale, offset, seed), mean, variance

    def backward(self, products: Any, scale: Any, offset: Any, seed: Any, upstream: Any) -> Any:
        """Return the gradients by products, and this replica's by scale and offset."""
        assert self._of_forward is not None
        mean, variance, n_rows = self._of_forward
        given = products, mean, variance, scale, offset, seed, upstream
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
def _compiled_parts(name: str, rate: float, epsilon: float) -> _Parts:
    """Compile what lies between the sums over replicas."""

    def normalized(products: Any, mean: Any, variance: Any) -> Any:
        return (tf.cast(products, tf.float32) - mean) * tf.math.rsqrt(variance + epsilon)

    def after(x: Any, scale: Any, offset: Any, seed: Any, dtype: Any) -> Any:
        return tf.cast(dropout(activation(name)(x * scale + offset), seed, rate), dtype)

    def sum_of(products: Any) -> Any:
        return tf.reduce_sum(tf.cast(products, tf.float32), axis=0)

    def squares(products: Any, mean: Any) -> Any:
        return sum_of(tf.square(tf.cast(products, tf.float32) - mean))

    def outputs(products: Any, mean: Any, variance: Any, scale: Any, offset: Any, seed: Any) -> Any:
        return after(normalized(products, mean, variance), scale, offset, seed, products.dtype)

    def gradients(
        given: tuple[Any, ...], sources: Callable[[Any, Any, Any], list[Any]]
    ) -> tuple[Any, list[Any]]:
        products, mean, variance, scale, offset, seed, upstream = given
        x = normalized(products, mean, variance)
        with tf.GradientTape() as tape:
            tape.watch([x, scale, offset])
            values = after(x, scale, offset, seed, products.dtype)
        wanted = sources(x, scale, offset)
        zero = tf.UnconnectedGradients.ZERO
        return x, tape.gradient(values, wanted, upstream, unconnected_gradients=zero)

    def by_scale_and_offset(*given: Any) -> Any:
        return gradients(given, lambda _, scale, offset: [scale, offset])[1]

    def by_products(*given: Any) -> Any:
        *forward, mean_by_scale, mean_by_offset = given
        x, (slope,) = gradients(tuple(forward), lambda x, _, __: [x])
        products, _, variance, scale, *_ = forward
        centred = slope - scale * (mean_by_offset + x * mean_by_scale)
        return tf.cast(tf.math.rsqrt(variance + epsilon) * centred, products.dtype)

    functions = (sum_of, squares, outputs, by_scale_and_offset, by_products)
    return _Parts(*(tf.function(function, jit_compile=True) for function in functions))
