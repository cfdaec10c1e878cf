"""Values -> tf.train.Example and SequenceExample in protobuf's wire format.

The layout of the messages stands in ``_wire``, which reads them.
"""

from collections.abc import Sequence

import numpy as np

#: Tags of the fields 1 and 2 of a message that are messages or bytes.
FIRST, SECOND = 0x0A, 0x12
#: Tags of the lists in a Feature.
TAGS = {"bytes": 0x0A, "float": 0x12, "int64": 0x1A}
#: An Example has its features where a SequenceExample has its context.
CONTEXT, LISTS = FIRST, SECOND
#: Tag of a frame in a list of frames.
FEATURE = FIRST

_MOST = 2**64


def varint(number: int) -> bytes:
    """Return a number in variable length: 7 bits a byte, the lowest first."""
    number %= _MOST
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def message(tag: int, content: bytes) -> bytes:
    """Return a field that holds bytes or a message."""
    return bytes([tag]) + varint(len(content)) + content


def map_entry(key: bytes, value: bytes) -> bytes:
    """Return an entry of a map of features, or of lists of features."""
    return message(FIRST, message(FIRST, key) + message(SECOND, value))


def bytes_feature(values: Sequence[bytes]) -> bytes:
    """Return a Feature of strings."""
    return message(TAGS["bytes"], b"".join(message(FIRST, value) for value in values))


def float_feature(values: np.ndarray) -> bytes:
    """Return a Feature of float32."""
    return message(TAGS["float"], _packed(np.asarray(values, dtype="<f4").tobytes()))


def int64_feature(values: Sequence[int]) -> bytes:
    """Return a Feature of integers."""
    return message(TAGS["int64"], _packed(b"".join(map(varint, values))))


def _packed(content: bytes) -> bytes:
    return message(FIRST, content) if content else b""
