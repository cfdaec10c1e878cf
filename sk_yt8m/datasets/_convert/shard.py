"""Contiguous parts of files or rows, of nearly the same size: a shard ``(i, n)``, from 0."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sk_yt8m.datasets._formats.find_files import checked_shard


def files_of_shard(sizes: Sequence[int], shard: Any) -> range:
    """Return which files a part has; joined in order, the parts have all files, each once.

    Parameters
    ----------
    sizes : sequence of int
        Size of each file, in their order.
    shard : tuple of (int, int)
        ``(i, n)``: the i-th of n parts, from 0.

    Raises
    ------
    ValueError
        If it is not a part, or there are fewer files than parts.
    """
    number, n_parts = checked_shard(shard, len(sizes), "files")
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.float64)])
    ends = [0]
    for part in range(1, n_parts + 1):
        nearest = int(np.abs(starts - starts[-1] * part / n_parts).argmin())
        # Every part has a file, and leaves one for each part after it.
        ends.append(min(max(nearest, ends[-1] + 1), len(sizes) - n_parts + part))
    ends[-1] = len(sizes)
    return range(ends[number], ends[number + 1])


def rows_of_shard(n_rows: int, shard: Any) -> range:
    """Return which of some rows a part has: see `files_of_shard`."""
    number, n_parts = checked_shard(shard, n_rows, "rows")
    return range(n_rows * number // n_parts, n_rows * (number + 1) // n_parts)
