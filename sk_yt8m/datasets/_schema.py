"""Sizes, feature names and splits of YouTube-8M and of its course subset."""

import re
from pathlib import Path

import numpy as np

N_RGB = 1024
N_AUDIO = 128
N_FEATURES = N_RGB + N_AUDIO
N_LABELS = 3862

FEATURE_NAMES = [f"rgb_{i}" for i in range(N_RGB)] + [f"audio_{i}" for i in range(N_AUDIO)]

#: Splits, as the names of files begin. "validate", YouTube-8M's own word, stands for "val".
SPLITS = ("train", "val", "test")
#: How the course notebook divides its files: split -> prefix and numbers of the files.
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
    """Return the split of a file by its name; an empty string for none."""
    return next((split for split in SPLITS if in_split(path, split)), "")


def in_split(path: Path, split: str) -> bool:
    """Return whether a file is of a split: its name begins with the split, in any case.

    A split of the course has only the course's own files.
    """
    if split not in COURSE_SPLITS:
        return path.name.lower().startswith(split_name(split))
    prefix, numbers = COURSE_SPLITS[split]
    match = _COURSE_FILE.fullmatch(path.name)
    return match is not None and match["prefix"] == prefix and int(match["number"]) in numbers


def sources_in_split(names: list[str], splits: list[str], split: str) -> np.ndarray:
    """Return which sources belong to a split, of shape (n_sources,), bool.

    Parameters
    ----------
    names : list of str
        Names of the sources; those of files tell the splits of the course.
    splits : list of str
        The split that each source has; empty for none.
    split : str
        The split.

    Raises
    ------
    ValueError
        If no source belongs to it.
    """
    known = {one: np.array([one == other for other in splits]) for one in splits if one}
    for one in COURSE_SPLITS:
        inside = np.array([in_split(Path(name), one) for name in names], dtype=bool)
        known |= {one: inside} if inside.any() else {}
    if split_name(split) not in known:
        raise ValueError(f"split must be one of {sorted(known)}, got {split!r}")
    return known[split_name(split)]
