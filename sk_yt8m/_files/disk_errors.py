"""Errors of the disk that say which file they are about."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Add a path to each OSError that has none, as those of `write`: disk full, quota, lost disk.

    Parameters
    ----------
    path : path
        The file that is written or read.
    """
    try:
        yield
    except OSError as error:
        # Those of a network, which are of types of their own, are about no file.
        is_of_disk = error.errno is not None or type(error) is OSError
        if error.filename is not None or not is_of_disk:
            raise
        if error.errno is None:
            raise OSError(f"{os.fspath(path)}: {error}") from error
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
