"""Reader of Parquet files of videos: blocks of rows."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m.datasets._formats.blocks import Block, make_block
from sk_yt8m.datasets._formats.damage import Damage, MismatchError, Place, Report
from sk_yt8m.datasets._formats.ids import decode_id
from sk_yt8m.datasets._formats.record_layout import DEFAULT_FEATURES, WIDTHS, feature_widths
from sk_yt8m.datasets._schema import N_LABELS

#: The column of ids by default, which a file need not have.
ID_COLUMN = "id"
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
    labels : str, optional
        Name of the column of labels.
    ids : str, optional
        Name of the column of ids.
    """

    features: tuple[tuple[str, int], ...]
    n_labels: int
    labels: str | None
    ids: str | None


def check_pyarrow() -> Any:
    """Return pyarrow, or raise an ImportError that says how to install it."""
    try:
        import pyarrow
    except ImportError:
        raise ImportError(
            "Parquet files need pyarrow, which is not installed: pip install sk-yt8m[parquet]"
        ) from None
    return pyarrow


def parquet_columns(
    files: list[Path],
    features: Sequence[str] | Mapping[str, int] | None,
    n_labels: int | None,
    label_column: str,
    id_column: str,
    missing_labels: str,
) -> Columns:
    """Return the columns to read, by the first readable file.

    With `missing_labels` "empty", files without a column of labels are ones without labels.
    """
    for path in files:
        file = open_parquet(path, Report(skip=True))
        if file is None:
            continue
        with file:
            names = file.schema_arrow.names
            noted = (file.schema_arrow.metadata or {}).get(N_LABELS_KEY)
            if features is None:
                features = ["features"] if "features" in names else DEFAULT_FEATURES
            widths = _widths(file, features)
        break
    else:
        names, noted = [], None
        widths = feature_widths({"features": 1} if features is None else features)
    if n_labels is None and noted is not None and noted.isdigit():
        n_labels = int(noted)
    has_labels = missing_labels == "raise" or label_column in names
    if n_labels is None and (not has_labels or {name for name, _ in widths} <= WIDTHS.keys()):
        n_labels = N_LABELS
    if n_labels is None:
        raise ValueError(f"n_labels must be given: {files[0]} does not tell it")
    if names and id_column not in names and id_column != ID_COLUMN:
        raise ValueError(
            f"id_column must be a column of {path}, one of {', '.join(map(repr, names))}, got "
            f"{id_column!r}"
        )
    return Columns(
        widths,
        n_labels,
        label_column if has_labels else None,
        id_column if id_column in names else None,
    )


