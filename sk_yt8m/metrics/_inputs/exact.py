"""Scores of any numeric type without rounding: no two different scores become equal."""

from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.dense import row_blocks

# float64 holds every integer up to this one.
_WHOLE = 2**53
_BLOCK_BYTES = 2**24


def as_array(values: Any) -> npt.NDArray[Any]:
    """Return an array, list or DataFrame as an array, without rounding a number."""
    if isinstance(values, np.ndarray):
        return np.asarray(values)
    if hasattr(values, "iloc") and values.ndim == 2:
        dtypes = set(values.dtypes)
        plain = len(dtypes) == 1 and isinstance(next(iter(dtypes)), np.dtype)
        return values.to_numpy() if plain else values.to_numpy(dtype=object)
    array = np.asarray(values)
    # numpy converts a list of floats and large integers to floats.
    return np.array(values, dtype=object) if _may_be_rounded(array) else array


def float_type(matrix: Any) -> type[np.float32] | type[np.float64] | None:
    """Return the float type that holds all values of an array or DataFrame, or None."""
    dtypes = set(matrix.dtypes) if hasattr(matrix, "iloc") else {matrix.dtype}
    if not all(_is_narrow(dtype) for dtype in dtypes):
        return None
    if any(dtype.kind in "iu" and dtype.itemsize == 8 for dtype in dtypes):
        rounded = any(_may_be_rounded(block) for _, block in row_blocks(matrix, _BLOCK_BYTES))
        return None if rounded else np.float64
    single = all(dtype.itemsize <= (4 if dtype.kind == "f" else 2) for dtype in dtypes)
    return np.float32 if single else np.float64


def exact(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return scores as float32 or float64, or as Python numbers if these would be rounded."""
    dtype = float_type(values)
    if dtype is not None:
        return values.astype(dtype, copy=False)
    if values.dtype.kind not in "iufO":
        raise ValueError(f"y_score must hold real numbers, got dtype {values.dtype}.")
    double = None if values.dtype.kind in "iu" else _as_double(values)
    return _as_numbers(values) if double is None else double


def sortable(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return floats with the order and the ties of the scores, none of which is NaN."""
    if values.dtype in (np.float32, np.float64):
        return values
    _, ranks = np.unique(values, return_inverse=True)
    return ranks.reshape(values.shape).astype(np.float64)


def ascending_bits(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """Return unsigned integers in the order of the floats, the same for -0.0 and 0.0."""
    bits = (values + np.float32(0)).view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(2**31))


def is_nan(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which scores are NaN."""
    return np.asarray(values != values, dtype=bool)


def _is_narrow(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf" and dtype.itemsize <= 8


def _may_be_rounded(block: npt.NDArray[Any]) -> bool:
    """Return whether float64 may have rounded, or would round, an integer of the block."""
    if block.dtype.kind in "iu":
        return bool(block.size) and not -_WHOLE <= int(block.min()) <= int(block.max()) <= _WHOLE
    if block.dtype != np.float64:
        return block.dtype == object
    return bool((np.isfinite(block) & (np.abs(block) >= _WHOLE)).any())


def _as_double(values: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
    """Return long doubles or objects as float64, or None where that would change one."""
    try:
        with np.errstate(over="ignore"):
            double = values.astype(np.float64)
        same = np.asarray(double == values, dtype=bool)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return double if same.all() else None


def _as_numbers(values: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    numbers = np.empty(values.shape, dtype=object)
    for place, value in np.ndenumerate(values):
        try:
            numbers[place] = _number(value)
        except TypeError:
            row, column = place
            raise ValueError(
                f"y_score must hold real numbers; row {row}, column {column} holds {value!r}."
            ) from None
    return numbers


def _number(value: Any) -> int | float | Fraction:
    """Return an int, a float or a Fraction, which Python compares exactly."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, (Real, Decimal)):
        raise TypeError
    try:
        return Fraction(*value.as_integer_ratio())  # type: ignore[union-attr]
    except (OverflowError, ValueError):
        return float(value)
