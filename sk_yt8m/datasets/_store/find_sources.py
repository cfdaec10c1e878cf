"""What someone calls a source -> the sources and the layout of their rows."""

import re
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m.datasets._formats.csv_parser import CsvLayout, check_no_videos
from sk_yt8m.datasets._formats.find_files import RECORD_NAME, SPLITS, find_files_named
from sk_yt8m.datasets._formats.ids import checked_ids
from sk_yt8m.datasets._formats.record_layout import (
    DEFAULT_FEATURES,
    RecordLayout,
    feature_widths,
    record_features,
)
from sk_yt8m.datasets._formats.tfrecord_reader import find_level
from sk_yt8m.datasets._formats.writer_input import checked_features, checked_indicator
from sk_yt8m.datasets._load_csv import CSV_SHARD, find_files
from sk_yt8m.datasets._load_parquet import check_pyarrow, parquet_columns
from sk_yt8m.datasets._schema import CSV_SPLITS, N_LABELS, in_split
from sk_yt8m.datasets._store.sources import ArraySource, FileSource, Layout, Source

_FORMATS = {"csv": r".+\.csv(\.gz)?", "tfrecord": RECORD_NAME, "parquet": r".+\.parquet"}
_IN_FOLDER = "|".join([CSV_SHARD, RECORD_NAME, _FORMATS["parquet"]])
#: Options that only one format has, and what they are by default.
_ONLY_FOR: dict[str, dict[str, Any]] = {
    "tfrecord": {
        "level": "auto",
        "n_frames": None,
        "frame_choice": "even",
        "missing_labels": "raise",
    },
    "parquet": {"label_column": "labels", "id_column": "id"},
}
_BLOCK_BYTES = 2**26


def find_sources(
    source: Any,
    split: str | None,
    features: Sequence[str] | Mapping[str, int] | None,
    n_labels: int | None,
    **options: Any,
) -> tuple[list[Source], dict[str, Any]]:
    """Return the sources, and their format, features and labels in what JSON can hold.

    All arguments are those of :func:`convert`; `options` are those that only some formats have.
    """
    if _is_arrays(source):
        for name, value in {"features": features, "n_labels": n_labels}.items():
            if value is not None:
                raise ValueError(f"{name} must be None with arrays, which tell it themselves")
        _check_options("arrays", options)
        return _from_arrays(source, split or "")
    kind, files = _find_format(source)
    _check_options(kind, options)
    return _from_files(kind, files, split, features, n_labels, options)


def find_data_files(source: Any, split: str | None = None) -> tuple[str, list[Path]]:
    """Return "csv", "tfrecord" or "parquet", and the files of a split in natural order.

    Parameters
    ----------
    source : path, pattern or iterable of these
        As in :func:`convert`.
    split : str, optional
        Only files of this split, as in :func:`convert`.
    """
    kind, files = _find_format(source)
    return kind, _of_split(files, kind, split)


def _is_arrays(source: Any) -> bool:
    return (
        isinstance(source, tuple)
        and len(source) in (2, 3)
        and not isinstance(source[0], (str, PathLike))
    )


def _check_options(kind: str, options: dict[str, Any]) -> None:
    for only, defaults in _ONLY_FOR.items():
        for name, default in defaults.items():
            if kind != only and options[name] != default:
                raise ValueError(
                    f"{name} is for {only} files, got {name}={options[name]!r} with {kind}"
                )


def _from_arrays(source: tuple[Any, ...], split: str) -> tuple[list[Source], dict[str, Any]]:
    X = checked_features(source[0])
    Y = checked_indicator(source[1], len(X))
    ids = None
    if len(source) == 3 and source[2] is not None:
        names = [name.decode() for name in checked_ids(source[2], len(X))]
        ids = np.array(names, dtype=str)
    n_rows = max(1, _BLOCK_BYTES // (4 * max(1, X.shape[1])))
    sources: list[Source] = [
        ArraySource(X, Y, ids, range(start, min(start + n_rows, len(X))), split)
        for start in range(0, max(len(X), 1), n_rows)
    ]
    return sources, {
        "format": "arrays",
        "features": [["features", X.shape[1]]],
        "n_labels": Y.shape[1],
    }


def _from_files(
    kind: str,
    files: list[Path],
    split: str | None,
    features: Sequence[str] | Mapping[str, int] | None,
    n_labels: int | None,
    options: dict[str, Any],
) -> tuple[list[Source], dict[str, Any]]:
    files = _of_split(files, kind, split)
    layout: Layout
    if kind == "parquet":
        check_pyarrow()
        columns = options["label_column"], options["id_column"]
        layout = parquet_columns(files, features, n_labels, *columns)
        widths = layout.features
    else:
        check = record_features if kind == "tfrecord" else feature_widths
        widths = check(DEFAULT_FEATURES if features is None else features)
        n_labels = N_LABELS if n_labels is None else n_labels
        if kind == "csv":
            layout = CsvLayout(n_labels, sum(width for _, width in widths))
        else:
            layout = _record_layout(files, widths, n_labels, options)
    said = {"format": kind, **vars(layout), "features": [list(pair) for pair in widths]}
    return [FileSource(file, layout, _split_of(file, kind)) for file in files], said


def _of_split(files: list[Path], kind: str, split: str | None) -> list[Path]:
    if kind == "csv":
        return find_files(files, split)
    if split is None:
        return files
    if split not in SPLITS:
        raise ValueError(f"split must be one of {sorted(SPLITS)} or None, got {split!r}")
    chosen = [file for file in files if in_split(file, split)]
    if not chosen:
        raise FileNotFoundError(f"no file of the split {split!r} among {len(files)} files")
    return chosen


def _record_layout(
    files: Iterable[Path],
    widths: tuple[tuple[str, int], ...],
    n_labels: int,
    options: dict[str, Any],
) -> RecordLayout:
    level = options["level"]
    if level == "auto":
        names = [name for name, _ in widths]
        levels = (find_level(file, names) for file in files)
        level = next((found for found in levels if found is not None), "video")
    if options["n_frames"] is not None and level != "frame":
        raise ValueError(
            f"n_frames must be None for records of {level} level, got {options['n_frames']}"
        )
    return RecordLayout(
        level,
        widths,
        n_labels,
        options["n_frames"],
        options["frame_choice"],
        options["missing_labels"],
    )


def _find_format(source: Any) -> tuple[str, list[Path]]:
    """Return the format that the names of files tell, and the files in natural order."""
    found_files = find_files_named(source, _IN_FOLDER, "CSV, TFRecord or Parquet", check_no_videos)
    # Worker processes that joblib keeps may be in another folder than this one.
    files = [file.absolute() for file in found_files]
    found: dict[str, Path] = {}
    for file in files:
        kind = next((k for k, name in _FORMATS.items() if re.fullmatch(name, file.name)), None)
        if kind is None:
            raise ValueError(
                f"source must be of files named .csv, .csv.gz, .tfrecord, .tfrecord.gz or "
                f".parquet, got {file}"
            )
        found.setdefault(kind, file)
    if len(found) > 1:
        listed = " and ".join(map(str, found.values()))
        raise ValueError(f"source must be files of one format, got {listed}")
    return next(iter(found)), files


def _split_of(file: Path, kind: str) -> str:
    """Return the split that the name of a file tells; nothing if it tells none."""
    allowed = CSV_SPLITS if kind == "csv" else SPLITS
    return next((split for split in allowed if in_split(file, split)), "")
