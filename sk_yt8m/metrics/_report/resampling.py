"""Average precision of pooled lists over bootstrap resamples of the samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._definitions.shares import Shares
from sk_yt8m.metrics._inputs.exact import sortable
from sk_yt8m.metrics._inputs.scores import CheckedTopK
from sk_yt8m.metrics._inputs.true_labels import TrueLabels


@dataclass(frozen=True)
class PooledLists:
    """Lists of scores, sorted once, whose average precision is had for any counts of samples.

    A resample draws some samples several times and others not at all. That changes how often an
    entry of a list counts, and never the order of the list.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    rows : ndarray of shape (n_entries,)
        Sample of each entry, list after list, each by falling score.
    hit_rows : ndarray of shape (n_hits,)
        Sample of each hit, in the same order.
    starts, ends : ndarray of shape (n_thresholds,)
        First entry of the list, and first entry behind the threshold, for each score with a hit.
    hit_starts, hit_firsts, hit_ends : ndarray of shape (n_thresholds,)
        First hit of the list, first hit of the threshold, first hit behind it.
    lists : ndarray of shape (n_thresholds,)
        List of each threshold.
    positive_rows : ndarray of shape (n_positives,)
        Sample of each positive.
    positive_lists : ndarray of shape (n_positives,)
        List in whose denominator it counts.
    """

    n_samples: int
    rows: npt.NDArray[np.intp]
    hit_rows: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]
    hit_starts: npt.NDArray[np.intp]
    hit_firsts: npt.NDArray[np.intp]
    hit_ends: npt.NDArray[np.intp]
    lists: npt.NDArray[np.intp]
    positive_rows: npt.NDArray[np.intp]
    positive_lists: npt.NDArray[np.integer]

    def mean(self, counts: npt.NDArray[np.integer]) -> float:
        """Return the mean average precision of the lists that have a positive.

        Parameters
        ----------
        counts : ndarray of int of shape (n_samples,)
            How often each sample was drawn.

        Returns
        -------
        mean : float
        """
        n_positives = np.bincount(self.positive_lists, weights=counts[self.positive_rows])
        listed_up_to = np.concatenate([[0], counts[self.rows].cumsum()])
        found_up_to = np.concatenate([[0], counts[self.hit_rows].cumsum()])
        listed = listed_up_to[self.ends] - listed_up_to[self.starts]
        found = found_up_to[self.hit_ends] - found_up_to[self.hit_starts]
        gained = found_up_to[self.hit_ends] - found_up_to[self.hit_firsts]
        area = gained * found / np.maximum(listed, 1)
        areas = np.bincount(self.lists, weights=area, minlength=len(n_positives))
        present = n_positives > 0
        return float(np.mean(areas[present] / n_positives[present])) if present.any() else 0.0


def one_list(labels: TrueLabels, top: CheckedTopK, hits: npt.NDArray[np.bool_]) -> PooledLists:
    """Pool the best labels of all samples in one list, for GAP."""
    return _sort(top, hits, np.zeros_like(top.indices), labels, np.zeros_like(labels.indices))


def one_list_a_label(
    labels: TrueLabels, top: CheckedTopK, hits: npt.NDArray[np.bool_]
) -> PooledLists:
    """Pool them in one list for each label, for mAP."""
    return _sort(top, hits, top.indices, labels, labels.indices)


def resample(
    sources: list[PooledLists | Shares], n_resamples: int, random_state: np.random.RandomState
) -> npt.NDArray[np.float64]:
    """Return every figure for every resample of the samples.

    Parameters
    ----------
    sources : list of PooledLists or Shares
        What the figures are computed from.
    n_resamples : int
        Number of resamples, each of as many samples as there are, with replacement.
    random_state : RandomState
        Draws the samples.

    Returns
    -------
    figures : ndarray of shape (n_resamples, len(sources))
    """
    is_pooled = np.array([isinstance(source, PooledLists) for source in sources])
    pools = [source for source in sources if isinstance(source, PooledLists)]
    shares = [source for source in sources if isinstance(source, Shares)]
    n_samples = pools[0].n_samples if pools else len(shares[0].numerators)
    parts = np.array(
        [part for share in shares for part in _parts(share)], dtype=np.float64
    ).reshape(2 * len(shares), n_samples)
    figures = np.empty((n_resamples, len(sources)))
    for place in range(n_resamples):
        drawn = random_state.randint(n_samples, size=n_samples)
        counts = np.bincount(drawn, minlength=n_samples)
        figures[place, is_pooled] = [pool.mean(counts) for pool in pools]
        reached, possible = (parts @ counts).reshape(-1, 2).T
        figures[place, ~is_pooled] = reached / np.where(possible, possible, 1)
    return figures


def _parts(share: Shares) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    if share.denominators is None:
        return share.numerators, np.ones(len(share.numerators))
    return share.numerators, share.denominators


def _sort(
    top: CheckedTopK,
    hits: npt.NDArray[np.bool_],
    lists: npt.NDArray[np.integer],
    labels: TrueLabels,
    positive_lists: npt.NDArray[np.integer],
) -> PooledLists:
    scores = sortable(top.scores)
    order = np.lexsort((-scores.ravel(), lists.ravel()))
    order = order[top.indices.ravel()[order] >= 0]
    rows = order // scores.shape[1]
    scores, hits, lists = scores.ravel()[order], hits.ravel()[order], lists.ravel()[order]
    new_list = np.append(True, lists[1:] != lists[:-1])
    new_score = new_list | np.append(True, scores[1:] != scores[:-1])
    first = np.flatnonzero(new_score)
    end = np.append(first[1:], len(lists))
    hits_before = np.concatenate([[0], np.cumsum(hits)])
    with_hit = hits_before[end] > hits_before[first]
    first, end = first[with_hit], end[with_hit]
    list_first = np.maximum.accumulate(np.where(new_list, np.arange(len(lists)), 0))[first]
    return PooledLists(
        n_samples=labels.n_samples,
        rows=rows,
        hit_rows=rows[hits],
        starts=list_first,
        ends=end,
        hit_starts=hits_before[list_first],
        hit_firsts=hits_before[first],
        hit_ends=hits_before[end],
        lists=lists[first],
        positive_rows=labels.rows,
        positive_lists=positive_lists,
    )
