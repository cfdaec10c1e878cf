"""Parser of CSV files in the course's layout; every line is checked.

A line has the labels, each the character 0 or 1, then the features as decimal numbers, with a comma
after every field, the last one included. The last comma tells a complete line from one that was cut
inside its last number.
"""

import bisect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sk_yt8m.datasets._formats.blocks import Block, make_block
from sk_yt8m.datasets._formats.damage import DamageError, MismatchError, Place, Report
from sk_yt8m.datasets._formats.gunzip import first_bytes, gunzip
from sk_yt8m.datasets._schema import N_FEATURES, N_LABELS

_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ONES_TO_ZEROS = bytes.maketrans(b"1", b"0")
_OF_NUMBERS = b"0123456789.,+-eE"
_BLOCK = 2**20
_GZIP_SUFFIX = ".gz"
_ANY_CSV = re.compile(r".+\.csv(\.gz)?", re.IGNORECASE)


def check_no_videos(files: Iterable[Path]) -> None:
    """Raise a ValueError if a CSV file begins with labels, as files of videos do.

    Parameters
    ----------
    files : iterable of Path
        The other files of a folder whose numbered files are read. Vocabularies, reports and other
        tables begin with column names.
    """
    for file in files:
        if _ANY_CSV.fullmatch(file.name) and file.is_file() and _begins_with_labels(file):
            raise ValueError(
                f"{file}: expected a name that ends in a number and .csv or .csv.gz, because the "
                "file has videos and its folder is read: rename it, move it, or list the files to "
                "read"
            )


def _begins_with_labels(file: Path) -> bool:
    with open(file, "rb") as opened:
        start = opened.read(_BLOCK)
    if file.name.lower().endswith(_GZIP_SUFFIX):
        start = first_bytes(start, len(_BOM) + 4)
    return re.match(rb"[01],[01],", start.removeprefix(_BOM)) is not None


@dataclass(frozen=True)
class CsvLayout:
    """Number of labels and features in a line."""

    n_labels: int = N_LABELS
    n_features: int = N_FEATURES


def read_csv_blocks(path: Path, layout: CsvLayout, report: Report) -> Iterator[Block]:
    """Yield the valid lines of a file, plain or gzipped, as one block.

    Parameters
    ----------
    path : Path
        The file.
    layout : CsvLayout
        Fields of each kind in a line.
    report : Report
        Where damage goes. If it skips damage, the lines before the cut of a truncated gzip file
        are kept. Of a gzip file that is damaged in another way, only lines of members with the
        right checksum are kept: the others may look valid and be wrong.

    Raises
    ------
    ValueError
        At the first damaged line, unless the report skips damage; the message names file, line,
        field, what was expected and what was there.
    """
    features: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    lines: list[int] = []
    damage: list[tuple[int, MismatchError]] = []

    def take(number: int, line: bytes) -> MismatchError | None:
        try:
            parsed = _parse_line(line, layout.n_labels, layout.n_features)
        except MismatchError as bad:
            return bad
        features.append(parsed[0])
        labels.append(parsed[1])
        lines.append(number)
        return None

    try:
        for number, line in _numbered_lines(path):
            if damage and not report.skip:
                # Only a gzip file is read on: its own damage may explain that of the line.
                continue
            bad = take(number, line)
            if bad is not None:
                damage.append((number, bad))
                if not report.skip and path.suffix != _GZIP_SUFFIX:
                    break
    except _FileError as bad_file:
        first = bad_file.line
        if (
            bad_file.rest
            and not (damage and not report.skip)
            and take(first, bad_file.rest) is None
        ):
            first += 1
        damage = [(number, bad) for number, bad in damage if number < first]
        damage.append((first, bad_file))
        n_kept = int(np.searchsorted(lines, first)) if first else len(lines)
        del features[n_kept:], labels[n_kept:], lines[n_kept:]
    for number, bad in damage:
        report.add(Place(str(path), "line", number).damage(bad.expected, bad.actual, bad.field))
    yield make_block(
        np.array(features, dtype=np.float32).reshape(-1, layout.n_features),
        labels=np.concatenate([np.zeros(0, np.int32), *labels]),
        counts=[part.size for part in labels],
        records=lines,
    )


