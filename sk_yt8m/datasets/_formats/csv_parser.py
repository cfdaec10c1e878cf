"""One CSV file in the course's layout -> arrays; every line is checked.

A line is the labels, each the character 0 or 1, then the features as decimal numbers, with a comma
after every field, the last one included. That last comma is what tells a whole line from one that
was cut inside its last number.
"""

import bisect
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sk_yt8m.datasets._formats.blocks import Block, make_block
from sk_yt8m.datasets._formats.damage import Place, Report
from sk_yt8m.datasets._formats.gunzip import Gunzip
from sk_yt8m.datasets._schema import N_FEATURES, N_LABELS

_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ONES_TO_ZEROS = bytes.maketrans(b"1", b"0")
_OF_NUMBERS = b"0123456789.,+-eE"
_CHUNK = 2**20
_GZIP_SUFFIX = ".gz"
_ANY_CSV = re.compile(r".+\.csv(\.gz)?", re.IGNORECASE)


def check_no_videos(files: Iterable[Path]) -> None:
    """Raise a ValueError if a CSV file begins with labels, as files of videos do.

    Parameters
    ----------
    files : iterable of Path
        What else is in a folder whose numbered files are read. Vocabularies, reports and other
        tables begin with the names of columns.
    """
    for file in files:
        if _ANY_CSV.fullmatch(file.name) and file.is_file() and _begins_with_labels(file):
            raise ValueError(
                f"{file}: expected a name that ends in a number and .csv or .csv.gz, as it has "
                "videos and lies in a folder that is read: rename it, move it away, or name the "
                "files that are to be read"
            )


def _begins_with_labels(file: Path) -> bool:
    unzipped = file.name.lower().endswith(_GZIP_SUFFIX)
    with Gunzip(file) if unzipped else open(file, "rb") as opened:
        start = opened.read(len(_BOM) + 4)
    return re.match(rb"[01],[01],", start.removeprefix(_BOM)) is not None


@dataclass(frozen=True)
class CsvLayout:
    """How many labels and features a line of a CSV file has."""

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
        Where damage goes. If damaged lines are skipped, of a gzip file that is cut off the lines
        before the cut are kept. Of one that is damaged in another way, only those of members
        whose checksum is right are: the others may look valid and be wrong.

    Raises
    ------
    ValueError
        At the first damaged line, unless the report takes it; the message says file, line, field,
        what was expected and what was there.
    """
    features: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    lines: list[int] = []
    damage: list[tuple[int, _FieldError]] = []

    def take(number: int, line: bytes) -> _FieldError | None:
        try:
            parsed = _parse_line(line, layout.n_labels, layout.n_features)
        except _FieldError as bad:
            return bad
        features.append(parsed[0])
        labels.append(parsed[1])
        lines.append(number)
        return None

    try:
        for number, line in _numbered_lines(path):
            if damage and not report.skip:
                # Only a gzip file is read on: damage of its own may explain that of the line.
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
        damage.append((first, _FieldError(0, bad_file.expected, bad_file.came)))
        n_kept = int(np.searchsorted(lines, first)) if first else len(lines)
        del features[n_kept:], labels[n_kept:], lines[n_kept:]
    for number, bad in damage:
        place = Place(str(path), "line", number)
        report.add(place.damage(bad.expected, bad.came, f"field {bad.field}" if bad.field else ""))
    yield make_block(
        np.array(features, dtype=np.float32).reshape(-1, layout.n_features),
        labels=np.concatenate([np.zeros(0, np.int32), *labels]),
        counts=[part.size for part in labels],
        records=lines,
    )


class _FieldError(Exception):
    def __init__(self, field: int, expected: str, came: str) -> None:
        self.field, self.expected, self.came = field, expected, came


class _FileError(Exception):
    """The lines from `line` on cannot be read or trusted; `rest` may still be the whole of it."""

    def __init__(self, line: int, expected: str, came: str, rest: bytes = b"") -> None:
        self.line, self.expected, self.came, self.rest = line, expected, came, rest


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their ends; a damaged gzip file gives those before the damage, too."""
    number, rest, end = 0, b"", 0
    unzipped = Gunzip(path) if path.suffix == _GZIP_SUFFIX else None
    ends: list[int] = []
    with open(path, "rb") if unzipped is None else io.BufferedReader(unzipped, _CHUNK) as file:
        while chunk := file.read(_CHUNK):
            if not number and not rest:
                end = len(chunk)
                chunk = chunk.removeprefix(_BOM)
                end -= len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                number += 1
                end += len(line) + 1
                if unzipped is not None:
                    ends.append(end)
                yield number, line + b"\n"
    if unzipped is not None and unzipped.damage is not None:
        expected, came, is_cut, n_sound = unzipped.damage
        if is_cut:
            raise _FileError(number + 1, expected, came, rest)
        # Lines from a damaged stream may look sound and be wrong.
        first = bisect.bisect_right(ends, n_sound) + 1
        came += f" at line {number + 1}" if first <= number else ""
        raise _FileError(first, expected, came)
    if rest:
        yield number + 1, rest
    elif number == 0:
        raise _FileError(0, "lines of labels and features", "an empty file")


def _parse_line(line: bytes, n_labels: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of a line, by the quick way if all of it fits the layout."""
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


def _diagnosis(body: bytes, n_labels: int, n_features: int) -> _FieldError:
    """Find the first thing that is wrong with a line."""
    fields = body.split(b",")
    n_fields = n_labels + n_features
    for i, field in enumerate(fields[:n_fields], start=1):
        if i == len(fields):
            break
        if i <= n_labels and field not in (b"0", b"1"):
            return _FieldError(i, "a label, 0 or 1", _shown(field))
        if i > n_labels and not _NUMBER.fullmatch(field):
            return _FieldError(i, "a feature, a decimal number", _shown(field))
        if i > n_labels:
            with np.errstate(over="ignore"):
                finite = np.isfinite(np.float32(float(field)))
            if not finite:
                return _FieldError(i, "a feature that fits float32", _shown(field))
    layout = (
        f"{n_fields} fields ({n_labels} labels, {n_features} features), each with a comma after it"
    )
    if len(fields) <= n_fields:
        last = f"{len(fields) - 1} and then {_shown(fields[-1])}" if body else "an empty line"
        return _FieldError(0, layout, last)
    if len(fields) > n_fields + 1:
        return _FieldError(0, layout, f"{len(fields) - 1}")
    return _FieldError(n_fields + 1, "nothing after the last comma", _shown(fields[-1]))


def _shown(field: bytes) -> str:
    return repr(field[:40].decode("utf-8", "replace")) + ("..." if len(field) > 40 else "")
