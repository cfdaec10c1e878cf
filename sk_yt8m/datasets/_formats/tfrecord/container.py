"""The TFRecord container: records, each with its length and two checksums.

A record is the length of its content in 8 bytes, the checksum of these 8 bytes in 4, the content,
and its checksum in 4, all little-endian. The checksum is CRC32C, rotated and shifted ("masked").
There is no header and no index: a file that ends between two records looks complete. Source:
TensorFlow's ``record_writer.h`` and https://www.tensorflow.org/tutorials/load_data/tfrecord.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from google_crc32c import extend
from google_crc32c import value as crc32c

from sk_yt8m.datasets._formats.damage import Damage, Place, Report
from sk_yt8m.datasets._formats.gunzip import GzipDamage, gunzip
from sk_yt8m.datasets._formats.writer_input import new_file_or_gzip

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_OVERHEAD = _HEADER.size + _FOOTER.size
_LARGEST = 2**31 - 1  # protobuf's limit for a message
_MASK_DELTA = 0xA282EAD8
_BLOCK = 2**20
_GZIP = b"\x1f\x8b\x08"
_OTHERS = {
    b"<": "HTML or XML",
    b"{": "JSON",
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "Parquet",
}


class Record(NamedTuple):
    """The content of a record, its number from 1 and the byte at which it begins."""

    number: int
    offset: int
    content: bytes


def read_records(path: Path, report: Report) -> Iterator[Record]:
    """Yield the valid records of a file, plain or gzipped; damage goes to the report.

    After a damaged record, reading continues where the record ends by its length, or else at the
    next record whose length fits its checksum. One record is in memory at a time.

    Each damaged record has its own number and entry, as far as records can be told apart. Several
    in a row with damaged lengths and contents count as one, and the entry says so.

    Raises
    ------
    ValueError
        At the first damage, unless the report skips damage.
    """
    offset, number, name = 0, 1, str(path)
    file, gzip_damage, size = _open(path)
    with file:
        while True:
            try:
                content = _read_one(file, size)
            except _BrokenError as broken:
                following = _next_record(file, offset, broken)
                if following is None and broken.is_cut and gzip_damage is not None:
                    # The end of what could be unpacked: see below.
                    break
                actual = _shown(broken.header) if number == 1 else ""
                actual = (actual or broken.actual) + _left_out(offset, number, following)
                report.add(Place(name, "record", number, offset).damage(broken.expected, actual))
                if following is None:
                    number, offset = number + 1, file.seek(0, io.SEEK_END)
                    break
                offset = following.offset
                file.seek(offset)
            else:
                if content is None:
                    if offset == 0 and gzip_damage is None:
                        report.add(Damage(name, "", "records", "an empty file"))
                    break
                yield Record(number, offset, content)
                offset += len(content) + _OVERHEAD
            number += 1
    if gzip_damage is not None:
        # Everything before is valid: records have checksums of their own.
        place = Place(name, "record", number, offset)
        report.add(place.damage(gzip_damage.expected, gzip_damage.actual))


def write_records(path: Path, contents: Iterable[bytes]) -> None:
    """Write records atomically, gzipped if the name of the file ends in .gz."""
    with new_file_or_gzip(path) as file:
        for number, content in enumerate(contents, start=1):
            if len(content) > _LARGEST:
                raise ValueError(
                    f"record {number} must have at most {_LARGEST} bytes, got {len(content)}"
                )
            length = struct.pack("<Q", len(content))
            file.write(length + _FOOTER.pack(_masked(length)))
            file.write(content + _FOOTER.pack(_masked(content)))


def _open(path: Path) -> tuple[IO[bytes], GzipDamage | None, int]:
    """Return the file, unpacked; what is wrong with the gzip file; a record's longest length."""
    with open(path, "rb") as file:
        start = file.read(_HEADER.size)
    # A record of the right length begins with the same bytes.
    if start.startswith(_GZIP) and not _is_header(start):
        unpacked, damage = gunzip(path)
        size = unpacked.seek(0, io.SEEK_END)
        unpacked.seek(0)
        return unpacked, damage, min(size, _LARGEST)
    return open(path, "rb", buffering=_BLOCK), None, min(path.stat().st_size, _LARGEST)


def _is_header(header: bytes) -> bool:
    return len(header) == _HEADER.size and _masked(header[:8]) == _HEADER.unpack(header)[1]


def _masked(content: bytes) -> int:
    checksum = crc32c(content)
    return ((checksum >> 15 | checksum << 17) + _MASK_DELTA) & 0xFFFFFFFF


class _BrokenError(Exception):
    """A damaged record; `length` is None if the header is damaged."""

    def __init__(
        self,
        expected: str,
        actual: str,
        header: bytes,
        *,
        length: int | None = None,
        is_cut: bool = False,
    ) -> None:
        self.expected, self.actual, self.header = expected, actual, header
        self.length, self.is_cut = length, is_cut


class _Following(NamedTuple):
    """Offset at which reading continues, and whether the damaged record is known to end there."""

    offset: int
    is_end: bool