def count_csv_lines(path: Path) -> int:
    """Return the number of lines of a file, plain or gzipped, without parsing them.

    Raises
    ------
    DamageError
        If the file is empty or a damaged gzip file.
    """
    try:
        return sum(1 for _ in _numbered_lines(path))
    except _FileError as bad:
        raise DamageError(
            Place(str(path), "line", bad.line).damage(bad.expected, bad.actual, bad.field)
        ) from None


class _FileError(MismatchError):
    """The lines from `line` on cannot be read or trusted; `rest` may be the whole of that line."""

    def __init__(self, line: int, expected: str, actual: str, rest: bytes = b"") -> None:
        super().__init__(expected, actual)
        self.line, self.rest = line, rest


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield numbered lines with their ends; for a damaged gzip file those before the damage."""
    number, rest, end = 0, b"", 0
    ends: list[int] = []
    is_gzip = path.suffix == _GZIP_SUFFIX
    file, damage = gunzip(path) if is_gzip else (open(path, "rb"), None)  # noqa: SIM115, see below
    with file:
        while block := file.read(_BLOCK):
            if not number and not rest:
                end = len(block)
                block = block.removeprefix(_BOM)
                end -= len(block)
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                number += 1
                end += len(line) + 1
                if damage is not None:
                    ends.append(end)
                yield number, line + b"\n"
    if damage is not None:
        expected, actual, is_cut, n_valid = damage
        if is_cut:
            raise _FileError(number + 1, expected, actual, rest)
        # Lines from a damaged stream may look valid and be wrong.
        first = bisect.bisect_right(ends, n_valid) + 1
        actual += f" at line {number + 1}" if first <= number else ""
        raise _FileError(first, expected, actual)
    if rest:
        yield number + 1, rest
    elif number == 0:
        raise _FileError(0, "lines of labels and features", "an empty file")


def _parse_line(line: bytes, n_labels: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of a line; numpy parses it if its characters fit the layout."""
    body = line.removesuffix(b"\n").removesuffix(b"\r")
    head, tail = body[: 2 * n_labels], body[2 * n_labels :]
    if (
        head.translate(_ONES_TO_ZEROS) != b"0," * n_labels
        or tail[-1:] != b","
        or tail.translate(None, _OF_NUMBERS)
    ):
        raise _diagnosis(body, n_labels, n_features)
    try:
        numbers = np.fromstring(tail, dtype=np.float64, sep=",")
    except ValueError:
        raise _diagnosis(body, n_labels, n_features) from None
    with np.errstate(over="ignore"):
        features = numbers.astype(np.float32)
    if features.size != n_features or not np.isfinite(features).all():
        raise _diagnosis(body, n_labels, n_features)
    return features, np.flatnonzero(np.frombuffer(head, dtype=np.uint8)[::2] == ord("1"))


def _diagnosis(body: bytes, n_labels: int, n_features: int) -> MismatchError:
    """Find the first thing that is wrong with a line."""
    fields = body.split(b",")
    n_fields = n_labels + n_features
    for number, content in enumerate(fields[: min(n_fields, len(fields) - 1)], start=1):
        expected = ""
        if number <= n_labels:
            expected = "" if content in (b"0", b"1") else "a label, 0 or 1"
        elif not _NUMBER.fullmatch(content):
            expected = "a feature, a decimal number"
        else:
            with np.errstate(over="ignore"):
                if not np.isfinite(np.float32(float(content))):
                    expected = "a feature that fits float32"
        if expected:
            return MismatchError(expected, _shown(content), f"field {number}")
    layout = (
        f"{n_fields} fields ({n_labels} labels, {n_features} features), each with a comma after it"
    )
    if len(fields) <= n_fields:
        last = f"{len(fields) - 1} and then {_shown(fields[-1])}" if body else "an empty line"
        return MismatchError(layout, last)
    if len(fields) > n_fields + 1:
        return MismatchError(layout, f"{len(fields) - 1}")
    return MismatchError(
        "nothing after the last comma", _shown(fields[-1]), f"field {n_fields + 1}"
    )


def _shown(field: bytes) -> str:
    return repr(field[:40].decode("utf-8", "replace")) + ("..." if len(field) > 40 else "")
