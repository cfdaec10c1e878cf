"""Blocks of rows from many TFRecord files -> the arrays of one data set."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from sk_yt8m.datasets._formats.record_layout import RecordLayout
from sk_yt8m.datasets._formats.tfrecord_container import DamageError, RecordDamage, Report
from sk_yt8m.datasets._formats.tfrecord_reader import Block, read_blocks


class FileBlocks(NamedTuple):
    """The blocks of one file, and its number among the files."""

    shard: int
    blocks: list[Block]


def read_files(
    files: list[Path],
    layout: RecordLayout,
    report: Report,
    *,
    max_videos: int | None,
    n_jobs: int | None,
    progress: bool,
) -> list[FileBlocks]:
    """Read files, several at the same time, until there are enough videos of different ids."""
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_read_file)(file, layout, report.skip, max_videos) for file in files
    )
    bar = tqdm(total=len(files), unit="file", desc="reading TFRecords", disable=not progress)
    parts: list[FileBlocks] = []
    seen: set[str] = set()
    with bar:
        for shard, (blocks, damage) in enumerate(results):
            bar.update()
            if max_videos is not None:
                n_left = max_videos - len(seen)
                chosen, new = _first_videos(blocks, n_left, seen)
                if report.skip and len(new) < n_left and _n_records(blocks) >= max_videos:
                    # Some were repeated, so it takes more of them than were read.
                    blocks, damage = _read_file(files[shard], layout, report.skip, None)
                    chosen, new = _first_videos(blocks, n_left, seen)
                if len(new) == n_left and report.skip:
                    damage = [one for one in damage if one.offset <= chosen[-1].offsets[-1]]
                blocks, seen = chosen, seen | new
            for problem in damage:
                report.add(problem)
            parts.append(FileBlocks(shard, blocks))
            if len(seen) == max_videos:
                results.close()
                break
    return parts


def _read_file(
    path: Path, layout: RecordLayout, skip: bool, max_records: int | None
) -> tuple[list[Block], list[RecordDamage]]:
    report = Report(skip=skip)
    try:
        return list(read_blocks(path, layout, report, max_records=max_records)), report.damage
    except DamageError as error:
        # Raised when this file's turn comes, so that the first damaged file is the one named.
        return [], [error.damage]


def _n_records(blocks: list[Block]) -> int:
    # Rows of a record stand together, never in two blocks.
    return sum(np.unique(block.records).size for block in blocks)


def _first_videos(
    blocks: list[Block], n_videos: int, seen: set[str]
) -> tuple[list[Block], set[str]]:
    """Return the rows up to the n-th video of an unseen id, and the unseen ids."""
    kept: list[Block] = []
    new: set[str] = set()
    for block in blocks:
        begins = np.flatnonzero(np.diff(block.records, prepend=0))
        for begin, end in zip(begins, [*begins[1:], len(block.records)], strict=False):
            name = str(block.ids[begin])
            if name in seen or name in new:
                continue
            new.add(name)
            if len(new) == n_videos:
                return [*kept, select_rows(block, np.arange(len(block.records)) < end)], new
        kept.append(block)
    return kept, new


def select_rows(block: Block, keep: np.ndarray) -> Block:
    """Return some rows of a block, by a boolean mask."""
    if keep.all():
        return block
    chosen = {field.name: getattr(block, field.name) for field in fields(Block)}
    for name, counts in (("labels", "counts"), ("rated", "rated_counts")):
        chosen[name] = chosen[name][np.repeat(keep, chosen[counts])]
    for name in chosen.keys() - {"labels", "rated"}:
        chosen[name] = chosen[name][keep]
    return Block(**chosen)


def drop_duplicates(
    parts: list[FileBlocks],
    report: Report,
    damage: Callable[[int, int, int, str, str], Any],
    place: Callable[[int, int], str],
) -> list[FileBlocks]:
    """Leave out the rows of a video whose id an earlier record has had; report them.

    `damage` makes an entry of shard, record, offset, what was expected and what came; `place`
    names a shard and a record.
    """
    blocks = [block for part in parts for block in part.blocks]
    if not blocks:
        return parts
    ids = np.concatenate([block.ids for block in blocks])
    shard = np.repeat(
        [part.shard for part in parts for _ in part.blocks], [len(b.ids) for b in blocks]
    )
    record = np.concatenate([block.records for block in blocks])
    offset = np.concatenate([block.offsets for block in blocks])
    _, first, group = np.unique(ids, return_index=True, return_inverse=True)
    if first.size == ids.size:
        return parts
    first = first[group]
    twice = (shard != shard[first]) | (record != record[first])
    begins = (np.diff(shard, prepend=-1) != 0) | (np.diff(record, prepend=0) != 0)
    for row in np.flatnonzero(twice & begins):
        at = int(shard[row]), int(record[row]), int(offset[row])
        earlier = place(int(shard[first[row]]), int(record[first[row]]))
        came = f"{str(ids[row])!r}, the id of {earlier}"
        report.add(damage(*at, "an id that no earlier record has", came))
    ends = iter(np.cumsum([len(block.ids) for block in blocks]))
    return [
        FileBlocks(
            part.shard,
            [
                select_rows(block, ~twice[end - len(block.ids) : end])
                for block, end in zip(part.blocks, ends, strict=False)
            ],
        )
        for part in parts
    ]


def join(parts: list[FileBlocks], n_features: int, n_labels: int) -> dict[str, Any]:
    """Return the arrays of all rows, and empty the list of parts on the way."""
    blocks = [block for part in parts for block in part.blocks]
    shards = [part.shard for part in parts for _ in part.blocks]
    parts.clear()
    counts = [len(block.ids) for block in blocks]
    joined: dict[str, Any] = {
        "target": _indicator(blocks, "labels", "counts", n_labels),
        "rated": _indicator(blocks, "rated", "rated_counts", n_labels),
        "ids": _column(blocks, "ids", "<U1"),
        "shard": np.repeat(np.array(shards, dtype=np.int32), counts),
        "record": _column(blocks, "records", np.int64),
        "start": _column(blocks, "starts", np.int64),
    }
    features = np.empty((sum(counts), n_features), np.float32)
    end = len(features)
    # From the back, so that each part is freed as soon as it is copied.
    while blocks:
        part = blocks.pop().features
        features[end - len(part) : end] = part
        end -= len(part)
    return {"features": features, **joined}


def _column(blocks: list[Block], name: str, dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *(getattr(block, name) for block in blocks)])


def _indicator(blocks: list[Block], labels: str, counts: str, n_labels: int) -> sp.csr_matrix:
    indices = _column(blocks, labels, np.int32)
    indptr = np.concatenate([[0], np.cumsum(_column(blocks, counts, np.int64))])
    ones = np.ones(indices.size, dtype=np.uint8)
    return sp.csr_matrix((ones, indices, indptr), shape=(indptr.size - 1, n_labels))
