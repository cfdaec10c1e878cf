"""Mean and standard deviation of the features, and where they are applied."""

from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from sk_yt8m._inputs.features import (
    RowView,
    block_rows,
    finite_blocks,
    is_wide,
    row_number,
    take_rows,
)

_SMALLEST = float(np.finfo(np.float32).tiny)
#: Numbers whose squares float64 holds, and the least variance that has all its digits.
_LARGEST_SQUARED, _LEAST_VARIANCE = 1e150, 1e-280
#: Means and scales beyond which differences of float32 overflow or vanish.
_LARGEST_IN_FLOAT32 = 1e33
#: Largest error of a mean in float32, as a share of the standard deviation.
_MEAN_TOLERANCE = 1e-4


class StandardizedRows(RowView):
    """The rows of X, standardised in float64 and rounded to float32 when they are indexed.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        Features.
    mean, scale : ndarray of shape (n_features,), float64
        What is subtracted, and what the difference is multiplied by.
    """

    def __init__(self, X: Any, mean: np.ndarray, scale: np.ndarray) -> None:
        super().__init__(X, X.shape[0])
        self.mean = mean
        self.scale = scale

    def __getitem__(self, rows: Any) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            centred = take_rows(self.X, rows, np.float64) - self.mean
            centred *= self.scale
            return centred.astype(np.float32)


def standardized(X: Any, mean: np.ndarray, scale: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray]:
    """Divide the standardisation between the host and the network.

    The network computes in float32. Where that loses no more than rounding, it standardises X
    itself; otherwise the host does, in float64.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        Features.
    mean, scale : ndarray of shape (n_features,), float64
        What is subtracted, and what the difference is multiplied by.

    Returns
    -------
    rows : array, CSR matrix or StandardizedRows
        Inputs of the network.
    mean, scale : ndarray of shape (n_features,), float32
        What the network subtracts, and multiplies by.
    """
    is_identity = not mean.any() and bool((scale == 1).all())
    if is_identity or (not is_wide(X) and fits_float32(mean, scale)):
        return X, mean.astype(np.float32), scale.astype(np.float32)
    zeros = np.zeros(mean.size, dtype=np.float32)
    return StandardizedRows(X, mean, scale), zeros, zeros + 1


def fits_float32(mean: np.ndarray, scale: np.ndarray) -> bool:
    """Tell whether features can be standardised in float32 with no more than rounding errors."""
    limit = _LARGEST_IN_FLOAT32
    if max(np.abs(mean).max(), scale.max()) > limit or scale.min() < 1 / limit:
        return False
    error = np.abs(mean.astype(np.float32) - mean) * scale
    return bool(error.max() <= _MEAN_TOLERANCE)


def feature_statistics(X: Any, weight: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of every feature, float64, in one pass over X.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
        Features.
    weight : ndarray of shape (n_samples,) or None
        Weight of each row, above 0; None for equal weights.

    Returns
    -------
    mean, deviation : ndarray of shape (n_features,), float64
        The deviation of a constant feature is exactly 0.

    Raises
    ------
    ValueError
        If X holds a NaN, an infinity, or values whose squares float64 does not hold.
    """
    first = take_rows(X, slice(0, 1), np.float64)
    # Sums of differences from a row keep the digits that a large offset takes.
    shift = np.where(np.abs(first) < _LARGEST_SQUARED, first, 0.0)
    scaler, varies = StandardScaler(), np.zeros(X.shape[1], dtype=bool)
    dtype = np.float64 if is_wide(X) else np.float32
    for start, block in finite_blocks(X, max(1, block_rows(X) // 4), dtype):
        varies |= (block != first).any(axis=0)
        part = None if weight is None else weight[start : start + len(block)]
        with np.errstate(over="ignore", invalid="ignore"):
            scaler.partial_fit(block - shift, sample_weight=part)
    overflows = ~np.isfinite(scaler.mean_ + scaler.var_)
    if overflows.any():
        raise _too_large(X, int(np.argmax(overflows)))
    underflows = (scaler.var_ < _LEAST_VARIANCE) & varies
    if underflows.any():
        raise _too_small(X, int(np.argmax(underflows)), "a standard deviation in float64")
    return shift.ravel() + scaler.mean_, np.where(varies, np.sqrt(scaler.var_), 0.0)


def check_not_too_small(X: Any, statistics: tuple[np.ndarray, np.ndarray]) -> None:
    """Raise a ValueError if all values of a feature vanish in float32, but for zeros."""
    size = np.hypot(*statistics)
    lost = np.flatnonzero((size > 0) & (size < _SMALLEST))
    if lost.size:
        raise _too_small(X, int(lost[0]), "float32 (standardized features may be as small)")


def _too_large(X: Any, column: int) -> ValueError:
    """Return the error that names the largest value of a feature."""
    row, largest = 0, 0.0
    for start, block in finite_blocks(X, block_rows(X), np.float64):
        place = int(np.argmax(np.abs(block[:, column])))
        if abs(block[place, column]) > abs(largest):
            row, largest = start + place, block[place, column]
    return ValueError(
        f"Input X contains a value too large for float32 ({largest:g}), and for a standard "
        f"deviation in float64, in row {row_number(X, row)}, column {column}: expected numbers "
        f"below {_LARGEST_SQUARED:g}"
    )


def _too_small(X: Any, column: int, what: str) -> ValueError:
    """Return the error that names the first value of a feature that is not zero."""
    row, value = 0, 0.0
    for start, block in finite_blocks(X, block_rows(X), np.float64):
        row = int(np.argmax(block[:, column] != 0))
        value, row = block[row, column], start + row
        if value:
            break
    return ValueError(
        f"Input X contains a value too small for {what}: {value:g} in row {row_number(X, row)}, "
        f"column {column}, which holds no larger differences"
    )
