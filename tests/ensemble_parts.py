"""Classifiers without training, whose probabilities and activations the tests choose."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Copying(ClassifierMixin, BaseEstimator):
    """A network that does nothing: its last hidden layer holds the features.

    It gives every label the probability `level`, refuses a training of other than `width`
    features, and gives infinity for one value of them.
    """

    def __init__(self, level=0.5, width=None, overflowing=None):
        self.level = level
        self.width = width
        self.overflowing = overflowing

    def fit(self, X, y, sample_weight=None):
        if self.width not in (None, X.shape[1]):
            raise ValueError(f"expected {self.width} features, got {X.shape[1]}")
        self.n_features_in_ = X.shape[1]
        if np.ndim(y) == 1:
            self.classes_ = np.unique(y)
        self.n_columns_ = y.shape[1] if np.ndim(y) == 2 else self.classes_.size
        return self

    def predict_proba(self, X):
        return np.full((X.shape[0], self.n_columns_), self.level)

    def hidden_activations(self, X):
        return np.where(self.overflowing == X, np.inf, X).astype(np.float32)


class Misshapen(Copying):
    """Gives one column too many, or one row too few."""

    def __init__(self, level=0.5, more_columns=0, fewer_rows=0):
        super().__init__(level)
        self.more_columns = more_columns
        self.fewer_rows = fewer_rows

    def predict_proba(self, X):
        shape = (X.shape[0] - self.fewer_rows, self.n_columns_ + self.more_columns)
        return np.full(shape, 0.5)
