"""A column of equal-length arrays, such as embeddings in a DataFrame, as the rows of X."""

import reprlib
from typing import Any

import numpy as np

from sk_yt8m._inputs.forms.tables import (
    first_present,
    is_collection,
    is_missing,
    is_table,
    unsure_column,
    unsure_columns,
)


def stack_rows(X: Any) -> Any:
    """Return a column of equal-length arrays of numbers as one array, all else unchanged.

    Parameters
    ----------
    X : any
        A column is a Series of pandas or polars, an array of pyarrow, a one-dimensional array of
        objects, or a table that has no other column.

    Raises
    ------
    ValueError
        If X is such a column, or a list of rows, and a row is missing, has another length than the
        first one or holds anything but numbers; or if it is a table with other columns.
    """
    if isinstance(X, (list, tuple)):
        is_ragged = len(X) and all(map(is_collection, X)) and len({len(row) for row in X}) > 1
        return _stacked(X) if is_ragged and _holds_numbers(X) else X
    if is_table(X):
        for name, values in unsure_columns(X):
            if _holds_numbers(values):
                if np.shape(X)[1] > 1:
                    raise _not_alone(name)
                return _stacked(values)
        return X
    column = unsure_column(X)
    if column is not None and column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    return X if column is None or not _holds_numbers(column) else _stacked(column)


def refuse_collections(X: Any) -> None:
    """Raise ValueError if X is a column of lists or sets, or has one, that are no numbers."""
    columns = unsure_columns(X) if is_table(X) else [(None, unsure_column(X))]
    for name, values in columns:
        if values is None or values.ndim != 1:
            continue
        row, value = first_present(values)
        if is_collection(value):
            raise ValueError(
                f"row {row} of X is {reprlib.repr(value)}, of type {type(value).__name__}"
                f"{'' if name is None else f', in the column {name!r}'}: expected numbers"
            )


def _holds_numbers(column: Any) -> bool:
    """Tell whether the first present row is a collection that begins with a number."""
    if getattr(column, "ndim", 1) > 1:
        # Of polars' and pyarrow's arrays of equal length.
        return column.dtype.kind in "biuf"
    row = first_present(column)[1]
    if not is_collection(row) or isinstance(row, (set, frozenset)) or not len(row):
        return False
    value = first_present(row)[1]
    return isinstance(value, (int, float, np.number, np.bool_))


def _stacked(column: Any) -> np.ndarray:
    if getattr(column, "ndim", 1) > 1:
        return column
    first, width = first_present(column)[0], -1
    rows = []
    for number, row in enumerate(column):
        if is_missing(row):
            raise ValueError(
                f"row {number} of X is missing: expected an array of numbers in every row. Leave "
                "such rows out, of X and of y"
            )
        values = _numbers(row)
        if values is None:
            raise ValueError(
                f"row {number} of X is {reprlib.repr(row)}, of type {type(row).__name__}: expected "
                "an array of numbers in every row"
            )
        width = values.size if number == first else width
        if values.size != width:
            raise ValueError(
                f"row {number} of X has {values.size} values, but row {first} has {width}: "
                "expected arrays of equal length"
            )
        rows.append(values)
    return np.stack(rows)


def _numbers(row: Any) -> np.ndarray | None:
    """Return one row as a one-dimensional array of numbers, None if it is none."""
    if not is_collection(row) or isinstance(row, (set, frozenset)):
        return None
    try:
        values = np.asarray(row)
        if values.dtype == object and not any(isinstance(value, (str, bytes)) for value in values):
            values = values.astype(np.float64)
    except (TypeError, ValueError):
        return None
    return values if values.ndim == 1 and values.dtype.kind in "biuf" else None


def _not_alone(name: Any) -> ValueError:
    return ValueError(
        f"the column {name!r} of X holds an array in each row, and X has other columns: expected "
        f"numbers in every column, or such a column alone. Of a DataFrame df, write "
        f"np.stack(df[{name!r}]), or df[{name!r}]"
    )
