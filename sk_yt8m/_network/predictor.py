"""Prediction: scores and top-k of any number of rows, in chunks, by a compiled function."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from sk_yt8m._inputs.features import checked_rows, row_number
from sk_yt8m._inputs.prefetch import prefetched
from sk_yt8m._inputs.standardization import standardized
from sk_yt8m._network import host_products
from sk_yt8m._network.architecture import HIGHEST_PROBABILITY, LOWEST_PROBABILITY
from sk_yt8m._network.elementwise_ops import activation
from sk_yt8m._network.folding import PlainLayers
from sk_yt8m._tensorflow import has_gpu, tf
from sk_yt8m._top_k import TopK

#: Rows of a chunk.
CHUNK_ROWS = 512
#: Networks of at most so many weights predict in float64, whose rounding errors vanish in float32:
#: their scores do not depend on how rows are divided among calls.
_SMALL = 2**19
#: Calls of at most so many rows, or multiplications, run in numpy.
_FEW_ROWS, _FEW_PRODUCTS = 8, 2**23


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
        self._n_weights = sum(kernel.size for kernel in layers.kernels)
        is_small = precision == "float32" and self._n_weights <= _SMALL and not has_gpu()
        self._precision = "float64" if is_small else precision
        self._links = (layers.activation, out_activation)
        self.n_outputs = layers.biases[-1].size
        self.update(layers)

    def update(self, layers: PlainLayers) -> None:
        """Replace the weights by others of the same shapes."""
        self._standardization = layers.mean, layers.scale
        others = "float64" if self._precision == "float64" else "float32"
        pairs = zip(layers.kernels, layers.biases, strict=True)
        self._weights = [
            tf.cast(array, self._precision if array.ndim == 2 else others)
            for pair in pairs
            for array in pair
        ]

    def chunks(self, graph: str, X: Any) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each chunk's first row number and its ``"logits"`` or ``"probabilities"``."""
        for start, scores in self._run(graph, X):
            # A view; `scores.numpy()` would copy.
            yield start, np.asarray(memoryview(scores))

    def hidden(self, X: Any) -> np.ndarray:
        """Return the activations of the last hidden layer, float32."""
        return self._scores("hidden", X, self._weights[-2].shape[0])

    def hidden_and_probabilities(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return what `hidden` and `probabilities` return, of one pass through the network."""
        hidden = np.empty((X.shape[0], self._weights[-2].shape[0]), dtype=np.float32)
        scores = np.empty((X.shape[0], self.n_outputs), dtype=np.float32)
        for start, results in self._run("hidden_and_probabilities", X):
            for whole, part in zip((hidden, scores), results, strict=True):
                whole[start : start + len(part)] = memoryview(part)
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
        for start, (values, places) in self._run("top_k", X, tf.constant(k)):
            scores[start : start + len(values)] = values
            indices[start : start + len(places)] = places
        return TopK(indices, scores)

    def _scores(self, graph: str, X: Any, width: int) -> np.ndarray:
        scores = np.empty((X.shape[0], width), dtype=np.float32)
        for start, block in self.chunks(graph, X):
            scores[start : start + len(block)] = block
        return scores

    def _run(self, name: str, X: Any, *further: Any) -> Iterator[tuple[int, Any]]:
        """Yield each chunk's first row number and the graph's results."""
        inputs, *standardization = standardized(X, *self._standardization)
        graph = self._graph(name, standardization, X.shape[0])

        def run(start: int) -> tuple[int, Any]:
            rows = checked_rows(inputs, start, CHUNK_ROWS)
            result, is_finite = graph(rows, *further)
            wrong = np.flatnonzero(~np.asarray(is_finite))
            if wrong.size:
                raise _overflow(inputs, start + int(wrong[0]), rows[wrong[0]])
            return start, result

        return prefetched(run, range(0, X.shape[0], CHUNK_ROWS))

    def _graph(
        self, name: str, standardization: list[np.ndarray], n_rows: int
    ) -> Callable[..., Any]:
        """Return the function from rows to the results, of TensorFlow or numpy."""
        is_short = n_rows <= _FEW_ROWS or n_rows * self._n_weights <= _FEW_PRODUCTS
        if is_short and self._precision != "bfloat16" and not has_gpu():
            layers = [np.asarray(memoryview(weight)) for weight in self._weights]
            return host_products.forward(name, *self._links, standardization, layers)
        dtype = self._weights[-1].dtype
        weights = [*(tf.cast(array, dtype) for array in standardization), *self._weights]
        graph = _compiled(name, *self._links, self._precision, len(weights))
        return lambda rows, *further: graph(tf.convert_to_tensor(rows), *further, *weights)


@cache
def _compiled(name: str, hidden: str, out: str, precision: str, n_weights: int) -> Any:
    """Compile a function, once for all networks of as many layers: TensorFlow never frees one."""
    features = tf.TensorSpec([None, None], tf.float32)
    further = [tf.TensorSpec([], tf.int32)] if name == "top_k" else []
    vectors = tf.TensorSpec([None], "float64" if precision == "float64" else "float32")
    pairs = [tf.TensorSpec([None, None], precision), vectors] * (n_weights // 2 - 1)
    graph = tf.function(_forward(name, hidden, out), autograph=False)
    return graph.get_concrete_function(features, *further, vectors, vectors, *pairs)


def _forward(name: str, hidden: str, out: str) -> Callable[..., Any]:
    """Return the function from features and weights to the named result.

    It also returns whether each row's result is finite. Only results are checked: a second use of
    an intermediate value would prevent TensorFlow from fusing it with the product before it, and
    change its last bits.
    """

    def product(h: Any, kernel: Any, bias: Any) -> Any:
        products = tf.matmul(tf.cast(h, kernel.dtype), kernel)
        return tf.nn.bias_add(tf.cast(products, bias.dtype), bias)

    def hidden_layers(features: Any, mean: Any, scale: Any, *layers: Any) -> Any:
        h = (tf.cast(features, mean.dtype) - mean) * scale
        for kernel, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
            h = activation(hidden)(product(h, kernel, bias))
        return h

    def checked(values: Any) -> tuple[Any, Any]:
        values = tf.cast(values, tf.float32)
        return values, tf.reduce_all(tf.math.is_finite(values), axis=1)

    def hidden_activations(features: Any, *weights: Any) -> tuple[Any, Any]:
        return checked(hidden_layers(features, *weights))

    def scores(features: Any, *weights: Any) -> Any:
        return product(hidden_layers(features, *weights), *weights[-2:])

    def logits(features: Any, *weights: Any) -> tuple[Any, Any]:
        return checked(scores(features, *weights))

    def linked_scores(logits: Any) -> tuple[Any, Any]:
        link = tf.math.sigmoid if out == "logistic" else tf.nn.softmax
        linked, is_finite = checked(link(logits))
        if logits.dtype == tf.float64:
            # Logits beyond float32 are refused as those of large networks, which become infinite.
            is_finite = checked(logits)[1]
        return tf.clip_by_value(linked, LOWEST_PROBABILITY, HIGHEST_PROBABILITY), is_finite

    def probabilities(features: Any, *weights: Any) -> tuple[Any, Any]:
        return linked_scores(scores(features, *weights))

    def hidden_and_probabilities(features: Any, *weights: Any) -> tuple[Any, Any]:
        h = hidden_layers(features, *weights)
        linked, is_finite = linked_scores(product(h, *weights[-2:]))
        values, has_finite = checked(h)
        return (values, linked), is_finite & has_finite

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


def _overflow(inputs: Any, row: int, features: np.ndarray) -> ValueError:
    column = int(np.argmax(np.abs(features)))
    return ValueError(
        f"the prediction of row {row_number(inputs, row)} of X is not a finite number: expected "
        "features like those of the training, and weights that are finite; the largest input is "
        f"{features[column]:g}, of column {column}"
    )
