"""Cross-validate with several scorers, on dense and on sparse labels, and search for parameters.

python examples/cross_validate.py
"""

import argparse

import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate

from sk_yt8m import DeepMultiLabelClassifier, SparseIndicator
from sk_yt8m.datasets import load_sample
from sk_yt8m.metrics import gap_scorer, make_multimetric_scorer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-jobs", type=int, default=1, help="folds at the same time (1)")
    args = parser.parse_args()

    clf = DeepMultiLabelClassifier(hidden_layer_sizes=(300,), max_iter=6, random_state=0)

    # A dense Y goes into every tool of scikit-learn.
    X, Y = load_sample(split="train", return_X_y=True)
    dense = cross_val_score(clf, X, Y, scoring=gap_scorer, cv=3, n_jobs=args.n_jobs)
    print("GAP@20 of three folds, dense Y: ", np.round(dense, 4))

    # cross_val_score refuses a scipy sparse Y, so it is wrapped; a splitter keeps it sparse.
    X, Y = load_sample(split="train", return_indicator="sparse", return_X_y=True)
    folds = KFold(3)
    sparse = cross_val_score(
        clf, X, SparseIndicator(Y), scoring=gap_scorer, cv=folds, n_jobs=args.n_jobs
    )
    print("GAP@20 of three folds, sparse Y:", np.round(sparse, 4))

    # One scorer of several metrics predicts once for all of them.
    names = ["gap@20", "hit@1", "hit@5"]
    scores = cross_validate(
        clf,
        X,
        SparseIndicator(Y),
        scoring=make_multimetric_scorer(names),
        cv=folds,
        n_jobs=args.n_jobs,
    )
    table = pd.DataFrame({name: scores[f"test_{name}"] for name in names})
    print(table.round(4).to_string())

    # A grid search takes the sparse matrix as it is.
    grid = {"hidden_layer_sizes": [(), (300,)]}
    search = GridSearchCV(clf, grid, scoring=gap_scorer, cv=folds, n_jobs=args.n_jobs).fit(X, Y)
    print(f"best of {grid}: {search.best_params_}, GAP@20 {search.best_score_:.4f}")


if __name__ == "__main__":
    main()
