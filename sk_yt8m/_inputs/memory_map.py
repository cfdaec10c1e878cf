"""Memory-mapped arrays: recognised behind views, and kept out of the resident memory."""

import mmap
from typing import Any

import numpy as np


def is_memory_mapped(X: Any) -> bool:
    """Tell whether the values of X are read from a file when they are used."""
    return isinstance(_owner(X), (np.memmap, mmap.mmap))


def release_pages(X: Any) -> None:
    """Release a memory map's resident pages (MADV_DONTNEED); they stay in the system's cache."""
    owner = mapping = _owner(X)
    while isinstance(mapping, np.ndarray):
        mapping = mapping.base
    # Pages that were written to in a private map ("c") exist nowhere else.
    is_private = getattr(owner, "mode", "c") == "c"
    if isinstance(mapping, mmap.mmap) and not is_private and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _owner(X: Any) -> Any:
    """Return the first memory map behind views of arrays and rows, or else the owner of X."""
    while not isinstance(X, np.memmap):
        if isinstance(X, np.ndarray):
            X = X.base
        elif hasattr(X, "X"):
            X = X.X
        else:
            break
    return X
