"""How the rows of X get to the device: block by block, or all at once to a GPU that holds them."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from sk_yt8m._inputs.features import block_rows, let_go, row_blocks, take_rows
from sk_yt8m._inputs.minibatches import Batches
from sk_yt8m._inputs.prefetch import computed_ahead
from sk_yt8m._inputs.shuffling import shuffled_rows
from sk_yt8m._tensorflow import has_gpu, tf

#: What training needs on a GPU beside the features.
_RESERVE_BYTES = 4 * 2**30
_STEPS_PER_CALL = 64


class Feed(Protocol):
    """A source of features for batches."""

    def shuffled(self, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the row numbers, which are sorted, in a random order that suits the source."""
        ...

    def blocks(self, batches: Batches) -> Iterator[tuple[Any, np.ndarray, slice]]:
        """Yield features, the place of each batch's rows in them, and the steps they serve."""
        ...


class HostFeed:
    """Rows gathered on the host: the next block by a thread while the previous one trains."""

    def __init__(self, X: Any) -> None:
        self.X = X

    def shuffled(self, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the row numbers in random order, in windows where X is a large file."""
        return shuffled_rows(self.X, numbers, rng)

    def blocks(self, batches: Batches) -> Iterator[tuple[Any, np.ndarray, slice]]:
        """Yield blocks of some batches, each row once and in the order of the batches."""
        n_batches, batch_size = batches.rows.shape
        per_block = max(1, block_rows(self.X) // batch_size)
        starts = range(0, n_batches, per_block)
        slices = [slice(start, min(start + per_block, n_batches)) for start in starts]

        def gather(steps: slice) -> tuple[Any, np.ndarray, slice]:
            features = take_rows(self.X, batches.rows[steps].ravel())
            let_go(self.X)
            places = np.arange(len(features), dtype=np.int32).reshape(-1, batch_size)
            return tf.convert_to_tensor(features), places, steps

        yield from computed_ahead(gather, slices)


class DeviceFeed:
    """All rows on the device, gathered there."""

    def __init__(self, X: Any) -> None:
        self.features = tf.Variable(tf.zeros(X.shape, tf.float32))
        for start, block in row_blocks(X, block_rows(X)):
            self.features[start : start + len(block)].assign(block)

    def shuffled(self, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the row numbers in any order alike."""
        return rng.permutation(numbers)

    def blocks(self, batches: Batches) -> Iterator[tuple[Any, np.ndarray, slice]]:
        """Yield the features for some batches at a time."""
        rows = batches.rows.astype(np.int32)
        for start in range(0, len(batches), _STEPS_PER_CALL):
            steps = slice(start, min(start + _STEPS_PER_CALL, len(batches)))
            yield self.features.value(), rows[steps], steps


def make_feed(X: Any) -> Feed:
    """Return a feed of all rows on the GPU where there is one with room, else one of blocks."""
    if has_gpu() and X.shape[0] < 2**31:
        try:
            reserve = tf.zeros([_RESERVE_BYTES // 4])
            feed = DeviceFeed(X)
            del reserve
            return feed
        except tf.errors.ResourceExhaustedError:
            pass
    return HostFeed(X)
