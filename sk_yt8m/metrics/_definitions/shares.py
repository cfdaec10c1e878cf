"""Metrics that are a sum over samples divided by a sum over samples."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._inputs.checks import check_k, check_sample_weight, mean
from sk_yt8m.metrics._inputs.scores import check_top_k
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true


@dataclass(frozen=True)
class Shares:
    """What each sample adds to a metric.

    Parameters
    ----------
    numerators : ndarray of shape (n_samples,)
        The values whose mean is the metric, or its dividends where there are divisors.
    denominators : ndarray of shape (n_samples,), default=None
        The divisors of a metric that is a ratio of two sums.
    """

    numerators: npt.NDArray[Any]
    denominators: npt.NDArray[np.float64] | None = None

    def total(self, weight: npt.NDArray[np.float64] | None = None) -> float:
        """Return the metric; 0.0 where all divisors are 0."""
        if self.denominators is None:
            return mean(self.numerators, weight)
        one = 1.0 if weight is None else weight
        best = math.fsum(self.denominators * one)
        return math.fsum(self.numerators * one) / best if best else 0.0


@dataclass(frozen=True)
class Ranked:
    """The best labels of each sample, and which of them are true.

    Parameters
    ----------
    labels : TrueLabels
        The true labels.
    indices : ndarray of shape (n_samples, k)
        The best labels, best first; -1 where a sample has no further rated one.
    hits : ndarray of bool of shape (n_samples, k)
        Which of them are true.
    weight : ndarray of shape (n_samples,) or None
        Weight of each sample.
    """

    labels: TrueLabels
    indices: npt.NDArray[np.integer]
    hits: npt.NDArray[np.bool_]
    weight: npt.NDArray[np.float64] | None

    @property
    def k(self) -> int:
        """Number of best labels, at most the number of labels."""
        return self.hits.shape[1]


def mean_of_samples(values: npt.NDArray[Any], labels: TrueLabels) -> Shares:
    """Return the shares of a mean over the samples, those without a rated label left out."""
    return Shares(values, labels.judged)


def rank(y_true: Any, y_score: Any, k: object, sample_weight: Any, rated: Any = None) -> Ranked:
    """Check the arguments of a metric of the ``k`` best labels, and find its hits."""
    k = check_k(k)
    labels = check_y_true(y_true, rated)
    weight = check_sample_weight(sample_weight, labels)
    top = check_top_k(y_score, labels, k, f" for k={k}")
    return Ranked(labels, top.indices, labels.find(top.indices), weight)


def discounts(k: int) -> npt.NDArray[np.float64]:
    """Return what a label at each of the first ``k`` places is worth, ``1 / log2(place + 1)``."""
    return 1.0 / np.log2(np.arange(2, k + 2))


def ideal_gain(ranked: Ranked) -> npt.NDArray[np.float64]:
    """Return the discounted gain of each sample if its true labels were the best ones."""
    gains = np.concatenate([[0.0], np.cumsum(discounts(ranked.k))])
    return gains[np.minimum(ranked.labels.counts, ranked.k)]
