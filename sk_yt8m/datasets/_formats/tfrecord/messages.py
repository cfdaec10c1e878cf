"""tf.train.Example and SequenceExample: read and written with protobuf, without TensorFlow.

The messages have TensorFlow's bytes, but not its types: one `Record` stands for both, as an Example
has its features where a SequenceExample has its context; a map is a list of entries, which is how
protobuf stores maps; and fields that occur once are repeated. So a key or a list that occurs twice
is seen, where TensorFlow's own types keep the last one. Values of entries are parsed when they are
asked for. Source: TensorFlow's example.proto and feature.proto, and
https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet

from sk_yt8m.datasets._formats.damage import MismatchError

_BYTES, _FLOAT = FieldDescriptorProto.TYPE_BYTES, FieldDescriptorProto.TYPE_FLOAT
_INT64 = FieldDescriptorProto.TYPE_INT64
#: Message -> its fields, numbered from 1, and their types.
_MESSAGES: dict[str, dict[str, Any]] = {
    "Record": {"context": "Map", "lists": "Map"},
    "Map": {"entries": "Entry"},
    "Entry": {"key": _BYTES, "value": _BYTES},
    "Feature": {"bytes": "BytesList", "float": "FloatList", "int64": "Int64List"},
    "BytesList": {"value": _BYTES},
    "FloatList": {"value": _FLOAT},
    "Int64List": {"value": _INT64},
    "FeatureList": {"features": _BYTES},
}
_NOT_REPEATED = ("Record", "Entry")


def _message_classes() -> dict[str, Any]:
    # Version 2 tells a field that is empty from one that is missing.
    file = FileDescriptorProto(name="example.proto", package="sk_yt8m", syntax="proto2")
    for message, fields in _MESSAGES.items():
        descriptor = file.message_type.add(name=message)
        once = message in _NOT_REPEATED
        for number, (name, kind) in enumerate(fields.items(), start=1):
            field = descriptor.field.add(name=name, number=number)
            field.label = field.LABEL_OPTIONAL if once else field.LABEL_REPEATED
            if isinstance(kind, str):
                field.type, field.type_name = field.TYPE_MESSAGE, f".sk_yt8m.{kind}"
            else:
                field.type = kind
                field.options.packed = kind != _BYTES
    # A pool of its own: TensorFlow registers its messages in the default one.
    pool = DescriptorPool()
    pool.Add(file)
    return {
        name: GetMessageClass(pool.FindMessageTypeByName(f"sk_yt8m.{name}")) for name in _MESSAGES
    }


_CLASSES = _message_classes()
_Record, _Feature, _FeatureList = (_CLASSES[name] for name in ("Record", "Feature", "FeatureList"))


def read_record(record: bytes) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Return the features of a record, and its lists of features, serialized, by their keys."""
    message = _parse(_Record, record, "a tf.train.Example or SequenceExample")
    message.DiscardUnknownFields()
    n_bytes = message.ByteSize()
    if n_bytes != len(record):
        raise MismatchError(
            "a tf.train.Example or SequenceExample",
            f"{len(record) - n_bytes} bytes that do not belong to one",
        )
    context = _read_map(message.context.entries)
    return context, _read_map(message.lists.entries) if message.HasField("lists") else {}


def _read_map(entries: Any) -> dict[bytes, bytes]:
    entries = entries[:]  # a list is faster to iterate than protobuf's container
    values = {entry.key: entry.value for entry in entries}
    if len(values) < len(entries):
        keys = [entry.key for entry in entries]
        twice = next(key for number, key in enumerate(keys) if key in keys[:number])
        raise MismatchError("every key once", f"{twice!r} twice")
    return values


def read_values(feature: bytes, kind: str) -> list[Any]:
    """Return the values of a feature of kind "bytes", "float" or "int64"."""
    if kind == "bytes" and feature.startswith(_string_prefix(len(feature))):
        return [feature[4:]]
    expected = f"one list of {kind}"
    message = _parse(_Feature, feature, expected)
    lists, present = getattr(message, kind), message.ListFields()
    if len(lists) != 1 or len(present) != 1:
        if not present and not UnknownFieldSet(message):
            return []
        others = [field.name for field, _ in present if field.name != kind]
        actual = f"a list of {others[0]}" if others else f"{len(lists)} lists"
        raise MismatchError(expected, actual)
    if UnknownFieldSet(message) or UnknownFieldSet(lists[0]):
        raise MismatchError(expected, "other fields in it")
    return lists[0].value[:]


def read_floats(feature: bytes, width: int) -> bytes:
    """Return a float feature, of this width as a rule, in little-endian float32, as bytes."""
    prefix = _float_prefix(width)
    if len(feature) == len(prefix) + 4 * width and feature.startswith(prefix):
        # One packed list, as every writer of today writes it.
        return feature[len(prefix) :]
    return np.array(read_values(feature, "float"), dtype="<f4").tobytes()


def read_frames(frames: bytes, width: int) -> list[bytes] | np.ndarray:
    """Return the frames of a list of features, each one string of bytes.

    Returns
    -------
    ndarray of shape (n_frames, width), uint8, or list of bytes
        The array, a view of the list, where every frame has this width and is written in the same
        way; else what the frames hold.
    """
    prefix = _frame_prefix(width)
    size = len(prefix) + width
    if frames and len(frames) % size == 0:
        rows = np.frombuffer(frames, np.uint8).reshape(-1, size)
        if (rows[:, : len(prefix)] == np.frombuffer(prefix, np.uint8)).all():
            return rows[:, len(prefix) :]
    message = _parse(_FeatureList, frames, "a list of features")
    if UnknownFieldSet(message):
        raise MismatchError("a list of features", "other fields in it")
    strings: list[bytes] = []
    for frame in message.features:
        values = read_values(frame, "bytes")
        if len(values) != 1:
            raise MismatchError("one string of bytes a frame", f"{len(values)} strings")
        strings += values
    return strings


def make_feature(kind: str, values: Any) -> bytes:
    """Return a feature of kind "bytes", "float" or "int64", serialized."""
    return _Feature(**{kind: [{"value": values}]}).SerializeToString()


def make_list(frames: Sequence[bytes]) -> bytes:
    """Return a list of features, one string of bytes each, serialized."""
    features = [make_feature("bytes", [frame]) for frame in frames]
    return _FeatureList(features=features).SerializeToString()


def make_record(context: Mapping[bytes, bytes], lists: Mapping[bytes, bytes]) -> bytes:
    """Return a record from its serialized features and lists of features, in this order."""
    maps = {
        name: {"entries": [{"key": key, "value": value} for key, value in values.items()]}
        for name, values in (("context", context), ("lists", lists))
        if values
    }
    return _Record(**maps).SerializeToString()


def _parse(message_class: Any, content: bytes, expected: str) -> Any:
    try:
        return message_class.FromString(content)
    except DecodeError:
        raise MismatchError(expected, "bytes that protobuf cannot parse") from None


@lru_cache
def _float_prefix(width: int) -> bytes:
    return make_feature("float", np.zeros(width))[: -4 * width]


@lru_cache
def _string_prefix(size: int) -> tuple[bytes, ...]:
    """Return the bytes before the string in a feature of this size that is one short string."""
    return (make_feature("bytes", [bytes(size - 4)])[:4],) if 4 <= size < 128 else ()


@lru_cache
def _frame_prefix(width: int) -> bytes:
    return make_list([bytes(width)])[:-width]
