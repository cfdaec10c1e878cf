"""Checks and means that all metrics share."""

import math
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m.metrics._inputs.true_labels import TrueLabels

Floats = npt.NDArray[np.floating[Any]]


def check_k(k: object, name: str = "k") -> int:
    """Return ``k`` as an int, or raise ValueError where it is not a whole number of at least 1."""
    if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {k!r}.")
    return int(k)


def check_sample_weight(sample_weight: Any, labels: TrueLabels) -> npt.NDArray[np.float64] | None:
    """Return the weights as float64 of shape (n_samples,), the largest in [0.5, 1).

    None where none are given or all are equal, which is the same to every metric.
    """
    judged = labels.judged
    if judged is not None and not judged.any():
        raise ValueError("rated must hold at least one pair of a sample and a label.")
    weight = check_some_weight(sample_weight, labels.n_samples)
    if weight is None or (weight == weight[0]).all():
        return None
    if judged is not None and not (weight * judged).any():
        raise ValueError("sample_weight must not be 0 for every row with a rated label.")
    # A power of 2 rounds nothing, and keeps sums from overflowing and products from vanishing.
    return np.ldexp(weight, -np.frexp(weight.max())[1])


def read_reals(values: Any, name: str) -> npt.NDArray[np.float64]:
    """Return real numbers as a new float64 array; NaN where one is missing.

    Raises
    ------
    TypeError
        Where they are a masked array.
    ValueError
        Where they are no numbers, strings of digits included.
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


def check_some_weight(sample_weight: Any, n_samples: int) -> npt.NDArray[np.float64] | None:
    """Return the weights as they are, or raise ValueError where every one is 0."""
    weight = check_finite_weight(sample_weight, n_samples)
    if weight is not None and not weight.any():
        raise ValueError("sample_weight must not be 0 for every row.")
    return weight


def check_finite_weight(sample_weight: Any, n_samples: int) -> npt.NDArray[np.float64] | None:
    """Do the same for a part of the samples, in which every weight may be 0."""
    if sample_weight is None:
        return None
    weight = read_reals(sample_weight, "sample_weight")
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have shape ({n_samples},), one weight a row of y_true; "
            f"got {weight.shape}."
        )
    bad = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if bad.size:
        raise ValueError(
            f"sample_weight must be finite and not negative; row {bad[0]} has {weight[bad[0]]}."
        )
    return weight


def mean(values: npt.NDArray[Any], weight: npt.NDArray[np.float64] | None = None) -> float:
    """Return the weighted mean of one value a sample, the same for any order of samples."""
    if weight is None:
        # fsum rounds once, so that the mean does not depend on the order of the rows.
        return math.fsum(values) / len(values)
    return math.fsum(values * weight) / math.fsum(weight)
