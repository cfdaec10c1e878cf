"""Layouts of YouTube-8M's records: keys, levels, features and their widths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from sk_yt8m.datasets._schema import N_AUDIO, N_LABELS, N_RGB

ID_KEYS = (b"id", b"video_id")
LABELS = b"labels"
LEVELS = ("video", "frame", "segment")
SEGMENT_LABELS = b"segment_labels"
SEGMENT_SCORES = b"segment_scores"
SEGMENT_SECONDS = 5
SEGMENT_STARTS = b"segment_start_times"
_OTHER_KEYS = {*ID_KEYS, LABELS, SEGMENT_LABELS, SEGMENT_SCORES, SEGMENT_STARTS}

#: Widths of YouTube-8M's features; version 1 had "mean_inc3" instead of the others.
WIDTHS = {"mean_rgb": N_RGB, "mean_audio": N_AUDIO, "mean_inc3": 1024}
DEFAULT_FEATURES = ("mean_rgb", "mean_audio")


@dataclass(frozen=True)
class RecordLayout:
    """What to read from a record.

    Attributes
    ----------
    level : {"video", "frame", "segment"}
        Kind of the records.
    features : tuple of (str, int)
        Key and width of each feature.
    n_labels : int
        Size of the vocabulary.
    n_frames : int, optional
        Number of frames to average; None for all.
    frame_choice : {"even", "first"}
        Which frames to average.
    missing_labels : {"raise", "empty"}
        Whether a record without the key "labels" is damaged or has no labels.
    """

    level: str = "video"
    features: tuple[tuple[str, int], ...] = tuple((key, WIDTHS[key]) for key in DEFAULT_FEATURES)
    n_labels: int = N_LABELS
    n_frames: int | None = None
    frame_choice: str = "even"
    missing_labels: str = "raise"


def feature_widths(features: Sequence[str] | Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return key and width of each feature, with YouTube-8M's widths for its own keys."""
    if isinstance(features, str) or len(features) == 0:
        raise ValueError(f"features must be names or a dict of name to width, got {features!r}")
    if not isinstance(features, Mapping):
        for name in features:
            if name not in WIDTHS:
                raise ValueError(
                    f"features must be of {sorted(WIDTHS)}, or a dict of name to width, "
                    f"got {name!r}"
                )
        if len(set(features)) < len(features):
            raise ValueError(f"features must differ from each other, got {features!r}")
        features = {name: WIDTHS[name] for name in features}
    pairs: list[tuple[Any, Any]] = list(features.items())
    for name, width in pairs:
        if not isinstance(name, str):
            raise ValueError(f"features must have strings as names, got {name!r}")
        if isinstance(width, bool) or not isinstance(width, Integral) or width < 1:
            raise ValueError(f"features must have widths of at least 1, got {name!r}: {width!r}")
    return tuple((name, int(width)) for name, width in pairs)


def record_features(features: Sequence[str] | Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return key and width of each feature of a record; refuse keys that have another meaning."""
    widths = feature_widths(features)
    for name, _ in widths:
        if name.encode() in _OTHER_KEYS:
            raise ValueError(f"features must not have keys with another meaning, got {name!r}")
    return widths


def frame_key(feature: str) -> bytes:
    """Return the key of the frames of which a feature is the mean: "rgb" for "mean_rgb"."""
    return feature.removeprefix("mean_").encode()
