"""Find ids that were seen before among millions, in 8 bytes of memory for each row."""

from collections.abc import Callable

import numpy as np

#: A key is 28 bits of an id's hash, then the number of its row.
_ROW_BITS = np.uint64(36)
_ROW = np.uint64(2**36 - 1)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
#: Sorted runs of keys are merged until each is this many times as long as the next.
_GROWTH = 8


class SeenIds:
    """The ids of all rows so far, found by their hashes.

    Parameters
    ----------
    ids_of : callable
        Takes numbers of rows, of shape (n,), and returns the ids of these rows, which are compared
        where hashes are equal.
    """

    def __init__(self, ids_of: Callable[[np.ndarray], np.ndarray]) -> None:
        self._ids_of = ids_of
        self._runs: list[np.ndarray] = []
        self._n_rows = 0

    def add(self, ids: np.ndarray) -> None:
        """Add the ids of the next rows."""
        rows = np.arange(self._n_rows, self._n_rows + len(ids), dtype=np.uint64)
        self._n_rows += len(ids)
        run = np.sort((_hashed(ids) & ~_ROW) | rows)
        while self._runs and len(self._runs[-1]) <= _GROWTH * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)

    def find(self, ids: np.ndarray) -> np.ndarray:
        """Return for each id the number of the first row that has it, or -1, of shape (n,)."""
        found = np.full(len(ids), -1)
        hashes = _hashed(ids) & ~_ROW
        for run in self._runs:
            low = np.searchsorted(run, hashes)
            counts = np.searchsorted(run, hashes | _ROW, side="right") - low
            which = np.repeat(np.arange(len(ids)), counts)
            if not which.size:
                continue
            before = np.repeat(np.cumsum(counts) - counts, counts)
            rows = (run[low[which] + np.arange(which.size) - before] & _ROW).astype(np.int64)
            same = self._ids_of(rows) == ids[which]
            # Rows ascend, and the last assignment stays.
            found[which[same][::-1]] = rows[same][::-1]
        return found


def first_of_each(ids: np.ndarray) -> np.ndarray:
    """Return for each id the number of its first place in the array, of shape (n,)."""
    hashes = _hashed(ids)
    ordered = np.sort(hashes)
    first = np.arange(len(ids))
    again = np.flatnonzero(np.isin(hashes, ordered[1:][ordered[1:] == ordered[:-1]]))
    if again.size:
        _, place, group = np.unique(ids[again], return_index=True, return_inverse=True)
        first[again] = again[place[group]]
    return first


def _hashed(ids: np.ndarray) -> np.ndarray:
    """Return 64-bit hashes that do not depend on the width of the array's strings."""
    width = ids.dtype.itemsize // 4
    characters = np.ascontiguousarray(ids).view(np.uint32).reshape(len(ids), width)
    hashes = np.zeros(len(ids), dtype=np.uint64)
    for column in characters.T:
        mixed = (hashes ^ column) * _FACTOR
        mixed ^= mixed >> np.uint64(29)
        hashes = np.where(column, mixed, hashes)
    # The upper bits are taken, so let all characters have a say in them.
    return hashes * _FACTOR
