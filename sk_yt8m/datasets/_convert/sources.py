"""Sources of rows: files, and ranges of rows of arrays."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from sk_yt8m.datasets._formats.blocks import Block, make_block
from sk_yt8m.datasets._formats.csv_parser import CsvLayout, read_csv_blocks
from sk_yt8m.datasets._formats.damage import Place, Report
from sk_yt8m.datasets._formats.parquet_reader import Columns, read_parquet_blocks
from sk_yt8m.datasets._formats.record_layout import RecordLayout
from sk_yt8m.datasets._formats.tfrecord_reader import read_tfrecord_blocks

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


Source = FileSource | ArraySource
