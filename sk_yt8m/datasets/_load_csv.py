"""Loader of CSV files in the course's layout."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sk_yt8m._inputs.types import PathLike
from sk_yt8m._sklearn import validate_params
from sk_yt8m.datasets._bunch import LOADER_PARAMETERS, as_bunch
from sk_yt8m.datasets._convert.convert import convert
from sk_yt8m.datasets._formats.blocks import csr_indicator, join
from sk_yt8m.datasets._formats.csv_parser import CsvLayout, read_csv_blocks
from sk_yt8m.datasets._formats.damage import Damage, Report
from sk_yt8m.datasets._formats.find_files import Paths, find_files
from sk_yt8m.datasets._formats.read_files import read_files
from sk_yt8m.datasets._schema import N_FEATURES, N_LABELS
from sk_yt8m.datasets._store.format import StoreError, remove_store
from sk_yt8m.datasets._store.open_store import Store, open_store

_DESCR = """\
Video-level features of YouTube-8M in the CSV layout of a deep learning course: 1,024 visual and
128 audio features a video, and which of 3,862 labels it has.

The YouTube-8M features and labels are Google's, under CC BY 4.0
(https://research.google.com/youtube8m/)."""


@validate_params(LOADER_PARAMETERS, prefer_skip_nested_validation=True)
def load_csv(
    path: Paths,
    *,
    split: Literal["train", "val", "validate", "test", "course-train", "course-val", "course-test"]
    | None = None,
    return_indicator: Literal["dense", "sparse"] = "dense",
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: Literal["raise", "skip"] = "raise",
    n_jobs: int | None = None,
    cache_dir: PathLike | None = None,
    progress: bool = False,
) -> Any:
    """Load CSV shards in the layout of the YouTube-8M course subset.

    A line is 3,862 labels, each ``0`` or ``1``, then 1,152 features, with a comma after every
    field. There is no header.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    path : path, pattern or iterable of these
        A file, plain or gzipped (``.csv``, ``.csv.gz``); a pattern such as ``"data/train_*.csv"``;
        a folder, for its files with a number before ``.csv`` or ``.csv.gz``; or several of these. A
        folder may have tables with a header, such as a vocabulary; videos in a file without a
        number are an error. Files of a folder or a pattern are read in natural order, ``train_2``
        before ``train_10``, and rows in the order of the file.
    split : {"train", "val", "test", "course-train", "course-val", "course-test"}, optional
        Only files whose names begin with "train", "val" or "test"; "validate" is another name of
        "val". Or one of the course notebook's splits of the course's files: "course-train" is
        ``train_0`` to ``train_205``, "course-test" ``val_0`` to ``val_27``, and "course-val"
        ``val_28`` to ``val_56``. By default all files.
    return_indicator : {"dense", "sparse"}, default="dense"
        Type of the labels: array or CSR matrix, both uint8.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return DataFrames, with columns ``rgb_0`` to ``rgb_1023``, ``audio_0`` to ``audio_127``,
        and the label numbers.
    on_error : {"raise", "skip"}, default="raise"
        Whether to raise an error at a damaged line, or to skip it and list it in ``errors``. Values
        are never imputed.
    n_jobs : int, optional
        Number of processes that parse files, as in joblib.
    cache_dir : path, optional
        Folder in which to keep a store of the files, as :func:`convert` makes it. The next call
        with the same, unchanged files opens it instead of parsing; ``data`` is memory-mapped.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    Bunch
        With ``data`` of shape (n_videos, 1152), float32; ``target`` of shape (n_videos, 3862);
        ``frame`` (None unless `as_frame`); ``feature_names``; ``target_names``; ``files``, the
        paths read; ``shard`` and ``line``, for each row the number of its file in ``files`` and
        its line there, from 1; ``errors``, a list of named tuples
        ``(file, place, expected, actual)``; ``DESCR``. With `return_X_y` only ``(data,
        target)``.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or none of the split.
    ValueError
        If a line is damaged: the message names file, line, field, what was expected and what was
        there. If two paths lead to one file, or a folder has videos in a CSV file without a number.
    OSError
        If the cache cannot be written.

    See Also
    --------
    convert : Make a store, which training reads block by block, from files of any format.
    write_csv : Write such files.

    Notes
    -----
    A line without its last comma is damaged, also at the end of a file: its last number may have
    been cut. CRLF, a byte order mark and a missing newline after the last comma are accepted.

    Examples
    --------
    >>> from sk_yt8m.datasets import load_csv, sample_path
    >>> sample = load_csv(sample_path(), split="val", return_indicator="sparse")
    >>> sample.data.shape[1], sample.target.shape[1]
    (1152, 3862)
    """
    files = find_files(path, "csv", split)
    cached = None
    if cache_dir is not None:
        cache = Path(cache_dir) / _fingerprint(files, on_error)
        cached = _from_cache(files, cache, on_error, n_jobs, progress)
    if cached is not None:
        X, Y, shard, line = cached.X, cached.Y, cached.source, cached.record
        indices, indptr = Y.indices, Y.indptr
        errors = [Damage(**one) for one in cached.manifest["damage"]]
    else:
        report = Report(skip=on_error == "skip")
        bar = "reading CSV" if progress else None
        layout = CsvLayout()
        parts = read_files(files, read_csv_blocks, layout, report, n_jobs=n_jobs, progress=bar)
        arrays, errors = join(parts, N_FEATURES, N_LABELS), report.damage
        X, shard, line = arrays["features"], arrays["shard"], arrays["record"]
        indices, indptr = arrays["target"].indices, arrays["target"].indptr
    return as_bunch(
        X,
        csr_indicator(indices, indptr, N_LABELS),
        return_indicator=return_indicator,
        return_X_y=return_X_y,
        as_frame=as_frame,
        descr=_DESCR,
        files=files,
        shard=np.asarray(shard),
        line=np.asarray(line),
        errors=errors,
    )


def _fingerprint(files: list[Path], on_error: str) -> str:
    facts = [[str(f.resolve()), f.stat().st_size, f.stat().st_mtime_ns] for f in files]
    text = json.dumps([facts, on_error, "store"]).encode()
    return f"csv-{hashlib.sha256(text).hexdigest()[:24]}"


def _from_cache(
    files: list[Path],
    cache: Path,
    on_error: Literal["raise", "skip"],
    n_jobs: int | None,
    progress: bool,
) -> Store | None:
    """Return the store of the files, made if need be; None if another process is making it."""
    if cache.exists():
        try:
            store = open_store(cache)
            store._check_arrays()
            return store
        except StoreError:
            remove_store(cache)
    try:
        # Another process may have just made it.
        return convert(
            files, cache, on_error=on_error, n_jobs=n_jobs, progress=progress, overwrite=True
        )
    except BlockingIOError:
        return None
