"""Tables and columns of pandas, polars and pyarrow, and which of them hold collections."""

from collections.abc import Iterator
from typing import Any

import numpy as np

#: Beginnings of the names of types whose values may be collections or strings, in lower case.
_UNSURE = ("object", "list", "array", "large_list", "fixed_size_list", "str", "large_str")


def as_pandas(y: Any) -> Any:
    """Return a table of another library as a pandas DataFrame, all else unchanged."""
    if not is_table(y) or hasattr(y, "iloc"):
        return y
    if hasattr(y, "column_names"):
        return y.to_pandas()
    import pandas as pd

    return pd.DataFrame(y.to_numpy(), columns=list(y.columns))


def named_table(X: Any) -> Any:
    """Return a RecordBatch of pyarrow, whose names scikit-learn does not see, as a DataFrame."""
    return X.to_pandas() if type(X).__name__ == "RecordBatch" else X


def is_table(values: Any) -> bool:
    """Tell whether values are a DataFrame of pandas or polars, or a table of pyarrow."""
    return hasattr(values, "columns") and not hasattr(values, "tocsr")


def refuse_lazy(values: Any, name: str) -> None:
    """Raise TypeError for a polars LazyFrame."""
    if type(values).__name__ == "LazyFrame":
        raise TypeError(
            f"{name} is a LazyFrame, which holds no values: expected {name}.collect(), a DataFrame"
        )


def column_names(table: Any) -> np.ndarray:
    """Return the names of a table's columns."""
    # A column of pandas may be called "column_names".
    is_pandas = hasattr(table, "iloc")
    return np.asarray(table.columns if is_pandas else getattr(table, "column_names", table.columns))


def column_at(table: Any, place: int) -> Any:
    """Return a column of a table by its place, because names may repeat."""
    if hasattr(table, "iloc"):
        return table.iloc[:, place]
    return table.column(place) if hasattr(table, "column_names") else table.to_series(place)


def unsure_columns(table: Any) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield name and values of the columns whose type allows collections or strings."""
    types = table.dtypes if hasattr(table, "dtypes") else table.schema.types
    for place, (name, kind) in enumerate(zip(column_names(table).tolist(), types, strict=True)):
        if _is_unsure(kind):
            yield name, np.asarray(column_at(table, place))


def unsure_column(values: Any) -> np.ndarray | None:
    """Return an array or Series whose type allows collections or strings, None for all else."""
    if is_table(values) or hasattr(values, "tocsr") or not hasattr(values, "__array__"):
        return None
    kind = getattr(values, "dtype", getattr(values, "type", None))
    if isinstance(kind, np.dtype) and kind.kind in "US":
        return np.asarray(values)
    return np.asarray(values) if _is_unsure(kind) else None


def first_present(values: Any) -> tuple[int, Any]:
    """Return number and value of the first row that is not missing, (0, None) if all are."""
    pairs = enumerate(values)
    return next(((row, value) for row, value in pairs if not is_missing(value)), (0, None))


def is_missing(value: Any) -> bool:
    """Tell whether a value is None, NaN, NaT or pandas.NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating, np.datetime64)) and bool(value != value)


def is_collection(value: Any) -> bool:
    """Tell whether a value is a list, tuple, set or array."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, (list, tuple, set, frozenset))


def _is_unsure(kind: Any) -> bool:
    return str(kind).lower().startswith(_UNSURE)
