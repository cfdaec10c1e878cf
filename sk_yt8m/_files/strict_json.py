"""JSON read strictly, and written in one way only."""

import json
from collections import Counter
from typing import Any, NoReturn

from sk_yt8m._files.errors import ModelFileError


def dump_json(value: Any) -> str:
    """Return a value as compact JSON text, in ASCII."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def parse_json(text: str) -> Any:
    """Return the value of a text without duplicate keys, NaN, infinities or deep nesting."""
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except ModelFileError:
        raise
    except RecursionError as error:
        raise ModelFileError("its JSON text is nested too deeply") from error
    except ValueError as error:
        raise ModelFileError(f"its JSON text is broken: {error}") from error


def field(mapping: Any, name: str, *kinds: type) -> Any:
    """Return a required entry of a JSON object, of exactly one of the given types."""
    if type(mapping) is not dict:
        raise ModelFileError(f"expected a JSON object with {name!r}, got {shown(mapping)}")
    if name not in mapping:
        raise ModelFileError(f"its JSON text has no {name!r}")
    value = mapping[name]
    if type(value) not in kinds:
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise ModelFileError(f"{name!r} must be of type {expected}, got {shown(value)}")
    return value


def check_keys(mapping: dict[str, Any], known: set[str], what: str) -> None:
    """Raise an error if an object has unknown keys."""
    unknown = sorted(set(mapping) - known)
    if unknown:
        raise ModelFileError(f"{what} has unknown entries: {shown(unknown)}")


def shown(value: Any) -> str:
    """Return a shortened value for an error message."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ModelFileError(f"its JSON text has the key {shown(twice)} twice")
    return mapping


def _refuse_constant(name: str) -> NoReturn:
    raise ModelFileError(f"its JSON text holds {name}, which is not JSON")
