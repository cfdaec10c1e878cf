"""Loader of Parquet files."""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, Literal

from sk_yt8m._sklearn import Interval, StrOptions, validate_params
from sk_yt8m.datasets._bunch import LOADER_PARAMETERS, as_bunch
from sk_yt8m.datasets._formats.blocks import join
from sk_yt8m.datasets._formats.damage import Place, Report
from sk_yt8m.datasets._formats.find_files import Paths, find_files
from sk_yt8m.datasets._formats.parquet_reader import (
    check_pyarrow,
    parquet_columns,
    read_parquet_blocks,
)
from sk_yt8m.datasets._formats.read_files import read_files
from sk_yt8m.datasets._formats.repeated_ids import FirstOfEachId

_DESCR = "Videos from Parquet files: features, labels and ids."


@validate_params(
    {
        **LOADER_PARAMETERS,
        "n_labels": [Interval(Integral, 1, None, closed="left"), None],
        "missing_labels": [StrOptions({"raise", "empty"})],
    },
    prefer_skip_nested_validation=True,
)
def load_parquet(
    path: Paths,
    *,
    features: Sequence[str] | Mapping[str, int] | None = None,
    n_labels: int | None = None,
    label_column: str = "labels",
    id_column: str = "id",
    missing_labels: Literal["raise", "empty"] = "raise",
    return_indicator: Literal["dense", "sparse"] = "dense",
    return_X_y: bool = False,
    as_frame: bool = False,
    on_error: Literal["raise", "skip"] = "raise",
    progress: bool = False,
) -> Any:
    """Load videos, or any other examples with features and labels, from Parquet files.

    Each row is an example. Its features are in one or more columns, as lists of numbers or single
    numbers; its labels are a list of integers.

    Read more in the :ref:`User Guide <data>`.

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
        first file, or 3862 if the features are YouTube-8M's or there are no labels; otherwise
        required.
    label_column : str, default="labels"
        Column of labels.
    id_column : str, default="id"
        Column of ids, strings or integers. The files need not have it if it is the default.
    missing_labels : {"raise", "empty"}, default="raise"
        Whether files without the column of labels are damaged, or have rows without labels; the
        first file tells.
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
    columns = parquet_columns(files, features, n_labels, label_column, id_column, missing_labels)
    bar = "reading Parquet" if progress else None
    parts = read_files(files, read_parquet_blocks, columns, report, n_jobs=1, progress=bar)
    if columns.ids is not None:
        first = FirstOfEachId(
            lambda number, row, _: Place(str(files[number]), "row", row), f"column {id_column!r}"
        )
        parts = [[first.select(n, one, report) for one in part] for n, part in enumerate(parts)]
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
