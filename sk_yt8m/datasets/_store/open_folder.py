"""The folder of a store -> its manifest and arrays, which are pickled as the path of their file."""

import os
import socket
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from sk_yt8m._engines.dask_types import pickled_by_dask, register_types
from sk_yt8m.datasets._store.format import KIND, MANIFEST, StoreError, open_arrays, read_manifest
from sk_yt8m.datasets._store.work_folder import replaced_store

#: Seconds to wait for a store that is being replaced.
_PATIENCE = 10.0


@pickled_by_dask
class StoredArray(np.memmap):
    """A memory-mapped array of a store.

    It and its views are pickled as folder, name, place and shape, and mapped again where they are
    unpickled. What is computed of it is an ordinary array.
    """

    #: Folder, name, checksum of the manifest, and address of the whole array.
    _source: tuple[str, str, int, int] | None = None

    def __array_finalize__(self, obj: Any) -> None:
        super().__array_finalize__(obj)
        # NumPy leaves the file's name to views, and takes it from copies.
        self._source = None if self.filename is None else getattr(obj, "_source", None)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else np.asarray(array)

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(part, StoredArray) and part.filename is None:
            return np.asarray(part)
        return part

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self._source is None:
            return np.asarray(self).__reduce_ex__(protocol)
        folder, name, crc32, address = self._source
        offset = self.ctypes.data - address
        return _map_again, (folder, name, crc32, offset, self.shape, self.strides, self.dtype)


class NotHere:
    """What stands for an array or store whose folder a process does not find.

    It raises the error when it is used, and is pickled as what it stands for: Dask's scheduler
    unpickles what it sends on, and an error then would end no task and be shown to nobody.
    """

    def __init__(self, error: StoreError, reduced: tuple[Any, ...]) -> None:
        self._error, self._reduced = error, reduced

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reduced

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._error

    def _raise(self, *args: Any, **options: Any) -> NoReturn:
        raise self._error

    __array__ = __getitem__ = __iter__ = __len__ = _raise


def _map_again(
    folder: str,
    name: str,
    crc32: int,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    dtype: np.dtype,
) -> Any:
    try:
        whole = open_again(folder, crc32, [name])[1][name]
    except StoreError as error:
        reduced = _map_again, (folder, name, crc32, offset, shape, strides, dtype)
        return NotHere(error, reduced)
    # NumPy checks that the view is within the array.
    view = np.ndarray(shape, dtype, whole, offset, strides).view(StoredArray)
    view.__array_finalize__(whole)
    return view


def open_folder(
    folder: Path, names: Collection[str] | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return manifest and arrays of one store, also while it is being replaced.

    Parameters
    ----------
    folder : Path
        The folder.
    names : collection of str, optional
        Open only these arrays.
    """
    register_types()
    deadline = time.monotonic() + _PATIENCE
    while True:
        before = _identity(folder)
        try:
            content = read_manifest(folder)
            about = content.get("about")
            if not isinstance(about, dict) or about.get("kind") != KIND:
                raise StoreError(
                    f"{folder}: expected a store from `convert`, got another kind of folder"
                )
            arrays = open_arrays(folder, content, names)
            if _identity(folder) == before:
                crc32 = content["manifest_crc32"]
                return content, {
                    name: _stored(array, folder, name, crc32) for name, array in arrays.items()
                }
        except StoreError:
            between = before is None and replaced_store(Path(os.path.realpath(folder))).is_dir()
            if not between and _identity(folder) == before:
                raise
            if time.monotonic() > deadline:
                raise
        time.sleep(0.005)


def open_again(
    path: str, crc32: int, names: Collection[str] | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return manifest and arrays of the store that another process has open.

    Raises
    ------
    StoreError
        If it is not at the same path here; the message names host and process.
    """
    try:
        content, arrays = open_folder(Path(path), names)
        if content["manifest_crc32"] != crc32:
            raise StoreError(
                f"{path}: expected the store that was opened, got another one, which has taken "
                "its place since"
            )
    except (OSError, StoreError) as error:
        raise StoreError(
            f"process {os.getpid()} on host {socket.gethostname()} was sent the path of a store, "
            f"and does not find it: {error}. Every process must see the same store at the same "
            "path: use a shared file system or copy the folder there, and open it again if it has "
            "been replaced"
        ) from error
    return content, arrays


def _stored(array: np.ndarray, folder: Path, name: str, crc32: int) -> np.ndarray:
    if not isinstance(array, np.memmap):
        return array
    stored = array.view(StoredArray)
    stored._source = str(folder), name, crc32, stored.ctypes.data
    return stored


def _identity(folder: Path) -> tuple[int, int, int] | None:
    """Return what another store's manifest does not have."""
    try:
        status = (folder / MANIFEST).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns
