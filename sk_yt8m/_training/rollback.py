"""A call that fails leaves no trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[dict[str, Any]]:
    """Give an estimator back all its attributes if the ``with`` block ends with an error.

    Attributes that are replaced in the block are restored, objects that are changed in place are
    not.

    Yields
    ------
    dict
        The attributes to restore. What the block puts into it is restored instead.
    """
    before = dict(vars(estimator))
    try:
        yield before
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
