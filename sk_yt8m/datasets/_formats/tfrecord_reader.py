"""A TFRecord file of YouTube-8M -> blocks of rows, as arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sk_yt8m.datasets._formats.protobuf_reader import WireError, make_head, parse_record
from sk_yt8m.datasets._formats.record_layout import SEGMENT_LABELS, RecordLayout
from sk_yt8m.datasets._formats.record_rows import FeatureError, Row, read_rows
from sk_yt8m.datasets._formats.tfrecord_container import RecordDamage, Report, read_records

_ROWS = 256


@dataclass(frozen=True)
class Block:
    """Sound rows of one file.

    Attributes
    ----------
    features : ndarray of shape (n_rows, n_features), float32
        Features.
    labels : ndarray of shape (nnz,), int32
        Labels of all rows, one row after the other, ascending within a row.
    counts : ndarray of shape (n_rows,), int64
        Number of labels of each row.
    ids : ndarray of shape (n_rows,), str
        Id of each row's video.
    records, offsets : ndarray of shape (n_rows,), int64
        Number of each row's record in the file, from 1, and the byte at which it begins.
    starts : ndarray of shape (n_rows,), int64
        Second at which a segment begins; 0 for whole videos.
    rated : ndarray of shape (n_rated,), int32
        Labels that raters have judged, right or wrong, for all segments; empty for whole videos.
    rated_counts : ndarray of shape (n_rows,), int64
        Number of these for each row.
    """

    features: np.ndarray
    labels: np.ndarray
    counts: np.ndarray
    ids: np.ndarray
    records: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    rated: np.ndarray
    rated_counts: np.ndarray


def read_blocks(
    path: Path,
    layout: RecordLayout,
    report: Report,
    *,
    max_records: int | None = None,
    n_rows: int = _ROWS,
) -> Iterator[Block]:
    """Yield the sound rows of a file, some at a time.

    Parameters
    ----------
    path : Path
        The file.
    layout : RecordLayout
        What to read.
    report : Report
        Where damage goes.
    max_records : int, optional
        Sound records after which to stop.
    n_rows : int
        Rows after which a block is full.

    Raises
    ------
    ValueError
        At a damaged record, unless the report takes it; the message says file, record, byte, key,
        what was expected and what came.
    """
    heads = [make_head(key, width) for key, width in layout.features]
    rows: list[Row] = []
    places: list[tuple[int, int]] = []
    n_left = float("inf") if max_records is None else max_records
    n_pending = 0
    for number, offset, content in read_records(path, report):
        try:
            new = read_rows(content, layout, heads)
        except FeatureError as bad:
            report.add(RecordDamage(str(path), number, offset, bad.key, bad.expected, bad.came))
            continue
        rows += new
        places += [(number, offset)] * len(new)
        n_pending += 1
        if len(rows) >= n_rows or n_pending == n_left:
            block = _block(path, layout, rows, places, report)
            yield block
            n_left -= np.unique(block.records).size
            rows, places, n_pending = [], [], 0
            if n_left == 0:
                return
    if rows:
        yield _block(path, layout, rows, places, report)


def find_level(path: Path, features: Sequence[str]) -> str | None:
    """Tell the level of a file from its first readable record; None if there is none."""
    for record in read_records(path, Report(skip=True)):
        try:
            context, lists = parse_record(record.content)
        except WireError:
            continue
        if not lists or any(key.encode() in context for key in features):
            return "video"
        return "segment" if SEGMENT_LABELS in context else "frame"
    return None


def _block(
    path: Path,
    layout: RecordLayout,
    rows: list[Row],
    places: list[tuple[int, int]],
    report: Report,
) -> Block:
    numbers = b"".join([part for row in rows for part in row.features])
    n_features = sum(width for _, width in layout.features)
    features = np.frombuffer(numbers, "<f4").reshape(len(rows), n_features)
    if not np.isfinite(features).all():
        sound = _report_not_finite(path, layout, features, places, report)
        features = features[sound]
        rows = [rows[i] for i in sound]
        places = [places[i] for i in sound]
    numbers_and_offsets = np.array(places, dtype=np.int64).reshape(-1, 2)
    return Block(
        features=features,
        labels=np.array([label for row in rows for label in row.labels], dtype=np.int32),
        counts=np.array([len(row.labels) for row in rows], dtype=np.int64),
        ids=np.array([row.video for row in rows], dtype=str),
        records=numbers_and_offsets[:, 0],
        offsets=numbers_and_offsets[:, 1],
        starts=np.array([row.start for row in rows], dtype=np.int64),
        rated=np.array([label for row in rows for label in row.rated], dtype=np.int32),
        rated_counts=np.array([len(row.rated) for row in rows], dtype=np.int64),
    )


def _report_not_finite(
    path: Path,
    layout: RecordLayout,
    features: np.ndarray,
    places: list[tuple[int, int]],
    report: Report,
) -> np.ndarray:
    """Report rows with numbers that are not finite and return the others."""
    finite = np.isfinite(features)
    keys = [key for key, width in layout.features for _ in range(width)]
    for row in np.flatnonzero(~finite.all(axis=1)):
        column = int(np.argmin(finite[row]))
        number, offset = places[row]
        came = f"{features[row, column]} at index {column - keys.index(keys[column])}"
        report.add(RecordDamage(str(path), number, offset, keys[column], "finite numbers", came))
    return np.flatnonzero(finite.all(axis=1))
