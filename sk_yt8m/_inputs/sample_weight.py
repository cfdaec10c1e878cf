"""Weights of rows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m import _sklearn
from sk_yt8m._inputs.dense import refuse_masked


def check_sample_weight(sample_weight: npt.ArrayLike | None, X: Any) -> np.ndarray | None:
    """Return the weight of each row, float64 of maximum 1, or None for equal weights.

    Weights that float32 cannot hold beside the largest one become 0.
    """
    if sample_weight is None:
        return None
    refuse_masked(sample_weight, "sample_weight")
    weight = _sklearn.check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not np.isfinite(weight).all():
        raise ValueError("Input sample_weight contains NaN or infinity: expected finite numbers")
    weight = weight / weight.max()
    weight[weight < np.finfo(np.float32).tiny] = 0.0
    return None if weight.min() == 1 else weight
