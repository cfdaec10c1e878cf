"""Sources of rows: files, ranges of rows of arrays, and what stores have of either."""

import hashlib
import os
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from sk_yt8m.datasets._formats.blocks import Block, make_block
from sk_yt8m.datasets._formats.csv_parser import CsvLayout, count_csv_lines, read_csv_blocks
from sk_yt8m.datasets._formats.damage import Damage, Place, Report
from sk_yt8m.datasets._formats.parquet_reader import (
    Columns,
    count_parquet_rows,
    read_parquet_blocks,
)
from sk_yt8m.datasets._formats.record_layout import RecordLayout
from sk_yt8m.datasets._formats.repeated_ids import repeated_record
from sk_yt8m.datasets._formats.tfrecord_reader import read_tfrecord_blocks
from sk_yt8m.datasets._store.format import FEATURES, StoreError, check_crc32
from sk_yt8m.datasets._store.open_store import Store, open_store
from sk_yt8m.datasets._store.row_checksums import (
    crc32_of,
    head_checksums,
    row_checksums,
    stored_columns,
)

_BLOCK = 2**24
_STAMP = ("size", "mtime_ns", "sha256")
_ROWS_OF_ARRAYS = re.compile(r"rows \d+ to (\d+) of the arrays")

Layout = RecordLayout | Columns | CsvLayout


