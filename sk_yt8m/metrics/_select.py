"""The k highest scores of each row of a dense block, fast and exact."""

from typing import Any

import numpy as np
import numpy.typing as npt

# The k-th largest of this many times k maxima is a bound that only few scores reach.
_MAXIMA_PER_K = 4


def select_top_k(
    block: npt.NDArray[Any], k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]] | None:
    """Return the ``k`` highest scores of each row, best first, equal ones by rising column.

    Each row is folded to a few maxima over disjoint sets of columns. The k-th largest of them is
    a lower bound for the k-th largest score, so that only the scores that reach it are sorted.

    Parameters
    ----------
    block : ndarray of shape (n_rows, n_columns), float32 or float64
        Scores.
    k : int
        At most ``n_columns``.

    Returns
    -------
    indices, scores : ndarrays of shape (n_rows, k), or None
        None where a score is NaN.
    """
    maxima = _fold(block, _MAXIMA_PER_K * k)
    if np.isnan(maxima).any():
        return None
    n_rows, n_columns = block.shape
    if maxima is block:
        return _sort(np.broadcast_to(np.arange(n_columns), block.shape), block, k)
    bound = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, maxima.shape[1] - k]
    rows, columns = np.divmod(np.flatnonzero(block >= bound[:, None]), n_columns)
    counts = np.bincount(rows, minlength=n_rows)

    crowded = np.flatnonzero(counts > _MAXIMA_PER_K * k)
    if crowded.size:
        kept = np.isin(rows, crowded, invert=True)
        crowded_rows, crowded_columns = _cut_ties(block[crowded], k)
        rows = np.concatenate([rows[kept], crowded[crowded_rows]])
        columns = np.concatenate([columns[kept], crowded_columns])
        order = np.argsort(rows, kind="stable")
        rows, columns = rows[order], columns[order]
        counts[crowded] = k

    place = _rank_in_row(rows, counts)
    width = counts.max()
    candidates = np.zeros((n_rows, width), dtype=np.int32)
    values = np.full((n_rows, width), -np.inf, dtype=block.dtype)
    candidates[rows, place] = columns
    values[rows, place] = block[rows, columns]
    return _sort(candidates, values, k)


def _fold(block: npt.NDArray[Any], at_least: int) -> npt.NDArray[Any]:
    """Halve the columns, as long as ``at_least`` are left, by the maximum of two at a time."""
    while block.shape[1] >= 2 * at_least:
        half, odd = divmod(block.shape[1], 2)
        folded = np.maximum(block[:, :half], block[:, half : 2 * half])
        if odd:
            np.maximum(folded[:, 0], block[:, -1], out=folded[:, 0])
        block = folded
    return block


def _sort(
    candidates: npt.NDArray[np.integer], values: npt.NDArray[Any], k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
    # Candidates stand by rising column, padding last: a stable sort keeps ties in that order.
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    indices = np.take_along_axis(candidates, order, axis=1).astype(np.int32)
    return indices, np.take_along_axis(values, order, axis=1)


def _cut_ties(block: npt.NDArray[Any], k: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return exactly k candidates a row where many scores are equal or crowd in a few maxima."""
    n_rows, n_columns = block.shape
    kth = np.partition(block, n_columns - k, axis=1)[:, n_columns - k, None]
    keep = block > kth
    missing = k - np.count_nonzero(keep, axis=1)
    equal = np.flatnonzero(block == kth)
    rows = equal // n_columns
    place = _rank_in_row(rows, np.bincount(rows, minlength=n_rows))
    keep.reshape(-1)[equal[place < missing[rows]]] = True
    kept_rows, kept_columns = np.divmod(np.flatnonzero(keep), n_columns)
    return kept_rows, kept_columns


def _rank_in_row(
    rows: npt.NDArray[np.integer], counts: npt.NDArray[np.integer]
) -> npt.NDArray[np.intp]:
    starts = np.cumsum(counts) - counts
    return np.arange(len(rows)) - starts[rows]
