"""Faults that tests inject into a training, by public means only."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import scipy.sparse as sp

from sk_yt8m import DeepMultiLabelClassifier


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def raising(error: BaseException) -> Callable[..., None]:
    """Return a function that raises an error whatever it is called with."""

    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    return fail


@contextmanager
def failing_write(n_before: int, error: BaseException) -> Iterator[list[str]]:
    """Raise an error in place of the renaming that ends a write, after `n_before` whole writes.

    Yields
    ------
    list of str
        The names of the files that were written.
    """
    replace, written = os.replace, []

    def replace_or_fail(draft: Any, target: Any) -> None:
        if len(written) == n_before:
            raise error
        replace(draft, target)
        written.append(os.path.basename(target))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", replace_or_fail)
        yield written


def kill(
    n_checkpoints: int, clf: DeepMultiLabelClassifier, *arguments: Any, **options: Any
) -> None:
    """Call `fit`, which dies when it writes the checkpoint after the first `n_checkpoints`."""
    with failing_write(n_checkpoints, Killed()), pytest.raises(Killed):
        clf.fit(*arguments, **options)


class FailingRows(sp.csr_array):
    """Rows of a sparse matrix that count how often they are read, and fail at one of the reads."""

    n_reads: int | None = None

    def fail_at(self, read: int | None, error: BaseException | None = None) -> "FailingRows":
        """Count from now on, and raise an error at a read; the first is number 1."""
        self.n_reads, self._at, self._error = 0, read, error
        return self

    def __getitem__(self, key: Any) -> Any:
        if self.n_reads is not None:
            self.n_reads += 1
            if self.n_reads == self._at:
                raise self._error
        return super().__getitem__(key)
