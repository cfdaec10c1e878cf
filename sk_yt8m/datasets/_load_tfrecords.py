"""Loader of YouTube-8M's TFRecord files."""

from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from sk_yt8m._sklearn import Interval, StrOptions, validate_params
from sk_yt8m.datasets._bunch import LOADER_PARAMETERS, as_bunch
from sk_yt8m.datasets._formats.blocks import join
from sk_yt8m.datasets._formats.damage import Place, Report
from sk_yt8m.datasets._formats.find_files import Paths, find_files, natural_key
from sk_yt8m.datasets._formats.read_files import read_files
from sk_yt8m.datasets._formats.record_layout import (
    DEFAULT_FEATURES,
    LEVELS,
    RecordLayout,
    record_features,
)
from sk_yt8m.datasets._formats.repeated_ids import FirstOfEachId
from sk_yt8m.datasets._formats.tfrecord_reader import find_level, read_tfrecord_blocks
from sk_yt8m.datasets._schema import N_LABELS

_DESCR = """\
Features of YouTube-8M from TFRecords, and the labels of the videos or of their segments.

The YouTube-8M features and labels are Google's, under CC BY 4.0
(https://research.google.com/youtube8m/)."""


@validate_params(
    {
        **LOADER_PARAMETERS,
        "level": [StrOptions({"auto", *LEVELS})],
        "max_videos": [Interval(Integral, 1, None, closed="left"), None],
        "n_labels": [Interval(Integral, 1, None, closed="left")],
        "n_frames": [Interval(Integral, 1, None, closed="left"), None],
        "frame_choice": [StrOptions({"even", "first"})],
        "missing_labels": [StrOptions({"raise", "empty"})],
    },
    prefer_skip_nested_validation=True,
)
def load_tfrecords(
    path: Paths,
    *,
    level: Literal["auto", "video", "frame", "segment"] = "auto",
    features: Sequence[str] | Mapping[str, int] = DEFAULT_FEATURES,
    split: Literal["train", "val", "validate", "test"] | None = None,
    shard: tuple[int, int] | None = None,
    max_videos: int | None = None,
    n_labels: int = N_LABELS,
    n_frames: int | None = None,
    frame_choice: Literal["even", "first"] = "even",
    missing_labels: Literal["raise", "empty"] = "raise",
    return_indicator: Literal["dense", "sparse"] = "dense",
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: Literal["raise", "skip"] = "raise",
    n_jobs: int | None = None,
    progress: bool = False,
) -> Any:
    """Load TFRecords in the layouts of YouTube-8M.

    A video-level record gives one row, and so does a frame-level record: the mean of its frames,
    where a value q of 0 to 255 stands for ``q * 4 / 255 + 4 / 512 - 2``. With segments, each rated
    segment of 5 seconds gives a row, the mean of its frames. Trailing frames of zeros are padding
    and do not count.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    path : path, pattern or iterable of these
        A file, plain or gzipped; a pattern such as ``"video/train*.tfrecord"``; a folder, for its
        files named ``*.tfrecord``; or several of these. Files of a folder or a pattern are read in
        natural order, ``train2`` before ``train10``, and rows in the order of the file.
    level : {"auto", "video", "frame", "segment"}, default="auto"
        Level of the records. By default that of the first readable record: "video" if it has the
        features themselves, also as a SequenceExample; "segment" if it has frames and segment
        labels; "frame" if it has frames only.
    features : sequence of str or dict of str to int, default=("mean_rgb", "mean_audio")
        Features, in the order of the columns. "mean_rgb", "mean_audio" and "mean_inc3" (version 1)
        have 1024, 128 and 1024 values; give others as a dict of name to width. The frames of
        "mean_rgb" are those under "rgb".
    split : {"train", "val", "test"}, optional
        Only files whose names begin with this; "validate" is another name of "val".
    shard : tuple of (int, int), optional
        ``(i, n)``: only the i-th of all files, from 0, and every n-th after it.
    max_videos : int, optional
        Read at most this many videos. With ``on_error="skip"`` a repeated id does not count.
    n_labels : int, default=3862
        Size of the vocabulary; 4716 in the version of 2017.
    n_frames : int, optional
        At frame level, number of frames to average; by default all.
    frame_choice : {"even", "first"}, default="even"
        Which frames to average: evenly spaced ones, or the first ones.
    missing_labels : {"raise", "empty"}, default="raise"
        Whether a record without the key "labels" is damaged or has no labels. An empty list of
        labels is always accepted.
    return_indicator : {"dense", "sparse"}, default="dense"
        Type of the labels: array or CSR matrix, both uint8.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return DataFrames.
    on_error : {"raise", "skip"}, default="raise"
        Whether to raise an error at a damaged record, or to skip it and list it in ``errors``.
        Values are never imputed.
    n_jobs : int, optional
        Number of processes that read files, as in joblib.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    Bunch
        With ``data`` of shape (n_rows, n_features), float32; ``target`` of shape (n_rows,
        n_labels); ``ids`` of shape (n_rows,), the id of each row's video; ``level``; ``frame``
        (None unless `as_frame`); ``feature_names``; ``target_names``; ``files``, the paths read;
        ``shard`` and ``record``, for each row the number of its file in ``files`` and of its
        record there, from 1; ``errors``, a list of named tuples
        ``(file, place, expected, actual)``; ``DESCR``. With segments also ``start`` of
        shape (n_rows,), the second at which a segment begins, and ``rated`` of shape (n_rows,
        n_labels), which labels were rated; ``target`` has those that are right.
        With `return_X_y` only ``(data, target)``.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or none of the split.
    ValueError
        If a record is damaged: the message names file, record, byte, key, what was expected and
        what was there. If two paths lead to one file.

    See Also
    --------
    convert : Make a store, which training reads block by block, from files of any format.
    fetch_tfrecords : Download YouTube-8M's files.
    write_tfrecords : Write such files.

    Notes
    -----
    Damage is: a wrong checksum, a cut, an empty file, other bytes than records, a record that is
    not an Example or SequenceExample, a missing key, labels outside the vocabulary, a wrong number
    of values, numbers that are not finite, and a repeated id. A file that was cut exactly between
    two records looks complete; only its checksum, in the download plan, shows the cut.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m.datasets import load_tfrecords, make_videos, write_tfrecords
    >>> X, Y = make_videos(5, return_X_y=True, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_tfrecords(f"{folder}/train0.tfrecord", X, Y, ids=["a", "b", "c", "d", "e"])
    ...     videos = load_tfrecords(folder, split="train")
    >>> videos.ids.tolist(), bool((videos.data == X).all() and (videos.target == Y).all())
    (['a', 'b', 'c', 'd', 'e'], True)
    """
    widths = record_features(features)
    files = find_files(path, "tfrecord", split, shard)
    found = _level_of(files, [name for name, _ in widths]) if level == "auto" else level
    if n_frames is not None and found != "frame":
        raise ValueError(f"n_frames must be None for records of {found} level, got {n_frames}")
    layout = RecordLayout(found, widths, n_labels, n_frames, frame_choice, missing_labels)
    report = Report(skip=on_error == "skip")
    parts = read_files(
        files,
        partial(read_tfrecord_blocks, max_videos=max_videos),
        layout,
        report,
        n_jobs=n_jobs,
        progress="reading TFRecords" if progress else None,
        max_videos=max_videos,
    )
    first = FirstOfEachId(
        lambda number, record, offset: Place(str(files[number]), "record", record, offset),
        "key 'id'",
    )
    parts = [[first.select(n, one, report) for one in part] for n, part in enumerate(parts)]
    arrays = join(parts, sum(width for _, width in widths), n_labels)
    X, Y, rated = arrays.pop("features"), arrays.pop("target"), arrays.pop("rated")
    if found == "segment":
        arrays["rated"] = rated if return_indicator == "sparse" else rated.toarray()
    else:
        del arrays["start"]
    order = {str(file): number for number, file in enumerate(files)}
    return as_bunch(
        X,
        Y,
        return_indicator=return_indicator,
        return_X_y=return_X_y,
        as_frame=as_frame,
        descr=_DESCR,
        level=found,
        files=files,
        errors=sorted(report.damage, key=lambda d: (order[d.file], natural_key(d.place))),
        **arrays,
    )


def _level_of(files: list[Path], features: list[str]) -> str:
    for file in files:
        level = find_level(file, features)
        if level is not None:
            return level
    return "video"
