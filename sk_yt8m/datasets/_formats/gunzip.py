"""Unpack gzip files up to a cut or damaged place, where the gzip module loses the last bytes."""

import tempfile
import zlib
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

_BLOCK = 2**16
#: Unpacked bytes that stay in memory; larger files go to the folder for temporary files.
_IN_MEMORY = 2**26
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


def gunzip(path: Path) -> tuple[IO[bytes], GzipDamage | None]:
    """Unpack a gzip file with one or more members into a temporary file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    unpacked : file
        Every byte before a cut or damaged place, open for reading.
    damage : GzipDamage or None
        What is wrong with the file.
    """
    unpacked = cast(IO[bytes], tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115, returned
    with open(path, "rb") as packed:
        damage = _unpack(packed, unpacked)
    unpacked.seek(0)
    return unpacked, damage


def first_bytes(packed: bytes, n_bytes: int) -> bytes:
    """Return the first unpacked bytes of a gzip file, by its own first bytes; none if damaged."""
    try:
        return zlib.decompressobj(_GZIP).decompress(packed, n_bytes)
    except zlib.error:
        return b""


def _unpack(packed: IO[bytes], unpacked: IO[bytes]) -> GzipDamage | None:
    n_valid = n_members = 0
    member: Any = None
    content = b""
    while content or (content := packed.read(_BLOCK)):
        if member is None:
            # Padding may follow a member.
            content = content.lstrip(b"\0") if n_members else content
            member = zlib.decompressobj(_GZIP) if content else None
            if member is None:
                continue
        before = member.copy()
        try:
            _write(unpacked, member.decompress(content))
        except zlib.error as error:
            _write(unpacked, _before_damage(before, content))
            actual = str(error).partition(": ")[2]
            if actual == "incorrect header check":
                actual = f"no gzip header: {content[:12]!r}"
            elif actual == "incorrect data check":
                actual = "data that do not fit their CRC"
            return GzipDamage("a valid gzip file", actual, False, n_valid)
        content = member.unused_data
        if member.eof:
            member, n_valid, n_members = None, unpacked.tell(), n_members + 1
    if member is not None:
        return GzipDamage("a complete gzip file", "one that is cut off", True, n_valid)
    return None


def _before_damage(member: Any, packed: bytes) -> bytes:
    """Return the bytes that zlib unpacks before the byte at which it finds an error."""
    unpacked = []
    try:
        for byte in packed:
            unpacked.append(member.decompress(bytes([byte])))
    except zlib.error:
        pass
    return b"".join(unpacked)


def _write(file: IO[bytes], content: bytes) -> None:
    try:
        file.write(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from error
