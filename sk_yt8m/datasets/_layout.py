"""The sizes and file names of YouTube-8M and of its course subset, in this one place."""

import re
from pathlib import Path

N_RGB = 1024
N_AUDIO = 128
N_FEATURES = N_RGB + N_AUDIO
N_LABELS = 3862

FEATURE_NAMES = [f"rgb_{i}" for i in range(N_RGB)] + [f"audio_{i}" for i in range(N_AUDIO)]

#: The course notebook's split: name -> prefix of the files and their numbers.
COURSE_SPLITS = {
    "train": ("train", range(206)),
    "test": ("val", range(28)),
    "val": ("val", range(28, 57)),
}

_SHARD = re.compile(r"(?P<prefix>.*?)_?(?P<number>\d+)\.csv(\.gz)?")


def shard_key(path: Path) -> tuple[str, int]:
    """Return prefix and number of a CSV shard: ``("train", 12)`` for ``train_12.csv.gz``.

    A name without a number has the number -1, so that it comes first.
    """
    match = _SHARD.fullmatch(path.name)
    if match is None:
        return path.name.split(".csv")[0], -1
    return match["prefix"], int(match["number"])


def in_split(path: Path, split: str) -> bool:
    """Tell whether a CSV shard belongs to a split of the course notebook."""
    prefix, numbers = COURSE_SPLITS[split]
    name, number = shard_key(path)
    return name == prefix and number in numbers
