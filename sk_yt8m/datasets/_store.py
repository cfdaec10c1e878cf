"""A folder of arrays in .npy files and a manifest: the form of the CSV cache and of the store."""

import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import scipy.sparse as sp

MANIFEST = "manifest.json"
_VERSION = 2
FEATURES = "features"
#: What the manifest of a store says that it is, and that of a cache does not.
KIND = "sk_yt8m store"
_BLOCK = 2**24


class StoreError(ValueError):
    """A folder that does not hold what its manifest says."""


class ArrayWriter:
    """A .npy file of known shape that is written part by part, from the first row to the last.

    Parameters
    ----------
    path : Path
        The file.
    shape : tuple of int
        Shape of the whole.
    dtype : dtype
        Type of the whole; the parts are cast to it.

    Attributes
    ----------
    crc32 : int
        Checksum of what has been written since it was last set to 0.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: Any) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self.crc32 = 0
        self._left = int(np.prod(shape)) * self.dtype.itemsize

    def append(self, part: Any) -> None:
        """Write the next rows."""
        self.append_bytes(np.ascontiguousarray(part, dtype=self.dtype).view(np.uint8).data)

    def append_bytes(self, part: Any) -> None:
        """Write the bytes of the next rows."""
        self._left -= memoryview(part).nbytes
        self._file.write(part)
        self.crc32 = zlib.crc32(part, self.crc32)

    def __enter__(self) -> "ArrayWriter":
        self._file = open(self.path, "wb")
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if kind is None and self._left:
            raise RuntimeError(f"{self.path}: {self._left} bytes are missing at its end")


def write_manifest(
    folder: Path,
    shapes: dict[str, tuple[tuple[int, ...], np.dtype]],
    crc32: dict[str, int],
    about: dict[str, Any],
) -> None:
    """Write what a folder holds: shapes and types, checksums, and anything else."""
    arrays = {name: [list(shape), dtype.str] for name, (shape, dtype) in shapes.items()}
    manifest = {"version": _VERSION, "arrays": arrays, "crc32": crc32, "about": about}
    manifest["manifest_crc32"] = _crc_of(manifest)
    with open(folder / MANIFEST, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _crc_of(manifest: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(manifest, sort_keys=True).encode())


def write_store(folder: Path, arrays: dict[str, np.ndarray], about: dict[str, Any]) -> None:
    """Write arrays into a folder at once: whoever looks finds all of it or nothing.

    Parameters
    ----------
    folder : Path
        Where; a folder that is there already is replaced.
    arrays : dict of ndarray
        Each becomes a file; all but "features" get a checksum.
    about : dict
        Anything else, in what JSON can hold.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array)
        shapes = {name: (array.shape, array.dtype) for name, array in arrays.items()}
        crc32 = {name: _checksum(array) for name, array in arrays.items() if name != FEATURES}
        write_manifest(temporary, shapes, crc32, about)
        if folder.exists():
            shutil.rmtree(folder)
        try:
            os.replace(temporary, folder)
        except OSError:
            # Another process has just written the same folder.
            if not (folder / MANIFEST).is_file():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _checksum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder, whose own checksum is compared.

    Raises
    ------
    StoreError
        If there is none, or it is none of this version, or its text has been changed.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise StoreError(f"{path}: expected a manifest, got no such file")
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: expected JSON, got {error}") from error
    if not isinstance(manifest, dict) or manifest.get("version") != _VERSION:
        came = manifest.get("version") if isinstance(manifest, dict) else type(manifest).__name__
        raise StoreError(f"{path}: expected version {_VERSION}, got {came!r}")
    expected = manifest.pop("manifest_crc32", None)
    if expected != (came := _crc_of(manifest)):
        raise StoreError(f"{path}: expected text of CRC-32 {expected}, got {came}")
    return manifest


def open_arrays(folder: Path, manifest: dict[str, Any]) -> dict[str, np.ndarray]:
    """Memory-map the arrays of a folder, read-only; shape, type and size of file are compared."""
    return {
        name: _open_array(folder / f"{name}.npy", tuple(shape), dtype)
        for name, (shape, dtype) in manifest["arrays"].items()
    }


def _open_array(path: Path, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    # There is no memory map of nothing.
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        array = np.load(path, mmap_mode="r" if n_bytes else None)
    except FileNotFoundError:
        raise StoreError(f"{path}: expected an array, got no such file") from None
    except (OSError, EOFError, ValueError) as error:
        raise StoreError(f"{path}: expected {dtype} of shape {shape}, got {error}") from error
    if array.shape != shape or array.dtype.str != dtype:
        raise StoreError(
            f"{path}: expected {dtype} of shape {shape}, "
            f"got {array.dtype.str} of shape {array.shape}"
        )
    if isinstance(array, np.memmap) and array.offset + n_bytes != path.stat().st_size:
        raise StoreError(
            f"{path}: expected {array.offset + n_bytes} bytes, got {path.stat().st_size}"
        )
    return array


def check_crc32(path: Path, array: np.ndarray, crc32: int, what: str = "its bytes") -> None:
    """Raise a StoreError if an array, or some of its rows, has another checksum."""
    came = 0
    flat = array.reshape(-1)
    step = max(1, _BLOCK // array.itemsize)
    for start in range(0, flat.size, step):
        block = np.ascontiguousarray(flat[start : start + step])
        came = zlib.crc32(block.view(np.uint8).data, came)
    if came != crc32:
        raise StoreError(f"{path}: expected {what} to have CRC-32 {crc32}, got {came}")


def read_store(
    folder: Path, names: Iterable[str] = ()
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a folder, memory-mapped, and what was written about them.

    Of "features" only shape, type and size are checked, of the other arrays every byte.

    Raises
    ------
    StoreError
        If anything is missing, or is not what the manifest says.
    """
    manifest = read_manifest(folder)
    arrays = open_arrays(folder, manifest)
    for name in names:
        if name not in arrays:
            raise StoreError(f"{folder}: expected an array {name!r}, got {sorted(arrays)}")
    for name, crc32 in manifest["crc32"].items():
        check_crc32(folder / f"{name}.npy", arrays[name], crc32)
    return arrays, manifest["about"]


def indicator(arrays: dict[str, np.ndarray], n_labels: int) -> sp.csr_matrix:
    """Return the labels of a folder as a CSR indicator, uint8."""
    indices = np.asarray(arrays["label_indices"])
    ones = np.ones(indices.size, dtype=np.uint8)
    indptr = np.asarray(arrays["label_indptr"])
    return sp.csr_matrix((ones, indices, indptr), shape=(indptr.size - 1, n_labels))
