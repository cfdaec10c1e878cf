"""The k highest scores of each row of a dense block, fast and exact."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._inputs.exact import ascending_bits

# Number of columns in a group.
_GROUP_SIZE = 8
# The bound is the k-th largest of this many times k maxima; few scores reach it.
_MAXIMA_PER_K = 4
# Rows with more candidates than this many times k are reduced before they are sorted.
_CROWD_PER_K = 4


def select_top_k(
    block: npt.NDArray[Any], k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]] | None:
    """Return the ``k`` highest scores of each row, best first, equal ones by ascending column.

    Each row is reduced to the maxima of small groups of columns, and these to a few maxima of
    larger groups. The k-th largest of the few is a lower bound for the k-th largest score, so only
    groups that reach the bound are searched, and only scores that reach it are sorted.

    Parameters
    ----------
    block : ndarray of shape (n_rows, n_columns), float32 or float64, C-ordered
        Scores.
    k : int
        At most ``n_columns``.

    Returns
    -------
    indices, scores : ndarrays of shape (n_rows, k), or None
        None if a score is NaN.
    """
    n_columns = block.shape[1]
    parts = min(_GROUP_SIZE, n_columns // (_MAXIMA_PER_K * k))
    if parts < 2:
        if np.isnan(block).any():
            return None
        return _sort(np.broadcast_to(np.arange(n_columns), block.shape), block, k)
    groups = _fold(block, parts)
    maxima = _fold(groups, groups.shape[1] // (_MAXIMA_PER_K * k))
    if np.isnan(maxima).any():
        return None
    bound = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, maxima.shape[1] - k, None]
    places = _reaching(block, groups, bound, k)
    if places is None or _most_in_a_row(places, n_columns) > _CROWD_PER_K * k:
        candidate = block >= bound
        _thin_out(candidate, block, bound, k)
        places = np.flatnonzero(candidate)

    return _sort_places(places, block, k)


def _fold(block: npt.NDArray[Any], parts: int) -> npt.NDArray[Any]:
    """Return the maxima of groups of columns one width apart; the last part may be shorter."""
    n_rows, n_columns = block.shape
    width = -(-n_columns // parts)
    n_whole = n_columns // width
    whole = block[:, : n_whole * width].reshape(n_rows, n_whole, width)
    folded = np.maximum.reduce(whole, axis=1)
    rest = block[:, n_whole * width :]
    reached = folded[:, : rest.shape[1]]
    np.maximum(reached, rest, out=reached)
    return folded


def _reaching(
    block: npt.NDArray[Any], groups: npt.NDArray[Any], bound: npt.NDArray[Any], k: int
) -> npt.NDArray[np.intp] | None:
    """Return the flat indices of the scores that reach the bound, or None if these are many."""
    n_rows, n_columns = block.shape
    width = groups.shape[1]
    reaching = np.flatnonzero(groups >= bound)
    if len(reaching) > 2 * k * n_rows:
        return None
    rows, group = np.divmod(reaching, width)
    starts = np.arange(0, n_columns, width)
    places = (rows * n_columns + group)[:, None] + starts
    # The last part may be shorter than the others; "clip" keeps what it lacks inside the block.
    reached = block.ravel().take(places, mode="clip") >= bound[rows]
    reached[:, -1] &= group < n_columns - starts[-1]
    return places.ravel().take(np.flatnonzero(reached))


def _most_in_a_row(places: npt.NDArray[np.integer], n_columns: int) -> int:
    return int(np.bincount(places // n_columns).max())


def _sort_places(
    places: npt.NDArray[np.integer], block: npt.NDArray[Any], k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
    """Return the best ``k`` of at least ``k`` places in each row."""
    n_rows, n_columns = block.shape
    if block.dtype == np.float32:
        places = _sorted_places(places, block)
    else:
        places = np.sort(places)
        places = places[np.lexsort((-block.ravel()[places], places // n_columns))]
    rows = places // n_columns
    counts = np.bincount(rows, minlength=n_rows)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    best = places[nth < k].reshape(n_rows, k)
    return (best % n_columns).astype(np.int32), block.ravel()[best]


def _sorted_places(
    places: npt.NDArray[np.integer], block: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """Sort places by ascending row, descending score and ascending column.

    One sort of integers that hold all three is faster than a lexical sort.
    """
    n_rows, n_columns = block.shape
    column_bits = np.uint64((n_columns - 1).bit_length())
    if n_rows.bit_length() + 32 + int(column_bits) > 64:
        raise AssertionError(f"a block of {block.shape} has more places than fit in an integer")
    bits = ascending_bits(-block.ravel()[places])
    rows, columns = np.divmod(places.astype(np.uint64), np.uint64(n_columns))
    keys = ((rows << np.uint64(32) | bits) << column_bits) | columns
    keys.sort()
    rows = keys >> (column_bits + np.uint64(32))
    columns = keys & np.uint64((1 << int(column_bits)) - 1)
    return (rows * np.uint64(n_columns) + columns).astype(np.int64)


def _sort(
    candidates: npt.NDArray[np.integer], values: npt.NDArray[Any], k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
    # Candidates are in ascending order of columns, which a stable sort keeps among ties.
    order = np.argsort(-values, axis=1, kind="stable")[:, :k]
    indices = np.take_along_axis(candidates, order, axis=1).astype(np.int32)
    return indices, np.take_along_axis(values, order, axis=1)


def _thin_out(
    candidate: npt.NDArray[np.bool_], block: npt.NDArray[Any], bound: npt.NDArray[Any], k: int
) -> None:
    """Leave exactly ``k`` candidates in rows that have too many, in place.

    Rows have many if many scores are equal, as those of neighbours and forests, or if the high
    ones are in few groups of columns.
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
        # The first columns mostly hold enough of the equal scores.
        equal = block[:, :width] == kth
        nth = np.cumsum(equal, axis=1, dtype=np.int32)
        if width >= block.shape[1] or (nth[:, -1:] >= missing).all():
            break
        width *= 4
    keep[:, :width] |= equal & (nth <= missing)
    candidate[crowded] = keep
