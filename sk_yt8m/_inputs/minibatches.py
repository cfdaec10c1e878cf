"""The minibatches of an epoch: row numbers, weights and the sparse positives of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Batches:
    """Batches of equal size that cover every row once.

    The last batches are padded with rows from the start of the epoch's order, of weight 0, so that
    all batches have the same shape and every row counts exactly once.

    Attributes
    ----------
    rows : ndarray of shape (n_steps, batch_size), int32 or int64
        Row numbers.
    row_weights : ndarray of shape (n_steps, batch_size), float32
        Weight of each row in the loss; 0 for padding.
    positions : ndarray of shape (n_steps, width, 2), int32
        Place in the batch and label of each positive, padded with (0, 0).
    position_weights : ndarray of shape (n_steps, width), float32
        Weight of the positive's row; 0 for padding.

    Notes
    -----
    The width is a power of two.
    """

    rows: np.ndarray
    row_weights: np.ndarray
    positions: np.ndarray
    position_weights: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, steps: slice) -> "Batches":
        return Batches(**{name: array[steps] for name, array in vars(self).items()})


def n_steps(n_samples: int, batch_size: int) -> int:
    """Return the number of batches of at most `batch_size` rows that cover the samples."""
    return -(-n_samples // batch_size)


def pack_batches(
    order: np.ndarray, indicator: Any, sample_weight: np.ndarray | None, batch_size: int
) -> Batches:
    """Divide an order of rows into equal batches and gather their positives.

    Parameters
    ----------
    order : ndarray of shape (n_samples,)
        Row numbers, each once.
    indicator : csr_array of shape (n_samples, n_outputs)
        Canonical indicator.
    sample_weight : ndarray of shape (n_samples,), float32, or None
        Weight of each row, of mean 1; None for equal weights.
    batch_size : int
        Upper limit; the batches have the smallest equal size that needs no more of them.
    """
    steps = n_steps(order.size, batch_size)
    size = -(-order.size // steps)
    rows = np.resize(order, steps * size)
    weights = np.ones(rows.size, dtype=np.float32)
    if sample_weight is not None:
        weights = sample_weight[rows]
    weights[order.size :] = 0.0

    starts = indicator.indptr[rows].astype(np.int64)
    counts = indicator.indptr[rows + 1] - starts
    counts[order.size :] = 0
    ends = np.cumsum(counts)
    total = int(ends[-1])
    entry = np.arange(total)
    source = entry + np.repeat(starts - (ends - counts), counts)
    place = np.repeat(np.arange(rows.size), counts)

    per_step = counts.reshape(steps, size).sum(axis=1)
    width = _rounded_width(per_step.max(), counts, size)
    step = place // size
    column = entry - (np.cumsum(per_step) - per_step)[step]
    positions = np.zeros((steps, width, 2), dtype=np.int32)
    positions[step, column, 0] = place % size
    positions[step, column, 1] = indicator.indices[source]
    position_weights = np.zeros((steps, width), dtype=np.float32)
    position_weights[step, column] = weights[place]
    return Batches(
        rows.reshape(steps, size), weights.reshape(steps, size), positions, position_weights
    )


def _rounded_width(largest: int, counts: np.ndarray, size: int) -> int:
    """Return a power of two that holds the positives of a batch, in all epochs the same.

    A GPU's program is compiled for a width. Sums of `size` counts of random rows lie within six
    standard deviations of their mean.
    """
    bound = size * counts.mean() + 6 * size**0.5 * counts.std()
    return 1 << int(np.ceil(np.log2(max(1.0, largest, bound))))


def joined_batches(parts: Sequence[Batches]) -> Batches:
    """Return the batches of some epochs, one after the other."""
    width = max(part.positions.shape[1] for part in parts)

    def padded(array: np.ndarray) -> np.ndarray:
        missing = width - array.shape[1]
        return np.pad(array, [(0, 0), (0, missing), (0, 0)][: array.ndim])

    return Batches(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.row_weights for part in parts]),
        np.concatenate([padded(part.positions) for part in parts]),
        np.concatenate([padded(part.position_weights) for part in parts]),
    )


def part_of_batches(batches: Batches, number: int, n_parts: int) -> Batches:
    """Return one part of each batch, with the positives of its rows.

    The sizes of the parts differ by one row at most; there may be none in a part.
    """
    n_steps = len(batches)
    first = first_row_of_part(batches, number, n_parts)
    n_rows = first_row_of_part(batches, number + 1, n_parts) - first
    place = batches.positions[:, :, 0] - first
    mine = (batches.position_weights > 0) & (place >= 0) & (place < n_rows)
    counts = mine.sum(axis=1)
    # Padding points at the first row, which an empty part has not.
    width = batches.positions.shape[1] if n_rows else 0
    step, column = np.nonzero(mine)
    target = np.arange(step.size) - np.repeat(np.cumsum(counts) - counts, counts)
    positions = np.zeros((n_steps, width, 2), dtype=np.int32)
    positions[step, target] = batches.positions[step, column]
    positions[step, target, 0] -= first
    weights = np.zeros((n_steps, width), dtype=np.float32)
    weights[step, target] = batches.position_weights[step, column]
    rows = slice(first, first + n_rows)
    return Batches(batches.rows[:, rows], batches.row_weights[:, rows], positions, weights)


def first_row_of_part(batches: Batches, number: int, n_parts: int) -> int:
    """Return the place in a batch at which a part begins."""
    return batches.rows.shape[1] * number // n_parts
