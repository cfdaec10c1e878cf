"""Rows of a store by id, by label or by number."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

_CHUNK = 2**20


def have_ids(stored: np.ndarray | None, ids: Sequence[str]) -> np.ndarray:
    """Return which rows have one of the ids, of shape (n_rows,), bool.

    Raises
    ------
    ValueError
        If an id is of no row, or the store has no ids.
    """
    if stored is None:
        raise ValueError("ids must be None: the store has no ids")
    for name in ids:
        if isinstance(name, str) and "\0" in name:
            # An array of strings would drop it at the end, and find another id.
            raise ValueError(f"ids must be without the character NUL, got {name!r}")
    wanted = np.unique(np.asarray(ids, dtype=str))
    keep, found = np.zeros(len(stored), dtype=bool), np.zeros(wanted.size, dtype=bool)
    for start in range(0, len(stored) if wanted.size else 0, _CHUNK):
        chunk = np.asarray(stored[start : start + _CHUNK])
        place = np.minimum(np.searchsorted(wanted, chunk), wanted.size - 1)
        same = wanted[place] == chunk
        keep[start : start + _CHUNK] = same
        found[place[same]] = True
    if not found.all():
        missing = wanted[~found]
        raise ValueError(
            f"ids must be of the store, but it has no {str(missing[0])!r} "
            f"({missing.size} of {wanted.size} are not there)"
        )
    return keep


def have_labels(Y: sp.csr_matrix, labels: np.ndarray) -> np.ndarray:
    """Return which rows have one of the labels, of shape (n_rows,), bool.

    Raises
    ------
    ValueError
        If a label is not an integer, or not of the store.
    """
    n_rows, n_labels = Y.shape
    if labels.size and labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers, got {labels.dtype}")
    outside = labels[(labels < 0) | (labels >= n_labels)]
    if outside.size:
        raise ValueError(f"labels must be from 0 to {n_labels - 1}, got {outside[0]}")
    wanted = np.zeros(n_labels, dtype=bool)
    wanted[labels.astype(np.intp)] = True
    keep = np.zeros(n_rows, dtype=bool)
    for start in range(0, Y.indices.size, _CHUNK):
        places = start + np.flatnonzero(wanted[Y.indices[start : start + _CHUNK]])
        keep[np.searchsorted(Y.indptr, places, side="right") - 1] = True
    return keep


def as_slice(rows: Any, n_rows: int) -> Any:
    """Return row numbers as an array, or as a slice if they follow each other."""
    rows = np.asarray(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise ValueError(f"rows must be integers, got {rows.dtype} of shape {rows.shape}")
    if not rows.size:
        return slice(0, 0)
    outside = rows[(rows < 0) | (rows >= n_rows)]
    if outside.size:
        raise ValueError(f"rows must be from 0 to {n_rows - 1}, got {outside[0]}")
    if (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows.astype(np.int64, copy=False)
