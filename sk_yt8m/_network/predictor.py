"""Prediction: scores and top-k of any number of rows, in chunks, by a compiled function."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from sk_yt8m._inputs.features import checked_rows, row_number
from sk_yt8m._inputs.prefetch import prefetched
from sk_yt8m._inputs.standardization import standardized
from sk_yt8m._network.architecture import HIGHEST_PROBABILITY, LOWEST_PROBABILITY
from sk_yt8m._network.folding import PlainLayers
from sk_yt8m._network.fused_ops import activation
from sk_yt8m._tensorflow import has_gpu, products_keep_order, tf
from sk_yt8m._top_k import TopK

#: Rows of a chunk. Where `products_keep_order`, products of 2 to 512 rows sum in the same order, so
#: that the scores of a row do not depend on the other rows. One row, and more, sum differently.
CHUNK_ROWS = 512
_FEWEST_ROWS = 2
#: Elsewhere networks with at most this many weights multiply in float64, whose rounding errors
#: vanish in float32, and chunks are padded to a multiple of 16 rows, so that vector instructions
#: leave no element over.
_SMALL, _VECTOR_ROWS = 2**17, 16


class Predictor:
    """A network compiled for prediction.

    Parameters
    ----------
    layers : PlainLayers
        The network.
    out_activation : {"logistic", "softmax"}
        Activation of the output layer.
    precision : {"float32", "bfloat16"}
        Number format of kernels and products.
    """

    def __init__(
        self, layers: PlainLayers, out_activation: str, precision: str = "float32"
    ) -> None:
        self._precision, self._multiple = precision, CHUNK_ROWS if has_gpu() else 1
        n_weights = sum(kernel.size for kernel in layers.kernels)
        if precision == "float32" and n_weights <= _SMALL and not products_keep_order():
            self._precision, self._multiple = "float64", _VECTOR_ROWS
        self._links = (layers.activation, out_activation)
        self.n_outputs = layers.biases[-1].size
        self.update(layers)

    def update(self, layers: PlainLayers) -> None:
        """Replace the weights by others of the same shapes."""
        self._standardization = layers.mean, layers.scale
        pairs = zip(layers.kernels, layers.biases, strict=True)
        self._weights = [
            tf.cast(array, self._precision) if array.ndim == 2 else tf.convert_to_tensor(array)
            for pair in pairs
            for array in pair
        ]

    def chunks(self, graph: str, X: Any) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each chunk's first row number and its ``"logits"`` or ``"probabilities"``."""
        for start, n_rows, scores in self._run(graph, X):
            # A view; `scores.numpy()` would copy.
            yield start, np.asarray(memoryview(scores))[:n_rows]

    def hidden(self, X: Any) -> np.ndarray:
        """Return the activations of the last hidden layer, float32."""
        return self._scores("hidden", X, self._weights[-2].shape[0])

    def hidden_and_probabilities(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return what `hidden` and `probabilities` return, of one pass through the network."""
        hidden = np.empty((X.shape[0], self._weights[-2].shape[0]), dtype=np.float32)
        scores = np.empty((X.shape[0], self.n_outputs), dtype=np.float32)
        for start, n_rows, results in self._run("hidden_and_probabilities", X):
            for whole, part in zip((hidden, scores), results, strict=True):
                whole[start : start + n_rows] = memoryview(part)[:n_rows]
        return hidden, scores

    def logits(self, X: Any) -> np.ndarray:
        """Return the logits, shape (n_samples, n_outputs), float32."""
        return self._scores("logits", X, self.n_outputs)

    def probabilities(self, X: Any) -> np.ndarray:
        """Return probabilities strictly inside (0, 1), shape (n_samples, n_outputs), float32."""
        return self._scores("probabilities", X, self.n_outputs)

    def codes(self, X: Any) -> np.ndarray:
        """Return the number of the most probable class, shape (n_samples,)."""
        logits = self.logits(X)
        return (
            (logits > 0).ravel().astype(np.intp) if self.n_outputs == 1 else logits.argmax(axis=1)
        )

    def top_k(self, X: Any, k: int) -> TopK:
        """Return the `k` outputs of the highest probability, ties to the lower index."""
        n = X.shape[0]
        indices = np.empty((n, k), dtype=np.int32)
        scores = np.empty((n, k), dtype=np.float32)
        for start, n_rows, (values, places) in self._run("top_k", X, tf.constant(k)):
            scores[start : start + n_rows] = values[:n_rows]
            indices[start : start + n_rows] = places[:n_rows]
        return TopK(indices, scores)

    def _scores(self, graph: str, X: Any, width: int) -> np.ndarray:
        scores = np.empty((X.shape[0], width), dtype=np.float32)
        for start, block in self.chunks(graph, X):
            scores[start : start + len(block)] = block
        return scores

    def _run(self, name: str, X: Any, *further: Any) -> Iterator[tuple[int, int, Any]]:
        """Yield the first row number, the number of rows and the graph's results of each chunk."""
        inputs, *standardization = standardized(X, *self._standardization)
        weights = [*map(tf.convert_to_tensor, standardization), *self._weights]
        shapes = tuple(tuple(weight.shape) for weight in weights)
        graph = _compiled(name, *self._links, self._precision, shapes)

        def run(start: int) -> tuple[int, int, Any]:
            rows = checked_rows(inputs, start, CHUNK_ROWS)
            result, is_finite = graph(_padded(rows, self._multiple), *further, *weights)
            wrong = np.flatnonzero(~is_finite.numpy()[: len(rows)])
            if wrong.size:
                raise _overflow(inputs, start + int(wrong[0]), rows[wrong[0]])
            return start, len(rows), result

        return prefetched(run, range(0, X.shape[0], CHUNK_ROWS))


@cache
def _compiled(
    name: str, hidden: str, out: str, precision: str, shapes: tuple[tuple[int, ...], ...]
) -> Any:
    """Compile a function, once for all networks of the same shape: TensorFlow never frees one."""
    features = tf.TensorSpec([None, shapes[0][0]], tf.float32)
    further = [tf.TensorSpec([], tf.int32)] if name == "top_k" else []
    weights = [
        tf.TensorSpec(shape, precision if len(shape) == 2 else tf.float32) for shape in shapes
    ]
    graph = _forward(name, hidden, out)
    return tf.function(graph).get_concrete_function(features, *further, *weights)


def _forward(name: str, hidden: str, out: str) -> Callable[..., Any]:
    """Return the function from features and weights to the named result.

    It also returns whether each row's result is finite. Only results are checked: a second use of
    an intermediate value would prevent TensorFlow from fusing it with the product before it, and
    change its last bits.
    """

    def product(h: Any, kernel: Any, bias: Any) -> Any:
        products = tf.matmul(tf.cast(h, kernel.dtype), kernel)
        return tf.nn.bias_add(tf.cast(products, tf.float32), bias)

    def hidden_layers(features: Any, mean: Any, scale: Any, *layers: Any) -> Any:
        h = (features - mean) * scale
        for kernel, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
            h = activation(hidden)(product(h, kernel, bias))
        return h

    def checked(values: Any) -> tuple[Any, Any]:
        return values, tf.reduce_all(tf.math.is_finite(values), axis=1)

    def hidden_activations(features: Any, *weights: Any) -> tuple[Any, Any]:
        return checked(hidden_layers(features, *weights))

    def scores(features: Any, *weights: Any) -> Any:
        return product(hidden_layers(features, *weights), *weights[-2:])

    def logits(features: Any, *weights: Any) -> tuple[Any, Any]:
        return checked(scores(features, *weights))

    def linked_scores(logits: Any) -> tuple[Any, Any]:
        link = tf.math.sigmoid if out == "logistic" else tf.nn.softmax
        return checked(tf.clip_by_value(link(logits), LOWEST_PROBABILITY, HIGHEST_PROBABILITY))

    def probabilities(features: Any, *weights: Any) -> tuple[Any, Any]:
        return linked_scores(scores(features, *weights))

    def hidden_and_probabilities(features: Any, *weights: Any) -> tuple[Any, Any]:
        h, is_finite = hidden_activations(features, *weights)
        linked, finite = linked_scores(product(h, *weights[-2:]))
        return (h, linked), is_finite & finite

    def top_k(features: Any, k: Any, *weights: Any) -> tuple[Any, Any]:
        values, is_finite = probabilities(features, *weights)
        return tf.math.top_k(values, k), is_finite

    graphs: dict[str, Callable[..., Any]] = {
        "hidden": hidden_activations,
        "hidden_and_probabilities": hidden_and_probabilities,
        "logits": logits,
        "probabilities": probabilities,
        "top_k": top_k,
    }
    return graphs[name]


def _padded(rows: np.ndarray, multiple: int) -> Any:
    n_rows = max(_FEWEST_ROWS, -(-len(rows) // multiple) * multiple)
    if len(rows) < n_rows:
        padded = np.zeros((n_rows, rows.shape[1]), dtype=rows.dtype)
        padded[: len(rows)] = rows
        rows = padded
    return tf.convert_to_tensor(rows)


def _overflow(inputs: Any, row: int, features: np.ndarray) -> ValueError:
    column = int(np.argmax(np.abs(features)))
    return ValueError(
        f"the prediction of row {row_number(inputs, row)} of X is not a finite number: expected "
        "features like those of the training, and weights that are finite; the largest input is "
        f"{features[column]:g}, of column {column}"
    )
