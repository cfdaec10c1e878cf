"""Prefetch the next result in a background thread."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def prefetched(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yield the function's value of each item, while a thread computes the next one."""
    items = iter(items)
    first, rest = list(islice(items, 1)), list(islice(items, 1))
    if not rest:
        yield from map(function, first)
        return
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(function, first[0])
        for item in (*rest, *items):
            result = upcoming.result()
            upcoming = pool.submit(function, item)
            yield result
            del result
        yield upcoming.result()
