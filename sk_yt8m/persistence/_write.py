"""Writing a file so that its name always stands for a whole one."""

import os
import secrets
import stat
from pathlib import Path

from sk_yt8m._disk import naming


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file, or leave the one that is there as it is.

    The bytes go to a new file in the same folder, are forced to the disk, and only then take the
    name. A symbolic link stays; the file that it points to is replaced. An old file's permissions
    are kept.

    Parameters
    ----------
    path : str or path
        Where to.
    data : bytes
        What.

    Raises
    ------
    OSError
        If the file cannot be written; the old one is as it was.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name[:64]}.{secrets.token_hex(8)}.tmp")
    # Opened exclusively: a link that somebody laid under this name is not followed.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with naming(target), os.fdopen(os.open(draft, flags, 0o666), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            draft.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _force_folder(target.parent)


def _force_folder(folder: Path) -> None:
    """Make a renaming last; Windows has no such call and needs none."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
