"""`convert`: files, arrays or other stores to a store on disk."""

import hashlib
import json
import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from joblib import effective_n_jobs

from sk_yt8m._inputs.types import MatrixLike, PathLike
from sk_yt8m._sklearn import Interval, StrOptions, validate_params
from sk_yt8m.datasets._convert.append import StoreWriter
from sk_yt8m.datasets._convert.find_sources import find_sources, sources_of_shard
from sk_yt8m.datasets._convert.find_stores import check_target
from sk_yt8m.datasets._convert.read_ahead import read_ahead
from sk_yt8m.datasets._convert.read_source import SourceRows, read_source
from sk_yt8m.datasets._convert.sources import FileSource, Source
from sk_yt8m.datasets._formats.record_layout import LEVELS
from sk_yt8m.datasets._store.format import StoreError, check_files, stored_files
from sk_yt8m.datasets._store.open_store import Store, open_store
from sk_yt8m.datasets._store.work_folder import (
    check_own,
    locked,
    remove_own,
    replaced_store,
    work_folder,
)


@validate_params(
    {
        "store": [str, os.PathLike],
        "dtype": [StrOptions({"float32", "float16"})],
        "level": [StrOptions({"auto", *LEVELS})],
        "features": ["array-like", dict, None],
        "n_labels": [Interval(Integral, 1, None, closed="left"), None],
        "n_frames": [Interval(Integral, 1, None, closed="left"), None],
        "frame_choice": [StrOptions({"even", "first"})],
        "missing_labels": [StrOptions({"raise", "empty"})],
        "label_column": [str],
        "id_column": [str],
        "split": [str, None],
        "shard": [tuple, list, None],
        "n_jobs": [Integral, None],
        "on_error": [StrOptions({"raise", "skip"})],
        "overwrite": ["boolean"],
        "progress": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def convert(
    source: PathLike
    | Store
    | Iterable[PathLike | Store]
    | tuple[npt.ArrayLike, MatrixLike]
    | tuple[npt.ArrayLike, MatrixLike, npt.ArrayLike],
    store: PathLike,
    *,
    dtype: Literal["float32", "float16"] = "float32",
    level: Literal["auto", "video", "frame", "segment"] = "auto",
    features: Sequence[str] | Mapping[str, int] | None = None,
    n_labels: int | None = None,
    n_frames: int | None = None,
    frame_choice: Literal["even", "first"] = "even",
    missing_labels: Literal["raise", "empty"] = "raise",
    label_column: str = "labels",
    id_column: str = "id",
    split: str | None = None,
    shard: tuple[int, int] | None = None,
    n_jobs: int | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    overwrite: bool = False,
    progress: bool = False,
) -> Store:
    """Convert files, arrays or stores to a store: a folder from which training reads in blocks.

    Each source file is read once, several at the same time. Their rows are appended in order to
    arrays in the hidden folder ``.NAME.partial`` beside the store. After a kill the same call
    continues after the last complete file. The store appears when it is complete.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    source : path, pattern, Store, iterable of these, or tuple of arrays
        Files of one format, which their names tell: CSV (``.csv``, ``.csv.gz``), TFRecord
        (``.tfrecord``, ``.tfrecord.gz``) or Parquet (``.parquet``); or a folder of such files, of
        CSV files as in :func:`load_csv`; a pattern; or several of these. In natural order,
        ``train_2`` before ``train_10``. Or ``(X, Y)`` or ``(X, Y, ids)``: features of shape
        (n_rows, n_features), an indicator of shape (n_rows, n_labels), dense or sparse, and strings
        that are all different, of 1 to 256 bytes in UTF-8 without the character NUL.
        Or stores, which become one with the rows of all, in the order given, those of a pattern in
        natural order. They must be alike in layout, features and labels, have different files, and
        of a conversion in shards all of them. Shards of files become the very store that one
        conversion makes.
    store : path
        Folder to create.
    dtype : {"float32", "float16"}, default="float32"
        Type of the features in the store. float16 takes half the space; numbers are rounded to 11
        bits, and one beyond 65504 is an error. Stores in float16 give no float32.
    level : {"auto", "video", "frame", "segment"}, default="auto"
        For TFRecords, as in :func:`load_tfrecords`.
    features : sequence of str or dict of str to int, optional
        For TFRecords as in :func:`load_tfrecords`, for Parquet as in :func:`load_parquet`. For CSV
        the widths count: a line has as many features as they give together, by default 1152.
    n_labels : int, optional
        Size of the vocabulary: by default 3862, in Parquet files as in :func:`load_parquet`.
    n_frames : int, optional
        For TFRecords, as in :func:`load_tfrecords`.
    frame_choice : {"even", "first"}, default="even"
        For TFRecords, as in :func:`load_tfrecords`.
    missing_labels : {"raise", "empty"}, default="raise"
        For TFRecords as in :func:`load_tfrecords`, for Parquet as in :func:`load_parquet`.
    label_column : str, default="labels"
        For Parquet, as in :func:`load_parquet`.
    id_column : str, default="id"
        For Parquet, as in :func:`load_parquet`.
    split : str, optional
        Only files whose names begin with "train", "validate" or "test", and for CSV a split as in
        :func:`load_csv`; other files are left out. For arrays, the split to which all rows belong.
        Not for stores.
    shard : tuple of (int, int), optional
        ``(i, n)``: only the i-th of n parts, from 0, for n machines that convert at the same time.
        Unlike that of :func:`load_tfrecords` it has files that follow each other, as many that all
        parts are of about the same size, after `split` has left files out; of arrays, rows that
        follow each other. `convert` then makes one store of the n stores.
    n_jobs : int, optional
        How many processes read files at the same time, as in joblib.
    on_error : {"raise", "skip"}, default="raise"
        What to do with damaged records: raise an error, or leave them out and list them in the
        manifest. Nothing is ever filled in.
    overwrite : bool, default=False
        Replace an existing store when the new one is complete. Only what `convert` has made is
        replaced: with any other file in it, the folder stays as it is.
    progress : bool, default=False
        Show progress bars.

    Returns
    -------
    Store
        The store, opened.

    Raises
    ------
    FileNotFoundError
        If there is no such source.
    FileExistsError
        If the store is there already and `overwrite` is False, or if something else is there, or
        in the store, or in the hidden folder.
    ValueError
        If there are fewer files or rows than shards, or stores are not alike, or not all shards.
        If a source is damaged, an id is repeated, or a number does not fit float16: the message
        names the file and the place. If two paths lead to one file, or X has no features.
    StoreError
        If a store of the source is damaged.
    BlockingIOError
        If another process is making the same store.

    See Also
    --------
    open_store : Open the store later.
    load_csv, load_tfrecords, load_parquet : Read files into memory.

    Notes
    -----
    Conversion needs the store's size in free space, and with several processes that of the files
    that are read ahead, at most two for each process. Memory holds a block of features and the
    labels and ids of one file for each process, and 8 bytes for each row that has an id. A CSV
    file is read at once.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m.datasets import convert, make_videos, open_store
    >>> X, Y = make_videos(100, return_X_y=True, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = convert((X, Y), f"{folder}/videos", dtype="float16")
    ...     made.X.shape, made.X.dtype, made.Y.shape
    ((100, 1152), dtype('float16'), (100, 3862))
    """
    store = Path(os.path.abspath(store))
    if store.is_symlink() and store.exists():
        store = Path(os.path.realpath(store))
    _check_free(store, overwrite)
    work = work_folder(store)
    check_own(work)
    skip = on_error == "skip"
    sources, layout = find_sources(
        source,
        split,
        features,
        n_labels,
        level=level,
        n_frames=n_frames,
        frame_choice=frame_choice,
        missing_labels=missing_labels,
        label_column=label_column,
        id_column=id_column,
    )
    about: dict[str, Any] = {}
    if shard is not None:
        sources, about["shard"] = sources_of_shard(sources, shard)
    check_target(sources, store, dtype)
    options = {"dtype": dtype, "layout": layout, **about}
    with locked(work):
        _end_replacing(store)
        _check_free(store, overwrite)
        folder = _options_folder(work, options)
        made = _make(sources, folder, options, skip=skip, n_jobs=n_jobs, progress=progress)
        _check_free(store, overwrite)
        _put(made, store)
        remove_own(work, work)
    return open_store(store)


def _check_free(store: Path, overwrite: bool) -> None:
    """Raise a FileExistsError if something is there that must not be replaced."""
    if not os.path.lexists(store):
        return
    if not overwrite:
        raise FileExistsError(f"{store} is there already: overwrite=True replaces it")
    try:
        check_files(store, stored_files(store))
    except (StoreError, FileNotFoundError) as error:
        # Another process may be replacing it, which the lock will tell.
        if os.path.lexists(store):
            raise FileExistsError(
                f"{store} is no store, so overwrite=True does not replace it ({error})"
            ) from None


def _options_folder(work: Path, options: dict[str, Any]) -> Path:
    """Return the work folder of these options, and remove those of others."""
    name = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:24]
    for other in work.iterdir():
        if other.is_dir() and other.name != name:
            remove_own(other, work)
    folder = work / name
    folder.mkdir(exist_ok=True)
    return folder


def _make(
    sources: list[Source],
    folder: Path,
    options: dict[str, Any],
    *,
    skip: bool,
    n_jobs: int | None,
    progress: bool,
) -> Path:
    """Make a complete store in the work folder, from the source after the last complete one."""
    from tqdm.auto import tqdm

    layout, dtype = options["layout"], np.dtype(options["dtype"])
    more = {name: value for name, value in options.items() if name not in ("dtype", "layout")}
    n_features = sum(width for _, width in layout["features"])
    segments = layout.get("level") == "segment"
    # Where stores become one, an id of two of them is reported with its byte.
    offsets = "shard" in options and layout["format"] == "tfrecord"
    writer = StoreWriter(folder, sources, dtype, n_features, segments, offsets=offsets)
    with closing(writer) as made:
        made.resume(skip)
        left = sources[made.n_sources :]
        with closing(_read(left, made, folder, dtype, skip, n_jobs)) as ahead:
            for rows in tqdm(
                ahead,
                total=len(sources),
                initial=made.n_sources,
                unit="file",
                desc="converting",
                disable=not progress,
            ):
                made.append(rows, skip)
        made.finish(layout["n_labels"], layout, **more)
    return folder / "store"


def _read(
    sources: list[Source], made: StoreWriter, folder: Path, dtype: np.dtype, skip: bool, n_jobs: Any
) -> Generator[SourceRows, None, None]:
    """Yield the rows of sources; one process writes features where they are to stay."""
    # Arrays and stores are only copied, which is not worth sending them to another process.
    if effective_n_jobs(n_jobs) > 1 and all(isinstance(one, FileSource) for one in sources):
        yield from read_ahead(sources, folder, dtype, skip, n_jobs)
        return
    for source in sources:
        yield read_source(source, made.features.path, made.features.n_bytes, dtype, skip)


def _put(made: Path, store: Path) -> None:
    """Rename a complete store; the old one is removed when the new one has its name."""
    old = replaced_store(store)
    try:
        if store.exists():
            os.replace(store, old)
        os.replace(made, store)
    except BaseException:
        _end_replacing(store)
        raise
    _end_replacing(store)


def _end_replacing(store: Path) -> None:
    """Remove the store that was replaced, or put it back if there is no other one."""
    old = replaced_store(store)
    if os.path.lexists(store):
        remove_own(old, old.parent)
    elif old.exists():
        os.replace(old, store)
