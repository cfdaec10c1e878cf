"""Parameters as TensorFlow takes them: numpy's scalars as Python's own numbers."""

from numbers import Integral, Real
from typing import Any

import numpy as np


def plain_value(value: Any) -> Any:
    """Return a numpy scalar, or another number, as Python's own type; all else unchanged."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return str(value) if isinstance(value, str) else value
