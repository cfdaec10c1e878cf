"""tf.train.Example and SequenceExample in protobuf's wire format, read without TensorFlow.

A message is a row of fields, each a tag (number * 8 + wire type) and a value. The messages that
matter here, with the numbers of their fields::

    Example          features = 1: Features
    SequenceExample  context = 1: Features, feature_lists = 2: FeatureLists
    Features         feature = 1: map of str to Feature (an entry has key = 1, value = 2)
    FeatureLists     feature_list = 1: map of str to FeatureList
    FeatureList      feature = 1: Feature, one for each frame
    Feature          bytes_list = 1, float_list = 2 or int64_list = 3, each with value = 1

So one parser reads both. Where protobuf lets a later value replace an earlier one (a key or a list
twice), this parser raises an error: no writer means that. Spans, pairs of start and stop in the
record, stand for what nobody has asked for yet. Source:
https://protobuf.dev/programming-guides/encoding and TensorFlow's example.proto and feature.proto.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sk_yt8m.datasets._formats.damage import MismatchError
from sk_yt8m.datasets._formats.protobuf_writer import FIRST, SECOND, TAGS, message, varint

Span = tuple[int, int]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_KIND = {tag >> 3: kind for kind, tag in TAGS.items()}
_MOST = 2**64


class Head(NamedTuple):
    """The bytes before the numbers of a float feature of known width, the same in every record.

    Looking for them spares the fields of a long feature from being parsed one by one.
    """

    key: bytes
    whole: bytes
    feature: bytes
    n_bytes: int


def make_head(key: str, width: int) -> Head:
    """Return the head of a float feature as TensorFlow writes it."""
    name = key.encode()
    numbers = bytes([FIRST]) + varint(4 * width)
    feature = bytes([TAGS["float"]]) + varint(len(numbers) + 4 * width) + numbers
    entry = message(FIRST, name) + bytes([SECOND]) + varint(len(feature) + 4 * width) + feature
    whole = bytes([FIRST]) + varint(len(entry) + 4 * width) + entry
    return Head(name, whole, feature, 4 * width)


def parse_record(
    record: bytes, heads: Sequence[Head] = ()
) -> tuple[dict[bytes, Span], dict[bytes, Span]]:
    """Return where each feature, and each list of features, of a record lies, by its key."""
    context: dict[bytes, Span] = {}
    lists: dict[bytes, Span] = {}
    for number, wire, start, stop in _fields(record, 0, len(record)):
        if number > 2:
            continue
        if wire != _BYTES:
            raise MismatchError("a tf.train.Example or SequenceExample", _wire_name(wire))
        _read_map(record, start, stop, context if number == 1 else lists, heads)
    return context, lists


def read_known_floats(record: bytes, span: Span, head: Head) -> bytes:
    """Return a float feature of known width, in little-endian float32, as bytes."""
    start, stop = span
    begin = start + len(head.feature)
    if stop - begin == head.n_bytes and record.startswith(head.feature, start):
        return record[begin:stop]
    return read_floats(record, span)


def read_floats(record: bytes, span: Span) -> bytes:
    """Return a float feature, in little-endian float32, as bytes."""
    parts = []
    for _, start, stop in _values(record, span, "float", _FIXED32):
        if (stop - start) % 4:
            raise MismatchError("numbers of 4 bytes", f"{stop - start} bytes")
        parts.append(record[start:stop])
    return b"".join(parts)


def read_ints(record: bytes, span: Span) -> list[int]:
    """Return an int64 feature."""
    numbers = []
    for _, start, stop in _values(record, span, "int64", _VARINT):
        while start < stop:
            number, start = _varint(record, start, stop)
            numbers.append(number if number < 2**63 else number - 2**64)
    return numbers


def read_strings(record: bytes, span: Span) -> list[bytes]:
    """Return a bytes feature."""
    return [record[start:stop] for _, start, stop in _values(record, span, "bytes", _BYTES)]


def read_frames(record: bytes, span: Span, width: int) -> list[bytes] | np.ndarray:
    """Return the frames of a feature list, each one string of bytes.

    Returns
    -------
    ndarray of shape (n_frames, width), uint8, or list of bytes
        The array, a view of the record, where every frame has this width and is written in the
        same way; else what the frames hold.
    """
    strings = bytes([FIRST]) + varint(width)
    feature = bytes([TAGS["bytes"]]) + varint(len(strings) + width) + strings
    head = bytes([FIRST]) + varint(len(feature) + width) + feature
    start, stop = span
    size = len(head) + width
    if start < stop and (stop - start) % size == 0:
        rows = np.frombuffer(record, np.uint8, stop - start, start).reshape(-1, size)
        if (rows[:, : len(head)] == np.frombuffer(head, np.uint8)).all():
            return rows[:, len(head) :]
    frames = []
    for number, wire, low, high in _fields(record, start, stop):
        if number != 1:
            continue
        if wire != _BYTES:
            raise MismatchError("a list of features", _wire_name(wire))
        values = read_strings(record, (low, high))
        if len(values) != 1:
            raise MismatchError("one string of bytes a frame", f"{len(values)} strings")
        frames += values
    return frames


def _wire_name(wire: int) -> str:
    names = {_VARINT: "a number", _FIXED64: "8 bytes", _BYTES: "bytes", _FIXED32: "4 bytes"}
    return names.get(wire, f"wire type {wire}")


def _fields(buffer: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, wire type, start and stop of the value of each field."""
    while start < stop:
        tag, start = _varint(buffer, start, stop)
        wire = tag & 7
        if wire == _BYTES:
            size, start = _varint(buffer, start, stop)
            end = start + size
        elif wire == _VARINT:
            end = _varint(buffer, start, stop)[1]
        elif wire in _FIXED_SIZES:
            end = start + _FIXED_SIZES[wire]
        else:
            raise MismatchError("a field of a message", _wire_name(wire))
        if end > stop:
            raise MismatchError("a field within its message", f"one {end - stop} bytes longer")
        if tag < 8 or tag >= 2**32:
            raise MismatchError("a field number from 1 to 536870911", str(tag >> 3))
        yield tag >> 3, wire, start, end
        start = end


