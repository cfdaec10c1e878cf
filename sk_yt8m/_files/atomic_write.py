"""Writing a file so that its name always stands for a whole one."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name when the ``with`` block ends without an error.

    The bytes go to a new file in the same folder, are forced to the disk, and only then take the
    name. A symbolic link stays; the file that it points to is replaced. An old file's permissions
    are kept.

    Parameters
    ----------
    path : str or path
        Where to.

    Yields
    ------
    binary file
        The new file.

    Raises
    ------
    OSError
        If the file cannot be written, with its path; the old one is as it was.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise OSError(errno.EINVAL, "Not a regular file", str(target))
    draft = target.with_name(f".{target.name[:64]}.{secrets.token_hex(8)}.tmp")
    # Opened exclusively: a link that somebody laid under this name is not followed.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(draft, flags, 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            draft.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(draft, target)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(draft)):
            raise OSError(error.errno, error.strerror or str(error), str(target)) from error
        raise
    _force_folder(target.parent)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file, or leave the one that is there as it is: see `open_atomically`.

    Parameters
    ----------
    path : str or path
        Where to.
    data : bytes
        What.
    """
    with open_atomically(path) as file:
        file.write(data)


def _force_folder(folder: Path) -> None:
    """Make a renaming last; Windows has no such call and needs none."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
