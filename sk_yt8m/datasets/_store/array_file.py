"""A .npy file that grows row by row and gets its final shape at the end."""

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m._files.atomic_write import open_atomically, path_in_errors

#: Enough for every shape, so that the header can be written last.
HEADER_BYTES = 128
_MAGIC = b"\x93NUMPY\x01\x00"
_BLOCK = 2**20


def npy_header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """Return the header of a .npy file of version 1.0, the same bytes with every NumPy."""
    shape = tuple(map(int, shape))
    text = f"{{'descr': {dtype.str!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    n_bytes = HEADER_BYTES - len(_MAGIC) - 2
    return _MAGIC + struct.pack("<H", n_bytes) + text.ljust(n_bytes - 1).encode() + b"\n"


class ArrayFile:
    """A .npy file that is being written.

    Parameters
    ----------
    path : Path
        The file.
    dtype : dtype
        Type of the numbers; it is widened where appended rows need it.
    row_shape : tuple of int
        Shape of one row.
    resume : bool
        Open the rows that the file has, instead of an empty file.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    """

    def __init__(
        self, path: Path, dtype: Any, row_shape: tuple[int, ...] = (), *, resume: bool = False
    ) -> None:
        self.path, self.dtype, self.row_shape, self.n_rows = path, np.dtype(dtype), row_shape, 0
        with path_in_errors(path):
            self._file = open(path, "r+b" if resume else "w+b")  # noqa: SIM115
        if resume:
            self._read_header()
        else:
            self._write(npy_header((0, *row_shape), self.dtype))

    @property
    def n_bytes(self) -> int:
        """Number of bytes of header and rows."""
        return HEADER_BYTES + self.n_rows * self._row_bytes

    def append(self, rows: np.ndarray) -> None:
        """Write the next rows."""
        self._widen(np.promote_types(self.dtype, rows.dtype))
        self._write(np.ascontiguousarray(rows, dtype=self.dtype).view(np.uint8).data)
        self.n_rows += len(rows)

    def skip(self, n_rows: int) -> None:
        """Count rows that were written into the file at its end by another function."""
        self.n_rows += n_rows
        self._file.seek(self.n_bytes)

    def rows(self) -> np.ndarray:
        """Return the rows so far, memory-mapped."""
        self.flush()
        shape = (self.n_rows, *self.row_shape)
        if not self.n_rows:
            return np.zeros(shape, self.dtype)
        return np.memmap(self.path, self.dtype, "r", HEADER_BYTES, shape)

    def truncate(self, n_rows: int) -> None:
        """Keep the first rows only."""
        self.n_rows = n_rows
        self.flush()
        self._file.seek(self._file.truncate(self.n_bytes))

    def flush(self) -> None:
        """Hand all rows to the system, so that a kill of this process does not lose them."""
        with path_in_errors(self.path):
            self._file.flush()

    def finish(self) -> None:
        """Write the final shape, force the file to the disk and close it."""
        self.truncate(self.n_rows)
        self._file.seek(0)
        self._write(npy_header((self.n_rows, *self.row_shape), self.dtype))
        self.flush()
        with path_in_errors(self.path):
            os.fsync(self._file.fileno())
        self.close()

    def close(self) -> None:
        """Close the file."""
        with path_in_errors(self.path):
            self._file.close()

    @property
    def _row_bytes(self) -> int:
        return int(np.prod(self.row_shape)) * self.dtype.itemsize

    def _write(self, content: Any) -> None:
        with path_in_errors(self.path):
            self._file.write(content)

    def _widen(self, dtype: np.dtype) -> None:
        if dtype == self.dtype:
            return
        rows = self.rows()
        with open_atomically(self.path) as file:
            file.write(npy_header((0, *self.row_shape), dtype))
            for start in range(0, len(rows), _BLOCK):
                file.write(rows[start : start + _BLOCK].astype(dtype).view(np.uint8).data)
        self._file.close()
        self.dtype = dtype
        self._file = open(self.path, "r+b")  # noqa: SIM115
        self._file.seek(self.n_bytes)

    def _read_header(self) -> None:
        """Take the type from the header, and the number of rows from the file's size."""
        try:
            np.lib.format.read_magic(self._file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(self._file)
        except Exception as error:  # NumPy raises errors of many types.
            self.close()
            raise ValueError(f"{self.path}: expected the header of an array") from error
        if shape[1:] != self.row_shape or dtype.kind != self.dtype.kind or not dtype.itemsize:
            self.close()
            raise ValueError(f"{self.path}: expected another array")
        self.dtype = dtype
        size = os.fstat(self._file.fileno()).st_size - HEADER_BYTES
        self.skip(max(0, size) // self._row_bytes)
