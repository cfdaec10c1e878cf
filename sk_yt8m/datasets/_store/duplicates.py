"""Ids that come twice among millions, found without holding the ids."""

from collections.abc import Callable, Iterator

import numpy as np

_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def find_repeats(
    n_shards: int, width: int, load: Callable[[int], tuple[np.ndarray, np.ndarray]]
) -> Iterator[tuple[int, int, int, int, str]]:
    """Find the rows whose id an earlier record has.

    In memory are 8 bytes a row, a hash of its id; ids are compared where hashes are equal.

    Parameters
    ----------
    n_shards : int
        Number of shards.
    width : int
        Characters of the longest id.
    load : callable
        Gives a shard's ids and the numbers of its records; rows of a record share its id.

    Yields
    ------
    (shard, row, first shard, first row, id) : tuple
        A row, and the first one of that id, in order.
    """
    hashes = [_hashed(load(shard)[0], width) for shard in range(n_shards)]
    ordered = np.sort(np.concatenate([np.zeros(0, np.uint64), *hashes]))
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not twice.size:
        return
    first: dict[str, tuple[int, int, int]] = {}
    for shard, hashed in enumerate(hashes):
        rows = np.flatnonzero(np.isin(hashed, twice))
        if not rows.size:
            continue
        ids, records = load(shard)
        for row in rows.tolist():
            name, record = str(ids[row]), int(records[row])
            earlier = first.setdefault(name, (shard, row, record))
            if (earlier[0], earlier[2]) != (shard, record):
                yield shard, row, *earlier[:2], name


def _hashed(ids: np.ndarray, width: int) -> np.ndarray:
    characters = ids.astype(f"<U{width}").view(np.uint32).reshape(len(ids), width)
    hashed = np.zeros(len(ids), dtype=np.uint64)
    for place in range(width):
        hashed = (hashed ^ characters[:, place]) * _FACTOR
        hashed ^= hashed >> np.uint64(29)
    return hashed
