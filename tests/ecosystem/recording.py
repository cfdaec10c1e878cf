"""A network without training that keeps what its `fit` gets, in all its clones."""

from typing import Any

from ensemble_parts import Copying


class Log(list):
    """A list that stays the same one in copies."""

    def __deepcopy__(self, memo: Any) -> "Log":
        return self


class Recording(Copying):
    """Takes what `DeepMultiLabelClassifier.fit` takes."""

    def __init__(self, log=None, level=0.5):
        super().__init__(level)
        self.log = log

    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None, sample_weight_val=None):
        given = {
            "sample_weight": sample_weight,
            "X_val": X_val,
            "y_val": y_val,
            "sample_weight_val": sample_weight_val,
        }
        self.log.append({"X": X, **{k: v for k, v in given.items() if v is not None}})
        return super().fit(X, y)


class WithoutWeights(Copying):
    """Takes X and y only."""

    def __init__(self, log=None, level=0.5):
        super().__init__(level)
        self.log = log

    def fit(self, X, y):
        self.log.append({"X": X})
        return super().fit(X, y)