def _varint(buffer: bytes, start: int, stop: int) -> tuple[int, int]:
    if start + 1 < stop:
        # Nearly all numbers are of one or two bytes.
        first, second = buffer[start], buffer[start + 1]
        if first < 128:
            return first, start + 1
        if second < 128:
            return first & 127 | second << 7, start + 2
    number = shift = 0
    for position in range(start, min(stop, start + 10)):
        byte = buffer[position]
        number |= (byte & 127) << shift
        if byte < 128:
            return number % _MOST, position + 1
        shift += 7
    raise MismatchError("a number of variable length", "one that does not end")


def _read_map(
    record: bytes, start: int, stop: int, into: dict[bytes, Span], heads: Sequence[Head]
) -> None:
    while start < stop:
        for head in heads:
            if record.startswith(head[1], start):
                key = head[0]
                end = start + len(head[1]) + head[3]
                value = (end - len(head[2]) - head[3], end)
                if end > stop:
                    raise MismatchError(
                        "a field within its message", f"one {end - stop} bytes longer"
                    )
                break
        else:
            short = _short_entry(record, start, stop)
            if short is not None:
                key, value = short
                end = value[1]
            else:
                number, wire, low, end = next(_fields(record, start, stop))
                if number != 1:
                    start = end
                    continue
                if wire != _BYTES:
                    raise MismatchError("the entry of a map", _wire_name(wire))
                key, value = _read_entry(record, low, end)
        if key in into:
            raise MismatchError("every key once", f"{key!r} twice")
        into[key] = value
        start = end


def _short_entry(record: bytes, start: int, stop: int) -> tuple[bytes, Span] | None:
    """Return key and value of an entry that has the usual form and lengths of one byte."""
    if start + 4 > stop or record[start] != FIRST or record[start + 2] != FIRST:
        return None
    size, key_size = record[start + 1], record[start + 3]
    end, value = start + 2 + size, start + 4 + key_size
    if (
        size < 128
        and end <= stop
        and value + 2 <= end
        and record[value] == SECOND
        and record[value + 1] == end - value - 2
    ):
        return record[start + 4 : value], (value + 2, end)
    return None


def _read_entry(record: bytes, start: int, stop: int) -> tuple[bytes, Span]:
    parts: dict[int, Span] = {}
    for number, wire, low, high in _fields(record, start, stop):
        if number > 2 or wire != _BYTES or number in parts:
            raise MismatchError("a key and a value", f"{_wire_name(wire)} as field {number}")
        parts[number] = low, high
    low, high = parts.get(1, (0, 0))
    return record[low:high], parts.get(2, (0, 0))


def _values(record: bytes, span: Span, kind: str, unpacked: int) -> list[tuple[int, int, int]]:
    """Return where the values of a feature lie: as packed bytes, or each for itself."""
    start, stop = span
    size = stop - start
    if (
        4 <= size < 130
        and record[start] == TAGS[kind]
        and record[start + 1] == size - 2
        and record[start + 2] == FIRST
        and record[start + 3] == size - 4
    ):
        return [(_BYTES, start + 4, stop)]
    values = []
    n_lists = 0
    for number, wire, low, high in _fields(record, start, stop):
        if number > 3:
            continue
        n_lists += 1
        if wire != _BYTES or _KIND[number] != kind or n_lists > 1:
            came = _wire_name(wire) if wire != _BYTES else f"a list of {_KIND[number]}"
            raise MismatchError(f"one list of {kind}", came if n_lists == 1 else "two lists")
        for inner, form, first, last in _fields(record, low, high):
            if inner != 1:
                continue
            if form not in (_BYTES, unpacked):
                raise MismatchError(f"a list of {kind}", f"{_wire_name(form)} in it")
            values.append((form, first, last))
    return values
