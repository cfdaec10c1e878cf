"""Loader and writer of Parquet files."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from sk_yt8m.datasets._bunch import LOADER_PARAMETERS, as_bunch
from sk_yt8m.datasets._formats.blocks import join
from sk_yt8m.datasets._formats.damage import Place, Report
from sk_yt8m.datasets._formats.find_files import Paths, find_files
from sk_yt8m.datasets._formats.parquet_reader import (
    N_LABELS_KEY,
    Columns,
    open_parquet,
    read_parquet_blocks,
)
from sk_yt8m.datasets._formats.read_files import drop_duplicates, read_files
from sk_yt8m.datasets._formats.record_layout import DEFAULT_FEATURES, WIDTHS, feature_widths
from sk_yt8m.datasets._formats.writer_input import (
    checked_features,
    checked_indicator,
    different_ids,
    new_file,
)
from sk_yt8m.datasets._schema import N_FEATURES, N_LABELS

_DESCR = "Videos from Parquet files: features, labels and ids."
_GROUP = 4096


@validate_params(
    {**LOADER_PARAMETERS, "n_labels": [Interval(Integral, 1, None, closed="left"), None]},
    prefer_skip_nested_validation=True,
)
def load_parquet(
    path: Paths,
    *,
    features: Sequence[str] | Mapping[str, int] | None = None,
    n_labels: int | None = None,
    label_column: str = "labels",
    id_column: str = "id",
    return_indicator: str = "dense",
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: str = "raise",
    progress: bool = False,
) -> Any:
    """Load videos, or any other examples with features and labels, from Parquet files.

    Each row is an example. Its features are in one or more columns, as lists of numbers or single
    numbers; its labels are a list of integers.

    Parameters
    ----------
    path : path, pattern or iterable of these
        A file; a pattern; a folder, for its files named ``*.parquet``; or several of these. Files
        of a folder or a pattern are read in natural order.
    features : sequence of str or dict of str to int, optional
        Columns of features, in the order of the columns of X. By default "features" if the first
        file has it, else "mean_rgb" and "mean_audio". The width of a column is the value in a dict,
        or that of YouTube-8M's feature of this name, or that of the first row.
    n_labels : int, optional
        Size of the vocabulary. By default the number that :func:`write_parquet` has stored in the
        first file, or 3862 if the features are YouTube-8M's; otherwise required.
    label_column : str, default="labels"
        Column of labels.
    id_column : str, default="id"
        Column of ids, strings or integers; optional in the files.
    return_indicator : {"dense", "sparse"}, default="dense"
        Type of the labels: array or CSR matrix, both uint8.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return DataFrames.
    on_error : {"raise", "skip"}, default="raise"
        Whether to raise an error at a damaged row, or to skip it and list it in ``errors``. Values
        are never imputed.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    Bunch
        With ``data`` of shape (n_rows, n_features), float32; ``target`` of shape (n_rows,
        n_labels); ``ids`` of shape (n_rows,), or None if the first file has no ids; ``frame``
        (None unless `as_frame`); ``feature_names``; ``target_names``; ``files``, the paths read;
        ``shard`` and ``row``, for each row the number of its file in ``files`` and of its row
        there, from 1; ``errors``, a list of named tuples ``(file, place, expected, actual)``;
        ``DESCR``. With `return_X_y` only ``(data, target)``.

    Raises
    ------
    ImportError
        If pyarrow is not installed: ``pip install sk-yt8m[parquet]``.
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file or a row is damaged: the message names file, row, column, what was expected and
        what was there. If two paths lead to one file, or `n_labels` is needed and not given.

    See Also
    --------
    convert : Make a store, which training reads block by block, from files of any format.
    write_parquet : Write such files.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m.datasets import load_parquet, write_parquet
    >>> X, Y = [[0.5, 1.5], [2.5, 3.5]], [[1, 0, 1], [0, 1, 0]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_parquet(f"{folder}/both.parquet", X, Y, ids=["a", "b"])
    ...     both = load_parquet(folder)
    >>> both.data.tolist(), both.target.tolist(), both.ids.tolist()
    ([[0.5, 1.5], [2.5, 3.5]], [[1, 0, 1], [0, 1, 0]], ['a', 'b'])
    """
    check_pyarrow()
    files = find_files(path, "parquet")
    report = Report(skip=on_error == "skip")
    columns = parquet_columns(files, features, n_labels, label_column, id_column)
    bar = "reading Parquet" if progress else None
    parts = read_files(files, read_parquet_blocks, columns, report, n_jobs=1, progress=bar)
    if columns.ids is not None:
        parts = drop_duplicates(
            parts,
            report,
            lambda shard, row, _: Place(str(files[shard]), "row", row),
            f"column {id_column!r}",
        )
    arrays = join(parts, sum(width for _, width in columns.features), columns.n_labels)
    return as_bunch(
        arrays["features"],
        arrays["target"],
        return_indicator=return_indicator,
        return_X_y=return_X_y,
        as_frame=as_frame,
        descr=_DESCR,
        ids=None if columns.ids is None else arrays["ids"],
        files=files,
        shard=arrays["shard"],
        row=arrays["record"],
        errors=report.damage,
    )


def write_parquet(
    path: str | PathLike[str],
    X: Any,
    Y: Any,
    ids: Sequence[str] | None = None,
    *,
    features: Sequence[str] | Mapping[str, int] | None = None,
) -> None:
    """Write examples to a Parquet file: features and labels as lists, and ids.

    Parameters
    ----------
    path : path
        File to write, atomically.
    X : array-like of shape (n_rows, n_features)
        Features, finite, written as float32. A memory map is read in blocks.
    Y : {array-like, sparse matrix} of shape (n_rows, n_labels)
        Indicator of the labels.
    ids : sequence of str, optional
        Ids for the column "id", 1 to 256 bytes in UTF-8 without the character NUL, all different.
        By default there is no such column.
    features : sequence of str or dict of str to int, optional
        Columns of features and their widths. By default "mean_rgb" and "mean_audio" if there are
        1152 features, else one column "features".

    Raises
    ------
    ImportError
        If pyarrow is not installed: ``pip install sk-yt8m[parquet]``.
    ValueError
        If shapes do not fit, a feature is not finite, a label is not 0 or 1, or an id is not valid
        or not unique.
    OSError
        If the file cannot be written.

    See Also
    --------
    load_parquet : Read the file again; its example writes one.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m.datasets import load_parquet, write_parquet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_parquet(f"{folder}/one.parquet", [[0.5, 1.5]], [[1, 0, 1]])
    ...     load_parquet(folder).target.tolist()
    [[1, 0, 1]]
    """
    pa = check_pyarrow()
    import pyarrow.parquet as pq

    X = checked_features(X)
    if features is None:
        features = DEFAULT_FEATURES if X.shape[1] == N_FEATURES else {"features": X.shape[1]}
    widths = feature_widths(features)
    X = checked_features(X, sum(width for _, width in widths))
    Y = checked_indicator(Y, len(X))
    reserved = [name for name, _ in widths if name in ("id", "labels")]
    if reserved:
        raise ValueError(f"features must not have names of other columns, got {reserved[0]!r}")
    names = None if ids is None else [name.decode() for name in different_ids(ids, len(X))]
    fields = [] if names is None else [pa.field("id", pa.string())]
    fields.append(pa.field("labels", pa.list_(pa.int32())))
    fields += [pa.field(name, pa.list_(pa.float32(), width)) for name, width in widths]
    schema = pa.schema(fields, metadata={N_LABELS_KEY: str(Y.shape[1])})
    options = {"use_dictionary": False, "write_page_checksum": True}
    with (
        new_file(Path(path)) as file,
        pq.ParquetWriter(file, schema, **options) as writer,
    ):
        for start in range(0, len(X), _GROUP):
            rows = Y[start : start + _GROUP]
            labels = pa.ListArray.from_arrays(
                rows.indptr.astype(np.int32), rows.indices.astype(np.int32)
            )
            columns = [] if names is None else [pa.array(names[start : start + _GROUP])]
            columns.append(labels)
            block = X[start : start + _GROUP].astype(np.float32)
            end = 0
            for _, width in widths:
                part = np.ascontiguousarray(block[:, end : end + width]).ravel()
                columns.append(pa.FixedSizeListArray.from_arrays(part, width))
                end += width
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def check_pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise ImportError(
            "Parquet files need pyarrow, which is not installed: pip install sk-yt8m[parquet]"
        ) from None
    return pyarrow


def parquet_columns(
    files: list[Path],
    features: Sequence[str] | Mapping[str, int] | None,
    n_labels: int | None,
    label_column: str,
    id_column: str,
) -> Columns:
    """Return the columns to read, by the first readable file."""
    for path in files:
        file = open_parquet(path, Report(skip=True))
        if file is None:
            continue
        with file:
            names = file.schema_arrow.names
            noted = (file.schema_arrow.metadata or {}).get(N_LABELS_KEY)
            if features is None:
                features = ["features"] if "features" in names else DEFAULT_FEATURES
            widths = _widths(file, features)
        break
    else:
        names, noted = [], None
        widths = feature_widths({"features": 1} if features is None else features)
    if n_labels is None and noted is not None and noted.isdigit():
        n_labels = int(noted)
    if n_labels is None and {name for name, _ in widths} <= WIDTHS.keys():
        n_labels = N_LABELS
    if n_labels is None:
        raise ValueError(f"n_labels must be given: {files[0]} does not tell it")
    return Columns(widths, n_labels, label_column, id_column if id_column in names else None)


def _widths(file: Any, features: Sequence[str] | Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    if isinstance(features, (Mapping, str)):
        return feature_widths(features)
    return feature_widths({name: WIDTHS.get(name) or _width(file, name) for name in features})


def _width(file: Any, name: str) -> int:
    """Return the width of a column: its numbers in the first row that has any."""
    import pyarrow.types as types

    if file.schema_arrow.names.count(name) != 1:
        return 1
    kind = file.schema_arrow.field(name).type
    if types.is_fixed_size_list(kind):
        return int(kind.list_size)
    if not (types.is_list(kind) or types.is_large_list(kind)):
        return 1
    for batch in file.iter_batches(64, columns=[name]):
        for value in batch.column(0):
            if value.is_valid and len(value):
                return len(value)
    return 1
