"""A folder of arrays: features and labels as memory-mapped .npy files, and a manifest."""

import json
import os
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

_MANIFEST = "manifest.json"
_VERSION = 2
_SMALL_ARRAYS = ("label_indices", "label_indptr", "shard", "line")
_ARRAYS = ("features", *_SMALL_ARRAYS)


class StoreError(ValueError):
    """A folder that does not hold what its manifest says."""


def write_store(folder: Path, arrays: dict[str, np.ndarray], about: dict[str, Any]) -> None:
    """Write a folder at once: whoever looks finds all of it or nothing.

    Parameters
    ----------
    folder : Path
        Where; a folder that is there already is replaced.
    arrays : dict of ndarray
        ``features``, ``label_indices``, ``label_indptr``, ``shard`` and ``line``.
    about : dict
        Anything else, in what JSON can hold.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name in _ARRAYS:
            np.save(temporary / f"{name}.npy", arrays[name])
        shapes = {name: [list(arrays[name].shape), arrays[name].dtype.str] for name in _ARRAYS}
        checksums = {name: _checksum(arrays[name]) for name in _SMALL_ARRAYS}
        manifest = {"version": _VERSION, "arrays": shapes, "crc32": checksums, "about": about}
        (temporary / _MANIFEST).write_text(json.dumps(manifest, indent=1))
        if folder.exists():
            shutil.rmtree(folder)
        try:
            os.replace(temporary, folder)
        except OSError:
            # Another process has just written the same folder.
            if not (folder / _MANIFEST).is_file():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_store(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of a folder, memory-mapped read-only, and what was written about them.

    Opening takes the same time whatever the size of the features: of them only shape and dtype are
    checked, of the other arrays every byte.

    Raises
    ------
    StoreError
        If anything is missing, or is not what the manifest says.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
        if manifest["version"] != _VERSION:
            raise StoreError(f"{folder}: expected version {_VERSION}, got {manifest['version']}")
        arrays = {}
        for name in _ARRAYS:
            shape, dtype = manifest["arrays"][name]
            array = np.load(folder / f"{name}.npy", mmap_mode="r" if np.prod(shape) else None)
            if list(array.shape) != shape or array.dtype.str != dtype:
                raise StoreError(
                    f"{folder / name}.npy: expected {dtype} of shape {tuple(shape)}, "
                    f"got {array.dtype.str} of shape {array.shape}"
                )
            if name in _SMALL_ARRAYS and _checksum(array) != manifest["crc32"][name]:
                raise StoreError(f"{folder / name}.npy: its CRC-32 is not what the manifest says")
            arrays[name] = array
        return arrays, manifest["about"]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder}: {error}") from error


def _checksum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)


def indicator(arrays: dict[str, np.ndarray], n_labels: int) -> sp.csr_matrix:
    """Return the labels of a folder as a CSR indicator, uint8."""
    indices = np.asarray(arrays["label_indices"])
    ones = np.ones(indices.size, dtype=np.uint8)
    indptr = np.asarray(arrays["label_indptr"])
    return sp.csr_matrix((ones, indices, indptr), shape=(indptr.size - 1, n_labels))
