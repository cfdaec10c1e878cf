"""The default settings on small data, beside MLPClassifier's defaults.

    python examples/benchmarks/small_data.py

Multilabel problems that scikit-learn can make, scored by GAP@20 and micro average precision, and
its bundled multiclass sets, scored by accuracy; five folds each, features standardised for both.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_wine,
    make_multilabel_classification,
)
from sklearn.model_selection import KFold, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.metrics import gap_scorer


def multilabel(n_labels: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Make 1,000 rows; a share of the label cells is drawn anew."""
    X, Y = make_multilabel_classification(
        1000, n_features=40, n_classes=n_labels, n_labels=3, length=100, random_state=0
    )
    rng = np.random.default_rng(0)
    rows = rng.random(len(Y)) < noise
    Y[rows] = rng.permutation(Y[rows])
    return X, Y


PROBLEMS = {
    "5 labels": (lambda: multilabel(5, 0.0), "GAP@20"),
    "5 labels, noisy": (lambda: multilabel(5, 0.2), "GAP@20"),
    "20 labels": (lambda: multilabel(20, 0.0), "GAP@20"),
    "20 labels, noisy": (lambda: multilabel(20, 0.2), "GAP@20"),
    "100 labels": (lambda: multilabel(100, 0.0), "GAP@20"),
    "100 labels, noisy": (lambda: multilabel(100, 0.2), "GAP@20"),
    "digits": (lambda: load_digits(return_X_y=True), "accuracy"),
    "wine": (lambda: load_wine(return_X_y=True), "accuracy"),
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), "accuracy"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    classifiers = {
        "ours": DeepMultiLabelClassifier(random_state=0),
        "MLPClassifier": MLPClassifier(random_state=0),
    }
    folds = KFold(args.folds, shuffle=True, random_state=0)
    rows = []
    for problem, (make, metric) in PROBLEMS.items():
        X, y = make()
        row = {"problem": problem, "metric": metric}
        for name, clf in classifiers.items():
            result = cross_validate(
                make_pipeline(StandardScaler(), clf),
                X,
                y,
                cv=folds,
                scoring=gap_scorer if metric == "GAP@20" else "accuracy",
            )
            row[name] = result["test_score"].mean()
            row[f"{name}, s"] = result["fit_time"].mean()
        rows.append(row)
        print(
            pd.DataFrame([row]).round(4).to_string(index=False, header=len(rows) == 1), flush=True
        )


if __name__ == "__main__":
    main()
