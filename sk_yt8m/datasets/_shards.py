"""One source -> its parts in the work folder of a conversion, whole or not at all."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m.datasets._examples import Block
from sk_yt8m.datasets._records import Report
from sk_yt8m.datasets._sources import FileSource, Source

#: Of each row, beside its features.
_COLUMNS = {"ids": "<U1", "records": np.int64, "offsets": np.int64, "starts": np.int64}
_LISTS = {"labels": np.int32, "rated": np.int32}
_COUNTS = {"counts": np.int64, "rated_counts": np.int64}
_KINDS: dict[str, Any] = {**_COLUMNS, **_LISTS, **_COUNTS}


def read_shard(source: Source, folder: Path, dtype: str, skip: bool) -> dict[str, Any] | ValueError:
    """Read a source, write its parts and return the facts about them, or the error that came.

    Three files, of which the last one makes them valid: the features' bytes, the other arrays, and
    the facts in JSON. An error is returned, so that the first of several sources is the one named.
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
    with open(temporary, "wb") as file:
        for block in source.blocks(report):
            content = np.ascontiguousarray(_cast(source, block, dtype)).view(np.uint8).data
            file.write(content)
            crc32 = zlib.crc32(content, crc32)
            n_bytes += content.nbytes
            for name, kept in parts.items():
                kept.append(getattr(block, name))
    features, small, facts_path = _paths(source, folder)
    os.replace(temporary, features)
    arrays = {
        name: np.concatenate([np.zeros(0, kind), *parts[name]]) for name, kind in _KINDS.items()
    }
    with open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    os.replace(temporary, small)
    facts = {
        "stamp": stamp,
        "sha256": stamp.get("sha256") or source.sha256(),
        "n_rows": len(arrays["counts"]),
        "id_width": max(1, arrays["ids"].dtype.itemsize // 4),
        "n_bytes": n_bytes,
        "crc32": crc32,
        "damage": [problem._asdict() for problem in report.damage],
    }
    if isinstance(source, FileSource) and source.stamp() != stamp:
        raise ValueError(f"{source.name}: expected a file that stays the same, it was changed")
    temporary.write_text(json.dumps(facts))
    os.replace(temporary, facts_path)
    return facts


def _cast(source: Source, block: Block, dtype: np.dtype) -> np.ndarray:
    features = block.features
    with np.errstate(over="ignore"):
        cast = features.astype(dtype, copy=False)
    if dtype == np.float16 and features.size:
        largest = float(np.finfo(dtype).max)
        if max(features.max(), -features.min()) > largest and not np.isfinite(cast).all():
            row, column = np.argwhere(~np.isfinite(cast))[0]
            raise ValueError(
                f"{source.name}, record {block.records[row]}, feature {column}: expected a number "
                f'of at most {largest:g} for dtype="float16", got {features[row, column]}'
            )
    return cast


def finished_shard(source: Source, folder: Path, skip: bool) -> dict[str, Any] | None:
    """Return the facts about a source that has been read and has not changed since."""
    features, small, facts_path = _paths(source, folder)
    try:
        facts = json.loads(facts_path.read_text())
        sound = (
            facts["stamp"] == source.stamp()
            and features.stat().st_size == facts["n_bytes"]
            and small.is_file()
            and (skip or not facts["damage"])
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return facts if sound else None


def forget_shard(source: Source, folder: Path) -> None:
    """Make a source be read again."""
    _paths(source, folder)[2].unlink(missing_ok=True)


def features_path(source: Source, folder: Path) -> Path:
    """Return the file of a source's features, row after row."""
    return _paths(source, folder)[0]


def load_small(source: Source, folder: Path, *names: str) -> dict[str, np.ndarray]:
    """Return some of the arrays of a source that has been read."""
    with np.load(_paths(source, folder)[1]) as arrays:
        return {name: arrays[name] for name in names or _KINDS}


def _paths(source: Source, folder: Path) -> tuple[Path, Path, Path]:
    # Parts of their own for each option that has a say in what is read: see `work_folder`.
    return tuple(folder / f"{source.key}.{end}" for end in ("features", "npz", "json"))  # type: ignore[return-value]
