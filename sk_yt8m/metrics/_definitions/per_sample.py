"""Metrics that are a mean over samples, or a ratio of two sums over samples."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._inputs.checks import check_k, check_sample_weight, mean
from sk_yt8m.metrics._inputs.dense_scores import CheckedTopK
from sk_yt8m.metrics._inputs.scores import check_top_k
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true


@dataclass(frozen=True)
class SampleTerms:
    """What each sample adds to a metric, which is one sum divided by another."""

    numerators: npt.NDArray[Any]  # shape (n_samples,)
    denominators: npt.NDArray[np.float64] | None = None  # shape (n_samples,); None means ones

    def ratio(self, weight: npt.NDArray[np.float64] | None = None) -> float:
        """Return the metric; 0.0 if all denominators are 0."""
        if self.denominators is None:
            return mean(self.numerators, weight)
        one = 1.0 if weight is None else weight
        best = math.fsum(self.denominators * one)
        return math.fsum(self.numerators * one) / best if best else 0.0


def evaluate(
    terms: Callable[..., SampleTerms],
    y_true: MatrixLike,
    y_score: ScoresLike,
    sample_weight: npt.ArrayLike | None,
    rated: MatrixLike | None,
    **options: Any,
) -> float:
    """Check a metric's arguments and return the ratio of ``terms(labels, y_score, ...)``."""
    labels = check_y_true(y_true, rated)
    weight = check_sample_weight(sample_weight, labels)
    return terms(labels, y_score, **options).ratio(weight)


def top_hits(
    labels: TrueLabels, y_score: ScoresLike, k: object
) -> tuple[CheckedTopK, npt.NDArray[np.bool_]]:
    """Return the ``k`` best labels of each sample, and which of them are true."""
    k = check_k(k)
    top = check_top_k(y_score, labels, k, f" for k={k}")
    return top, labels.find(top.indices)


def mean_of_samples(values: npt.NDArray[Any], labels: TrueLabels) -> SampleTerms:
    """Return the terms of a mean over the samples that have a rated label."""
    return SampleTerms(values, labels.judged)
