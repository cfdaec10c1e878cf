"""Lists of tags given as y: one text for all their forms."""

import reprlib
import warnings
from typing import Any

import numpy as np

from sk_yt8m._inputs.forms.tables import (
    first_present,
    is_collection,
    is_table,
    unsure_column,
    unsure_columns,
)

_SEPARATORS = ",;|"


def from_tags_hint(name: str, column: str = "") -> str:
    """Return what to write for lists of tags, as the end of an error.

    `column` is how they are reached in the argument.
    """
    call = f"SparseIndicator.from_tags({name}{column}"
    if name == "y_val":
        return f"For lists of tags, write {call}, y.label_names)"
    return (
        f"For lists of tags, write {call}), or for the labels of a fitted classifier {call}, "
        "clf.label_names_)"
    )


def refuse_tags(y: Any, name: str) -> None:
    """Raise ValueError if the rows of y are collections of tags.

    Parameters
    ----------
    y : any
        A target.
    name : str
        The argument's name in messages.
    """
    found = _first_tags(y)
    if found is None:
        return
    row, value, column = found
    shown = value.tolist() if isinstance(value, np.ndarray) else value
    is_number = not isinstance(value, str) and isinstance(next(iter(shown), None), (int, float))
    rows = f". For rows of 0 and 1, write np.stack({name}{column})" if is_number else ""
    raise ValueError(
        f"{name} holds {reprlib.repr(shown)} in row {row}: expected an indicator matrix of 0 and "
        f"1, or one class in each row. {from_tags_hint(name, column)}{rows}"
    )


def warn_of_joined_tags(classes: np.ndarray, codes: np.ndarray) -> None:
    """Warn if classes look like tags in one string: "cat,dog" and "cat,fish".

    That is, if more than half of the values hold a separator, and classes have a part in common.
    """
    if not all(isinstance(value, str) for value in classes.tolist()):
        return
    texts = classes.tolist()
    for separator in _SEPARATORS:
        joined = np.array([separator in text for text in texts])
        parts = [part for text in texts for part in {*text.split(separator)}]
        if 2 * joined[codes].sum() > codes.size and len(set(parts)) < len(parts):
            example = texts[int(joined.argmax())]
            warnings.warn(
                f"more than half of the values of y hold {separator!r}, such as {example!r}: they "
                f"are taken as {len(texts)} classes, one in each row. If they are tags, write "
                f"SparseIndicator.from_tags(y.str.split({separator!r}))",
                UserWarning,
                stacklevel=2,
            )
            return


def _first_tags(y: Any) -> tuple[int, Any, str] | None:
    """Return the first row of tags, None if there is none.

    That is its number, its value, and how the tags are reached in y.
    """
    if isinstance(y, (list, tuple)):
        return _first_in_list(y)
    if is_table(y):
        is_single = np.shape(y)[1] == 1
        for name, values in unsure_columns(y):
            row, value = first_present(values)
            if is_collection(value):
                return row, value, "" if is_single else f"[{name!r}]"
            if isinstance(value, str) and not is_single:
                return row, value, ".to_numpy()" if hasattr(y, "to_numpy") else ".to_pandas()"
        return None
    column = unsure_column(y)
    if column is None or not column.size:
        return None
    if column.ndim == 1:
        row, value = first_present(column)
        return (row, value, "") if is_collection(value) else None
    first = column[(0,) * column.ndim]
    if is_collection(first):
        return 0, first, ".ravel()"
    is_text = column.ndim == 2 and column.shape[1] > 1 and isinstance(first, str)
    return (0, column[0], "") if is_text else None


def _first_in_list(y: Any) -> tuple[int, Any, str] | None:
    row, value = first_present(y)
    if not is_collection(value):
        return None
    if not isinstance(value, (set, frozenset)):
        lengths = [len(one) if is_collection(one) else -1 for one in y]
        texts = (isinstance(next(iter(one)), str) for one in y)
        if len(set(lengths)) == 1 and (lengths[0] < 2 or not any(texts)):
            return None
    return row, value, ""
