"""Values of parameters, classes and names <-> plain JSON.

Numbers, strings, booleans, None and lists are themselves in JSON. Other values are an object whose
one key is their kind: ``tuple``, ``float`` (NaN and infinities), ``range``, ``array`` or
``random_state``.
"""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import field, shown

#: Takes a value or a JSON form and its name in errors, and returns the other of the two.
Other = Callable[[Any, str], Any]

_DTYPE = re.compile(
    r"[<>|=](b1|[iu][1248]|f[248]|U[0-9]{1,7}|O|[mM]8(\[[0-9]{0,9}[A-Za-z]{1,2}\])?)"
)
_ELEMENTS: dict[str, tuple[type, ...]] = {
    "b": (bool,),
    "i": (int,),
    "u": (int,),
    "f": (float,),
    "U": (str,),
    "m": (int,),
    "M": (int,),
}
_LARGEST_ARRAY = 256 * 2**20


def encode(value: Any, what: str, other: Other | None = None) -> Any:
    """Return a value as JSON; `what` names it in errors.

    `other` gives the JSON form of what is not plain, also within lists and tuples, or None.
    """
    is_long = isinstance(value, np.longdouble)
    if isinstance(value, np.generic) and value.dtype.kind in "biufU" and not is_long:
        value = value.item()
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is list:
        return [encode(item, what, other) for item in value]
    if type(value) is tuple:
        return {"tuple": [encode(item, what, other) for item in value]}
    if isinstance(value, np.ndarray):
        return encode_array(value, what)
    if isinstance(value, np.random.RandomState):
        return {"random_state": _encode_random_state(value, what)}
    if other is not None and (form := other(value, what)) is not None:
        return form
    raise ModelFileError(
        f"{what} is {shown(value)}, a {type(value).__qualname__}: a model file holds numbers, "
        "strings, booleans, None, RandomState, and tuples, lists and arrays of them"
    )


def decode(value: Any, what: str, other: Other | None = None) -> Any:
    """Return the value whose JSON form `encode` returned; `other` is for that of its `other`."""
    if type(value) is list:
        return [decode(item, what, other) for item in value]
    if type(value) is not dict:
        return value
    if value.keys() == {"float"} and value["float"] in ("nan", "inf", "-inf"):
        return float(value["float"])
    if value.keys() == {"tuple"}:
        return tuple(decode(item, what, other) for item in field(value, "tuple", list))
    if "range" in value or "array" in value:
        return decode_array(value, what)
    if value.keys() == {"random_state"}:
        return _decode_random_state(field(value, "random_state", dict))
    if other is not None and (decoded := other(value, what)) is not None:
        return decoded
    raise ModelFileError(f"{what} is of an unknown form: {shown(value)}")


def encode_array(array: np.ndarray, what: str) -> dict[str, Any]:
    """Return the JSON form of a one-dimensional array."""
    dtype = array.dtype.str
    if array.ndim != 1 or not _DTYPE.fullmatch(dtype):
        raise ModelFileError(
            f"{what} is an array of shape {array.shape} and dtype {array.dtype}: a model file "
            "holds one-dimensional arrays of numbers, strings, booleans, times or plain objects"
        )
    if array.nbytes > _LARGEST_ARRAY:
        raise ModelFileError(
            f"{what} takes {array.nbytes} bytes: expected {_LARGEST_ARRAY} at most"
        )
    if array.dtype == np.int64 and np.array_equal(array, np.arange(array.size)):
        return {"range": array.size}
    if array.dtype.kind in "mM":
        array = array.view(f"{array.dtype.byteorder}i8")
    values = array.tolist()
    if array.dtype.kind in "fO":
        values = [encode(value, f"an element of {what}") for value in values]
    return {"array": dtype, "values": values}


def decode_array(value: Any, what: str, length: int | None = None) -> np.ndarray:
    """Return the array of a JSON form; an error if `length` is given and differs."""
    if type(value) is dict and value.keys() == {"range"}:
        size = field(value, "range", int)
        _check_length(size, length, what)
        if not 0 <= size * 8 <= _LARGEST_ARRAY:
            raise ModelFileError(f"{what} has {shown(size)} elements")
        return np.arange(size)
    name, values = field(value, "array", str), field(value, "values", list)
    _check_length(len(values), length, what)
    if not _DTYPE.fullmatch(name):
        raise ModelFileError(f"{what} is of an unknown type: {shown(name)}")
    try:
        dtype = np.dtype(name)
        if dtype.itemsize * len(values) > _LARGEST_ARRAY:
            raise ModelFileError(f"{what} would take more than {_LARGEST_ARRAY} bytes")
        if dtype.kind in "fO":
            values = [decode(item, what) for item in values]
        if dtype.kind == "O":
            array = np.empty(len(values), dtype=object)
            array[:] = values
            return array
        wrong = [item for item in values if type(item) not in _ELEMENTS[dtype.kind]]
        if wrong:
            raise ModelFileError(f"{what} of type {name} holds {shown(wrong[0])}")
        if dtype.kind in "mM":
            return np.array(values, dtype=f"{name[0]}i8").view(dtype)
        return np.array(values, dtype=dtype)
    except (TypeError, OverflowError) as error:
        raise ModelFileError(f"{what} is not an array of type {name}: {error}") from error


def encode_dtype(dtype: np.dtype, what: str) -> str:
    """Return the name of a dtype."""
    if not _DTYPE.fullmatch(dtype.str):
        raise ModelFileError(f"{what} is {dtype}: expected numbers, strings, booleans or objects")
    return dtype.str


def decode_dtype(name: str, what: str) -> np.dtype:
    """Return the dtype whose name `encode_dtype` returned."""
    if not _DTYPE.fullmatch(name):
        raise ModelFileError(f"{what} is of an unknown type: {shown(name)}")
    try:
        return np.dtype(name)
    except TypeError as error:
        raise ModelFileError(f"{what} is of an unknown type: {shown(name)}") from error


def _check_length(found: int, expected: int | None, what: str) -> None:
    if expected is not None and found != expected:
        raise ModelFileError(f"{what} has {shown(found)} elements: expected {expected}")


def _encode_random_state(random_state: np.random.RandomState, what: str) -> dict[str, Any]:
    state: Any = random_state.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise ModelFileError(f"{what} draws from {state['bit_generator']}: expected MT19937")
    legacy: Any = random_state.get_state()
    _, key, pos, has_gauss, gauss = legacy
    return {"key": key.tolist(), "pos": pos, "has_gauss": has_gauss, "gauss": gauss}


def _decode_random_state(value: dict[str, Any]) -> np.random.RandomState:
    key, pos = field(value, "key", list), field(value, "pos", int)
    has_gauss, gauss = field(value, "has_gauss", int), field(value, "gauss", float)
    words = all(type(word) is int and 0 <= word < 2**32 for word in key)
    if len(key) != 624 or not words or not 0 <= pos <= 624 or has_gauss not in (0, 1):
        raise ModelFileError("its random state is not one of MT19937")
    random_state = np.random.RandomState()
    random_state.set_state(("MT19937", np.array(key, dtype=np.uint32), pos, has_gauss, gauss))
    return random_state
