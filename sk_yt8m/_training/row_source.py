"""How the rows of X reach the device: in blocks, or all at once to a GPU with room for them."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from sk_yt8m._inputs.features import block_rows, finite_blocks, take_rows
from sk_yt8m._inputs.memory_map import release_pages
from sk_yt8m._inputs.minibatches import Batches
from sk_yt8m._inputs.prefetch import prefetched
from sk_yt8m._inputs.shuffling import shuffled_rows
from sk_yt8m._tensorflow import has_gpu, outside_strategy, tf

_STEPS_PER_CALL = 64


#: For each replica of this process features and the numbers of rows among them, for some steps.
Block = tuple[list[tuple[Any, np.ndarray]], slice]


class HostRows:
    """Rows gathered on the host; a thread gathers the next block while the current one trains."""

    def __init__(self, X: Any) -> None:
        self.X = X

    def shuffled(self, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return row numbers in random order, in windows if X is memory-mapped."""
        return shuffled_rows(self.X, numbers, rng)

    def blocks(self, parts: Sequence[Batches], batch_size: int) -> Iterator[Block]:
        """Yield the rows of some batches at a time, in the order of the batches.

        All processes that train together have the same steps in a block: it depends on the size of
        the whole batches and not of the parts.
        """
        n_batches = len(parts[0])
        per_block = max(1, block_rows(self.X) // batch_size)
        starts = range(0, n_batches, per_block)
        slices = [slice(start, min(start + per_block, n_batches)) for start in starts]

        def gather(steps: slice) -> Block:
            blocks = []
            for part in parts:
                numbers = part.rows[steps]
                features = take_rows(self.X, numbers.ravel())
                release_pages(self.X)
                places = np.arange(len(features)).reshape(numbers.shape)
                blocks.append((tf.convert_to_tensor(features), places))
            return blocks, steps

        yield from prefetched(gather, slices)


class DeviceRows:
    """All rows in the memory of each device, gathered there."""

    def __init__(self, X: Any, devices: Sequence[str] = ("",)) -> None:
        self.features = [
            outside_strategy(partial(_variable, X.shape, device)) for device in devices
        ]
        for start, block in finite_blocks(X, block_rows(X)):
            for features in self.features:
                features[start : start + len(block)].assign(block)

    def shuffled(self, numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return row numbers in random order."""
        return rng.permutation(numbers)

    def blocks(self, parts: Sequence[Batches], batch_size: int) -> Iterator[Block]:
        """Yield all features for some batches at a time."""
        n_batches = len(parts[0])
        rows = [part.rows for part in parts]
        for start in range(0, n_batches, _STEPS_PER_CALL):
            steps = slice(start, min(start + _STEPS_PER_CALL, n_batches))
            given = zip(self.features, rows, strict=True)
            yield [(features.value(), numbers[steps]) for features, numbers in given], steps


RowSource = HostRows | DeviceRows


def make_row_source(X: Any, devices: Sequence[str] = ("",), n_reserved: int = 0) -> RowSource:
    """Return all rows on each device if they are GPUs with enough memory, or else rows in blocks.

    `n_reserved` is how many bytes training needs there besides the rows. Processes that train
    together read in blocks: all have to take the same steps at a time.
    """
    n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if has_gpu() and n_replicas == len(devices):
        try:
            reserve = [_zeros([n_reserved // 4], device) for device in devices]
            source = DeviceRows(X, devices)
            del reserve
            return source
        except tf.errors.ResourceExhaustedError:
            pass
    return HostRows(X)


def _variable(shape: Sequence[int], device: str) -> Any:
    with tf.device(device):
        return tf.Variable(tf.zeros(shape, tf.float32))


def _zeros(shape: Sequence[int], device: str) -> Any:
    with tf.device(device):
        return tf.zeros(shape, tf.float32)
