"""What an id is: one rule for all formats, for arrays, for readers and writers."""

from typing import Any

#: In UTF-8.
MAX_ID_BYTES = 256


class IdError(ValueError):
    """Something that is no id; `expected` says what should have been there."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(f"expected {expected}, got {came}")
        self.expected, self.came = expected, came


def decode_id(name: bytes) -> str:
    """Return an id from its bytes: 1 to 256 of them, in UTF-8, without the character NUL.

    NumPy's arrays of strings drop NUL at the end, so that two ids could become one.
    """
    if not 0 < len(name) <= MAX_ID_BYTES:
        raise IdError(f"an id of 1 to {MAX_ID_BYTES} bytes", f"{len(name)} bytes")
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise IdError("an id in UTF-8", repr(name[:40])) from None
    if "\0" in text:
        raise IdError("an id without the character NUL", repr(name[:40]))
    return text


def checked_ids(ids: Any, n_rows: int) -> list[bytes]:
    """Return ids that someone hands over in UTF-8; they may repeat."""
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
        except IdError:
            raise ValueError(
                f"ids must be strings of 1 to {MAX_ID_BYTES} bytes in UTF-8 without the character "
                f"NUL, got {name!r} in row {row}"
            ) from None
        names.append(encoded)
    return names
