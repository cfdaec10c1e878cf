"""Cosines of rows of length 1: rough ones of all rows, exact ones of candidates."""

from functools import cache
from typing import Any

import numpy as np

from sk_yt8m.metrics._inputs.select import select_top_k

#: The candidates of one row: ascending numbers of the rows that may be its nearest.
Candidates = np.ndarray

#: Candidates whose cosines are computed at a time: more would leave the cache of a core.
_PART_ROWS = 32
#: Smaller products are in float32 everywhere, as other formats need TensorFlow.
_FEWEST_IN_BFLOAT16 = 2**22
#: Largest error of a cosine whose two rows and result are rounded to bfloat16.
_BFLOAT16_ERROR = 3.1 * 2.0**-9


def margin(width: int) -> float:
    """Return by how much two float32 products of rows of length 1 may differ by rounding."""
    return float(2 * width * np.finfo(np.float32).eps)


def rough_cosines(references: np.ndarray, tensors: dict[str, Any]) -> tuple[Any, float]:
    """Return the product of rows with all references, and the largest difference of its errors.

    The product is in bfloat16 where the device multiplies it natively. `tensors` keeps the
    references in that format.
    """
    width = references.shape[1]
    if references.size < _FEWEST_IN_BFLOAT16 or not _bfloat16_is_native():
        return lambda units: units @ references.T, margin(width)

    from sk_yt8m._tensorflow import tf

    if "bfloat16" not in tensors:
        narrow = references.astype(tf.bfloat16.as_numpy_dtype)
        tensors["bfloat16"] = tf.convert_to_tensor(narrow)

    def product(units: np.ndarray) -> np.ndarray:
        narrow = tf.cast(units, tf.bfloat16)
        cosines = tf.matmul(narrow, tensors["bfloat16"], transpose_b=True)
        return tf.cast(cosines, tf.float32).numpy()

    return product, 2 * _BFLOAT16_ERROR + margin(width)


def candidates_by(product: Any, error: float, units: np.ndarray, k: int) -> list[Candidates]:
    """Return all rows that may be among the `k` nearest by a product with errors."""
    rough = product(units)
    best = select_top_k(rough, k)
    assert best is not None, "rows of length 1 hold no NaN"
    reached = rough >= best[1][:, -1:] - error
    return [np.flatnonzero(row) for row in reached]


def cosines(references: np.ndarray, places: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return the cosines of some references with one row, in the dtype of that row."""
    found = np.empty(len(places), dtype=unit.dtype)
    part = np.empty((min(len(places), _PART_ROWS), unit.size), dtype=references.dtype)
    for start in range(0, len(places), _PART_ROWS):
        some = places[start : start + _PART_ROWS]
        rows = part[: len(some)]
        # Into the same memory each time: new memory costs several times the product.
        np.take(references, some, axis=0, out=rows, mode="clip")
        np.dot(rows.astype(unit.dtype, copy=False), unit, out=found[start : start + len(some)])
    return found


def reached_candidates(
    references: np.ndarray, places: np.ndarray, unit: np.ndarray, k: int
) -> Candidates:
    """Return those of some references whose cosines reach the `k` highest, up to rounding."""
    found = cosines(references, places, unit)
    lowest = np.partition(found, -k)[-k]
    return np.sort(places[found >= lowest - np.float32(margin(unit.size))])


def nearest_of(
    references: np.ndarray, candidates: list[Candidates], units: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the `k` nearest candidates and their cosines, best first, ties to the first row.

    Rounding in a float32 product differs between equal rows and depends on the other rows, so the
    cosines are computed in float64 and rounded.
    """
    neighbors = np.empty((len(units), k), dtype=np.int32)
    nearest = np.empty((len(units), k))
    for row, unit in enumerate(units.astype(np.float64)):
        places = candidates[row]
        exact = cosines(references, places, unit).astype(np.float32)
        order = np.argsort(-exact, kind="stable")[:k]
        neighbors[row], nearest[row] = places[order], exact[order]
    return neighbors, nearest


@cache
def _bfloat16_is_native() -> bool:
    from sk_yt8m._tensorflow import resolve_precision

    return resolve_precision("auto") == "bfloat16"