@dataclass(frozen=True)
class FileSource:
    """A file of videos.

    Attributes
    ----------
    path : Path
        The file.
    layout : RecordLayout, Columns or CsvLayout
        What to read from it; its type gives the format.
    split : str
        Split by its name; empty for none.
    """

    path: Path
    layout: Layout
    split: str

    @property
    def name(self) -> str:
        """Name in error messages."""
        return str(self.path)

    @property
    def key(self) -> str:
        """Name in the journal of a conversion."""
        return hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:24]

    @property
    def has_ids(self) -> bool:
        """Whether its rows have ids."""
        if isinstance(self.layout, Columns):
            return self.layout.ids is not None
        return isinstance(self.layout, RecordLayout)

    @property
    def size(self) -> int:
        """Size of the file in bytes."""
        return self.path.stat().st_size

    def count(self) -> int:
        """Return the number of rows of a file without ids, all valid; nothing is parsed.

        Raises
        ------
        ValueError
            If it cannot be read to its end.
        """
        if isinstance(self.layout, CsvLayout):
            return count_csv_lines(self.path)
        return count_parquet_rows(self.path)

    def stamp(self) -> dict[str, Any]:
        """Return values that change when the source does."""
        status = self.path.stat()
        return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}

    def sha256(self) -> str:
        """Return the checksum of the source."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def blocks(self, report: Report) -> Iterator[Block]:
        """Yield the valid rows in blocks; damage goes to the report."""
        if isinstance(self.layout, RecordLayout):
            return read_tfrecord_blocks(self.path, self.layout, report)
        if isinstance(self.layout, Columns):
            return read_parquet_blocks(self.path, self.layout, report)
        return read_csv_blocks(self.path, self.layout, report)

    def place(self, record: int, offset: int) -> Place:
        """Return where a record of it is."""
        if isinstance(self.layout, RecordLayout):
            return Place(self.name, "record", record, offset)
        return Place(self.name, "row" if isinstance(self.layout, Columns) else "line", record)

    @property
    def id_field(self) -> str:
        """Name of the id field in error messages."""
        return f"column {self.layout.ids!r}" if isinstance(self.layout, Columns) else "key 'id'"


@dataclass(frozen=True)
class ArraySource:
    """Rows of arrays."""

    X: np.ndarray
    Y: sp.csr_matrix
    ids: np.ndarray | None
    rows: range
    split: str

    @property
    def name(self) -> str:
        """Name in error messages."""
        return f"rows {self.rows.start} to {self.rows.stop - 1} of the arrays"

    @property
    def key(self) -> str:
        """Name in the journal of a conversion."""
        return f"rows-{self.rows.start}-{self.rows.stop}"

    @property
    def has_ids(self) -> bool:
        """Whether its rows have ids."""
        return self.ids is not None

    def stamp(self) -> dict[str, Any]:
        """Return values that change when the source does."""
        size = len(self.rows) * self.X.shape[1] * self.X.dtype.itemsize
        return {"size": size, "sha256": self.sha256()}

    def sha256(self) -> str:
        """Return the checksum of features, labels and ids."""
        block = self._block()
        digest = hashlib.sha256(self.X.dtype.str.encode())
        digest.update(np.ascontiguousarray(self.given).view(np.uint8).data)
        for part in (block.labels, block.counts):
            digest.update(part.tobytes())
        digest.update("\0".join(block.ids.tolist()).encode())
        return digest.hexdigest()

    def blocks(self, report: Report) -> Iterator[Block]:
        """Yield the rows."""
        yield self._block()

    id_field = "column 'ids'"

    def place(self, record: int, offset: int) -> Place:
        """Return where a row is."""
        return Place("the arrays", "row", record)

    @property
    def given(self) -> np.ndarray:
        """The features as they were given, of any type."""
        return self.X[self._slice]

    @property
    def _slice(self) -> slice:
        return slice(self.rows.start, self.rows.stop)

    def _block(self) -> Block:
        Y = self.Y[self._slice]
        records = np.arange(self.rows.start + 1, self.rows.stop + 1)
        ids = None if self.ids is None else self.ids[self._slice]
        features = np.asarray(self.given, dtype=np.float32)
        return make_block(features, Y.indices, np.diff(Y.indptr), records, ids=ids)


class StorePart:
    """A store whose rows go into another one; it is open while they are read.

    Parameters
    ----------
    store : Store
        The store.

    Attributes
    ----------
    path : Path
        Its folder.
    crc32 : int
        Checksum of its manifest.
    manifest : dict
        That of the store.
    names : collection of str
        Its arrays.
    dtype : dtype
        Type of its features.
    ends : ndarray of shape (n_sources,)
        Number of the row after each source.
    damage : list of list of dict
        What was left out of each source.
    """

    def __init__(self, store: Store) -> None:
        self.path, self.manifest, self.dtype = store.path, store.manifest, store.X.dtype
        content, arrays = store._opened
        self.crc32, self.names = content["manifest_crc32"], frozenset(arrays)
        sources = self.manifest["sources"]
        self.ends = np.cumsum([one["n_rows"] for one in sources])
        self.damage: list[list[dict[str, str]]] = [[] for _ in sources]
        number = {one["name"]: index for index, one in enumerate(sources)}
        # Rows of arrays are named by their numbers, from 1.
        last = [int((_ROWS_OF_ARRAYS.match(one["name"]) or [0, 0])[1]) + 1 for one in sources]
        for one in self.manifest["damage"]:
            index = number.get(one["file"])
            if index is None:
                index = bisect_left(last, int(one["place"].split()[1].rstrip(",")))
            self.damage[index].append(one)
        self._arrays: dict[str, np.ndarray] | None = None

    def open(self) -> dict[str, np.ndarray]:
        """Return the arrays.

        Raises
        ------
        StoreError
            If the store is not there any more, or another one is in its place.
        """
        if self._arrays is None:
            content, arrays = open_store(self.path)._opened
            if content["manifest_crc32"] != self.crc32:
                raise StoreError(
                    f"{self.path}: expected the store that was there at first, got another one: "
                    "convert again"
                )
            if "offset" in arrays:
                check_crc32(self.path / "offset.npy", arrays["offset"], content["crc32"]["offset"])
            self._arrays = arrays
        return self._arrays

    def close(self) -> None:
        """Close the files."""
        self._arrays = None


@dataclass(frozen=True)
class StoreSource:
    """The rows of a store that are of one of its sources."""

    part: StorePart
    number: int

    @property
    def _about(self) -> dict[str, Any]:
        return self.part.manifest["sources"][self.number]

    @property
    def name(self) -> str:
        """Name of the file, or of the rows of arrays."""
        return self._about["name"]

    @property
    def split(self) -> str:
        """Split of the source; empty for none."""
        return self._about["split"]

    @property
    def key(self) -> str:
        """Name in the journal of a conversion, of the store as it is."""
        text = f"{os.path.realpath(self.part.path)}\0{self.part.crc32}\0{self.number}"
        return hashlib.sha256(os.fsencode(text)).hexdigest()[:24]

    @property
    def has_ids(self) -> bool:
        """Whether its rows have ids."""
        return "ids" in self.part.names

    def stamp(self) -> dict[str, Any]:
        """Return size, time of change and checksum of the source when the store was made."""
        return {name: self._about[name] for name in _STAMP if name in self._about}

    def sha256(self) -> str:
        """Return the checksum of the source."""
        return self._about["sha256"]

    def blocks(self, report: Report) -> Iterator[Block]:
        """Yield the rows; damage of the source that the store lists goes to the report.

        Raises
        ------
        StoreError
            If the rows do not have the checksum that the store gives.
        """
        for one in self.part.damage[self.number]:
            if repeated_record(one) is None:
                report.add(Damage(**one))
            else:
                # Which record is the first of its id is to be found among all stores.
                report.damage.append(Damage(**one))
        end = int(self.part.ends[self.number])
        start = end - self._about["n_rows"]
        actual = 0
        arrays = self.part.open()
        features = arrays[FEATURES]
        n_rows = max(1, _BLOCK // (features.shape[1] * features.itemsize))
        for first in range(start, end, n_rows):
            rows = slice(first, min(first + n_rows, end))
            columns = stored_columns(arrays, rows)
            block = np.ascontiguousarray(features[rows])
            checksums = row_checksums(block.view(np.uint8), head_checksums(columns))
            actual = crc32_of(checksums, actual)
            unknown = np.full(len(block), -1)
            offsets = arrays["offset"][rows] if "offset" in arrays else unknown
            yield Block(features=block, offsets=offsets, **columns)
        if actual != self._about["rows_crc32"]:
            raise StoreError(
                f"{self.part.path / FEATURES}.npy: expected rows {start} to {end - 1}, from "
                f"{self.name}, with their labels and ids to have CRC-32 "
                f"{self._about['rows_crc32']}, got {actual}: make this store again"
            )
        if self.number == len(self.part.ends) - 1:
            self.part.close()

    def place(self, record: int, offset: int) -> Place:
        """Return where a record of it is; an offset of -1 is unknown."""
        kind = self.part.manifest["layout"]["format"]
        if kind == "tfrecord":
            return Place(self.name, "record", record, None if offset < 0 else offset)
        if kind == "arrays":
            return Place("the arrays", "row", record)
        return Place(self.name, "row" if kind == "parquet" else "line", record)

    @property
    def id_field(self) -> str:
        """Name of the id field in error messages."""
        layout = self.part.manifest["layout"]
        if layout["format"] == "tfrecord":
            return "key 'id'"
        return f"column {layout.get('ids', 'ids')!r}"


Source = FileSource | ArraySource | StoreSource
