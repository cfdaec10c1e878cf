"""Blocks of rows: what every reader yields, how rows are selected, how blocks become arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

#: Arrays of a block with several values a row -> the array that says how many.
LISTS = {"labels": "counts", "rated": "rated_counts"}


@dataclass(frozen=True)
class Block:
    """Valid rows of one source.

    Attributes
    ----------
    features : ndarray of shape (n_rows, n_features), float32
        Features.
    labels : ndarray of shape (nnz,), int32
        Labels of all rows, one row after the other, ascending within a row.
    counts : ndarray of shape (n_rows,), int64
        Number of labels of each row.
    records, offsets : ndarray of shape (n_rows,), int64
        Number of each row's record in the source, from 1, and the byte at which it begins; 0
        where the format does not tell the byte.
    ids : ndarray of shape (n_rows,), str
        Id of each row's video; empty where the source has no ids.
    starts : ndarray of shape (n_rows,), int64
        Second at which a segment begins; 0 for whole videos.
    rated : ndarray of shape (n_rated,), int32
        Labels that raters have judged, right or wrong, for all segments; empty for whole videos.
    rated_counts : ndarray of shape (n_rows,), int64
        Number of these for each row.
    """

    features: np.ndarray
    labels: np.ndarray
    counts: np.ndarray
    records: np.ndarray
    offsets: np.ndarray
    ids: np.ndarray
    starts: np.ndarray
    rated: np.ndarray
    rated_counts: np.ndarray

    def select(self, keep: np.ndarray) -> "Block":
        """Return some rows, by a boolean mask of shape (n_rows,)."""
        return self if keep.all() else Block(**select_rows(vars(self), keep))


def make_block(
    features: np.ndarray,
    labels: Any,
    counts: Any,
    records: Any,
    *,
    offsets: Any = None,
    ids: np.ndarray | None = None,
    starts: Any = None,
    rated: Any = (),
    rated_counts: Any = None,
) -> Block:
    """Return a block; what a format does not have is left out and stands as in `Block`."""
    n_rows = len(features)
    zeros = np.zeros(n_rows, dtype=np.int64)
    return Block(
        features=features,
        labels=np.asarray(labels, dtype=np.int32),
        counts=np.asarray(counts, dtype=np.int64),
        records=np.asarray(records, dtype=np.int64),
        offsets=zeros if offsets is None else np.asarray(offsets, dtype=np.int64),
        ids=np.zeros(n_rows, dtype="<U1") if ids is None else ids,
        starts=zeros if starts is None else np.asarray(starts, dtype=np.int64),
        rated=np.asarray(rated, dtype=np.int32),
        rated_counts=zeros if rated_counts is None else np.asarray(rated_counts, dtype=np.int64),
    )


def select_rows(columns: Mapping[str, np.ndarray], keep: np.ndarray) -> dict[str, np.ndarray]:
    """Return some rows of the arrays of a block, and of any others with a value for each row.

    Parameters
    ----------
    columns : mapping of str to ndarray
        The arrays, by their names in `Block`.
    keep : ndarray of shape (n_rows,), bool
        Which rows.
    """
    return {
        name: array[np.repeat(keep, columns[LISTS[name]]) if name in LISTS else keep]
        for name, array in columns.items()
    }


def csr_indicator(indices: np.ndarray, indptr: np.ndarray, n_labels: int) -> sp.csr_matrix:
    """Return labels as a CSR indicator matrix of shape (n_rows, n_labels), uint8."""
    ones = np.ones(indices.size, dtype=np.uint8)
    return sp.csr_matrix((ones, indices, indptr), shape=(indptr.size - 1, n_labels))


def join(parts: list[list[Block]], n_features: int, n_labels: int) -> dict[str, Any]:
    """Return the arrays of all rows; empties `parts`, so that memory holds the features once.

    Parameters
    ----------
    parts : list of list of Block
        The blocks of each file.
    n_features, n_labels : int
        Width of X and Y.

    Returns
    -------
    dict
        "features", "target" and "rated" (CSR), "ids", "shard" (the index in `parts`), "record" and
        "start" of each row.
    """
    blocks = [block for part in parts for block in part]
    n_rows = [sum(len(block.features) for block in part) for part in parts]
    parts.clear()
    joined: dict[str, Any] = {
        "target": _joined_indicator(blocks, "labels", n_labels),
        "rated": _joined_indicator(blocks, "rated", n_labels),
        "ids": _column(blocks, "ids", "<U1"),
        "shard": np.repeat(np.arange(len(n_rows), dtype=np.int32), n_rows),
        "record": _column(blocks, "records", np.int64),
        "start": _column(blocks, "starts", np.int64),
    }
    features = np.empty((sum(n_rows), n_features), np.float32)
    end = len(features)
    # From the back, so that each part is freed as soon as it is copied.
    while blocks:
        part = blocks.pop().features
        features[end - len(part) : end] = part
        end -= len(part)
    return {"features": features, **joined}


def _column(blocks: Sequence[Block], name: str, dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *(getattr(block, name) for block in blocks)])


def _joined_indicator(blocks: Sequence[Block], name: str, n_labels: int) -> sp.csr_matrix:
    counts = _column(blocks, LISTS[name], np.int64)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return csr_indicator(_column(blocks, name, np.int32), indptr, n_labels)
