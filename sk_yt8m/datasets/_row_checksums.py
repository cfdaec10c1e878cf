"""A checksum of each row, of all that belongs to it: taken where it is read, compared later."""

import zlib
from collections.abc import Mapping

import numpy as np


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
