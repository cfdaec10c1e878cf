"""Write a file completely or not at all, and name it in errors of the disk."""

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
    """Open a new file that replaces `path` when the ``with`` block ends without an error.

    The bytes go to a draft in the same folder, which is forced to the disk and then renamed. A
    symbolic link stays; the file that it points to is replaced. An old file's permissions are kept.

    Parameters
    ----------
    path : str or path
        File to write.

    Yields
    ------
    binary file
        The draft.

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
    with path_in_errors(target, draft):
        try:
            with os.fdopen(os.open(draft, flags, 0o666), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                draft.chmod(stat.S_IMODE(target.stat().st_mode))
            os.replace(draft, target)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
    _sync_folder(target.parent)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file, or leave the old one as it is: see `open_atomically`.

    Parameters
    ----------
    path : str or path
        File to write.
    data : bytes
        Its content.
    """
    with open_atomically(path) as file:
        file.write(data)


@contextmanager
def path_in_errors(
    path: str | os.PathLike[str], draft: str | os.PathLike[str] | None = None
) -> Iterator[None]:
    """Name a file in errors of the disk that name none, as those of `write`: disk full, quota.

    Parameters
    ----------
    path : path
        The file that is written or read.
    draft : path, optional
        A temporary file; errors that name it name `path` instead.
    """
    try:
        yield
    except OSError as error:
        # Errors of a network have types of their own and are about no file.
        is_of_disk = error.errno is not None or type(error) is OSError
        unnamed = error.filename is None or (draft is not None and error.filename == str(draft))
        if not (is_of_disk and unnamed):
            raise
        if error.errno is None:
            raise OSError(f"{os.fspath(path)}: {error}") from error
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _sync_folder(folder: Path) -> None:
    """Force a renaming to the disk; Windows has no such call and needs none."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
