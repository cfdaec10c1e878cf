"""Which files a path stands for, and in which order."""

import glob
import re
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from sk_yt8m.datasets._formats.each_once import check_each_once
from sk_yt8m.datasets._schema import in_split

SPLITS = ("train", "validate", "test")

RECORD_NAME = r".+\.tfrecords?(-\d+-of-\d+)?(\.gz)?"
_DIGITS = re.compile(r"(\d+)")


def find_record_files(
    path: str | PathLike[str] | Iterable[str | PathLike[str]],
    split: str | None = None,
    shard: tuple[int, int] | None = None,
) -> list[Path]:
    """Return the TFRecord files that a path, a pattern, a folder or several of them stand for.

    Parameters
    ----------
    path : path, pattern or iterable of these
        A folder stands for its files named ``*.tfrecord``, in natural order; a pattern for the
        files that match, in the same order.
    split : {"train", "validate", "test"}, optional
        Only the files whose names begin so, in lower or upper case.
    shard : tuple of (int, int), optional
        ``(i, n)``: of these files the i-th, from 0, and every n-th after it.
    """
    if split is not None and split not in SPLITS:
        raise ValueError(f"split must be one of {list(SPLITS)} or None, got {split!r}")
    files = find_files_named(path, RECORD_NAME, "TFRecord")
    if split is not None:
        files = [file for file in files if in_split(file, split)]
        if not files:
            raise FileNotFoundError(f"no TFRecord file of the split {split!r} in {path}")
    return files if shard is None else _of_shard(files, shard)


def find_files_named(
    path: str | PathLike[str] | Iterable[str | PathLike[str]],
    name: str,
    kind: str,
    check_others: Callable[[Iterable[Path]], None] = lambda files: None,
) -> list[Path]:
    """Return the files that paths stand for; of a folder those whose names fit a regex.

    `check_others` may raise an error about the other files of a folder.
    """
    paths = _listed(path)
    files: list[Path] = []
    for one in map(Path, paths):
        if one.is_dir():
            every = sorted(one.iterdir())
            inside = [file for file in every if re.fullmatch(name, file.name)]
            check_others(file for file in every if not re.fullmatch(name, file.name))
            if not inside:
                raise FileNotFoundError(f"{one} holds no {kind} file")
            files += sorted(inside, key=natural_key)
        elif one.is_file():
            files.append(one)
        else:
            matches = [Path(name) for name in glob.glob(str(one), recursive=True)]
            if not matches:
                raise FileNotFoundError(f"{one}: no such file or folder, and no file matches it")
            files += sorted((file for file in matches if file.is_file()), key=natural_key)
    if not files:
        where = ", ".join(map(str, paths)) or "an empty list"
        raise FileNotFoundError(f"no {kind} file in {where}")
    check_each_once(files)
    return files


def _listed(path: Any) -> list[str | PathLike[str]]:
    several = isinstance(path, Iterable) and not isinstance(path, (str, bytes, PathLike))
    paths = list(path) if several else [path]
    for one in paths:
        if not isinstance(one, (str, PathLike)):
            came = type(one).__name__
            raise TypeError(
                f"expected a path, a pattern or several of these, got one of type {came}"
            )
    return paths


def _of_shard(files: list[Path], shard: tuple[int, int]) -> list[Path]:
    try:
        number, n_shards = map(int, shard)
    except (TypeError, ValueError):
        number, n_shards = -1, 0
    if not 0 <= number < n_shards:
        raise ValueError(f"shard must be (i, n) with 0 <= i < n, got {shard!r}")
    if n_shards > len(files):
        raise ValueError(f"shard must divide {len(files)} files at most so often, got {shard!r}")
    return files[number::n_shards]


def natural_key(path: str | Path) -> tuple[list[tuple[str, int]], str]:
    """Return the key of the order of files everywhere: numbers in a name count as numbers.

    So ``train_2`` comes before ``train_10``, and ``part2_7`` before ``part10_1``. Names that differ
    in leading zeros only are in the order of text. Whether a file is gzipped makes no difference.
    """
    name = str(path).removesuffix(".gz")
    parts = [*_DIGITS.split(name), "0"]
    return list(zip(parts[::2], map(int, parts[1::2]), strict=True)), name
