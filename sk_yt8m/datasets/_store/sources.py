"""What a store is made from: files and stretches of arrays, as sources of blocks of rows."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from sk_yt8m.datasets._formats.csv_parser import Damage, parse_shard
from sk_yt8m.datasets._formats.parquet_reader import Columns, RowDamage, read_parquet_blocks
from sk_yt8m.datasets._formats.record_layout import RecordLayout
from sk_yt8m.datasets._formats.tfrecord_container import RecordDamage, Report
from sk_yt8m.datasets._formats.tfrecord_reader import Block, read_blocks


@dataclass(frozen=True)
class CsvLayout:
    """How many labels and features a line of a CSV file has."""

    n_labels: int
    n_features: int


Layout = RecordLayout | Columns | CsvLayout


class Place(NamedTuple):
    """Where a row comes from: its source, the number of its record there and its first byte.

    `unit` is what messages call a record of that source.
    """

    source: str
    unit: str
    record: int
    offset: int

    def __str__(self) -> str:
        return f"{self.source}, {self.unit} {self.record}"


@dataclass(frozen=True)
class FileSource:
    """A file of videos.

    Attributes
    ----------
    path : Path
        The file.
    layout : RecordLayout, Columns or CsvLayout
        What to read from it; tells the format, too.
    split : str
        Split that its name tells; empty for none.
    """

    path: Path
    layout: Layout
    split: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)

    @property
    def unit(self) -> str:
        """What messages call a record of it, as the loader of its format does."""
        return "row" if isinstance(self.layout, Columns) else "record"

    @property
    def key(self) -> str:
        """What its parts in the work folder are called."""
        return hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:24]

    @property
    def has_ids(self) -> bool:
        """Whether its rows have ids."""
        if isinstance(self.layout, Columns):
            return self.layout.ids is not None
        return isinstance(self.layout, RecordLayout)

    def stamp(self) -> dict[str, Any]:
        """Return what changes when the source does."""
        status = self.path.stat()
        return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}

    def sha256(self) -> str:
        """Return the checksum of the source."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def blocks(self, report: Report) -> Iterator[Block]:
        """Yield the sound rows, some at a time; the rest goes to the report."""
        if isinstance(self.layout, RecordLayout):
            return read_blocks(self.path, self.layout, report)
        if isinstance(self.layout, Columns):
            return read_parquet_blocks(self.path, self.layout, report)
        return self._csv_blocks(self.layout, report)

    def _csv_blocks(self, layout: CsvLayout, report: Report) -> Iterator[Block]:
        shard = parse_shard(self.path, layout.n_labels, layout.n_features, skip=report.skip)
        report.damage += shard.damage
        yield _block(shard.features, shard.labels, shard.counts, shard.lines)

    def repeated_id(self, place: Place, came: str) -> Damage | RecordDamage | RowDamage:
        """Return the entry for a row whose id an earlier one has."""
        expected = "an id that no earlier record has"
        if isinstance(self.layout, Columns):
            return RowDamage(self.name, place.record, self.layout.ids or "", expected, came)
        return RecordDamage(self.name, place.record, place.offset, "id", expected, came)


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
        """What messages call it."""
        return f"rows {self.rows.start} to {self.rows.stop - 1} of the arrays"

    @property
    def unit(self) -> str:
        """What messages call one of its rows; not "row", as records are numbered from 1."""
        return "record"

    @property
    def key(self) -> str:
        """What its parts in the work folder are called."""
        return f"rows-{self.rows.start}-{self.rows.stop}"

    @property
    def has_ids(self) -> bool:
        """Whether its rows have ids."""
        return self.ids is not None

    def stamp(self) -> dict[str, Any]:
        """Return what changes when the source does."""
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

    def repeated_id(self, place: Place, came: str) -> RowDamage:
        """Return the entry for a row whose id an earlier one has."""
        expected = "an id that no earlier record has"
        return RowDamage("the arrays", place.record, "ids", expected, came)

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
        return _block(features, Y.indices, np.diff(Y.indptr), records, ids)


Source = FileSource | ArraySource


def _block(
    features: np.ndarray,
    labels: np.ndarray,
    counts: np.ndarray,
    records: np.ndarray,
    ids: np.ndarray | None = None,
) -> Block:
    zeros = np.zeros(len(features), dtype=np.int64)
    return Block(
        features=features,
        labels=labels.astype(np.int32, copy=False),
        counts=counts.astype(np.int64, copy=False),
        ids=np.zeros(len(features), dtype="<U1") if ids is None else ids,
        records=records.astype(np.int64, copy=False),
        offsets=zeros,
        starts=zeros,
        rated=np.zeros(0, dtype=np.int32),
        rated_counts=zeros,
    )
