"""The TFRecord container: records, each with its length and two checksums.

A record is its length in 8 bytes, the checksum of these in 4, the content, and its checksum in 4,
all little-endian. The checksum is CRC32C, rotated and shifted ("masked"). There is no header and
no index: a file that ends between two records looks whole. Source: TensorFlow's
``record_writer.h`` and the guide https://www.tensorflow.org/tutorials/load_data/tfrecord.
"""

import gzip
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np
from google_crc32c import value as crc32c

from sk_yt8m.datasets._checked import new_file

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_OVERHEAD = _HEADER.size + _FOOTER.size
_LARGEST = 2**31 - 1  # protobuf's limit for a message
_BLOCK = 2**20
_GZIP = b"\x1f\x8b\x08"
_WHAT_CAME = {b"<": "HTML or XML", b"{": "JSON", b"PK\x03\x04": "a zip archive", b"PAR1": "Parquet"}


class RecordDamage(NamedTuple):
    """What is wrong with a record.

    Attributes
    ----------
    file : str
        Path of the file.
    record : int
        Number of the record, from 1; 0 for the file as a whole.
    offset : int
        Byte at which the record begins, from 0; in a gzipped file counted in the unpacked data.
    key : str
        Key of the feature; empty for the record as a whole.
    expected : str
        What should have been there.
    came : str
        What was there.
    """

    file: str
    record: int
    offset: int
    key: str
    expected: str
    came: str

    def __str__(self) -> str:
        place = f", record {self.record} at byte {self.offset}" if self.record else ""
        place += f", key {self.key!r}" if self.key else ""
        return f"{self.file}{place}: expected {self.expected}, got {self.came}"


class DamageError(ValueError):
    """An error that says what is wrong with a file, and keeps it as `damage`."""

    def __init__(self, damage: Any) -> None:
        super().__init__(str(damage))
        self.damage = damage


class Report:
    """Where damage goes: into a list, or out as an error.

    Parameters
    ----------
    skip : bool
        Keep a list instead of raising a DamageError.
    """

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.damage: list[Any] = []

    def add(self, damage: Any) -> None:
        """Note a damage, or raise it."""
        if not self.skip:
            raise DamageError(damage) from None
        self.damage.append(damage)


class Record(NamedTuple):
    """The content of a record, its number from 1 and the byte at which it begins."""

    number: int
    offset: int
    content: bytes


def read_records(path: Path, report: Report) -> Iterator[Record]:
    """Yield the sound records of a file, plain or gzipped; the rest goes to the report.

    After a damaged record reading goes on at the next one: at the place that a sound header gives,
    or else wherever the next sound record begins. One record is in memory at a time.

    Raises
    ------
    ValueError
        At the first damage, unless the report takes it.
    """
    offset, number, name = 0, 1, str(path)
    file, size = _open(path)
    with file:
        try:
            while True:
                try:
                    content = _read_one(file, size)
                except _BrokenError as broken:
                    following = _next_record(file, offset, broken.length, size)
                    came = _shown(broken.header) if number == 1 else ""
                    came = (came or broken.came) + _left_out(offset, broken.length, following)
                    report.add(RecordDamage(name, number, offset, "", broken.expected, came))
                    if following is None:
                        break
                    offset = following
                    file.seek(offset)
                else:
                    if content is None:
                        if offset == 0:
                            report.add(RecordDamage(name, 0, 0, "", "records", "an empty file"))
                        break
                    yield Record(number, offset, content)
                    offset += len(content) + _OVERHEAD
                number += 1
        except EOFError:
            came = "one that is cut off"
            report.add(RecordDamage(name, number, offset, "", "a whole gzip file", came))
        except (gzip.BadGzipFile, zlib.error) as error:
            # What came before is sound: records have checksums of their own.
            report.add(RecordDamage(name, number, offset, "", "a sound gzip file", str(error)))


def write_records(path: Path, contents: Iterable[bytes]) -> None:
    """Write records; the file is there whole or not at all, gzipped if its name ends in .gz."""
    with new_file(path) as raw:
        packed = gzip.GzipFile(path.stem, "wb", fileobj=raw, mtime=0) if _is_gz(path) else None
        file = packed or raw
        for content in contents:
            length = struct.pack("<Q", len(content))
            file.write(length + _FOOTER.pack(_masked(length)))
            file.write(content + _FOOTER.pack(_masked(content)))
        if packed is not None:
            packed.close()