def _read_one(file: IO[bytes], size: int) -> bytes | None:
    """Return the content of the record at the file's position; None at the end."""
    header = file.read(_HEADER.size)
    if not header:
        return None
    if len(header) < _HEADER.size:
        actual = f"the end of the file after {len(header)} of them"
        raise _BrokenError("a header of 12 bytes", actual, header, is_cut=True)
    length, checksum = _HEADER.unpack(header)
    if _masked(header[:8]) != checksum:
        raise _BrokenError("a record's length and its checksum", repr(header), header)
    content = file.read(length + 4) if length <= size else b""
    if len(content) < length + 4:
        expected = f"{length} bytes and their checksum"
        raise _BrokenError(expected, "the end of the file before that", header, is_cut=True)
    data = content[:-4]
    if _masked(data) != _FOOTER.unpack_from(content, length)[0]:
        expected = f"the checksum of the record's {length} bytes"
        raise _BrokenError(expected, "another one", header, length=length)
    return data


def _next_record(file: IO[bytes], offset: int, broken: _BrokenError) -> _Following | None:
    """Find where reading continues after the damaged record at an offset, if anywhere."""
    if broken.length is not None:
        # The header is valid. If bytes of the content are missing, it ends in a later record.
        end = offset + broken.length + _OVERHEAD
        file.seek(end)
        header = file.read(_HEADER.size)
        inside = _search(file, offset + 1, end) if header and not _is_header(header) else None
        return _Following(end, True) if inside is None else _Following(inside, False)
    found = _search(file, offset + 1)
    if not broken.is_cut:
        file.seek(offset)
        stretch = file.read(_BLOCK if found is None else min(_BLOCK, found - offset))
        n_bytes = _first_end(stretch)
        if n_bytes is not None:
            return _Following(offset + n_bytes, True)
    return None if found is None else _Following(found, False)


def _search(file: IO[bytes], start: int, stop: int | None = None) -> int | None:
    """Return the offset of the next valid header before `stop`, if there is one."""
    while stop is None or start < stop:
        file.seek(start)
        block = file.read(_BLOCK)
        for place in _headers(block):
            return start + place if stop is None or start + place < stop else None
        if len(block) < _BLOCK:
            return None
        start += _BLOCK - _HEADER.size + 1
    return None


def _first_end(stretch: bytes) -> int | None:
    """Return the end of the first of one or more records with damaged headers, if it is known.

    It ends where its content fits a checksum. Or else where its length says, if that length, and
    the lengths of the records after it, lead to the end of the stretch or to valid content.
    """
    end = _content_end(stretch, 0)
    if end is not None:
        return end
    place = first = 0
    while place + _OVERHEAD <= len(stretch):
        length = _HEADER.unpack_from(stretch, place)[0]
        if not 0 < length <= len(stretch) - place - _OVERHEAD:
            break
        place += length + _OVERHEAD
        first = first or place
        if place == len(stretch) or _content_end(stretch, place) is not None:
            return first
    return None


def _content_end(stretch: bytes, start: int) -> int | None:
    """Return the end of the record at `start`, if bytes there fit the checksum after them.

    One in 2**32 places fits by chance.
    """
    start += _HEADER.size
    n_places = len(stretch) - start - _FOOTER.size + 1
    if n_places < 1:
        return None
    data = np.frombuffer(stretch, np.uint8, offset=start).astype(np.uint32)
    rotated = np.full(n_places, 2**32 - _MASK_DELTA, dtype=np.uint32)
    for byte in range(4):
        rotated += data[byte:][:n_places] << np.uint32(8 * byte)
    wanted = (rotated >> np.uint32(17) | rotated << np.uint32(15)).tolist()
    checksum = 0
    for place, checksum_here in enumerate(wanted, start=start):
        if checksum == checksum_here:
            return place + _FOOTER.size
        checksum = extend(checksum, stretch[place : place + 1])
    return None


def _headers(block: bytes) -> list[int]:
    """Return the places of 8 bytes, the upper 4 of them zero, followed by their checksum."""
    data = np.frombuffer(block, dtype=np.uint8)
    n_places = data.size - _HEADER.size + 1
    if n_places < 1:
        return []
    places = np.flatnonzero(
        ~(
            data[4:][:n_places] | data[5:][:n_places] | data[6:][:n_places] | data[7:][:n_places]
        ).astype(bool)
    )
    # A CRC of 8 bytes is the XOR of one number for each byte, as CRCs are linear.
    zeros = crc32c(bytes(8))
    checksum = np.full(places.size, zeros, dtype=np.uint64)
    for byte in range(4):
        table = [crc32c(bytes(byte) + bytes([i]) + bytes(7 - byte)) ^ zeros for i in range(256)]
        checksum ^= np.array(table, dtype=np.uint64)[data[places + byte]]
    masked = ((checksum >> 15 | checksum << 17) + _MASK_DELTA).astype(np.uint32)
    stored = sum(data[places + 8 + byte].astype(np.uint32) << 8 * byte for byte in range(4))
    return places[masked == stored].tolist()


def _shown(header: bytes) -> str:
    for start, name in _OTHERS.items():
        if header.lstrip().startswith(start):
            return f"{name}: {header!r}"
    return ""


def _left_out(offset: int, number: int, following: _Following | None) -> str:
    if following is None:
        return "; no valid record follows"
    if following.is_end:
        return ""
    place = f"{following.offset - offset} bytes later and counts as record {number + 1}"
    return f"; the next valid header begins {place}"
