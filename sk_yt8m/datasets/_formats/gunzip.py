"""Reader of gzip files that delivers every byte before a cut or damaged place."""

import io
import sys
import zlib
from pathlib import Path
from typing import Any, NamedTuple

_BLOCK = 2**16
_MOST = 2**20
_GZIP = 31  # zlib's number for a gzip header and trailer


class GzipDamage(NamedTuple):
    """Why a gzip file cannot be read to its end.

    Attributes
    ----------
    expected : str
        What should have been there.
    actual : str
        What was there.
    is_cut : bool
        Whether the file only ends too early; all bytes before the end are valid then.
    n_valid : int
        Number of unpacked bytes in the leading members with the right checksum.
    """

    expected: str
    actual: str
    is_cut: bool
    n_valid: int


class Gunzip(io.RawIOBase):
    """Binary file of the unpacked bytes of a gzip file with one or more members.

    At a cut or damaged place the file ends, after every byte before it, where `gzip.open` raises an
    error and loses what it has unpacked but not delivered.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    damage : GzipDamage or None
        Set when the end has been read.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115, `close` closes it
        self.damage: GzipDamage | None = None
        self._rewind()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._member: Any = None
        self._packed = self._unpacked = b""
        self._taken = self._position = self._n_unpacked = self._n_valid = self._n_members = 0
        self._may_hold_more = self._ended = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True; seeking back reads the file again from its beginning."""
        return True

    def tell(self) -> int:
        """Return the position in the unpacked bytes."""
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position in the unpacked bytes, at most to their end."""
        if whence == io.SEEK_CUR or (whence == io.SEEK_END and position):
            raise io.UnsupportedOperation("only positions from the beginning, and the end")
        if whence == io.SEEK_END:
            position = sys.maxsize
        if position < self._position:
            self._rewind()
        while self._position < position:
            if not self.read(min(position - self._position, _MOST)):
                break
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes and return their number; fewer at the end."""
        view = memoryview(buffer).cast("B")
        n_bytes = 0
        while n_bytes < len(view):
            if self._taken == len(self._unpacked):
                if self._ended:
                    break
                self._unpacked, self._taken = self._unpack(), 0
                self._n_unpacked += len(self._unpacked)
            part = self._unpacked[self._taken : self._taken + len(view) - n_bytes]
            view[n_bytes : n_bytes + len(part)] = part
            n_bytes += len(part)
            self._taken += len(part)
        self._position += n_bytes
        return n_bytes

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _unpack(self) -> bytes:
        """Return the next unpacked bytes, possibly none."""
        if not self._packed and not self._may_hold_more:
            self._packed = self._file.read(_BLOCK)
            if not self._packed:
                if self._member is not None:
                    self._end("a whole gzip file", "one that is cut off", is_cut=True)
                self._ended = True
                return b""
        if self._member is None:
            if self._n_members:
                self._packed = self._packed.lstrip(b"\0")  # padding after a member
                if not self._packed:
                    return b""
            self._member = zlib.decompressobj(_GZIP)
        before = self._member.copy()
        try:
            unpacked = self._member.decompress(self._packed, _MOST)
        except zlib.error as error:
            return self._before_damage(before, error)
        self._may_hold_more = len(unpacked) == _MOST
        self._packed = self._member.unconsumed_tail
        if self._member.eof:
            self._packed, self._member, self._may_hold_more = self._member.unused_data, None, False
            self._n_valid = self._n_unpacked + len(unpacked)
            self._n_members += 1
        return unpacked

    def _before_damage(self, member: Any, error: zlib.error) -> bytes:
        """Return the bytes that zlib unpacks before the byte at which it finds an error."""
        actual = str(error).partition(": ")[2]
        if actual == "incorrect header check":
            actual = f"no gzip header: {self._packed[:12]!r}"
        elif actual == "incorrect data check":
            actual = "data that do not fit their CRC"
        self._end("a sound gzip file", actual, is_cut=False)
        unpacked = []
        try:
            for byte in self._packed:
                unpacked.append(member.decompress(bytes([byte])))
        except zlib.error:
            pass
        return b"".join(unpacked)

    def _end(self, expected: str, actual: str, *, is_cut: bool) -> None:
        self._ended = True
        self.damage = GzipDamage(expected, actual, is_cut, self._n_valid)
