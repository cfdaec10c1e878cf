"""Writer of TFRecord files in the layouts of YouTube-8M."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from sk_yt8m._inputs.types import MatrixLike, PathLike
from sk_yt8m.datasets._formats.damage import MismatchError
from sk_yt8m.datasets._formats.record_layout import (
    DEFAULT_FEATURES,
    ID_KEYS,
    LABELS,
    SEGMENT_LABELS,
    SEGMENT_SCORES,
    SEGMENT_STARTS,
    RecordLayout,
    frame_key,
    record_features,
)
from sk_yt8m.datasets._formats.tfrecord.container import write_records
from sk_yt8m.datasets._formats.tfrecord.messages import make_feature, make_list, make_record
from sk_yt8m.datasets._formats.tfrecord.rows import read_rows
from sk_yt8m.datasets._formats.writer_input import (
    check_not_empty,
    checked_features,
    checked_indicator,
    different_ids,
)


def write_tfrecords(
    path: PathLike,
    X: npt.ArrayLike,
    Y: MatrixLike,
    ids: Sequence[str] | None = None,
    *,
    level: Literal["video", "frame"] = "video",
    features: Sequence[str] | Mapping[str, int] = DEFAULT_FEATURES,
    segments: Sequence[Any] | None = None,
    id_key: str = "id",
) -> None:
    """Write videos as TFRecords in the layouts of YouTube-8M, which TensorFlow can read.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    path : path
        File to write, atomically; gzipped if its name ends in ``.gz``.
    X : array-like of shape (n_videos, n_features) or sequence of arrays
        At video level the features, finite, written as float32. At frame level an array of shape
        (n_frames, n_features), uint8, for each video: a value q stands for
        ``q * 4 / 255 + 4 / 512 - 2``. Trailing frames of zeros are padding and are not written.
    Y : {array-like, sparse matrix} of shape (n_videos, n_labels)
        Indicator of the labels.
    ids : sequence of str, optional
        Id of each video, 1 to 256 bytes in UTF-8 without the character NUL, all different. By
        default the file's name and the row's number: ``train0-0``, ``train0-1``.
    level : {"video", "frame"}, default="video"
        Kind of the records.
    features : sequence of str or dict of str to int, default=("mean_rgb", "mean_audio")
        Features in the order of the columns, as in :func:`load_tfrecords`. The frames of "mean_rgb"
        go under "rgb".
    segments : sequence of array-like of shape (n_ratings, 3), optional
        At frame level the ratings of each video: the second at which a segment begins, a label, and
        a score, 1 for right and 0 for wrong.
    id_key : {"id", "video_id"}, default="id"
        Key of the ids; YouTube-8M used "video_id" until May 2018.

    Raises
    ------
    ValueError
        If there is no video, shapes do not fit, a feature is not finite, a label is not 0 or 1, an
        id is not valid or not unique, or :func:`load_tfrecords` would refuse a record for any other
        reason.
    OSError
        If the file cannot be written.

    See Also
    --------
    load_tfrecords : Read the file again.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m.datasets import load_tfrecords, write_tfrecords
    >>> X, Y = [[0.5, 1.5], [2.5, 3.5]], [[1, 0, 1], [0, 1, 0]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_tfrecords(f"{folder}/a.tfrecord", X, Y, features={"height": 1, "width": 1})
    ...     both = load_tfrecords(folder, features={"width": 1}, n_labels=3)
    >>> both.data.tolist(), both.ids.tolist()
    ([[1.5], [3.5]], ['a-0', 'a-1'])
    """
    if level not in ("video", "frame"):
        raise ValueError(f'level must be "video" or "frame", got {level!r}')
    if id_key not in [key.decode() for key in ID_KEYS]:
        raise ValueError(f'id_key must be "id" or "video_id", got {id_key!r}')
    if segments is not None and level != "frame":
        raise ValueError("segments must be None at video level")
    target = Path(path)
    widths = record_features(features)
    n_features = sum(width for _, width in widths)
    videos: Any = X
    if level == "video":
        videos = checked_features(X, n_features)
    else:
        if len({frame_key(name) for name, _ in widths}) < len(widths):
            raise ValueError(f"features must have different keys of frames, got {widths}")
        videos = [_checked_frames(frames, video, n_features) for video, frames in enumerate(videos)]
    check_not_empty(videos)
    indicator = checked_indicator(Y, len(videos))
    if indicator.shape[1] == 0:
        raise ValueError(f"Y must have at least one label, got shape {indicator.shape}")
    names = different_ids(_default_ids(target, len(videos)) if ids is None else ids, len(videos))
    ratings = None if segments is None else _checked_segments(segments, videos, indicator.shape[1])
    records = _records(videos, indicator, names, ratings, widths, level, id_key.encode())
    levels = (level,) if ratings is None else (level, "segment")
    layouts = [RecordLayout(one, widths, indicator.shape[1]) for one in levels]
    write_records(target, _read_back(records, layouts))


def _default_ids(path: Path, n_videos: int) -> list[str]:
    """Return ids made of the file's name and the row's number."""
    stem = re.sub(r"\.tfrecords?(?=[-.]|$)", "", path.name.removesuffix(".gz"))
    return [f"{stem}-{row}" for row in range(n_videos)]


def _read_back(records: Iterator[bytes], layouts: Sequence[RecordLayout]) -> Iterator[bytes]:
    """Yield the records; raise a ValueError at one that the loader would refuse."""
    for video, record in enumerate(records):
        for layout in layouts:
            try:
                read_rows(record, layout)
            except MismatchError as error:
                raise ValueError(f"video {video}, {error.field}: {error}") from None
        yield record


def _records(
    X: Any,
    Y: sp.csr_matrix,
    ids: list[bytes],
    ratings: list[np.ndarray] | None,
    widths: tuple[tuple[str, int], ...],
    level: str,
    id_key: bytes,
) -> Iterator[bytes]:
    ends = np.cumsum([width for _, width in widths])
    places = [slice(end - width, end) for end, (_, width) in zip(ends, widths, strict=True)]
    for video, name in enumerate(ids):
        labels = Y.indices[Y.indptr[video] : Y.indptr[video + 1]]
        context = {
            id_key: make_feature("bytes", [name]),
            LABELS: make_feature("int64", labels.tolist()),
        }
        if ratings is not None:
            starts, rated, scores = ratings[video].T
            context[SEGMENT_STARTS] = make_feature("int64", starts.astype(int).tolist())
            context[SEGMENT_LABELS] = make_feature("int64", rated.astype(int).tolist())
            context[SEGMENT_SCORES] = make_feature("float", scores)
        lists = {}
        for (feature, _), place in zip(widths, places, strict=True):
            if level == "video":
                numbers = np.asarray(X[video, place], dtype=np.float32)
                context[feature.encode()] = make_feature("float", numbers)
            else:
                frames = [frame.tobytes() for frame in X[video][:, place]]
                lists[frame_key(feature)] = make_list(frames)
        yield make_record(context, lists)


def _checked_frames(frames: Any, video: int, n_features: int) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 2 or frames.shape[1] != n_features:
        raise ValueError(
            f"X must hold an array of shape (n_frames, {n_features}), uint8, for each video, "
            f"but that of video {video} is {frames.dtype} of shape {frames.shape}"
        )
    filled = np.flatnonzero(frames.any(axis=1))
    if filled.size == 0:
        raise ValueError(
            "X must hold at least one frame with a value other than 0 for each video, "
            f"video {video} has none"
        )
    return frames[: filled[-1] + 1]


def _checked_segments(
    segments: Sequence[Any], X: list[np.ndarray], n_labels: int
) -> list[np.ndarray]:
    if len(segments) != len(X):
        raise ValueError(f"segments must be one for each of {len(X)} videos, got {len(segments)}")
    checked = [np.asarray(ratings, dtype=np.float64) for ratings in segments]
    for video, ratings in enumerate(checked):
        if ratings.size == 0:
            checked[video] = ratings = ratings.reshape(0, 3)
        if ratings.ndim != 2 or ratings.shape[1] != 3:
            raise ValueError(
                "segments must hold arrays of shape (n_ratings, 3), "
                f"but that of video {video} has shape {ratings.shape}"
            )
        for start, label, score in ratings:
            if not (start in range(len(X[video])) and label in range(n_labels) and 0 <= score <= 1):
                raise ValueError(
                    f"segments must be a second from 0 to {len(X[video]) - 1}, a label from 0 to "
                    f"{n_labels - 1} and a score from 0 to 1, but video {video} has "
                    f"{start:g}, {label:g}, {score:g}"
                )
    return checked
