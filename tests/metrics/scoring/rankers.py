"""Classifiers whose features are their scores, and which note how they are called."""

import numpy as np
from metric_cases import PROPENSITIES, top_k_of
from sklearn.base import BaseEstimator, ClassifierMixin

from sk_yt8m import TopK
from sk_yt8m.metrics import get_scorer

CALLS: list[tuple[str, int]] = []


def scorer_of(name, n_labels=30):
    """Return the scorer of a name, with propensities where it needs them."""
    needs = name.startswith("ps")
    return get_scorer(name, **({"propensities": PROPENSITIES[:n_labels]} if needs else {}))


class Ranker(ClassifierMixin, BaseEstimator):
    """A classifier that can only name its best labels."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        self.classes_ = np.array([[0, 1]] * np.shape(y)[1])
        return self

    def predict(self, X):
        raise AssertionError("no scorer needs predict")

    def predict_top_k(self, X, k=20):
        CALLS.append(("predict_top_k", k))
        return TopK(*top_k_of(np.asarray(X) + self.shift, k))


class Scores(Ranker):
    """A classifier that gives the scores of all labels, and no top k."""

    def predict_proba(self, X):
        CALLS.append(("predict_proba", len(X)))
        return np.asarray(X)

    @property
    def predict_top_k(self):
        raise AttributeError


class WeightedRanker(Ranker):
    """The same, whose training takes weights."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y)
