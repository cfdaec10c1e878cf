"""The `source` argument of `convert`: from paths, arrays or stores to sources and their layout."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m.datasets._convert.find_stores import find_stores, from_stores
from sk_yt8m.datasets._convert.shard import files_of_shard, rows_of_shard
from sk_yt8m.datasets._convert.sources import ArraySource, FileSource, Layout, Source
from sk_yt8m.datasets._formats.csv_parser import CsvLayout
from sk_yt8m.datasets._formats.find_files import find_data_files
from sk_yt8m.datasets._formats.ids import checked_ids
from sk_yt8m.datasets._formats.parquet_reader import check_pyarrow, parquet_columns
from sk_yt8m.datasets._formats.record_layout import (
    DEFAULT_FEATURES,
    RecordLayout,
    feature_widths,
    record_features,
)
from sk_yt8m.datasets._formats.tfrecord_reader import find_level
from sk_yt8m.datasets._formats.writer_input import checked_features, checked_indicator
from sk_yt8m.datasets._schema import N_LABELS, split_of

#: Options that only some formats have, and what they are by default.
_ONLY_FOR: dict[str, dict[str, Any]] = {
    "tfrecord": {
        "level": "auto",
        "n_frames": None,
        "frame_choice": "even",
        "missing_labels": "raise",
    },
    "parquet": {"label_column": "labels", "id_column": "id", "missing_labels": "raise"},
}
_BLOCK_BYTES = 2**26


def find_sources(
    source: Any,
    split: str | None = None,
    features: Sequence[str] | Mapping[str, int] | None = None,
    n_labels: int | None = None,
    **given: Any,
) -> tuple[list[Source], dict[str, Any]]:
    """Return the sources, and their format, features and labels in what JSON can hold.

    All arguments are those of :func:`convert`; `given` are options that only some formats have.
    """
    options = _options() | given
    if _is_arrays(source):
        _check_told("arrays", features=features, n_labels=n_labels)
        _check_options("arrays", options)
        return _from_arrays(source, split or "")
    if isinstance(source, Iterator):
        source = list(source)
    if stores := find_stores(source):
        _check_told("stores", features=features, n_labels=n_labels, split=split)
        _check_options("stores", options)
        return from_stores(stores)
    kind, files = find_data_files(source, split)
    _check_options(kind, options)
    # Worker processes that joblib keeps may be in another folder than this one.
    return _from_files(kind, [file.absolute() for file in files], features, n_labels, options)


def sources_of_shard(
    sources: list[Source], shard: tuple[int, int]
) -> tuple[list[Source], dict[str, Any]]:
    """Return the sources of a part of a conversion, and its entry in the manifest.

    Files are whole; of arrays a part has rows, which may be of blocks cut in two.
    """
    rows = [one.rows for one in sources if isinstance(one, ArraySource)]
    files = [one for one in sources if isinstance(one, FileSource)]
    chosen: list[Source]
    if rows:
        part = rows_of_shard(rows[-1].stop, shard)
        chosen = []
        for one in sources:
            assert isinstance(one, ArraySource)
            inside = range(max(one.rows.start, part.start), min(one.rows.stop, part.stop))
            chosen += [replace(one, rows=inside)] if inside else []
        whole: list[Any] = [rows[-1].stop]
    elif files:
        whole = [[file.path.name, file.size] for file in files]
        chosen = [files[number] for number in files_of_shard([size for _, size in whole], shard)]
    else:
        raise ValueError(f"shard must be None with stores, got {shard!r}")
    number, of = map(int, shard)
    digest = hashlib.sha256(json.dumps(whole).encode()).hexdigest()
    return chosen, {"number": number, "of": of, "sources": digest}


def _is_arrays(source: Any) -> bool:
    return (
        isinstance(source, tuple)
        and len(source) in (2, 3)
        and not isinstance(source[0], (str, PathLike))
    )


def _check_told(kind: str, **options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"{name} must be None with {kind}, which tell it themselves")


def _check_options(kind: str, options: dict[str, Any]) -> None:
    for name, default in _options().items():
        kinds = [only for only, defaults in _ONLY_FOR.items() if name in defaults]
        if kind not in kinds and options[name] != default:
            raise ValueError(
                f"{name} is for {' and '.join(kinds)} files, got {name}={options[name]!r} with "
                f"{kind}"
            )


def _options() -> dict[str, Any]:
    """Return the options that only some formats have, and what they are by default."""
    return {name: value for names in _ONLY_FOR.values() for name, value in names.items()}


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
    features: Sequence[str] | Mapping[str, int] | None,
    n_labels: int | None,
    options: dict[str, Any],
) -> tuple[list[Source], dict[str, Any]]:
    layout: Layout
    if kind == "parquet":
        check_pyarrow()
        columns = (options[name] for name in _ONLY_FOR["parquet"])
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
    described = {"format": kind, **vars(layout), "features": [list(pair) for pair in widths]}
    return [FileSource(file, layout, split_of(file)) for file in files], described


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
