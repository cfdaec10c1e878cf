"""One source -> its parts in the work folder of a conversion, whole or not at all."""

import io
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m._files.atomic_write import path_in_errors
from sk_yt8m.datasets._formats.blocks import Block
from sk_yt8m.datasets._formats.damage import Report
from sk_yt8m.datasets._store.format import StoreError
from sk_yt8m.datasets._store.row_checksums import head_checksums, row_checksums
from sk_yt8m.datasets._store.sources import ArraySource, FileSource, Source

#: Of each row, beside its features.
_COLUMNS = {"ids": "<U1", "records": np.int64, "offsets": np.int64, "starts": np.int64}
_LISTS = {"labels": np.int32, "rated": np.int32}
_COUNTS = {"counts": np.int64, "rated_counts": np.int64}
_KINDS: dict[str, Any] = {**_COLUMNS, **_LISTS, **_COUNTS, "checksums": np.uint32}
_CHUNK = 2**24


def read_shard(source: Source, folder: Path, dtype: str, skip: bool) -> dict[str, Any] | ValueError:
    """Read a source, write its parts and return the facts about them, or the error that came.

    Three files, of which the last one makes them valid: the features' bytes, the other arrays, and
    the facts in JSON, with the checksums of all three. An error is returned, so that the first of
    several sources is the one named.
    """
    temporary = folder / f".{source.key}-{os.getpid()}"
    try:
        return _read_shard(source, folder, temporary, np.dtype(dtype), skip)
    except ValueError as error:
        return error
    finally:
        temporary.unlink(missing_ok=True)


def _read_shard(
    source: Source, folder: Path, temporary: Path, dtype: np.dtype, skip: bool
) -> dict[str, Any]:
    stamp = source.stamp()
    report = Report(skip=skip)
    crc32, n_bytes = 0, 0
    parts: dict[str, list[np.ndarray]] = {name: [] for name in _KINDS}
    with path_in_errors(temporary), open(temporary, "wb") as file:
        for block in _blocks(source, report):
            content = np.ascontiguousarray(_cast(source, block, dtype)).view(np.uint8)
            file.write(content.data)
            crc32 = zlib.crc32(content.data, crc32)
            n_bytes += content.nbytes
            columns = {name: getattr(block, name) for name in parts if name != "checksums"}
            columns["checksums"] = row_checksums(content, head_checksums(columns))
            for name, kept in parts.items():
                kept.append(columns[name])
    features, small, facts_path = _paths(source, folder)
    _put(temporary, features)
    arrays = {
        name: np.concatenate([np.zeros(0, kind), *parts[name]]) for name, kind in _KINDS.items()
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    _write(temporary, small, buffer.getbuffer())
    facts = {
        "stamp": stamp,
        "sha256": stamp.get("sha256") or source.sha256(),
        "n_rows": len(arrays["counts"]),
        "id_width": max(1, arrays["ids"].dtype.itemsize // 4),
        "n_bytes": n_bytes,
        "features_crc32": crc32,
        "small_crc32": zlib.crc32(buffer.getbuffer()),
        "damage": [problem._asdict() for problem in report.damage],
    }
    if isinstance(source, FileSource) and source.stamp() != stamp:
        raise ValueError(f"{source.name}: expected a file that stays the same, it was changed")
    text = json.dumps({"facts": facts, "crc32": _crc_of(facts)})
    _write(temporary, facts_path, text.encode())
    return facts


def _blocks(source: Source, report: Report) -> Iterator[Block]:
    with path_in_errors(source.name):
        yield from source.blocks(report)


def _write(temporary: Path, path: Path, content: Any) -> None:
    with path_in_errors(temporary), open(temporary, "wb") as file:
        file.write(content)
    _put(temporary, path)


def _put(temporary: Path, path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    os.replace(temporary, path)


def _crc_of(facts: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(facts, sort_keys=True).encode())


def _cast(source: Source, block: Block, dtype: np.dtype) -> np.ndarray:
    if dtype == np.float16 and block.features.size:
        # Rounded to float32, a number may be the largest float16 that was larger before.
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


def finished_shard(source: Source, folder: Path, skip: bool) -> dict[str, Any] | None:
    """Return the facts about a source if it has not changed since it was read, nor its parts."""
    features, small, facts_path = _paths(source, folder)
    try:
        content = json.loads(facts_path.read_bytes())
        facts = content["facts"]
        sound = (
            content["crc32"] == _crc_of(facts)
            and facts["stamp"] == source.stamp()
            and (skip or not facts["damage"])
            and features.stat().st_size == facts["n_bytes"]
            and _file_crc32(small) == facts["small_crc32"]
            and _file_crc32(features) == facts["features_crc32"]
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return facts if sound else None


def _file_crc32(path: Path) -> int:
    crc32 = 0
    with open(path, "rb") as file:
        while content := file.read(_CHUNK):
            crc32 = zlib.crc32(content, crc32)
    return crc32


def forget_shard(source: Source, folder: Path, path: Path) -> StoreError:
    """Make a source be read again; return the error for the part that was damaged."""
    _paths(source, folder)[2].unlink(missing_ok=True)
    return StoreError(
        f"{path}: expected what was read from {source.name}, got other bytes: convert again, it "
        "will be read once more"
    )


def features_path(source: Source, folder: Path) -> Path:
    """Return the file of a source's features, row after row."""
    return _paths(source, folder)[0]


def load_small(
    source: Source, folder: Path, facts: dict[str, Any], *names: str
) -> dict[str, np.ndarray]:
    """Return some of the arrays of a source that has been read.

    Raises
    ------
    StoreError
        If they are not those that were written; the source will be read again.
    """
    path = _paths(source, folder)[1]
    content = path.read_bytes()
    if zlib.crc32(content) != facts["small_crc32"]:
        raise forget_shard(source, folder, path)
    with np.load(io.BytesIO(content)) as arrays:
        return {name: arrays[name] for name in names or _KINDS}


def _paths(source: Source, folder: Path) -> tuple[Path, Path, Path]:
    # Parts of their own for each option that has a say in what is read: see `work_folder`.
    return tuple(folder / f"{source.key}.{end}" for end in ("features", "npz", "json"))  # type: ignore[return-value]
