"""Metrics of bootstrap resamples of the samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._definitions.per_sample import SampleTerms
from sk_yt8m.metrics._inputs.dense_scores import CheckedTopK
from sk_yt8m.metrics._inputs.exact import sortable
from sk_yt8m.metrics._inputs.true_labels import TrueLabels


@dataclass(frozen=True)
class PooledLists:
    """Lists of scores, sorted once, whose average precision is computed for any resample.

    A resample draws some samples several times and others not at all. That changes how often an
    entry of a list counts, and never the order of the list.
    """

    n_samples: int
    #: Sample of each entry, list after list, each by descending score; shape (n_entries,).
    rows: npt.NDArray[np.intp]
    #: Sample of each hit, in the same order; shape (n_hits,).
    hit_rows: npt.NDArray[np.intp]
    #: For each score with a hit, the first entry of its list, and the first entry with a lower one.
    starts: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]
    #: The first hit of its list, the first hit with this score, and the first with a lower one.
    hit_starts: npt.NDArray[np.intp]
    hit_firsts: npt.NDArray[np.intp]
    hit_ends: npt.NDArray[np.intp]
    #: The number of its list.
    lists: npt.NDArray[np.intp]
    #: Sample of each positive, and the list that it belongs to; shape (n_positives,).
    positive_rows: npt.NDArray[np.intp]
    positive_lists: npt.NDArray[np.integer]

    def mean(self, counts: npt.NDArray[np.integer]) -> float:
        """Return the mean average precision of the lists that have a positive.

        ``counts`` of shape (n_samples,) tells how often each sample was drawn.
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


def resample(
    sources: list[PooledLists | SampleTerms], n_resamples: int, random_state: np.random.RandomState
) -> npt.NDArray[np.float64]:
    """Return each metric of each resample, shape (n_resamples, len(sources)).

    A resample draws as many samples as there are, with replacement.
    """
    is_pooled = np.array([isinstance(source, PooledLists) for source in sources])
    pools = [source for source in sources if isinstance(source, PooledLists)]
    terms = [source for source in sources if isinstance(source, SampleTerms)]
    n_samples = pools[0].n_samples if pools else len(terms[0].numerators)
    parts = np.array([part for term in terms for part in _parts(term)], dtype=np.float64)
    parts = parts.reshape(2 * len(terms), n_samples)
    values = np.empty((n_resamples, len(sources)))
    for place in range(n_resamples):
        drawn = random_state.randint(n_samples, size=n_samples)
        counts = np.bincount(drawn, minlength=n_samples)
        values[place, is_pooled] = [pool.mean(counts) for pool in pools]
        reached, possible = (parts @ counts).reshape(-1, 2).T
        values[place, ~is_pooled] = reached / np.where(possible, possible, 1)
    return values


def _parts(terms: SampleTerms) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    if terms.denominators is None:
        return terms.numerators, np.ones(len(terms.numerators))
    return terms.numerators, terms.denominators


def pooled_lists(labels: TrueLabels, top: CheckedTopK, *, per_label: bool) -> PooledLists:
    """Pool the best labels of all samples in one list, for GAP, or one per label, for mAP."""
    lists = top.indices if per_label else np.zeros_like(top.indices)
    positive_lists = labels.indices if per_label else np.zeros_like(labels.indices)
    scores, hits = sortable(top.scores), labels.find(top.indices)
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
