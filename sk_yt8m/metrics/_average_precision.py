"""Average precision of one pooled list, in which equal scores form one threshold."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt


def pooled_average_precision(
    scores: npt.NDArray[Any],
    hits: npt.NDArray[np.bool_],
    n_positives: float,
    weight: npt.NDArray[np.float64] | None = None,
) -> float:
    """Return the sum over hits of the precision at the hit's score, divided by ``n_positives``.

    Parameters
    ----------
    scores : ndarray of any shape
        Scores without NaN.
    hits : ndarray of bool, same shape
        Which of them belong to a true label.
    n_positives : float
        Number (or total weight) of positives, those outside the list included.
    weight : ndarray of float64, same shape, default=None
        Weight of each score.

    Returns
    -------
    average_precision : float
        0.0 where there is no positive. The order of the list does not change a single bit of it.
    """
    if weight is not None:
        return _weighted(scores.ravel(), hits.ravel(), n_positives, weight.ravel())
    # Two sorts of values cost a fifth of one argsort: only the hits need their place in the list.
    hit_scores = np.sort(scores[hits])
    if not hit_scores.size:
        return 0.0
    all_scores = np.sort(scores, axis=None)
    listed = all_scores.size - np.searchsorted(all_scores, hit_scores, side="left")
    found = hit_scores.size - np.searchsorted(hit_scores, hit_scores, side="left")
    return float(np.sum(found / listed) / n_positives)


def _weighted(
    scores: npt.NDArray[Any],
    hits: npt.NDArray[np.bool_],
    n_positives: float,
    weight: npt.NDArray[np.float64],
) -> float:
    counted = weight > 0
    scores, hits, weight = scores[counted], hits[counted], weight[counted]
    if not hits.any():
        return 0.0
    # Sorting by weight within equal scores makes rounding independent of the order of the list.
    order = np.lexsort((weight, hits, scores))[::-1]
    scores, hits, weight = scores[order], hits[order], weight[order]
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    listed = np.cumsum(weight)[last]
    found = np.cumsum(np.where(hits, weight, 0.0))[last]
    gained = np.diff(found, prepend=0.0)
    return math.fsum(gained * found / listed) / n_positives
