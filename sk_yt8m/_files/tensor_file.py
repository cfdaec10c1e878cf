"""Read safetensors files of unknown origin.

They are read here and not by the safetensors library, because everything that a header claims must
be checked on the open file, against its size and its network, before memory is allocated.
"""

import math
import os
import stat
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np

from sk_yt8m._files.errors import ModelFileError
from sk_yt8m._files.strict_json import field, parse_json, shown

#: Largest accepted header: room for some hundred thousand names of labels.
LARGEST_HEADER = 16 * 2**20

#: The types of tensors, widest first.
DTYPES: dict[str, np.dtype[Any]] = {
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
}
_OTHER_FORMATS = {
    b"\x80": "a pickle",
    b"PK": "a zip archive, perhaps a .keras or .npz file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a .npy file",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
    b"x": "a zlib stream, perhaps of joblib",
}


@dataclass(frozen=True)
class Tensor:
    """Dtype, shape and position of a tensor: the bytes `start` to `stop` of the file."""

    dtype: np.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


class TensorFile:
    """An open safetensors file whose header has been checked against its size.

    Parameters
    ----------
    path : str or path
        A regular file, or a link to one.

    Attributes
    ----------
    metadata : dict of str to str
        The texts in its header.
    tensors : dict of str to Tensor
        Its tensors by name.
    """

    metadata: dict[str, str]
    tensors: dict[str, Tensor]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = _open_regular(path)
        try:
            self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "TensorFile":
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    @property
    def layout(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Shape and dtype of each tensor."""
        return {name: (t.shape, t.dtype.newbyteorder("=")) for name, t in self.tensors.items()}

    def read(self, name: str) -> np.ndarray:
        """Return a tensor, in the machine's byte order."""
        tensor = self.tensors[name]
        array = np.empty(tensor.shape, tensor.dtype)
        self._file.seek(tensor.start)
        if self._file.readinto(array.reshape(-1).view(np.uint8).data) != tensor.stop - tensor.start:
            raise ModelFileError(f"it ended within tensor {name!r} while it was read")
        return array.astype(tensor.dtype.newbyteorder("="), copy=False)

    def _read_header(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        start = self._file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= min(size - 8, LARGEST_HEADER):
            kinds = [kind for magic, kind in _OTHER_FORMATS.items() if start.startswith(magic)]
            if not kinds and len(start) == 8 and start.isascii() and start.decode().isprintable():
                kinds = ["text, perhaps a CSV file"]
            found = f"it looks like {kinds[0]}" if kinds else "it is cut short or of another kind"
            raise ModelFileError(f"not a model file of sk_yt8m: {found}; nothing in it was run")
        try:
            text = self._file.read(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelFileError(f"its header is not UTF-8: {error.reason}") from error
        if not text.startswith("{"):
            raise ModelFileError("not a model file of sk_yt8m: its header is not a JSON object")
        header = parse_json(text)
        self.metadata = field(header, "__metadata__", dict)
        self.tensors = {
            name: _tensor(name, header[name], 8 + length)
            for name in header
            if name != "__metadata__"
        }
        self._check_places(8 + length, size)

    def _check_places(self, start: int, size: int) -> None:
        """Raise an error unless the tensors fill the file without gap or overlap."""
        position = start
        for name, tensor in sorted(self.tensors.items(), key=lambda item: item[1].start):
            if tensor.start != position:
                raise ModelFileError(f"tensor {shown(name)} does not begin where another ends")
            position = tensor.stop
        if position != size:
            raise ModelFileError(
                f"it has {size} bytes where its header describes {shown(position)}"
            )


def _open_regular(path: str | os.PathLike[str]) -> BufferedReader:
    # Non-blocking, so that a named pipe is refused, not waited for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ModelFileError("it is not a regular file")
    return os.fdopen(descriptor, "rb")


def _tensor(name: str, entry: Any, start: int) -> Tensor:
    kind, shape = field(entry, "dtype", str), field(entry, "shape", list)
    offsets = field(entry, "data_offsets", list)
    if kind not in DTYPES:
        raise ModelFileError(f"tensor {shown(name)} is of the unknown type {shown(kind)}")
    numbers = [*shape, *offsets]
    if (
        len(offsets) != 2
        or len(shape) > 2
        or not all(type(n) is int and 0 <= n < 2**63 for n in numbers)
    ):
        raise ModelFileError(f"tensor {shown(name)} has a broken shape or place: {shown(entry)}")
    begin, end = offsets
    if end - begin != math.prod(shape) * DTYPES[kind].itemsize:
        raise ModelFileError(
            f"tensor {shown(name)} of shape {shown(shape)} and type {kind} cannot lie in "
            f"{end - begin} bytes"
        )
    return Tensor(DTYPES[kind], tuple(shape), start + begin, start + end)
