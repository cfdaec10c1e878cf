"""The k highest scores of each row of a dense block, fast and exact."""

from typing import Any

import numpy as np
import numpy.typing as npt

# The k-th largest of this many times k maxima is a bound that only few scores reach.
_MAXIMA_PER_K = 4
# Rows with more candidates than this many times k are thinned out before sorting.
_CROWD_PER_K = 4


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
    bound = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, maxima.shape[1] - k, None]
    candidate = block >= bound
    if np.count_nonzero(candidate) > 2 * k * n_rows:
        _thin_out(candidate, block, bound, k)
    rows, columns = np.divmod(np.flatnonzero(candidate), n_columns)
    counts = np.bincount(rows, minlength=n_rows)
    if counts.max() > _CROWD_PER_K * k:
        _thin_out(candidate, block, bound, k)
        rows, columns = np.divmod(np.flatnonzero(candidate), n_columns)
        counts = np.bincount(rows, minlength=n_rows)

    starts = np.cumsum(counts) - counts
    place = np.arange(len(rows)) - starts[rows]
    candidates = np.zeros((n_rows, counts.max()), dtype=np.int32)
    values = np.full(candidates.shape, -np.inf, dtype=block.dtype)
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


def _thin_out(
    candidate: npt.NDArray[np.bool_], block: npt.NDArray[Any], bound: npt.NDArray[Any], k: int
) -> None:
    """Leave exactly ``k`` candidates in rows that have too many, in place.

    That is so where many scores are equal, as neighbours and forests give them, or where the high
    ones crowd in few of the sets of columns.
    """
    crowded = np.flatnonzero(np.count_nonzero(candidate, axis=1) > _CROWD_PER_K * k)
    block, kth = block[crowded], bound[crowded]
    keep = block > kth
    n_above = np.count_nonzero(keep, axis=1)
    raised = np.flatnonzero(n_above >= k)
    if raised.size:
        at = block.shape[1] - k
        kth[raised] = np.partition(block[raised], at, axis=1)[:, at, None]
        keep[raised] = block[raised] > kth[raised]
        n_above[raised] = np.count_nonzero(keep[raised], axis=1)

    missing = (k - n_above)[:, None]
    width = k
    while True:
        # The first few columns mostly hold as many of the equal scores as are missing.
        equal = block[:, :width] == kth
        nth = np.cumsum(equal, axis=1, dtype=np.int32)
        if width >= block.shape[1] or (nth[:, -1:] >= missing).all():
            break
        width *= 4
    keep[:, :width] |= equal & (nth <= missing)
    candidate[crowded] = keep
