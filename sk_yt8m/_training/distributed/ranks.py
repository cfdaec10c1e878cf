"""The processes that train together: messages between them, and an end for all when one fails."""

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from sk_yt8m._tensorflow import tf
from sk_yt8m._training.distributed import coordination
from sk_yt8m._training.distributed.settings import WorkerError, settings
from sk_yt8m._training.steps.pool import replicating_strategy
from sk_yt8m._training.steps.replicated import local_numbers, sum_over_replicas

_Value = TypeVar("_Value")
#: Seconds between two looks at whether another process has failed.
_POLL = 1.0
_CALLS = itertools.count()


class Ranks:
    """The processes of one call of `fit` or `partial_fit`, which all make the same calls.

    Parameters
    ----------
    strategy : tf.distribute.Strategy or None
        The strategy in scope.

    Attributes
    ----------
    number, count : int
        Number of this process, and of all.
    """

    def __init__(self, strategy: Any) -> None:
        self.number, self.count = 0, 1
        self._strategy = strategy
        if strategy is not None:
            n_local = len(strategy.extended.worker_devices)
            self.count = strategy.num_replicas_in_sync // n_local
            self.number = local_numbers(strategy)[0] // n_local
        self._prefix, self._timeout = "", settings().timeout
        self._messages = itertools.count()
        self._failure: str | None = None
        self._deadline = float("inf")

    @property
    def is_first(self) -> bool:
        """Whether this is the process that prints and writes."""
        return self.number == 0

    @contextmanager
    def together(self) -> Iterator[None]:
        """End the training of all processes if the ``with`` block fails in one of them.

        Raises
        ------
        WorkerError
            If another process failed, was lost, or does not answer in time.
        """
        if self.count == 1:
            yield
            return
        self._prefix = f"sk_yt8m/{next(_CALLS)}"
        done = threading.Event()
        watching = threading.Thread(target=self._watch, args=(done,), daemon=True)
        watching.start()
        try:
            yield
        except BaseException as error:
            reason = self._failure or self._reason(error)
            coordination.put(f"{self._prefix}/failed", reason)
            if isinstance(error, tf.errors.OpError):
                raise _worker_error(reason) from error
            raise
        finally:
            done.set()
            watching.join()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Allow the ``with`` block, which waits for the other processes, the time of `timeout`."""
        self._deadline = time.monotonic() + self._timeout
        try:
            yield
        finally:
            self._deadline = float("inf")

    def exchange(self, value: Any) -> list[Any]:
        """Return the values of all processes, in JSON, by their number."""
        if self.count == 1:
            return [value]
        name = f"{self._prefix}/{next(self._messages)}"
        coordination.put(f"{name}/{self.number}", json.dumps(value))
        return [json.loads(self._get(name, number)) for number in range(self.count)]

    def check_same(self, run: dict[str, Any]) -> None:
        """Compare what determines the result between all processes.

        Raises
        ------
        ValueError
            In all of them, if it differs.
        """
        first, *others = self.exchange(run)
        for number, other in enumerate(others, start=1):
            names = [name for name in {**first, **other} if first.get(name) != other.get(name)]
            if names:
                self._part()
                shown = [_difference(name, first.get(name), other.get(name)) for name in names]
                raise ValueError(
                    "expected all processes to train with the same parameters, data and versions, "
                    f"but processes 0 and {number} differ: {'; '.join(shown)}"
                )

    def first(self, value: _Value) -> _Value:
        """Return the first process's value."""
        return value if self.count == 1 else self.exchange(value if self.is_first else None)[0]

    def first_arrays(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the first process's arrays, whose items have 4 bytes or a multiple of it."""
        if self.count == 1:
            return arrays
        kinds: dict[str, Any] = {
            name: [array.dtype.str, array.shape] for name, array in arrays.items()
        }
        return {
            name: self._first_array(arrays.get(name), np.dtype(str(dtype)), shape)
            for name, (dtype, shape) in self.first(kinds).items()
        }

    def _part(self) -> None:
        """Let the first process, which keeps the messages, wait until the others have read them."""
        coordination.put(f"{self._prefix}/parted/{self.number}", "")
        if self.is_first:
            for number in range(self.count):
                self._get(f"{self._prefix}/parted", number)

    def _first_array(
        self, array: np.ndarray | None, dtype: np.dtype, shape: Sequence[int]
    ) -> np.ndarray:
        """Return the first process's array: the sum of its bits and of zeros."""
        n_words = int(np.prod(shape)) * dtype.itemsize // 4
        words = np.zeros(n_words, dtype=np.int32)
        if self.is_first and array is not None:
            words = np.ascontiguousarray(array).reshape(-1).view(np.int32)
        nothing = np.zeros(n_words, dtype=np.int32)
        values = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.convert_to_tensor(
                words if context.replica_id_in_sync_group == 0 else nothing
            )
        )
        with self.waiting():
            totals = self._strategy.run(lambda value: sum_over_replicas([value])[0], args=(values,))
            total = self._strategy.experimental_local_results(totals)[0].numpy()
        return total.view(dtype).reshape(shape)

    def _get(self, name: str, number: int) -> str:
        """Wait for a message of a process."""
        start = time.monotonic()
        while time.monotonic() < start + self._timeout:
            value = coordination.get(f"{name}/{number}", _POLL)
            if value is not None:
                return value
            if self._failure is not None:
                raise _worker_error(self._failure)
        self._failure = self._silence(f"process {number} of {self.count}")
        raise _worker_error(self._failure)

    def _watch(self, done: threading.Event) -> None:
        """End what this process waits for when another one has failed, or takes too long."""
        while not done.is_set():
            try:
                failure = coordination.get(f"{self._prefix}/failed", _POLL)
            except tf.errors.OpError as error:
                failure = self._reason(error)
            if failure is None and time.monotonic() > self._deadline:
                failure = self._silence("another process")
            if failure is not None:
                self._failure = failure
                coordination.abort(failure)
                return

    def _silence(self, who: str) -> str:
        return f"{who} did not answer in {self._timeout:g} seconds (timeout)"

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, tf.errors.OpError):
            # The first one that is named: another may have failed because of it.
            named = (int(number) for number in re.findall(r"/task:(\d+)", str(error)))
            number = next((number for number in named if number != self.number), None)
            which = "" if number is None else f": process {number} of {self.count} does not answer"
            return f"another process was lost or ended{which}"
        text = " ".join(str(error).split())[:300]
        return (
            f"process {self.number} of {self.count} failed: {type(error).__name__}"
            f"{': ' if text else ''}{text}"
        )


def _worker_error(reason: str) -> WorkerError:
    return WorkerError(
        f"{reason}. Start all processes again: with checkpoint_dir the same command resumes."
    )


def _difference(name: str, first: Any, other: Any) -> str:
    if isinstance(first, dict) and isinstance(other, dict):
        for part, value in first.items():
            if value != other.get(part) and part not in ("values", "moments"):
                return f"{name} has {part} {value} and {other.get(part)}"
    if any(isinstance(value, dict) or len(str(value)) == 64 for value in (first, other)):
        return f"{name} holds other values"
    return f"{name} is {first!r} and {other!r}"


def ranks_in_scope() -> Ranks:
    """Return the processes of the strategy in scope; this one alone if there is none."""
    return Ranks(replicating_strategy())
