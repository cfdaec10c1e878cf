"""A network, its neighbours and averages as nodes of an ONNX graph."""

from typing import Any, NamedTuple

import numpy as np

from sk_yt8m._inputs.standardization import fits_float32
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._network.architecture import HIGHEST_PROBABILITY, LOWEST_PROBABILITY
from sk_yt8m._network.fitted_network import FittedNetwork
from sk_yt8m._network.folding import fold
from sk_yt8m.persistence._onnx_nodes import Nodes


class NetworkOutputs(NamedTuple):
    """Names of what a network computes for each row."""

    hidden: str
    logits: str
    probabilities: str


def add_network(nodes: Nodes, network: FittedNetwork, features: str, dtype: Any) -> NetworkOutputs:
    """Add a network for features of a dtype; `predict_proba` describes the probabilities."""
    layers = fold(network.architecture, network.weights)
    fits = fits_float32(layers.mean, layers.scale)
    inner = np.result_type(dtype, np.float32 if fits else np.float64)
    h = features if dtype == inner else nodes.cast(features, inner)
    h = nodes.add("Sub", h, layers.mean.astype(inner))
    h = nodes.add("Mul", h, layers.scale.astype(inner))
    h = h if inner == np.float32 else nodes.cast(h, np.float32)
    *hidden, last = zip(layers.kernels, layers.biases, strict=True)
    for kernel, bias in hidden:
        h = _activation(nodes, layers.activation, nodes.add("Gemm", h, kernel, bias))
    logits = nodes.add("Gemm", h, *last)
    link = "Softmax" if network.form.out_activation == "softmax" else "Sigmoid"
    bounds = np.float32(LOWEST_PROBABILITY), np.float32(HIGHEST_PROBABILITY)
    probabilities = nodes.add("Clip", nodes.add(link, logits), *bounds)
    if network.form.kind == "binary":
        negative = nodes.add("Min", nodes.add("Sub", np.float32(1), probabilities), bounds[1])
        probabilities = nodes.add("Concat", negative, probabilities, axis=1)
    return NetworkOutputs(h, logits, probabilities)


def add_neighbors(
    nodes: Nodes,
    hidden: str,
    references: np.ndarray,
    labels: Any,
    log_weights: np.ndarray,
    n_neighbors: int,
    temperature: float,
) -> str:
    """Add the average of the nearest rows' labels, float64; the cosines are float32.

    They are products of float64, rounded, so that equal rows tie.
    """
    n_rows, n_columns = labels.shape
    unit = nodes.add("LpNormalization", nodes.cast(hidden, np.float64), axis=1, p=2)
    unit = nodes.cast(nodes.cast(unit, np.float32), np.float64)
    wide = nodes.cast(nodes.add("Identity", references.T), np.float64)
    cosines = nodes.cast(nodes.add("MatMul", unit, wide), np.float32)
    values, places = nodes.add_top_k(cosines, min(n_neighbors, n_rows))
    values = nodes.cast(values, np.float64)
    first = nodes.add("Gather", values, np.array([0]), axis=1)
    falls = nodes.add("Div", nodes.add("Sub", values, first), np.float64(temperature))
    logs = nodes.add("Add", falls, nodes.add("Gather", log_weights, places))
    weights = nodes.add("Softmax", logs, axis=1)
    # The labels of each row, filled up with a column that is cut off.
    counts = np.diff(labels.indptr)
    padded = np.full((n_rows, max(1, counts.max())), n_columns)
    padded[np.arange(padded.shape[1]) < counts[:, np.newaxis]] = labels.indices
    columns = nodes.add("Gather", padded, places)
    shares = nodes.add("Unsqueeze", weights, np.array([2]))
    shares = nodes.add("Expand", shares, nodes.add("Shape", columns))
    flat = np.array([0, -1])
    empty = nodes.add("Mul", first, np.zeros((1, n_columns + 1)))
    total = nodes.add(
        "ScatterElements",
        empty,
        nodes.add("Reshape", columns, flat),
        nodes.add("Reshape", shares, flat),
        axis=1,
        reduction="add",
        op_version=16,
    )
    return nodes.add("Slice", total, *(np.array([n]) for n in (0, n_columns, 1)))


def add_unit_rows(nodes: Nodes, features: str, dtype: Any, columns: list[slice], out: str) -> None:
    """Add the features with each range of columns scaled to length 1; zeros stay."""
    wide, parts = nodes.cast(features, np.float64), []
    for one in columns:
        part = nodes.add("Slice", wide, *(np.array([n]) for n in (one.start, one.stop, 1)))
        squares = nodes.add("ReduceSum", nodes.add("Mul", part, part), np.array([1]), keepdims=1)
        is_zero = nodes.add("Equal", squares, np.float64(0))
        length = nodes.add("Where", is_zero, np.float64(1), nodes.add("Sqrt", squares))
        parts.append(nodes.add("Div", part, length))
    nodes.cast(nodes.add("Concat", *parts, axis=1), dtype, out)


def add_average(nodes: Nodes, shares: Any, probabilities: list[str], out: str) -> str:
    """Add the weighted mean of probabilities, in float64, as float32."""
    total = ""
    for share, part in zip(shares, probabilities, strict=True):
        term = nodes.add("Mul", nodes.cast(part, np.float64), np.float64(share))
        total = nodes.add("Add", total, term) if total else term
    return nodes.cast(nodes.add("Clip", total, np.float64(0), np.float64(1)), np.float32, out)


def add_labels(
    nodes: Nodes, form: TargetForm, scores: str, out: str, threshold: float = 0.5
) -> None:
    """Add the predicted labels, or classes: integers or strings."""
    if form.kind == "multilabel":
        nodes.cast(nodes.add("Greater", scores, np.float32(threshold)), np.int64, out)
        return
    codes = nodes.add("ArgMax", scores, axis=1, keepdims=0)
    nodes.add("Gather", class_names(form), codes, out=out)


def class_names(form: TargetForm) -> np.ndarray:
    """Return the classes as ONNX has them: int64 or strings."""
    classes = form.classes
    if all(isinstance(one, str) for one in classes.tolist()):
        return classes.astype(str)
    if classes.dtype.kind in "biuf":
        return classes.astype(np.int64)
    raise ValueError(
        f"ONNX has classes that are integers or strings, got {classes[:5]} of type {classes.dtype}"
    )


def _activation(nodes: Nodes, name: str, h: str) -> str:
    if name == "identity":
        return h
    if name == "silu":
        return nodes.add("Mul", h, nodes.add("Sigmoid", h))
    if name == "gelu":
        erf = nodes.add("Erf", nodes.add("Mul", h, np.float32(0.5**0.5)))
        half = nodes.add("Mul", h, np.float32(0.5))
        return nodes.add("Mul", half, nodes.add("Add", erf, np.float32(1)))
    return nodes.add({"logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}[name], h)
