"""Checksums of rows: features, labels, id and place of each, from reading to `verify`."""

import zlib
from collections.abc import Mapping

import numpy as np

_BLOCK = 2**24


def head_checksums(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the CRC-32 of all but the features of each row.

    Parameters
    ----------
    columns : mapping of str to ndarray
        The arrays of a `Block`, by their names there.

    Returns
    -------
    ndarray of shape (n_rows,), uint32
        Checksums, with which those of the features begin.
    """
    numbers = np.stack([columns["records"], columns["starts"]], axis=1).astype("<i8")
    heads = []
    ends = [0, 0]
    lists = [memoryview(columns[name].astype("<i4").tobytes()) for name in ("labels", "rated")]
    sizes = np.stack([columns["counts"], columns["rated_counts"]], axis=1) * 4
    for place, name, pair in zip(numbers, columns["ids"].tolist(), sizes.tolist(), strict=True):
        crc32 = zlib.crc32(name.encode("utf-8", "surrogatepass"), zlib.crc32(place))
        for number, size in enumerate(pair):
            start = ends[number]
            ends[number] += size
            crc32 = zlib.crc32(lists[number][start : ends[number]], crc32)
        heads.append(crc32)
    return np.array(heads, dtype=np.uint32)


def row_checksums(rows: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Return the CRC-32 of rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_bytes), uint8
        The bytes of the features.
    heads : ndarray of shape (n_rows,), uint32
        From `head_checksums`.

    Returns
    -------
    ndarray of shape (n_rows,), uint32
        Checksums.
    """
    pairs = zip(rows, heads.tolist(), strict=True)
    return np.array([zlib.crc32(row, head) for row, head in pairs], dtype=np.uint32)


def crc32_of(checksums: np.ndarray, before: int = 0) -> int:
    """Return one checksum of the checksums of some rows, continued from that of rows before."""
    return zlib.crc32(checksums.astype("<u4").tobytes(), before)


def stored_crc32(arrays: Mapping[str, np.ndarray], start: int, end: int) -> int:
    """Return the checksum of some rows of a store."""
    features = arrays["features"]
    n_rows = max(1, _BLOCK // (features.shape[1] * features.itemsize))
    actual = 0
    for first in range(start, end, n_rows):
        rows = slice(first, min(first + n_rows, end))
        block = np.ascontiguousarray(features[rows]).view(np.uint8)
        checksums = row_checksums(block, head_checksums(stored_columns(arrays, rows)))
        actual = crc32_of(checksums, actual)
    return actual


def stored_columns(arrays: Mapping[str, np.ndarray], rows: slice) -> dict[str, np.ndarray]:
    """Return some rows as in a `Block`, without their features."""
    n_rows = rows.stop - rows.start
    columns = {
        "ids": arrays["ids"][rows] if "ids" in arrays else np.zeros(n_rows, "<U1"),
        "records": arrays["record"][rows],
        "starts": arrays["start"][rows] if "start" in arrays else np.zeros(n_rows, np.int64),
    }
    for ours, values, counts in (("label", "labels", "counts"), ("rated", "rated", "rated_counts")):
        ends = np.zeros(n_rows + 1, np.int64)
        columns[values] = ends[:0]
        if f"{ours}_indptr" in arrays:
            ends = np.asarray(arrays[f"{ours}_indptr"][rows.start : rows.stop + 1])
            columns[values] = arrays[f"{ours}_indices"][ends[0] : ends[-1]]
        columns[counts] = np.diff(ends)
    return columns
