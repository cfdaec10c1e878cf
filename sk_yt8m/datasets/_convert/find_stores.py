"""Stores as the `source` of `convert`: found, checked to be of one kind, and taken apart."""

import glob
import os
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from sk_yt8m.datasets._convert.sources import Source, StorePart, StoreSource
from sk_yt8m.datasets._formats.find_files import natural_key
from sk_yt8m.datasets._store.format import is_store
from sk_yt8m.datasets._store.open_store import Store, open_store


def find_stores(source: Any) -> list[Any] | None:
    """Return the stores that a source names, as paths or `Store` objects; None for files.

    Parameters
    ----------
    source : path, pattern, Store, or iterable of these
        A pattern stands for the stores that match, in natural order.

    Raises
    ------
    ValueError
        If some of it are stores and others are not.
    """
    several = isinstance(source, Iterable) and not isinstance(source, (str, bytes, PathLike, Store))
    given = list(source) if several else [source]
    found = [_stores_of(one) for one in given]
    if not any(found):
        return None
    for one, stores in zip(given, found, strict=True):
        if not stores:
            store = next(filter(None, found))[0]
            raise ValueError(
                f"source must be stores or files and not both, got the store {_named(store)} and "
                f"{one}, which is none"
            )
    return [store for stores in found for store in stores]


def _stores_of(one: Any) -> list[Any]:
    if isinstance(one, Store):
        return [one]
    if not isinstance(one, (str, PathLike)):
        return []
    if os.path.lexists(one):
        return [Path(one)] if is_store(one) else []
    matches = sorted(map(Path, glob.glob(str(one), recursive=True)), key=natural_key)
    return matches if matches and all(map(is_store, matches)) else []


def _named(store: Any) -> Path:
    return store.path if isinstance(store, Store) else store


def from_stores(stores: list[Any]) -> tuple[list[Source], dict[str, Any]]:
    """Return the sources of all stores, in order, and the layout that they share.

    Raises
    ------
    ValueError
        If a store is there twice or is not like the others, a file is in two of them, or shards of
        one conversion are missing or in another order.
    StoreError
        If one is damaged.
    """
    parts = [StorePart(one if isinstance(one, Store) else open_store(one)) for one in stores]
    _check_different(parts)
    for other in parts[1:]:
        _check_alike(parts[0], other)
    _check_complete(parts)
    sources: list[Source] = [
        StoreSource(part, number) for part in parts for number in range(len(part.ends))
    ]
    return sources, parts[0].manifest["layout"]


def check_target(sources: list[Source], store: Path, dtype: str) -> None:
    """Raise a ValueError if a store cannot be made of these stores."""
    for part in {one.part for one in sources if isinstance(one, StoreSource)}:
        if os.path.realpath(part.path) == os.path.realpath(store):
            raise ValueError(f"store must not be one of those that it is made of, got {store}")
        if dtype not in (part.dtype.name, "float16"):
            raise ValueError(
                f'dtype must be "{part.dtype}", the type of the features in {part.path}, got '
                f'"{dtype}": digits that were rounded away do not come back'
            )


def _check_different(parts: list[StorePart]) -> None:
    places: dict[str, StorePart] = {}
    origins: dict[tuple[str, str], StorePart] = {}
    for part in parts:
        if places.setdefault(os.path.realpath(part.path), part) is not part:
            raise ValueError(f"source must name every store once, got {part.path} twice")
        for one in part.manifest["sources"]:
            # The same file may have other paths on other machines.
            origin = os.path.basename(one["name"]), one["sha256"]
            twin = origins.setdefault(origin, part)
            if twin is not part:
                raise ValueError(
                    f"source must have every file once, got {one['name']} in both {twin.path} and "
                    f"{part.path}"
                )


def _check_alike(first: StorePart, other: StorePart) -> None:
    for name, one, another in (
        ("dtype", str(first.dtype), str(other.dtype)),
        *_pairs(first.manifest["layout"], other.manifest["layout"]),
        ("ids", "ids" in first.names, "ids" in other.names),
    ):
        if one != another:
            raise ValueError(
                f"source must be stores that are alike, but {name} is {one!r} in {first.path} and "
                f"{another!r} in {other.path}"
            )


def _pairs(first: dict[str, Any], other: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    names = [*first, *(name for name in other if name not in first)]
    return [(name, first.get(name), other.get(name)) for name in names]


def _check_complete(parts: list[StorePart]) -> None:
    """Refuse some shards of a conversion without the others, and another order."""
    after: Any = None
    for part in [*parts, None]:
        shard = None if part is None else part.manifest.get("shard")
        expected = None
        if after is not None and after["number"] + 1 < after["of"]:
            expected = after | {"number": after["number"] + 1}
        elif shard is not None:
            expected = shard | {"number": 0}
        if expected is not None and shard != expected:
            raise ValueError(
                "source must have all shards of a conversion, in their order: expected shard "
                f"{_shown(expected)}, got {'no other store' if part is None else part.path}"
                f"{'' if shard is None else ', shard ' + _shown(shard)}"
            )
        after = shard


def _shown(shard: dict[str, Any]) -> str:
    return f"({shard['number']}, {shard['of']}) of {shard['sources'][:8]}"
