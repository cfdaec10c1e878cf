"""A Parquet file of videos -> blocks of rows, as arrays."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m.datasets._formats.blocks import Block, make_block
from sk_yt8m.datasets._formats.damage import Damage, Place, Report
from sk_yt8m.datasets._formats.ids import IdError, decode_id

N_LABELS_KEY = b"sk_yt8m.n_labels"
_ROWS = 4096


@dataclass(frozen=True)
class Columns:
    """What to read from a Parquet file.

    Attributes
    ----------
    features : tuple of (str, int)
        Name and width of each column of features.
    n_labels : int
        Size of the vocabulary.
    labels : str
        Name of the column of labels.
    ids : str, optional
        Name of the column of ids.
    """

    features: tuple[tuple[str, int], ...]
    n_labels: int
    labels: str
    ids: str | None


def open_parquet(path: Path, report: Report) -> Any:
    """Return an open file, or None if it is none that Parquet can read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # pyarrow takes names of files that are not in UTF-8 as bytes only.
        opened = pa.OSFile(os.fsencode(path))
        file = pq.ParquetFile(opened, page_checksum_verification=True)
        _ = file.reader.column_paths  # decoded here, so that damaged names are found
        return file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        report.add(Damage(str(path), "", "a Parquet file", _first_line(error)))
        return None


def read_parquet_blocks(path: Path, columns: Columns, report: Report) -> Iterator[Block]:
    """Yield the sound rows of a file, some at a time; the rest goes to the report."""
    import pyarrow as pa

    file = open_parquet(path, report)
    if file is None:
        return
    with file:
        names = [columns.labels, *(name for name, _ in columns.features)]
        names += [] if columns.ids is None else [columns.ids]
        wrong = [name for name in names if file.schema_arrow.names.count(name) != 1]
        if wrong:
            came = ", ".join(map(repr, file.schema_arrow.names))
            expected = (
                "one column of this name" if wrong[0] in file.schema_arrow.names else "this column"
            )
            report.add(Damage(str(path), f"column {wrong[0]!r}", expected, came))
            return
        for name in names:
            expected = _type_problem(file.schema_arrow.field(name).type, name, columns)
            if expected:
                came = str(file.schema_arrow.field(name).type)
                report.add(Damage(str(path), f"column {name!r}", expected, came))
                return
        start = 0
        for group in range(file.num_row_groups):
            done = 0
            try:
                for batch in file.iter_batches(_ROWS, row_groups=[group], columns=names):
                    yield _Batch(path, columns, report, batch, start + done).block()
                    done += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                place = f"sound rows from {start + done + 1} in row group {group}"
                report.add(Damage(str(path), "", place, _first_line(error)))
            start += file.metadata.row_group(group).num_rows


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _type_problem(kind: Any, name: str, columns: Columns) -> str:
    """Return what a column's type should have been; nothing if it is that."""
    import pyarrow.types as types

    listed = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    inner = kind.value_type if listed else kind
    if name == columns.ids:
        sound = not listed and (
            types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind)
        )
        return "" if sound else "strings or integers"
    if name == columns.labels:
        return "" if listed and types.is_integer(inner) else "lists of integers"
    number = types.is_floating(inner) or types.is_integer(inner)
    return "" if number else "numbers or lists of numbers"


