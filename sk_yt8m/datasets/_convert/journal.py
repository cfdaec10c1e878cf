"""The journal of a conversion: which sources are complete in the arrays, one line of JSON each."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

from sk_yt8m._files.atomic_write import path_in_errors, write_atomically


class Journal:
    """A file to which entries are appended; each is on the disk when `append` returns.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """Return the entries up to the first that is damaged or cut off."""
        entries: list[dict[str, Any]] = []
        try:
            for line in self.path.read_bytes().splitlines(keepends=True):
                entry = json.loads(line)[1]
                if line != _line(entry):
                    break
                entries.append(entry)
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            pass
        return entries

    def replace(self, entries: list[dict[str, Any]]) -> None:
        """Replace all entries."""
        write_atomically(self.path, b"".join(map(_line, entries)))

    def append(self, entry: dict[str, Any]) -> None:
        """Add an entry."""
        with path_in_errors(self.path), open(self.path, "ab") as file:
            file.write(_line(entry))
            file.flush()
            os.fsync(file.fileno())


def _line(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry)
    return f"[{zlib.crc32(text.encode())}, {text}]\n".encode()
