"""Read one source: its features into a file, everything else into memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sk_yt8m._files.atomic_write import path_in_errors
from sk_yt8m.datasets._convert.sources import ArraySource, FileSource, Source
from sk_yt8m.datasets._formats.blocks import LISTS, Block
from sk_yt8m.datasets._formats.damage import Report
from sk_yt8m.datasets._store.row_checksums import head_checksums, row_checksums

_ROWS = 4096
_COLUMNS: dict[str, Any] = {
    "ids": "<U1",
    "records": np.int64,
    "offsets": np.int64,
    "starts": np.int64,
    "labels": np.int32,
    "counts": np.int64,
    "rated": np.int32,
    "rated_counts": np.int64,
    "checksums": np.uint32,
}


class SourceRows(NamedTuple):
    """The valid rows of a source.

    Attributes
    ----------
    path : Path
        File with the bytes of the features, row after row.
    start : int
        Byte at which they begin.
    columns : dict of ndarray
        The arrays of a `Block` but for the features, and ``checksums``, one for each row.
    stamp : dict
        Size and time of change of the source, or its checksum.
    sha256 : str
        Checksum of the source.
    damage : list of dict
        Records that were left out.
    """

    path: Path
    start: int
    columns: dict[str, np.ndarray]
    stamp: dict[str, Any]
    sha256: str
    damage: list[dict[str, Any]]

    def blocks(self, dtype: np.dtype, n_features: int) -> Iterator[Block]:
        """Yield the rows in blocks, with their features."""
        columns = {name: a for name, a in self.columns.items() if name != "checksums"}
        ends = {name: np.insert(np.cumsum(columns[n]), 0, 0) for name, n in LISTS.items()}
        n_rows = len(columns["records"])
        with open(self.path, "rb") as file:
            file.seek(self.start)
            for start in range(0, n_rows, _ROWS):
                stop = min(start + _ROWS, n_rows)
                part = {name: a[start:stop] for name, a in columns.items() if name not in LISTS}
                for name, end in ends.items():
                    part[name] = columns[name][end[start] : end[stop]]
                features = np.fromfile(file, dtype, (stop - start) * n_features)
                yield Block(features=features.reshape(-1, n_features), **part)


def read_source(source: Source, path: Path, start: int, dtype: np.dtype, skip: bool) -> SourceRows:
    """Read a source and write its features into a file.

    Parameters
    ----------
    source : Source
        The source.
    path : Path
        File for the features, which exists.
    start : int
        Byte of the file at which to write them.
    dtype : dtype
        Type of the features.
    skip : bool
        Leave damaged records out.

    Raises
    ------
    ValueError
        If a record is damaged and `skip` is False, a number does not fit the type, or the source
        changes while it is read.
    """
    stamp = source.stamp()
    report = Report(skip=skip)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in _COLUMNS}
    with path_in_errors(path), open(path, "r+b") as file:
        file.seek(start)
        for block in _blocks(source, report):
            content = np.ascontiguousarray(_cast(source, block, dtype)).view(np.uint8)
            file.write(content.data)
            columns = {name: getattr(block, name) for name in parts if name != "checksums"}
            columns["checksums"] = row_checksums(content, head_checksums(columns))
            for name, kept in parts.items():
                kept.append(columns[name])
    arrays = {
        name: np.concatenate([np.zeros(0, kind), *parts[name]]) for name, kind in _COLUMNS.items()
    }
    sha256 = stamp.get("sha256") or source.sha256()
    if isinstance(source, FileSource) and source.stamp() != stamp:
        raise ValueError(f"{source.name}: expected a file that stays the same, it was changed")
    damage = [problem._asdict() for problem in report.damage]
    return SourceRows(path, start, arrays, stamp, sha256, damage)


def _blocks(source: Source, report: Report) -> Iterator[Block]:
    with path_in_errors(source.name):
        yield from source.blocks(report)


def _cast(source: Source, block: Block, dtype: np.dtype) -> np.ndarray:
    if dtype == np.float16 and block.features.size:
        # A number that was larger may be the largest float16 once it is rounded to float32.
        features = source.given if isinstance(source, ArraySource) else block.features
        largest = float(np.finfo(dtype).max)
        if max(float(features.max()), -float(features.min())) > largest:
            row, column = np.argwhere((features > largest) | (features < -largest))[0]
            raise ValueError(
                f"{source.name}, record {block.records[row]}, feature {column}: expected a number "
                f'from {-largest:g} to {largest:g} for dtype="float16", '
                f'got {features[row, column]}: use dtype="float32"'
            )
    return block.features.astype(dtype, copy=False)
