"""Which files a path stands for, of which format and split, and in which order."""

import glob
import operator
import os
import re
from collections.abc import Hashable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from sk_yt8m.datasets._formats.csv_parser import check_no_videos
from sk_yt8m.datasets._schema import COURSE_SPLITS, SPLITS, in_split

Paths = str | PathLike[str] | Iterable[str | PathLike[str]]

RECORD_NAME = r".+\.tfrecords?(-\d+-of-\d+)?(\.gz)?"
#: Format -> what messages call it, and the names of its files.
_FORMATS = {
    "csv": ("CSV", r".+\.csv(\.gz)?"),
    "tfrecord": ("TFRecord", RECORD_NAME),
    "parquet": ("Parquet", r".+\.parquet"),
}
#: In a folder; a vocabulary may lie beside the CSV files of videos, which have numbers.
_IN_FOLDER = {kind: name for kind, (_, name) in _FORMATS.items()} | {"csv": r".*\d\.csv(\.gz)?"}
_DIGITS = re.compile(r"(\d+)")
_File = TypeVar("_File")


def find_files(
    path: Paths, kind: str, split: str | None = None, shard: tuple[int, int] | None = None
) -> list[Path]:
    """Return the files of one format that paths stand for.

    Parameters
    ----------
    path : path, pattern or iterable of these
        A folder stands for its files whose names are those of the format, in natural order; a
        pattern for the files that match, in the same order.
    kind : {"csv", "tfrecord", "parquet"}
        Format.
    split : str, optional
        Only files of this split, by their names: see `in_split`.
    shard : tuple of (int, int), optional
        ``(i, n)``: of these files the i-th, from 0, and every n-th after it.
    """
    files = _in_split(_expand(path, kind), kind, split)
    return files if shard is None else of_shard(files, shard)


def find_data_files(path: Paths, split: str | None = None) -> tuple[str, list[Path]]:
    """Return the format that the names of files tell, and the files as from `find_files`."""
    found: dict[str, Path] = {}
    files = _expand(path, *_FORMATS)
    for file in files:
        kind = next((k for k, (_, name) in _FORMATS.items() if re.fullmatch(name, file.name)), None)
        if kind is None:
            raise ValueError(
                f"source must be of files named .csv, .csv.gz, .tfrecord, .tfrecord.gz or "
                f".parquet, got {file}"
            )
        found.setdefault(kind, file)
    if len(found) > 1:
        listed = " and ".join(map(str, found.values()))
        raise ValueError(f"source must be files of one format, got {listed}")
    kind = next(iter(found))
    return kind, _in_split(files, kind, split)


def _expand(path: Paths, *kinds: str) -> list[Path]:
    """Return the files that paths stand for, of a folder those of some formats; each once."""
    name = "|".join(_IN_FOLDER[kind] for kind in kinds)
    *others, last = [_FORMATS[kind][0] for kind in kinds]
    formats = f"{', '.join(others)} or {last}" if others else last
    paths = _listed(path)
    files: list[Path] = []
    for one in map(Path, paths):
        if one.is_dir():
            every = sorted(one.iterdir(), key=natural_key)
            inside = [file for file in every if re.fullmatch(name, file.name)]
            if "csv" in kinds:
                check_no_videos(file for file in every if not re.fullmatch(name, file.name))
            if not inside:
                raise FileNotFoundError(f"{one} holds no {formats} file")
            files += inside
        elif one.is_file():
            files.append(one)
        else:
            matches = [Path(name) for name in glob.glob(str(one), recursive=True)]
            if not matches:
                raise FileNotFoundError(f"{one}: no such file or folder, and no file matches it")
            files += sorted((file for file in matches if file.is_file()), key=natural_key)
    if not files:
        where = ", ".join(map(str, paths)) or "an empty list"
        raise FileNotFoundError(f"no {formats} file in {where}")
    seen: dict[Hashable, Path] = {}
    for file in files:
        twin = seen.setdefault(_identity(file), file)
        if twin is not file:
            same = f"{file} twice" if twin == file else f"{twin} and {file}, which are one file"
            raise ValueError(f"path must name every file once, got {same}")
    return files


def _listed(path: Any) -> list[str | PathLike[str]]:
    several = isinstance(path, Iterable) and not isinstance(path, (str, bytes, PathLike))
    paths = list(path) if several else [path]
    for one in paths:
        if not isinstance(one, (str, PathLike)):
            raise TypeError(
                "expected a path, a pattern or several of these, got one of type "
                f"{type(one).__name__}"
            )
    return paths


def _identity(file: Path) -> Hashable:
    status = file.stat()
    # Some file systems do not number their files.
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(file)


def _in_split(files: list[Path], kind: str, split: str | None) -> list[Path]:
    """Return the files of a split; of CSV files refuse a shard that is there twice, gzipped too."""
    if split is not None:
        allowed = [*SPLITS, *(COURSE_SPLITS if kind == "csv" else ())]
        if split not in (*allowed, "validate"):
            raise ValueError(f"split must be one of {allowed} or None, got {split!r}")
        chosen = [file for file in files if in_split(file, split)]
        if not chosen:
            raise FileNotFoundError(
                f"no {_FORMATS[kind][0]} file of the split {split!r} among {len(files)}, such as "
                f"{files[0]}"
            )
        files = chosen
    shards: dict[str, Path] = {}
    for file in files if kind == "csv" else ():
        name = str(file.parent.resolve() / file.name).removesuffix(".gz")
        twin = shards.setdefault(name, file)
        if twin is not file:
            raise ValueError(f"expected every shard once, got both {twin} and {file}")
    return files


def of_shard(files: list[_File], shard: tuple[int, int]) -> list[_File]:
    """Return, for a shard ``(i, n)``, the i-th file, from 0, and every n-th after it."""
    number, n_shards = checked_shard(shard, len(files), "files")
    return files[number::n_shards]


def checked_shard(shard: Any, n_items: int, items: str) -> tuple[int, int]:
    """Return a shard ``(i, n)``, counted from 0; refuse more parts than there are items."""
    try:
        number, n_shards = map(operator.index, shard)
    except (TypeError, ValueError):
        number, n_shards = -1, 0
    if not 0 <= number < n_shards:
        raise ValueError(
            f"shard must be (i, n) with 0 <= i < n, two integers counted from 0, got {shard!r}"
        )
    if n_shards > n_items:
        raise ValueError(f"shard must be (i, n) with n <= {n_items} {items}, got {shard!r}")
    return number, n_shards


def natural_key(path: str | Path) -> tuple[list[tuple[str, int]], str]:
    """Return the sort key of files, and of places in them: numbers in a name count as numbers.

    So ``train_2`` comes before ``train_10``, and ``part2_7`` before ``part10_1``. Names that differ
    in leading zeros only are in the order of text. Whether a file is gzipped makes no difference.
    """
    name = str(path).removesuffix(".gz")
    parts = [*_DIGITS.split(name), "0"]
    return list(zip(parts[::2], map(int, parts[1::2]), strict=True)), name
