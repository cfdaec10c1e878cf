"""The sizes and file names of YouTube-8M and of its course subset, in this one place."""

import re
from pathlib import Path

N_RGB = 1024
N_AUDIO = 128
N_FEATURES = N_RGB + N_AUDIO
N_LABELS = 3862

FEATURE_NAMES = [f"rgb_{i}" for i in range(N_RGB)] + [f"audio_{i}" for i in range(N_AUDIO)]

#: Splits, as the names of files begin. "validate", YouTube-8M's own word, stands for "val".
SPLITS = ("train", "val", "test")
#: How the course notebook divides its files: name of the split -> prefix of the files and numbers.
COURSE_SPLITS = {
    "course-train": ("train", range(206)),
    "course-test": ("val", range(28)),
    "course-val": ("val", range(28, 57)),
}

_COURSE_FILE = re.compile(r"(?P<prefix>train|val)_(?P<number>\d+)\.csv(\.gz)?")


def split_name(split: str) -> str:
    """Return the one name of a split: "val" also for "validate"."""
    return "val" if split == "validate" else split


def split_of(path: Path) -> str:
    """Return the split that the name of a file tells; an empty string if it tells none."""
    return next((split for split in SPLITS if in_split(path, split)), "")


def in_split(path: Path, split: str) -> bool:
    """Tell whether a file belongs to a split, by its name.

    It does if the name begins with the split, in lower or upper case, and to a split of the course
    if it is one of the course's files.
    """
    if split not in COURSE_SPLITS:
        return path.name.lower().startswith(split_name(split))
    prefix, numbers = COURSE_SPLITS[split]
    match = _COURSE_FILE.fullmatch(path.name)
    return match is not None and match["prefix"] == prefix and int(match["number"]) in numbers
