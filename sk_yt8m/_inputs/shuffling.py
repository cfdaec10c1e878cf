"""The random order of an epoch: all rows in memory, windows of rows for memory maps."""

from typing import Any

import numpy as np

from sk_yt8m._inputs.memory_map import is_memory_mapped

#: Size of the runs of neighbouring rows of a memory map, and the number of runs in a window.
_RUN_BYTES = 2**20
_MIXED_RUNS = 128


def mixed_rows(X: Any) -> int:
    """Return how many rows are shuffled together: all in memory; one window for memory maps."""
    if not is_memory_mapped(X):
        return X.shape[0]
    return min(X.shape[0], _MIXED_RUNS * _run_rows(X))


def shuffled_rows(X: Any, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return sorted row numbers of X in random order.

    For memory maps the order of runs of neighbouring rows is shuffled, then the rows inside windows
    of 128 runs. A window takes its runs from the whole file and fits in memory, so the file is read
    about once an epoch, a run at a time.
    """
    if numbers.size <= mixed_rows(X):
        return rng.permutation(numbers)
    run = _run_rows(X)
    runs = np.array_split(numbers, -(-numbers.size // run))
    order = np.concatenate([runs[i] for i in rng.permutation(len(runs))])
    for start in range(0, order.size, run * _MIXED_RUNS):
        rng.shuffle(order[start : start + run * _MIXED_RUNS])
    return order


def _run_rows(X: Any) -> int:
    return max(1, _RUN_BYTES // (X.dtype.itemsize * X.shape[1]))