class _Batch:
    """Rows of a file, checked column by column."""

    def __init__(
        self, path: Path, columns: Columns, report: Report, batch: Any, start: int
    ) -> None:
        self.path, self.columns, self.report = path, columns, report
        self.batch, self.start = batch, start
        self.sound = np.ones(batch.num_rows, dtype=bool)

    def block(self) -> Block:
        """Return the sound rows."""
        features = np.empty((len(self.sound), sum(w for _, w in self.columns.features)), "f4")
        begin = 0
        for name, width in self.columns.features:
            self._read_features(name, features[:, begin : begin + width])
            begin += width
        labels, counts = self._labels()
        ids = self._ids()
        keep = np.flatnonzero(self.sound)
        return make_block(
            features if keep.size == len(features) else features[keep],
            labels=labels[np.repeat(self.sound, counts)],
            counts=counts[keep],
            records=self.start + keep + 1,
            ids=ids[keep],
        )

    def _bad(self, rows: Iterable[int], column: str, expected: str, came: Any) -> None:
        for row in rows:
            if self.sound[row]:
                place = Place(str(self.path), "row", self.start + int(row) + 1)
                self.report.add(place.damage(expected, str(came(row)), f"column {column!r}"))
                self.sound[row] = False

    def _lists(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the lengths of a column's lists (-1 where there is none), values and nulls."""
        import pyarrow.compute as pc

        column = self.batch.column(name)
        if not hasattr(column.type, "value_type"):
            return np.ones(len(column), dtype=np.int64), *_values(column)
        lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False)
        return lengths.astype(np.int64), *_values(column.flatten())

    def _read_features(self, name: str, into: np.ndarray) -> None:
        width = into.shape[1]
        lengths, values, nulls = self._lists(name)
        came = lambda row: lengths[row] if lengths[row] >= 0 else "nothing"  # noqa: E731
        self._bad(np.flatnonzero(lengths != width), name, f"{width} numbers", came)
        fits = lengths == width
        chosen = np.repeat(fits, np.maximum(lengths, 0))
        with np.errstate(over="ignore"):
            into[fits] = (values if chosen.all() else values[chosen]).reshape(-1, width)
        into[~fits] = 0
        finite = np.isfinite(into)
        if nulls.any():
            missing = np.zeros_like(finite)
            missing[fits] = nulls[chosen].reshape(-1, width)
            rows = np.flatnonzero(missing.any(axis=1))
            self._bad(
                rows, name, "finite numbers", lambda row: f"none at index {missing[row].argmax()}"
            )
        if not finite.all():
            rows = np.flatnonzero(~finite.all(axis=1))
            at = finite.argmin(axis=1)
            self._bad(
                rows, name, "finite numbers", lambda row: f"{into[row, at[row]]} at index {at[row]}"
            )

    def _labels(self) -> tuple[np.ndarray, np.ndarray]:
        name, n_labels = self.columns.labels, self.columns.n_labels
        lengths, labels, nulls = self._lists(name)
        self._bad(np.flatnonzero(lengths < 0), name, "a list of labels", lambda row: "nothing")
        lengths = np.maximum(lengths, 0)
        rows = np.repeat(np.arange(lengths.size), lengths)
        expected = f"labels from 0 to {n_labels - 1}"
        self._bad(np.unique(rows[nulls]), name, expected, lambda row: "a missing one")
        outside = (labels < 0) | (labels >= n_labels)
        self._bad(
            np.unique(rows[outside]), name, expected, lambda row: labels[(rows == row) & outside][0]
        )
        order = np.lexsort((labels, rows))
        rows, labels = rows[order], labels[order]
        new = (np.diff(rows, prepend=-1) != 0) | (np.diff(labels, prepend=-1) != 0)
        return labels[new], np.bincount(rows[new], minlength=lengths.size)

    def _ids(self) -> np.ndarray:
        import pyarrow as pa

        if self.columns.ids is None:
            return np.zeros(len(self.sound), dtype="<U1")
        column = self.batch.column(self.columns.ids).cast(pa.large_string())
        ids = []
        for row, name in enumerate(column.cast(pa.large_binary()).fill_null(b"").to_pylist()):
            try:
                ids.append(decode_id(name))
            except IdError as error:
                self._bad([row], self.columns.ids, error.expected, lambda _, came=error.came: came)
                ids.append("")
        return np.array(ids, dtype=str)


def _values(column: Any) -> tuple[np.ndarray, np.ndarray]:
    nulls = column.is_null().to_numpy(zero_copy_only=False)
    if column.null_count:
        column = column.fill_null(0)
    return column.to_numpy(zero_copy_only=False), nulls
