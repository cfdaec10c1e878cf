"""The rule for ids, in all formats and arrays: 1 to 256 bytes of UTF-8 without NUL."""

from typing import Any

from sk_yt8m.datasets._formats.damage import MismatchError

#: In UTF-8.
MAX_ID_BYTES = 256


def decode_id(name: bytes) -> str:
    """Decode an id, or raise a MismatchError.

    NumPy's string arrays drop trailing NULs, so that two ids could become one.
    """
    if not 0 < len(name) <= MAX_ID_BYTES:
        raise MismatchError(f"an id of 1 to {MAX_ID_BYTES} bytes", f"{len(name)} bytes")
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise MismatchError("an id in UTF-8", repr(name[:40])) from None
    if "\0" in text:
        raise MismatchError("an id without the character NUL", repr(name[:40]))
    return text


def checked_ids(ids: Any, n_rows: int) -> list[bytes]:
    """Return the user's ids in UTF-8; they may repeat."""
    try:
        n_ids = None if isinstance(ids, (str, bytes)) else len(ids)
    except TypeError:
        n_ids = None
    if n_ids is None:
        raise ValueError(f"ids must be a sequence of {n_rows} strings, got {ids!r}")
    if n_ids != n_rows:
        raise ValueError(f"ids must be one for each of {n_rows} videos, got {n_ids}")
    names = []
    for row, name in enumerate(ids):
        try:
            encoded = name.encode("utf-8", "surrogatepass") if isinstance(name, str) else b""
            decode_id(encoded)
        except MismatchError:
            raise ValueError(
                f"ids must be strings of 1 to {MAX_ID_BYTES} bytes in UTF-8 without the character "
                f"NUL, got {name!r} in row {row}"
            ) from None
        names.append(encoded)
    return names
