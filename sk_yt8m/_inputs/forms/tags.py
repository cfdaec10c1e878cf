"""Lists of tags -> a sparse indicator and the names of its columns."""

import reprlib
from collections.abc import Hashable
from itertools import chain, repeat
from typing import Any

import numpy as np
import scipy.sparse as sp

from sk_yt8m._inputs.forms.tables import (
    column_at,
    column_names,
    is_collection,
    is_missing,
    is_table,
)


def encode_tags(tags: Any, label_names: Any, unknown: str) -> tuple[Any, np.ndarray]:
    """Return the indicator of lists of tags and the label names, as `SparseIndicator.from_tags`."""
    if unknown not in ("error", "ignore"):
        raise ValueError(f"unknown must be 'error' or 'ignore', got {unknown!r}")
    rows = _rows_of(tags)
    _check_rows(rows)
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    flat = _flattened(rows)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    _check_tags(flat, starts)
    names = _sorted_names(flat, starts) if label_names is None else check_names(label_names)
    columns = {name: column for column, name in enumerate(names.tolist())}
    codes = np.fromiter(map(columns.get, flat, repeat(-1)), dtype=np.int32, count=len(flat))
    known = codes >= 0
    if unknown == "error" and not known.all():
        place = int(np.argmin(known))
        raise ValueError(
            f"row {_row_at(starts, place)} of tags holds the tag {flat[place]!r}, which is not "
            f"among the {names.size} label_names, {reprlib.repr(names.tolist())}. "
            'unknown="ignore" leaves such tags out'
        )
    numbers = np.repeat(np.arange(len(rows)), lengths)[known]
    pairs = np.sort(numbers * names.size + codes[known])
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    row_numbers, labels = np.divmod(pairs, max(1, names.size))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row_numbers, minlength=len(rows)))])
    ones = np.ones(pairs.size, dtype=np.uint8)
    shape = (len(rows), names.size)
    indices = labels.astype(np.int32)
    # scipy takes indices of 32 bits only if both are.
    indptr = indptr.astype(np.int32 if pairs.size <= np.iinfo(np.int32).max else np.int64)
    return sp.csr_array((ones, indices, indptr), shape=shape), names


def check_names(label_names: Any, n_labels: int | None = None) -> np.ndarray:
    """Return label names as an array, strings as objects.

    Parameters
    ----------
    label_names : sequence, array, Series, Index or fitted MultiLabelBinarizer
        The names.
    n_labels : int, optional
        Their number.

    Raises
    ------
    TypeError
        If they have no order, or are not names at all.
    ValueError
        If their number is another, a name is missing or repeated.
    """
    if hasattr(label_names, "fit"):
        if not hasattr(label_names, "classes_"):
            raise ValueError(
                f"label_names is a {type(label_names).__name__} that is not fitted: fit it first, "
                "or give a list of names"
            )
        label_names = label_names.classes_
    if isinstance(label_names, (str, bytes, set, frozenset, dict)) or not np.iterable(label_names):
        raise TypeError(
            "label_names must be a sequence of names in the order of the columns, got "
            f"{reprlib.repr(label_names)}"
        )
    if is_table(label_names):
        raise TypeError("label_names must be one column of names, got a table")
    names = _name_array(label_names)
    if n_labels is not None and names.size != n_labels:
        raise ValueError(f"label_names must be {n_labels} names, got {names.size}")
    seen: dict[Any, int] = {}
    for column, name in enumerate([*names] if names.dtype.kind in "mM" else names.tolist()):
        if is_missing(name):
            raise ValueError(f"label_names must have no missing name, but {column} is {name!r}")
        if not isinstance(name, Hashable):
            raise TypeError(f"label_names must be single names, but {column} is {name!r}")
        if seen.setdefault(name, column) != column:
            raise ValueError(
                f"label_names must differ, but {name!r} is at {seen[name]} and at {column}"
            )
    return names


def _name_array(names: Any) -> np.ndarray:
    array = np.asarray(names) if hasattr(names, "__array__") else None
    if array is None:
        values = [*names]
    elif array.ndim != 1:
        raise ValueError(f"label_names must be one-dimensional, got the shape {array.shape}")
    elif array.dtype.kind in "OSU":
        values = array.tolist()
    else:
        return array
    if values and all(isinstance(value, (int, np.integer)) for value in values):
        return np.asarray(values)
    plain = (str.__str__(value) if isinstance(value, str) else value for value in values)
    return np.fromiter(plain, dtype=object, count=len(values))


