"""Files that are named twice, whose rows would count twice."""

import os
from collections.abc import Hashable, Iterable
from pathlib import Path


def check_each_once(files: Iterable[Path]) -> None:
    """Raise a ValueError if two paths lead to one file, as a link or another spelling does."""
    seen: dict[Hashable, Path] = {}
    for file in files:
        twin = seen.setdefault(_identity(file), file)
        if twin is not file:
            same = f"{file} twice" if twin == file else f"{twin} and {file}, which are one file"
            raise ValueError(f"path must name every file once, got {same}")


def _identity(file: Path) -> Hashable:
    status = file.stat()
    # Some file systems do not number their files.
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(file)
