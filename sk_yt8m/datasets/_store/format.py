"""The files of a store: arrays in .npy files and a manifest that describes them."""

import io
import json
import os
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m._files.atomic_write import write_atomically
from sk_yt8m.datasets._store.array_file import npy_header
from sk_yt8m.datasets._store.work_folder import listed

MANIFEST = "manifest.json"
_VERSION = 4
FEATURES = "features"
#: All arrays that a store may have.
NAMES = (
    *(FEATURES, "label_indices", "label_indptr", "label_values", "ids", "source", "record"),
    *("start", "rated_indices", "rated_indptr", "rated_values", "offset"),
)
#: Kind of folder, as the manifest of a store gives it.
KIND = "sk_yt8m store"
_BLOCK = 2**24


class StoreError(ValueError):
    """A folder that is not a valid store.

    See Also
    --------
    open_store : Raises it for a folder that is no store.
    Store.verify : Raises it for bytes that have changed.
    """


def is_store(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a store, also a damaged one without features or manifest."""
    folder = Path(path)
    if (folder / f"{FEATURES}.npy").is_file():
        return True
    try:
        return KIND.encode() in (folder / MANIFEST).read_bytes()
    except OSError:
        return False


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
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1).encode())


def _crc_of(manifest: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(manifest, sort_keys=True).encode())


def check_files(folder: Path, own: set[str]) -> None:
    """Raise a FileExistsError if a folder has more than files of these names."""
    foreign = [p for p in folder.iterdir() if p.name not in own or p.is_symlink() or p.is_dir()]
    if foreign:
        raise FileExistsError(
            f"{folder} is not replaced, because it has what sk_yt8m did not make: "
            f"{listed(foreign)}: move that away"
        )


def remove_store(folder: Path) -> None:
    """Remove a store, also a damaged one, or raise a FileExistsError if it has anything else."""
    own = {MANIFEST, *(f"{name}.npy" for name in NAMES)}
    check_files(folder, own)
    for name in own:
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()


def stored_files(folder: Path) -> set[str]:
    """Return the names of the files of a store that `convert` made, also in an earlier version.

    Raises
    ------
    StoreError
        If its manifest does not prove that it is one.
    """
    manifest = _parse_manifest(folder)
    _check_manifest(folder, manifest)
    about, arrays = manifest.get("about"), manifest.get("arrays")
    if not (isinstance(about, dict) and about.get("kind") == KIND and isinstance(arrays, dict)):
        raise StoreError(f"{folder / MANIFEST}: expected that of a store from `convert`")
    return {MANIFEST, *(f"{name}.npy" for name in arrays)}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder, whose own checksum is compared.

    Raises
    ------
    StoreError
        If it is missing, of another version, or changed.
    """
    manifest = _parse_manifest(folder)
    if manifest.get("version") != _VERSION:
        actual = manifest.get("version")
        advice = ": convert again" if actual in range(_VERSION) else ""
        raise StoreError(
            f"{folder / MANIFEST}: expected version {_VERSION}, got {actual!r}{advice}"
        )
    _check_manifest(folder, manifest)
    return manifest


def _parse_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise StoreError(f"{path}: expected a manifest, got no such file")
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path}: expected JSON, got {error}") from error
    if not isinstance(manifest, dict):
        raise StoreError(f"{path}: expected a JSON object, got {type(manifest).__name__}")
    return manifest


def _check_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    expected = manifest.get("manifest_crc32")
    content = {name: value for name, value in manifest.items() if name != "manifest_crc32"}
    if expected != (actual := _crc_of(content)):
        raise StoreError(f"{folder / MANIFEST}: expected text of CRC-32 {expected}, got {actual}")


def open_arrays(
    folder: Path, manifest: dict[str, Any], names: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Memory-map all or some arrays of a folder, read-only.

    Shape, type and size of file are compared.
    """
    return {
        name: _open_array(folder / f"{name}.npy", tuple(shape), dtype)
        for name, (shape, dtype) in manifest["arrays"].items()
        if names is None or name in names
    }


def _open_array(path: Path, shape: tuple[int, ...], kind: str) -> np.ndarray:
    dtype = np.dtype(kind)
    header = npy_header(shape, dtype)
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    try:
        with open(str(path), "rb") as file:
            start = file.read(len(header))
            if start != header:
                actual = _described(start, shape, dtype)
                raise StoreError(f"{path}: expected {kind} of shape {shape}, got {actual}")
            size = os.fstat(file.fileno()).st_size
            if size != len(header) + n_bytes:
                raise StoreError(f"{path}: expected {len(header) + n_bytes} bytes, got {size}")
            if not n_bytes:
                # There is no memory map of nothing.
                return np.zeros(shape, dtype)
            return np.memmap(file, dtype, "r", len(header), shape)
    except FileNotFoundError:
        raise StoreError(f"{path}: expected an array, got no such file") from None
    except OSError as error:
        raise StoreError(f"{path}: expected {kind} of shape {shape}, got {error}") from error


def _described(start: bytes, shape: tuple[int, ...], dtype: np.dtype) -> str:
    """Say what a file with an unexpected header is."""
    file = io.BytesIO(start)
    try:
        np.lib.format.read_magic(file)
        actual, is_fortran, kind = np.lib.format.read_array_header_1_0(file)
    except Exception:  # NumPy raises errors of many types.
        return "a damaged header"
    if (actual, kind) == (shape, dtype):
        return "it in Fortran order" if is_fortran else "a changed header"
    return f"{kind.str} of shape {actual}"


def check_crc32(path: Path, array: np.ndarray, crc32: int) -> None:
    """Raise a StoreError if an array has another checksum."""
    actual = array_crc32(array)
    if actual != crc32:
        raise StoreError(f"{path}: expected its bytes to have CRC-32 {crc32}, got {actual}")


def array_crc32(array: np.ndarray) -> int:
    """Return the CRC-32 of an array's bytes."""
    crc32 = 0
    flat = array.reshape(-1)
    step = max(1, _BLOCK // array.itemsize)
    for start in range(0, flat.size, step):
        block = np.ascontiguousarray(flat[start : start + step])
        crc32 = zlib.crc32(block.view(np.uint8).data, crc32)
    return crc32