def _widths(file: Any, features: Sequence[str] | Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    if isinstance(features, (Mapping, str)):
        return feature_widths(features)
    return feature_widths({name: WIDTHS.get(name) or _width(file, name) for name in features})


def _width(file: Any, name: str) -> int:
    """Return the width of a column: its numbers in the first row that has any."""
    import pyarrow.types as types

    if file.schema_arrow.names.count(name) != 1:
        return 1
    kind = file.schema_arrow.field(name).type
    if types.is_fixed_size_list(kind):
        return int(kind.list_size)
    if not (types.is_list(kind) or types.is_large_list(kind)):
        return 1
    for batch in file.iter_batches(64, columns=[name]):
        for value in batch.column(0):
            if value.is_valid and len(value):
                return len(value)
    return 1


def open_parquet(path: Path, report: Report) -> Any:
    """Open a file; report it and return None if it is not a readable Parquet file."""
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


def count_parquet_rows(path: Path) -> int:
    """Return the number of rows of a file, by its footer."""
    with open_parquet(path, Report(skip=False)) as file:
        return int(file.metadata.num_rows)


def read_parquet_blocks(path: Path, columns: Columns, report: Report) -> Iterator[Block]:
    """Yield the valid rows of a file in blocks; damage goes to the report."""
    import pyarrow as pa

    file = open_parquet(path, report)
    if file is None:
        return
    with file:
        names = [name for name, _ in columns.features]
        names += [name for name in (columns.labels, columns.ids) if name is not None]
        schema = file.schema_arrow
        for name in names:
            if schema.names.count(name) != 1:
                expected = "one column of this name" if name in schema.names else "this column"
                actual = ", ".join(map(repr, schema.names))
            else:
                expected = _type_problem(schema.field(name).type, name, columns)
                actual = str(schema.field(name).type)
            if expected:
                report.add(Damage(str(path), f"column {name!r}", expected, actual))
                return
        start = 0
        for group in range(file.num_row_groups):
            done = 0
            try:
                for batch in file.iter_batches(_ROWS, row_groups=[group], columns=names):
                    yield _block(path, columns, report, batch, start + done)
                    done += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                place = f"valid rows from {start + done + 1} in row group {group}"
                report.add(Damage(str(path), "", place, _first_line(error)))
            start += file.metadata.row_group(group).num_rows


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _type_problem(kind: Any, name: str, columns: Columns) -> str:
    """Return the type that a column should have; an empty string if it has it."""
    import pyarrow.types as types

    listed = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    inner = kind.value_type if listed else kind
    if name == columns.ids:
        fits = not listed and (
            types.is_string(kind) or types.is_large_string(kind) or types.is_integer(kind)
        )
        return "" if fits else "strings or integers"
    if name == columns.labels:
        return "" if listed and types.is_integer(inner) else "lists of integers"
    number = types.is_floating(inner) or types.is_integer(inner)
    return "" if number else "numbers or lists of numbers"


def _block(path: Path, columns: Columns, report: Report, batch: Any, start: int) -> Block:
    """Return the valid rows of a batch; `start` rows of the file come before it."""
    n_rows = batch.num_rows
    valid = np.ones(n_rows, dtype=bool)

    def refuse(wrong: np.ndarray, name: str, expected: str, actual: Callable[[Any], str]) -> None:
        """Report the rows of a mask, with what `actual` says about the cell, and drop them."""
        for row in np.flatnonzero(wrong & valid):
            place = Place(str(path), "row", start + int(row) + 1)
            cell = batch.column(name)[row]
            report.add(place.damage(expected, actual(cell), f"column {name!r}"))
        valid[wrong] = False

    features = np.zeros((n_rows, sum(width for _, width in columns.features)), np.float32)
    end = 0
    for name, width in columns.features:
        into = features[:, end : end + width]
        end += width
        lengths, values = _flat(batch.column(name))
        fits = lengths == width
        refuse(~fits, name, f"{width} numbers", _n_numbers)
        if not fits.all():
            values = values[np.repeat(fits, np.maximum(lengths, 0))]
        with np.errstate(over="ignore"):
            into[fits] = values.reshape(-1, width)
        refuse(np.isfinite(into).sum(axis=1) < width, name, "finite numbers", _first_not_finite)
    labels, counts = _labels(batch, columns, refuse)
    ids = None if columns.ids is None else _ids(batch.column(columns.ids), columns.ids, refuse)
    records = np.arange(start + 1, start + n_rows + 1)
    return make_block(features, labels, counts, records, ids=ids).select(valid)


def _labels(
    batch: Any, columns: Columns, refuse: Callable[..., None]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of all rows, each once and in order, and their number in each row."""
    n_rows, n_labels = batch.num_rows, columns.n_labels
    if columns.labels is None:
        return np.zeros(0, dtype=np.int64), np.zeros(n_rows, dtype=np.int64)
    lengths, labels = _flat(batch.column(columns.labels))
    refuse(lengths < 0, columns.labels, "a list of labels", lambda cell: "nothing")
    rows = np.repeat(np.arange(n_rows), np.maximum(lengths, 0))
    inside = (labels >= 0) & (labels < n_labels)
    outside = np.bincount(rows[~inside], minlength=n_rows) > 0
    expected = f"labels from 0 to {n_labels - 1}"
    refuse(outside, columns.labels, expected, lambda cell: _first_outside(cell, n_labels))
    rows, labels = np.divmod(
        np.unique(rows[inside] * n_labels + labels[inside].astype(np.int64)), n_labels
    )
    return labels, np.bincount(rows, minlength=n_rows)


def _flat(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the length of each row's list, -1 for none, and all values; missing ones are NaN."""
    import pyarrow.compute as pc

    if not hasattr(column.type, "value_type"):
        return np.ones(len(column), dtype=np.int64), column.to_numpy(zero_copy_only=False)
    lengths = pc.fill_null(pc.list_value_length(column), -1)
    return lengths.to_numpy(), column.flatten().to_numpy(zero_copy_only=False)


def _n_numbers(cell: Any) -> str:
    if not cell.is_valid:
        return "nothing"
    return str(len(cell)) if hasattr(cell.type, "value_type") else "1"


def _first_not_finite(cell: Any) -> str:
    numbers = cell.as_py() if hasattr(cell.type, "value_type") else [cell.as_py()]
    with np.errstate(over="ignore"):
        values = np.array(numbers, dtype=np.float32)
    index = int(np.isfinite(values).argmin())
    return f"{'none' if numbers[index] is None else values[index]} at index {index}"


def _first_outside(cell: Any, n_labels: int) -> str:
    label = next(one for one in cell.as_py() if one is None or not 0 <= one < n_labels)
    return "a missing one" if label is None else str(label)


def _ids(column: Any, name: str, refuse: Callable[..., None]) -> np.ndarray:
    import pyarrow as pa

    ids = []
    content = column.cast(pa.large_string()).cast(pa.large_binary()).fill_null(b"")
    for row, coded in enumerate(content.to_pylist()):
        try:
            ids.append(decode_id(coded))
        except MismatchError as error:
            ids.append("")
            wrong = np.arange(len(column)) == row
            refuse(wrong, name, error.expected, lambda _, actual=error.actual: actual)
    return np.array(ids, dtype=str)
