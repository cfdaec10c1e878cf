"""What each threshold selects: true labels found, and wrong ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._definitions.label_lists import LabelList
from sk_yt8m.metrics._inputs.dense_scores import CheckedTopK, DenseScores
from sk_yt8m.metrics._inputs.true_labels import TrueLabels

_Weight = npt.NDArray[np.float64] | None


@dataclass(frozen=True)
class Pairs:
    """Some pairs of a sample and a label: their scores, hits and weights, all 1-d."""

    scores: npt.NDArray[np.floating]
    hits: npt.NDArray[np.bool_]
    weight: _Weight = None

    def select(self, kept: npt.NDArray[np.bool_]) -> "Pairs":
        """Return some of the pairs."""
        weight = None if self.weight is None else self.weight[kept]
        return Pairs(self.scores[kept], self.hits[kept], weight)

    def that_count(self) -> "Pairs":
        """Return the pairs whose weight is not 0."""
        return self if self.weight is None else self.select(self.weight > 0)

    def amount_from(self, cuts: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return number or weight of the pairs whose score is at least each cut point."""
        if self.weight is None:
            below = np.searchsorted(np.sort(self.scores), cuts)
            return (self.scores.size - below).astype(np.float64)
        order = np.argsort(self.scores)
        from_top = np.cumsum(self.weight[order][::-1])
        amounts = np.append(from_top[::-1], 0.0)
        return amounts[np.searchsorted(self.scores[order], cuts)]


@dataclass(frozen=True)
class CutPoints:
    """The scores of the true labels, ascending, as thresholds.

    No other threshold is better: it selects the same true labels as the next higher of these, and
    perhaps more wrong ones.
    """

    scores: npt.NDArray[np.floating]
    #: Number or weight of the true and of the wrong labels whose score is at least each of them.
    found: npt.NDArray[np.float64]
    wrong: npt.NDArray[np.float64]

    @classmethod
    def of(cls, parts: Iterable[Pairs]) -> Self:
        """Return the cut points of all pairs; their parts are iterated twice."""
        hits = [part.select(part.hits) for part in parts]
        weights = [part.weight for part in hits if part.weight is not None]
        found = Pairs(
            np.concatenate([part.scores for part in hits]),
            np.concatenate([part.hits for part in hits]),
            np.concatenate(weights) if weights else None,
        )
        scores = np.unique(found.scores)
        wrong = np.zeros(scores.size)
        for part in parts if scores.size else ():
            wrong += part.select(~part.hits).amount_from(scores)
        return cls(scores, found.amount_from(scores), wrong)

    def threshold(self, positives: float, min_precision: float | None) -> float | None:
        """Return the threshold of the highest F1, or the lowest one with a precision.

        Of equal values of F1 the highest threshold. None if there is no true label, or the
        precision is not reached.
        """
        if not self.scores.size:
            return None
        if min_precision is None:
            f1 = 2 * self.found / (self.found + self.wrong + positives)
            at = f1.size - 1 - np.argmax(f1[::-1])
        else:
            precise = np.flatnonzero(self.precision() >= min_precision)
            if not precise.size:
                return None
            at = precise[0]
        # -0.0 becomes 0.0.
        return float(self.scores[at]) + 0.0

    def precision(self) -> npt.NDArray[np.float64]:
        """Return the precision at each cut point."""
        return self.found / (self.found + self.wrong)


def pairs_of_top_k(top: CheckedTopK, labels: TrueLabels, weight: _Weight) -> Pairs:
    """Return the pairs of the best labels of each sample."""
    hits = labels.find(top.indices)
    listed = top.indices >= 0
    spread = None if weight is None else np.broadcast_to(weight[:, None], hits.shape)[listed]
    return Pairs(top.scores[listed], hits[listed], spread).that_count()


class PairsOfBlocks:
    """All pairs of dense scores, or the rated ones, block by block of samples."""

    def __init__(self, scores: DenseScores, labels: TrueLabels, weight: _Weight) -> None:
        self._scores, self._labels, self._weight = scores, labels, weight

    def __iter__(self) -> Iterator[Pairs]:
        labels, rated = self._labels, self._labels.rated
        for start, block in self._scores.blocks():
            hits = _marked(labels, start, block.shape).ravel()
            spread = None
            if self._weight is not None:
                of_rows = self._weight[start : start + len(block)]
                spread = of_rows.repeat(labels.n_labels)
            pairs = Pairs(block.ravel(), hits, spread)
            if rated is not None:
                pairs = pairs.select(_marked(rated, start, block.shape).ravel())
            yield pairs.that_count()


def pairs_of_label(one: LabelList, weight: _Weight) -> Pairs:
    """Return the pairs of one label."""
    of_rows = None if weight is None else weight[one.rows]
    return Pairs(one.scores, one.hits, of_rows).that_count()


def _marked(labels: TrueLabels, start: int, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    marked = np.zeros(shape, dtype=bool)
    first, end = labels.indptr[start], labels.indptr[start + shape[0]]
    marked[labels.rows[first:end] - start, labels.indices[first:end]] = True
    return marked
