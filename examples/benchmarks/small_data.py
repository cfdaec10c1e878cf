"""The default settings on small data, beside one large network and scikit-learn's classifiers.

    python examples/benchmarks/small_data.py

Multilabel problems that are made up, scored by GAP@20, and scikit-learn's multiclass sets, scored
by accuracy. Features are standardised for all classifiers. Each row has the mean of the folds, the
difference from the default with its standard error, and the seconds of a fit and of the processor
in it: the median of the folds, which leaves out the compilation in the first one.
"""

import argparse
import time
import warnings
from functools import partial
from typing import Any, Self

import numpy as np
from _record import add_options, write
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_wine,
    make_multilabel_classification,
)
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.metrics import gap_scorer


class CalibratedSVC(ClassifierMixin, BaseEstimator):
    """Probabilities of one label by an SVM; its frequency where there are too few rows to fit."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Train the SVM and its calibration."""
        self.classes_, counts = np.unique(y, return_counts=True)
        enough = min(counts) >= 3
        svm = CalibratedClassifierCV(SVC(), cv=3, ensemble=False)
        self.estimator_ = (svm if enough else DummyClassifier(strategy="prior")).fit(X, y)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probabilities of both classes."""
        return self.estimator_.predict_proba(X)


def words(
    n_samples: int, n_features: int, n_labels: int, per_row: int = 3, noise: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Make counts of words that depend on the labels; a share of the rows gets those of others."""
    X, Y = make_multilabel_classification(
        n_samples, n_features, n_classes=n_labels, n_labels=per_row, length=100, random_state=0
    )
    rng = np.random.default_rng(0)
    rows = rng.random(len(Y)) < noise
    Y[rows] = rng.permutation(Y[rows])
    return X, Y


def nonlinear(n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Make labels that a random network of two layers gives, with noise, to correlated features."""
    n_features, n_labels, n_factors, n_hidden = 100, 14, 30, 30
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, n_factors)) @ rng.normal(size=(n_factors, n_features))
    X = X / np.sqrt(n_factors) + 0.5 * rng.normal(size=X.shape)
    kernel = rng.normal(size=(n_features, n_hidden)) * (3 / np.sqrt(n_features))
    logits = np.tanh(X @ kernel) @ rng.normal(size=(n_hidden, n_labels)) * (2 / np.sqrt(n_hidden))
    logits += 0.7 * rng.logistic(size=logits.shape)
    shares = rng.uniform(0.1, 0.6, size=n_labels)
    bounds = [np.quantile(*pair) for pair in zip(logits.T, 1 - shares, strict=True)]
    return X, (logits > bounds).astype(np.int64)


PROBLEMS: dict[str, Any] = {
    "5 labels": partial(words, 1000, 40, 5),
    "5 labels, noisy": partial(words, 1000, 40, 5, noise=0.2),
    "20 labels": partial(words, 1000, 40, 20),
    "20 labels, noisy": partial(words, 1000, 40, 20, noise=0.2),
    "100 labels": partial(words, 1000, 40, 100),
    "100 labels, noisy": partial(words, 1000, 40, 100, noise=0.2),
    "14 labels, 300 rows": partial(words, 300, 100, 14, 4),
    "14 labels, 2,500 rows": partial(words, 2500, 100, 14, 4),
    "14 labels, 10,000 rows": partial(words, 10_000, 100, 14, 4),
    "nonlinear, 300 rows": partial(nonlinear, 300),
    "nonlinear, 2,500 rows": partial(nonlinear, 2500),
    "nonlinear, 10,000 rows": partial(nonlinear, 10_000),
    "digits": partial(load_digits, return_X_y=True),
    "wine": partial(load_wine, return_X_y=True),
    "breast cancer": partial(load_breast_cancer, return_X_y=True),
}


def classifiers(multilabel: bool) -> dict[str, Any]:
    """Return the classifiers by name; all but the second have their default parameters."""
    return {
        "default": DeepMultiLabelClassifier(random_state=0),
        "2000-3200": DeepMultiLabelClassifier((2000, 3200), random_state=0),
        "MLPClassifier": MLPClassifier(random_state=0),
        "forest": RandomForestClassifier(random_state=0),
        "SVM": OneVsRestClassifier(CalibratedSVC()) if multilabel else SVC(),
    }


def measure(
    clf: Any, X: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[float, float, float]:
    """Return the score on some rows of a fit on others, its seconds and those of the processor."""
    start, cpu_start = time.perf_counter(), time.process_time()
    clf.fit(X[train], y[train])
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    score = gap_scorer(clf, X[test], y[test]) if y.ndim == 2 else clf.score(X[test], y[test])
    return float(score), seconds, cpu_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", default="", help="problems whose names hold this text")
    add_options(parser)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    folds = KFold(args.folds, shuffle=True, random_state=0)
    print(f"{'':24}{'score':>7}  {'difference':>16}{'s':>8}{'CPU s':>8}")
    rows = []
    for problem, make in PROBLEMS.items():
        if args.only not in problem:
            continue
        X, y = make()
        print(f"{problem}: {X.shape[0]} x {X.shape[1]}, {'GAP@20' if y.ndim == 2 else 'accuracy'}")
        reference = None
        for name, clf in classifiers(y.ndim == 2).items():
            pipeline = make_pipeline(StandardScaler(), clf)
            results = [measure(pipeline, X, y, *split) for split in folds.split(X)]
            scores, seconds, cpu_seconds = map(np.array, zip(*results, strict=True))
            difference, change, error = "", None, None
            if reference is None:
                reference = scores
            else:
                change = (scores - reference).mean()
                error = (scores - reference).std(ddof=1) / np.sqrt(len(scores))
                difference = f"{change:+.4f} ± {error:.4f}"
            times = f"{np.median(seconds):8.2f}{np.median(cpu_seconds):8.2f}"
            print(f"    {name:20}{scores.mean():7.4f}  {difference:>16}{times}", flush=True)
            row = {"problem": problem, "rows": len(X), "classifier": name, "score": scores.mean()}
            spent = {"seconds": np.median(seconds), "processor s": np.median(cpu_seconds)}
            rows.append({**row, "difference": change, "error": error, **spent})
            write(args, {"scores": rows}, seeds=[0])


if __name__ == "__main__":
    main()
