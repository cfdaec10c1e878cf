"""The directions in which rows differ most."""

import numpy as np
from threadpoolctl import threadpool_limits

#: Rows that turn the directions each time, in parts.
_SAMPLE_ROWS, _PART_ROWS = 4096, 1024
_TURNS = 4


def leading_directions(
    references: np.ndarray, n_directions: int, rng: np.random.Generator
) -> np.ndarray:
    """Return nearly the leading right singular vectors of rows, as columns, float32.

    Random directions are multiplied by samples of the rows and their transposes.
    """
    n_rows, width = references.shape
    directions = rng.standard_normal((width, n_directions), dtype=np.float32)
    for _ in range(_TURNS):
        sample = np.sort(rng.choice(n_rows, min(_SAMPLE_ROWS, n_rows), replace=False))
        turned = np.zeros_like(directions)
        for start in range(0, len(sample), _PART_ROWS):
            rows = references[sample[start : start + _PART_ROWS]]
            turned += rows.T @ (rows @ directions)
        directions = orthonormal(turned)
    return directions


def orthonormal(columns: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span the same, or more if some are alike, float32."""
    # Several threads are no faster here, and far slower where other processes use the cores.
    with threadpool_limits(1):
        return np.linalg.qr(columns.astype(np.float64))[0].astype(np.float32)
