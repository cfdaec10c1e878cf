"""Reader of YouTube-8M's TFRecord files: blocks of rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sk_yt8m.datasets._formats.blocks import Block, make_block
from sk_yt8m.datasets._formats.damage import MismatchError, Place, Report
from sk_yt8m.datasets._formats.record_layout import SEGMENT_LABELS, RecordLayout
from sk_yt8m.datasets._formats.tfrecord.container import read_records
from sk_yt8m.datasets._formats.tfrecord.messages import read_record
from sk_yt8m.datasets._formats.tfrecord.rows import Row, read_rows

_ROWS = 256


def read_tfrecord_blocks(
    path: Path,
    layout: RecordLayout,
    report: Report,
    *,
    max_videos: int | None = None,
) -> Iterator[Block]:
    """Yield the valid rows of a file in blocks.

    Parameters
    ----------
    path : Path
        The file.
    layout : RecordLayout
        What to read.
    report : Report
        Where damage goes.
    max_videos : int, optional
        Number of different ids after which to stop.

    Raises
    ------
    ValueError
        At a damaged record, unless the report skips damage; the message names file, record, byte,
        key, what was expected and what was there.
    """
    rows: list[Row] = []
    places: list[tuple[int, int]] = []
    seen: set[str] = set()
    pending: set[str] = set()
    for number, offset, content in read_records(path, report):
        try:
            new = read_rows(content, layout)
        except MismatchError as bad:
            place = Place(str(path), "record", number, offset)
            report.add(place.damage(bad.expected, bad.actual, bad.field))
            continue
        rows += new
        places += [(number, offset)] * len(new)
        if max_videos is not None:
            pending.update(row.video for row in new if row.video not in seen)
        if len(rows) >= _ROWS or len(seen) + len(pending) == max_videos:
            block = _block(path, rows, places, layout, report)
            yield block
            rows, places, pending = [], [], set()
            if max_videos is not None:
                seen.update(block.ids.tolist())
                if len(seen) == max_videos:
                    return
    if rows:
        yield _block(path, rows, places, layout, report)


def find_level(path: Path, features: Sequence[str]) -> str | None:
    """Return the level of a file's first readable record; None if there is none."""
    for record in read_records(path, Report(skip=True)):
        try:
            context, lists = read_record(record.content)
        except MismatchError:
            continue
        if not lists or any(key.encode() in context for key in features):
            return "video"
        return "segment" if SEGMENT_LABELS in context else "frame"
    return None


def _block(
    path: Path,
    rows: list[Row],
    places: list[tuple[int, int]],
    layout: RecordLayout,
    report: Report,
) -> Block:
    """Return the rows with finite features, and report the others.

    A place is the number and the offset of a row's record.
    """
    numbers, offsets = zip(*places, strict=True)
    content = b"".join([part for row in rows for part in row.features])
    features = np.frombuffer(content, "<f4").reshape(len(rows), -1)
    finite = np.isfinite(features)
    keep = finite.all(axis=1)
    keys = [key for key, width in layout.features for _ in range(width)]
    for row in np.flatnonzero(~keep):
        column = int(np.argmin(finite[row]))
        actual = f"{features[row, column]} at index {column - keys.index(keys[column])}"
        place = Place(str(path), "record", *places[row])
        report.add(place.damage("finite numbers", actual, f"key {keys[column]!r}"))
    return make_block(
        features,
        labels=[label for row in rows for label in row.labels],
        counts=[len(row.labels) for row in rows],
        records=numbers,
        offsets=offsets,
        ids=np.array([row.video for row in rows], dtype=str),
        starts=[row.start for row in rows],
        rated=[label for row in rows for label in row.rated],
        rated_counts=[len(row.rated) for row in rows],
    ).select(keep)