def _flattened(rows: Any) -> list[Any]:
    kinds = {row.dtype if isinstance(row, np.ndarray) else None for row in rows}
    if len(kinds) == 1 and None not in kinds:
        return list(np.concatenate([*rows]).tolist())
    return list(chain.from_iterable(rows))


def _rows_of(tags: Any) -> Any:
    """Return the rows of a column of any library as a list or an array of objects."""
    if isinstance(tags, (list, tuple)):
        return tags
    if is_table(tags):
        names = column_names(tags).tolist()
        if len(names) != 1:
            raise TypeError(
                f"tags is a table with the columns {reprlib.repr(names)}: expected one column of "
                "lists, such as df['tags']"
            )
        tags = column_at(tags, 0)
    if hasattr(tags, "tocsr") or not hasattr(tags, "__array__") or isinstance(tags, np.generic):
        raise TypeError(
            "tags must be a list, array or column of lists of tags, got "
            f"{type(tags).__name__} {reprlib.repr(tags)}"
        )
    rows = np.asarray(tags)
    if rows.ndim == 2 and rows.dtype.kind in "biuf" and isinstance(tags, np.ndarray):
        raise TypeError(
            f"tags is an array of numbers of shape {rows.shape}: for an indicator matrix write "
            "SparseIndicator(scipy.sparse.csr_array(tags)), for numbers of labels tags.tolist()"
        )
    return rows.tolist() if rows.ndim == 2 else np.atleast_1d(rows)


def _check_rows(rows: Any) -> None:
    kinds = set(map(type, rows))
    if kinds <= {list, tuple, set, frozenset}:
        return
    if kinds == {np.ndarray} and all(row.ndim == 1 for row in rows):
        return
    for number, row in enumerate(rows):
        if is_collection(row) and (not isinstance(row, np.ndarray) or row.ndim == 1):
            continue
        if is_missing(row):
            raise ValueError(
                f"row {number} of tags is missing ({row!r}): expected a list of tags. For a row "
                "without labels write an empty list, or else leave it out, of X too"
            )
        if isinstance(row, (str, bytes)):
            raise ValueError(
                f"row {number} of tags is the string {reprlib.repr(row)}: expected a list of "
                "tags, and a string would be split into characters. Of a column of strings such "
                'as "cat,dog" write tags.str.split(","); for one tag in each row [[tag] for tag in '
                "tags]"
            )
        raise ValueError(
            f"row {number} of tags is {reprlib.repr(row)}, of type {type(row).__name__}: expected "
            "a list of tags"
        )


def _check_tags(flat: list[Any], starts: np.ndarray) -> None:
    """Raise ValueError unless all tags are strings, or all integers."""
    kinds = set(map(type, flat))
    texts = {kind for kind in kinds if issubclass(kind, str)}
    numbers = {
        kind for kind in kinds if issubclass(kind, (int, np.integer)) and not issubclass(kind, bool)
    }
    wrong = kinds - texts - numbers
    if not wrong and not (texts and numbers):
        return
    # Of strings and integers the kind of the first tag is the right one.
    wrong = wrong or (numbers if type(flat[0]) in texts else texts)
    place = next(place for place, tag in enumerate(flat) if type(tag) in wrong)
    raise ValueError(
        f"row {_row_at(starts, place)} of tags holds {reprlib.repr(flat[place])}, of type "
        f"{type(flat[place]).__name__}: expected tags that are all strings, or all integers"
    )


def _sorted_names(flat: list[Any], starts: np.ndarray) -> np.ndarray:
    names = sorted(set(flat))
    if not names:
        raise ValueError(
            "no row of tags holds a tag: expected at least one, or label_names, the names of all "
            "labels"
        )
    if names[0] == "":
        raise ValueError(
            f"row {_row_at(starts, flat.index(''))} of tags holds an empty string: expected tags. "
            "For a row without labels write an empty list"
        )
    return _name_array(names)


def _row_at(starts: np.ndarray, place: int) -> int:
    """Return the number of the row that holds a place of the flat list."""
    return int(np.searchsorted(starts, place, side="right")) - 1