def _is_gz(path: Path) -> bool:
    return path.suffix == ".gz"


def _open(path: Path) -> tuple[IO[bytes], int]:
    """Return the file, unpacked if it is gzipped, and how long a record in it can be."""
    with open(path, "rb") as file:
        start = file.read(_HEADER.size)
    # A record of the right length begins with the same bytes.
    if start.startswith(_GZIP) and not _is_header(start):
        return cast(IO[bytes], gzip.open(path, "rb")), _LARGEST
    return open(path, "rb", buffering=_BLOCK), min(path.stat().st_size, _LARGEST)


def _is_header(header: bytes) -> bool:
    return len(header) == _HEADER.size and _masked(header[:8]) == _HEADER.unpack(header)[1]


def _masked(content: bytes) -> int:
    checksum = crc32c(content)
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


class _BrokenError(Exception):
    """A damaged record, with its length where the header is sound."""

    def __init__(self, expected: str, came: str, header: bytes, length: int | None) -> None:
        self.expected, self.came, self.header, self.length = expected, came, header, length


def _read_one(file: IO[bytes], size: int) -> bytes | None:
    """Return the content of the record at the file's position; None at the end."""
    header = file.read(_HEADER.size)
    if not header:
        return None
    if len(header) < _HEADER.size:
        came = f"the end of the file after {len(header)} of them"
        raise _BrokenError("a header of 12 bytes", came, header, None)
    length, checksum = _HEADER.unpack(header)
    if _masked(header[:8]) != checksum:
        raise _BrokenError("a record's length and its checksum", repr(header), header, None)
    content = file.read(length + 4) if length <= size else b""
    if len(content) < length + 4:
        expected = f"{length} bytes and their checksum"
        raise _BrokenError(expected, "the end of the file before that", header, None)
    data = content[:-4]
    if _masked(data) != _FOOTER.unpack_from(content, length)[0]:
        expected = f"the checksum of the record's {length} bytes"
        raise _BrokenError(expected, "another one", header, length)
    return data


def _next_record(file: IO[bytes], offset: int, length: int | None, size: int) -> int | None:
    """Return where reading goes on after a damaged record.

    At the place that its length gives, if there a record or the end follows. Otherwise where the
    next record begins whose length and content fit their checksums.
    """
    if length is not None:
        end = offset + length + _OVERHEAD
        file.seek(end)
        header = file.read(_HEADER.size)
        if not header or _is_header(header):
            return end
    offset += 1
    while True:
        file.seek(offset)
        block = file.read(_BLOCK)
        for place in _headers(block):
            file.seek(offset + place)
            try:
                _read_one(file, size)
            except _BrokenError:
                continue
            return offset + place
        if len(block) < _BLOCK:
            return None
        offset += _BLOCK - _HEADER.size + 1


def _headers(block: bytes) -> list[int]:
    """Return where in a block 8 bytes, the upper 4 of them zero, are followed by their checksum."""
    data = np.frombuffer(block, dtype=np.uint8)
    n_places = data.size - _HEADER.size + 1
    if n_places < 1:
        return []
    places = np.flatnonzero(
        ~(
            data[4:][:n_places] | data[5:][:n_places] | data[6:][:n_places] | data[7:][:n_places]
        ).astype(bool)
    )
    # A checksum of 8 bytes is the exclusive or of one number for each byte.
    zeros = crc32c(bytes(8))
    checksum = np.full(places.size, zeros, dtype=np.uint64)
    for byte in range(4):
        table = [crc32c(bytes(byte) + bytes([i]) + bytes(7 - byte)) ^ zeros for i in range(256)]
        checksum ^= np.array(table, dtype=np.uint64)[data[places + byte]]
    masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8).astype(np.uint32)
    stored = sum(data[places + 8 + byte].astype(np.uint32) << 8 * byte for byte in range(4))
    return places[masked == stored].tolist()


def _shown(header: bytes) -> str:
    for start, name in _WHAT_CAME.items():
        if header.lstrip().startswith(start):
            return f"{name}: {header!r}"
    return ""


def _left_out(offset: int, length: int | None, following: int | None) -> str:
    if following is None:
        return "; no sound record follows"
    if length is not None and following == offset + length + _OVERHEAD:
        return ""
    return f"; the next sound record begins {following - offset} bytes later"
