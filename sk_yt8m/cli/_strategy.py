"""The option ``--strategy`` of ``sk-yt8m train``."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any


def training_scope(
    strategy: str | None, timeout: float
) -> tuple[AbstractContextManager[None], bool]:
    """Return the scope to train in, and whether this is the process that writes the model.

    Call it before anything else uses TensorFlow.
    """
    if strategy is None:
        return nullcontext(), True
    from sk_yt8m._tensorflow import tf
    from sk_yt8m._training.distributed.ranks import Ranks
    from sk_yt8m.distributed import multi_worker_strategy

    if strategy == "mirrored":
        chosen = tf.distribute.MirroredStrategy()
    else:
        chosen = multi_worker_strategy(timeout=timeout)
    return _scope(chosen, timeout), Ranks(chosen).is_first


@contextmanager
def _scope(strategy: Any, timeout: float) -> Iterator[None]:
    from sk_yt8m.distributed import config_context

    with config_context(timeout=timeout), strategy.scope():
        yield
