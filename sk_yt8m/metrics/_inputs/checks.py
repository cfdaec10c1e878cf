"""Checks and means that all metrics share."""

import math
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m.metrics._inputs.true_labels import TrueLabels


def check_k(k: object, name: str = "k") -> int:
    """Return ``k`` as an int, or raise ValueError if it is not an integer of at least 1."""
    if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {k!r}.")
    return int(k)


def read_reals(values: Any, name: str) -> npt.NDArray[np.float64]:
    """Return real numbers as a new float64 array, missing ones as NaN; digit strings are refused.

    Raises
    ------
    TypeError
        If they are a masked array.
    ValueError
        If they are not numbers.
    """
    refuse_masked(values, name)
    given = np.asarray(values)
    wrong = given.dtype.kind not in "biufO"
    if given.dtype == object:
        wrong = any(isinstance(value, (str, bytes)) for value in given.flat)
    if not wrong:
        try:
            return np.array(values, dtype=np.float64)
        except (TypeError, ValueError):
            pass
    raise ValueError(f"{name} must hold real numbers, got dtype {given.dtype}.")


def read_vector(values: Any, name: str, length: int, entry: str) -> npt.NDArray[np.float64]:
    """Return one real number for each entry, which is a row or a label."""
    vector = read_reals(values, name)
    if vector.shape != (length,):
        raise ValueError(
            f"{name} must have shape ({length},), one value for each {entry}; got {vector.shape}."
        )
    return vector


def read_amounts(values: Any, name: str, length: int, entry: str) -> npt.NDArray[np.float64]:
    """Return one finite number of at least 0 for each entry."""
    amounts = read_vector(values, name, length, entry)
    bad = np.flatnonzero(~(np.isfinite(amounts) & (amounts >= 0)))
    if bad.size:
        raise ValueError(
            f"{name} must be finite and not negative; {entry} {bad[0]} has {amounts[bad[0]]}."
        )
    return amounts


def check_sample_weight(sample_weight: Any, labels: TrueLabels) -> npt.NDArray[np.float64] | None:
    """Return the weights as float64 of shape (n_samples,), the largest in [0.5, 1).

    None if none are given or all are equal, which is the same to every metric.
    """
    judged = labels.judged
    if judged is not None and not judged.any():
        raise ValueError("rated must hold at least one pair of a sample and a label.")
    weight = check_some_weight(sample_weight, labels.n_samples)
    if weight is None or (weight == weight[0]).all():
        return None
    if judged is not None and not (weight * judged).any():
        raise ValueError("sample_weight must not be 0 for every row with a rated label.")
    # Scaling by a power of 2 rounds nothing, and keeps sums and products in range.
    return np.ldexp(weight, -np.frexp(weight.max())[1])


def check_some_weight(sample_weight: Any, n_samples: int) -> npt.NDArray[np.float64] | None:
    """Return the weights unscaled, or raise ValueError if every one is 0."""
    weight = check_batch_weight(sample_weight, n_samples)
    if weight is not None and not weight.any():
        raise ValueError("sample_weight must not be 0 for every row.")
    return weight


def check_batch_weight(sample_weight: Any, n_samples: int) -> npt.NDArray[np.float64] | None:
    """Return the weights of some of the samples, all of which may be 0."""
    if sample_weight is None:
        return None
    return read_amounts(sample_weight, "sample_weight", n_samples, "row")


def mean(values: npt.NDArray[Any], weight: npt.NDArray[np.float64] | None = None) -> float:
    """Return the weighted mean, the same for any order of samples."""
    if weight is None:
        # fsum rounds once, so that the order of the samples has no influence.
        return math.fsum(values) / len(values)
    return math.fsum(values * weight) / math.fsum(weight)
