"""How the rows of X reach the device: in blocks, or all at once to a GPU with room for them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sk_yt8m._inputs.features import block_rows, finite_blocks, take_rows
from sk_yt8m._inputs.memory_map import release_pages
from sk_yt8m._inputs.minibatches import Batches
from sk_yt8m._inputs.prefetch import prefetched
from sk_yt8m._inputs.shuffling import shuffled_rows
from sk_yt8m._tensorflow import has_gpu, tf

#: Memory that training needs on a GPU besides the features.
_RESERVE_BYTES = 4 * 2**30
_STEPS_PER_CALL = 64


class HostRows:
    """Rows gathered on the host; a thread gathers the next block while the current one trains."""

    def __init__(self, X: Any) -> None:
        self.X = X

    def shuffled(self, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return row numbers in random order, in windows if X is memory-mapped."""
        return shuffled_rows(self.X, numbers, rng)

    def blocks(self, batches: Batches) -> Iterator[tuple[Any, np.ndarray, slice]]:
        """Yield the rows of some batches at a time, in the order of the batches."""
        n_batches, batch_size = batches.rows.shape
        per_block = max(1, block_rows(self.X) // batch_size)
        starts = range(0, n_batches, per_block)
        slices = [slice(start, min(start + per_block, n_batches)) for start in starts]

        def gather(steps: slice) -> tuple[Any, np.ndarray, slice]:
            features = take_rows(self.X, batches.rows[steps].ravel())
            release_pages(self.X)
            places = np.arange(len(features), dtype=np.int32).reshape(-1, batch_size)
            return tf.convert_to_tensor(features), places, steps

        yield from prefetched(gather, slices)


class DeviceRows:
    """All rows in the device's memory, gathered there."""

    def __init__(self, X: Any) -> None:
        self.features = tf.Variable(tf.zeros(X.shape, tf.float32))
        for start, block in finite_blocks(X, block_rows(X)):
            self.features[start : start + len(block)].assign(block)

    def shuffled(self, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return row numbers in random order."""
        return rng.permutation(numbers)

    def blocks(self, batches: Batches) -> Iterator[tuple[Any, np.ndarray, slice]]:
        """Yield all features for some batches at a time."""
        rows = batches.rows.astype(np.int32)
        for start in range(0, len(batches), _STEPS_PER_CALL):
            steps = slice(start, min(start + _STEPS_PER_CALL, len(batches)))
            yield self.features.value(), rows[steps], steps


RowSource = HostRows | DeviceRows


def make_row_source(X: Any) -> RowSource:
    """Return all rows on the GPU if there is one with enough memory, otherwise rows in blocks."""
    if has_gpu() and X.shape[0] < 2**31:
        try:
            reserve = tf.zeros([_RESERVE_BYTES // 4])
            source = DeviceRows(X)
            del reserve
            return source
        except tf.errors.ResourceExhaustedError:
            pass
    return HostRows(X)
