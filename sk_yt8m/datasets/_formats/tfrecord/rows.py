"""The rows of one record of YouTube-8M: one for a video, or one for each rated segment.

Everything in a record is checked here, except that features are finite, which is checked later for
many rows at once.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from sk_yt8m.datasets._formats.damage import MismatchError
from sk_yt8m.datasets._formats.ids import decode_id
from sk_yt8m.datasets._formats.record_layout import (
    ID_KEYS,
    LABELS,
    SEGMENT_LABELS,
    SEGMENT_SCORES,
    SEGMENT_SECONDS,
    SEGMENT_STARTS,
    RecordLayout,
    frame_key,
)
from sk_yt8m.datasets._formats.tfrecord.messages import (
    read_floats,
    read_frames,
    read_record,
    read_values,
)

#: Serialized features, or lists of features, of a record, by their keys.
Features = dict[bytes, bytes]
_Value = TypeVar("_Value")
_LEVEL = np.float64(4 / 255)
_LOWEST = 4 / 512 - 2


class Row(NamedTuple):
    """A row; its features are the bytes of little-endian float32, one for each key."""

    video: str
    features: Sequence[bytes]
    labels: Sequence[int]
    start: int = 0
    rated: Sequence[int] = ()


def read_rows(record: bytes, layout: RecordLayout) -> list[Row]:
    """Return the rows of a record.

    Parameters
    ----------
    record : bytes
        A tf.train.Example or SequenceExample.
    layout : RecordLayout
        What to read.

    Raises
    ------
    MismatchError
        If anything in the record is not as the layout says.
    """
    context, lists = read_record(record)
    if layout.level == "video":
        features = [_floats(context, key.encode(), width) for key, width in layout.features]
        return [Row(_video_id(context), features, _labels(context, layout))]
    frames = _frames(lists, layout)
    video = _video_id(context)
    if layout.level == "segment":
        return _segments(context, layout, video, frames)
    features = [_mean(part[_chosen(len(part), layout)]) for part in frames]
    return [Row(video, features, _labels(context, layout))]


def _value(features: Features, key: bytes, read: Callable[..., _Value], *more: Any) -> _Value:
    if key not in features:
        raise _mismatch(key, "this key", _keys(features))
    try:
        return read(features[key], *more)
    except MismatchError as error:
        raise _mismatch(key, error.expected, error.actual) from None


def _mismatch(key: bytes, expected: str, actual: str) -> MismatchError:
    return MismatchError(expected, actual, f"key {key.decode('utf-8', 'replace')!r}")


def _keys(features: Features) -> str:
    names = sorted(repr(key.decode("utf-8", "replace")[:40]) for key in features)
    more = ", ..." if len(names) > 8 else ""
    return ", ".join(names[:8]) + more if names else "no keys"


def _floats(context: Features, key: bytes, width: int) -> bytes:
    numbers = _value(context, key, read_floats, width)
    if len(numbers) != 4 * width:
        raise _mismatch(key, f"{width} numbers", str(len(numbers) // 4))
    return numbers


def _video_id(context: Features) -> str:
    key = next((key for key in ID_KEYS if key in context), ID_KEYS[0])
    names = _value(context, key, read_values, "bytes")
    if len(names) != 1:
        raise _mismatch(key, "one id", f"{len(names)}")
    try:
        return decode_id(names[0])
    except MismatchError as error:
        raise _mismatch(key, error.expected, error.actual) from None


def _labels(context: Features, layout: RecordLayout) -> list[int]:
    if LABELS not in context and layout.missing_labels == "empty":
        return []
    labels = _value(context, LABELS, read_values, "int64")
    _check_labels(LABELS, labels, layout.n_labels)
    return sorted(set(labels))


def _check_labels(key: bytes, labels: Sequence[int], n_labels: int) -> None:
    if labels and not (min(labels) >= 0 and max(labels) < n_labels):
        outside = next(label for label in labels if not 0 <= label < n_labels)
        raise _mismatch(key, f"labels from 0 to {n_labels - 1}", str(outside))


def _frames(lists: Features, layout: RecordLayout) -> list[np.ndarray]:
    """Return the frames of each feature, without padding (empty or zero frames at the end)."""
    parts = []
    for feature, width in layout.features:
        key = frame_key(feature)
        frames = _value(lists, key, read_frames, width)
        if isinstance(frames, list):
            while frames and not frames[-1]:
                frames.pop()
            for number, frame in enumerate(frames, start=1):
                if len(frame) != width:
                    actual = f"{len(frame)} in frame {number}"
                    raise _mismatch(key, f"{width} bytes a frame", actual)
            frames = np.frombuffer(b"".join(frames), np.uint8).reshape(-1, width)
        parts.append(frames)
        if len(frames) != len(parts[0]):
            first = frame_key(layout.features[0][0]).decode()
            raise _mismatch(key, f"{len(parts[0])} frames as in {first!r}", str(len(frames)))
    n_frames = len(parts[0])
    while n_frames and not any(part[n_frames - 1].any() for part in parts):
        n_frames -= 1
    if n_frames == 0:
        raise _mismatch(frame_key(layout.features[0][0]), "at least one frame", "none")
    return [part[:n_frames] for part in parts]


def _chosen(n_frames: int, layout: RecordLayout) -> slice | np.ndarray:
    wanted = layout.n_frames
    if wanted is None or wanted >= n_frames or layout.frame_choice == "first":
        return slice(wanted)
    # The middle frame of each of as many equal parts.
    return (2 * np.arange(wanted) + 1) * n_frames // (2 * wanted)


def _mean(frames: np.ndarray) -> bytes:
    total = frames.sum(axis=0, dtype=np.uint32)
    return (total / len(frames) * _LEVEL + _LOWEST).astype("<f4").tobytes()


def _segments(
    context: Features, layout: RecordLayout, video: str, frames: list[np.ndarray]
) -> list[Row]:
    labels = _value(context, SEGMENT_LABELS, read_values, "int64")
    starts = _value(context, SEGMENT_STARTS, read_values, "int64")
    scores = _value(context, SEGMENT_SCORES, read_values, "float")
    for key, n_values in ((SEGMENT_STARTS, len(starts)), (SEGMENT_SCORES, len(scores))):
        if n_values != len(labels):
            expected = f"{len(labels)} values, as many as {SEGMENT_LABELS.decode()!r}"
            raise _mismatch(key, expected, str(n_values))
    _check_labels(SEGMENT_LABELS, labels, layout.n_labels)
    segments: dict[int, dict[int, bool]] = {}
    for label, start, score in zip(labels, starts, scores, strict=True):
        if not 0 <= start < len(frames[0]):
            expected = f"a second from 0 to {len(frames[0]) - 1}"
            raise _mismatch(SEGMENT_STARTS, expected, str(start))
        if not 0 <= score <= 1:
            raise _mismatch(SEGMENT_SCORES, "scores from 0 to 1", str(score))
        if segments.setdefault(start, {}).setdefault(label, score > 0.5) != (score > 0.5):
            actual = f"both for label {label} at second {start}"
            raise _mismatch(SEGMENT_SCORES, "a label either right or wrong", actual)
    return [
        Row(
            video,
            [_mean(part[start : start + SEGMENT_SECONDS]) for part in frames],
            sorted(label for label, right in rated.items() if right),
            start,
            sorted(rated),
        )
        for start, rated in sorted(segments.items())
    ]
