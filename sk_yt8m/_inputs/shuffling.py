"""The random order of an epoch: any order in memory, one that suits the disk for a file."""

from typing import Any

import numpy as np

from sk_yt8m._inputs.features import is_memory_mapped

#: Neighbouring rows of a file that are read together, and how many such runs are mixed.
_RUN_BYTES = 2**20
_MIXED_RUNS = 128


def mixed_rows(X: Any) -> int:
    """Return how many rows of X are shuffled together: all of them, but of a file a window."""
    if not is_memory_mapped(X):
        return X.shape[0]
    return min(X.shape[0], _MIXED_RUNS * _run_rows(X))


def shuffled_rows(X: Any, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the numbers of rows of X, which are sorted, in random order.

    Of a file, runs of neighbours are shuffled, and then the rows inside windows of so many runs. A
    window draws its runs from the whole file, and fits in memory: the file is read about once an
    epoch, in pieces of a run.
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
