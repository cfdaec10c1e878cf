"""The hidden folder in which one process makes a store."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FOLDER = r"[0-9a-f]{24}"
_STORED = r"(manifest\.json|[a-z_]+\.npy)"
_DRAFT = r"\.[a-z_.]+\.[0-9a-f]{16}\.tmp"
_FOLDERS = re.compile(rf"old|{_FOLDER}(/store)?")
_FILES = re.compile(
    rf"lock|old/{_STORED}|{_FOLDER}/(journal|part-\w{{8}}|{_DRAFT}|store/({_STORED}|{_DRAFT}))"
)


def work_folder(store: Path) -> Path:
    """Return the folder in which a store is made."""
    return store.with_name(f".{store.name}.partial")


def replaced_store(store: Path) -> Path:
    """Return where a store is for the moment in which another one takes its place."""
    return work_folder(store) / "old"


def check_own(work: Path) -> None:
    """Raise a FileExistsError if a work folder has, or is, what no conversion has made."""
    if not os.path.lexists(work):
        return
    if work.is_symlink() or not work.is_dir():
        raise FileExistsError(f"{work} must be a folder, in which the store is made: move it away")
    foreign = []
    for folder, folders, files in os.walk(work):
        foreign += [path for path in _paths(folder, [*folders, *files]) if not _is_own(path, work)]
    if foreign:
        raise FileExistsError(
            f"{work} must have nothing but what a conversion has made, as it is removed at the "
            f"end, but it has {listed(foreign)}: move that away"
        )


def remove_own(folder: Path, work: Path) -> None:
    """Remove what a conversion has made in the work folder or in a folder of it."""
    for inner, folders, files in os.walk(folder, topdown=False):
        for path in _paths(inner, files):
            if _is_own(path, work):
                path.unlink()
        for path in _paths(inner, folders):
            if _is_own(path, work):
                _remove_if_empty(path)
    _remove_if_empty(folder)


def listed(paths: list[Path]) -> str:
    """Name some paths."""
    paths = sorted(paths)
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(map(str, paths[:3])) + more


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Make the work folder, and keep other processes out of it."""
    try:
        import fcntl
    except ImportError:
        work.mkdir(parents=True, exist_ok=True)
        yield
        return
    descriptor = None
    while descriptor is None:
        work.mkdir(parents=True, exist_ok=True)
        # Another process may have ended its conversion, and removed folder or file, just now.
        with suppress(FileNotFoundError):
            descriptor = os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise BlockingIOError(f"{work}: another process is making this store") from None
            if not _is_there(descriptor, work / "lock"):
                os.close(descriptor)
                descriptor = None
    try:
        yield
    finally:
        os.close(descriptor)


def _is_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _paths(folder: str, names: list[str]) -> list[Path]:
    return [Path(folder, name) for name in names]


def _is_own(path: Path, work: Path) -> bool:
    name = path.relative_to(work).as_posix()
    if path.is_symlink():
        return False
    if path.is_dir():
        # An empty folder in the place of a file is damage, which is repaired.
        is_file_name = _FILES.fullmatch(name) is not None and name != "lock"
        return _FOLDERS.fullmatch(name) is not None or (is_file_name and not any(path.iterdir()))
    # Locks are empty.
    return _FILES.fullmatch(name) is not None and (name != "lock" or path.stat().st_size == 0)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
