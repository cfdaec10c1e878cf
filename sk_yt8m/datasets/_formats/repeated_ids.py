"""Repeated ids: found among millions of rows, in 8 bytes of memory for each, and left out."""

import ast
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping

import numpy as np

from sk_yt8m.datasets._formats.blocks import Block
from sk_yt8m.datasets._formats.damage import Place, Report

#: A key is 28 bits of an id's hash, then the number of its row.
_ROW = np.uint64(2**36 - 1)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
#: What is expected of an id.
_NEW_ID = "an id that no earlier record has"
#: Place and actual of damage, as `RepeatedIds` writes them.
_REPEATED = re.compile(
    r"""\w+ (\d+)(?: at byte (\d+))?, .*\n('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"), the id of """,
    re.DOTALL,
)
#: Sorted runs of keys are merged until each is this many times as long as the next.
_GROWTH = 8

#: The place of a record: from the index of its source, its number there and its offset.
PlaceOf = Callable[[int, int, int], Place]


class RepeatedIds:
    """Finds rows whose id an earlier record has, source after source.

    Parameters
    ----------
    place_of : callable
        Returns the place of a record, see `PlaceOf`.
    field : str
        Part of a record that holds its id, for messages.
    rows_of : callable
        Takes numbers of kept rows, of shape (n,), and returns their ids, the indices of their
        sources and the numbers of their records there.
    """

    def __init__(
        self,
        place_of: PlaceOf,
        field: str,
        rows_of: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]],
    ) -> None:
        self._place_of, self._field, self._rows_of = place_of, field, rows_of
        self._seen = _SeenIds(lambda rows: rows_of(rows)[0])

    def add(self, ids: np.ndarray) -> None:
        """Add the ids of the next kept rows."""
        self._seen.add(ids)

    def new_rows(
        self, source: int, columns: Mapping[str, np.ndarray], report: Report
    ) -> np.ndarray:
        """Return which rows to keep, as a mask, and report the other records.

        Parameters
        ----------
        source : int
            Index of the source.
        columns : mapping of str to ndarray
            "ids", "records" and "offsets" of its next rows.
        report : Report
            Where repeated ids go.
        """
        ids, records = columns["ids"], columns["records"]
        first = _first_of_each(ids)
        repeated = records[first] != records
        before = self._seen.find(ids)
        known = np.flatnonzero(before >= 0)
        _, from_source, from_record = self._rows_of(before[known])
        # Rows of one record share its id.
        repeated[known] = (from_source != source) | (from_record != records[known])
        origin = {row: (s, r) for row, s, r in zip(known, from_source, from_record, strict=True)}
        for row in np.flatnonzero(repeated):
            if row and records[row] == records[row - 1]:
                continue  # another row of the same record
            other, record = origin.get(row, (source, records[first[row]]))
            place = self._place_of(source, int(records[row]), int(columns["offsets"][row]))
            earlier = self._place_of(int(other), int(record), 0)._replace(offset=None)
            actual = f"{str(ids[row])!r}, the id of {earlier}"
            report.add(place.damage(_NEW_ID, actual, self._field))
        return ~repeated


def repeated_record(damage: Mapping[str, str]) -> tuple[str, int, int] | None:
    """Return id, number and offset of the record that `RepeatedIds` reported; None if another did.

    Parameters
    ----------
    damage : mapping of str to str
        A `Damage` as a dict. An offset that it does not give is -1.
    """
    match = _REPEATED.match(f"{damage['place']}\n{damage['actual']}")
    if damage["expected"] != _NEW_ID or match is None:
        return None
    number, offset, name = match.groups()
    return ast.literal_eval(name), int(number), -1 if offset is None else int(offset)


class FirstOfEachId:
    """Selects the first record of each id, block after block, and keeps all ids in memory.

    Parameters
    ----------
    place_of, field
        As in `RepeatedIds`.
    """

    def __init__(self, place_of: PlaceOf, field: str) -> None:
        self._ids = RepeatedIds(place_of, field, self._rows_of)
        # Of each block: number of its first row; index of its source, ids and records.
        self._starts: list[int] = []
        self._kept: list[tuple[int, np.ndarray, np.ndarray]] = []
        self._n_rows = 0

    def select(self, source: int, block: Block, report: Report) -> Block:
        """Return the next block of a source without records of repeated ids; report these."""
        block = block.select(self._ids.new_rows(source, vars(block), report))
        self._ids.add(block.ids)
        self._starts.append(self._n_rows)
        self._kept.append((source, block.ids, block.records))
        self._n_rows += len(block.ids)
        return block

    def _rows_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # A few rows of many blocks: an array of the starts would take longer to make.
        places = [(bisect_right(self._starts, row) - 1, row) for row in rows.tolist()]
        kept = [(self._kept[n], row - self._starts[n]) for n, row in places]
        return (
            np.array([ids[row] for (_, ids, _), row in kept], dtype=str),
            np.array([source for (source, _, _), _ in kept], dtype=np.int64),
            np.array([records[row] for (_, _, records), row in kept], dtype=np.int64),
        )


class _SeenIds:
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


def _first_of_each(ids: np.ndarray) -> np.ndarray:
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
    # Only the upper bits are used: mix all characters into them.
    return hashes * _FACTOR
