"""Neighbours: exact and approximate search beside the network alone, time, recall and GAP.

    python examples/benchmarks/neighbors.py
    python examples/benchmarks/neighbors.py --data FOLDER --model neighbors.safetensors
    python examples/benchmarks/neighbors.py --references 1000000

The second trains the recipe "fast" on the course set and keeps it in the file, which later runs
read. The third compares made-up activations of 256 numbers, in clusters, without a network.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from _record import add_options, write
from sklearn.base import BaseEstimator, ClassifierMixin

import sk_yt8m
from sk_yt8m import DeepNeighborsClassifier, make_classifier
from sk_yt8m.datasets import load_csv, make_videos
from sk_yt8m.metrics import gap_score

WIDTH = 256


class Activations(ClassifierMixin, BaseEstimator):
    """A network that does nothing: its last hidden layer holds the features."""

    def fit(self, X: np.ndarray, y: Any) -> "Activations":
        """Learn the number of labels."""
        self.n_columns_ = y.shape[1]
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the same probability for each label."""
        return np.full((len(X), self.n_columns_), 0.5, np.float32)

    def hidden_activations(self, X: np.ndarray) -> np.ndarray:
        """Return the features."""
        return np.array(X, np.float32)


def course(folder: Path | None, rows: int) -> tuple[Any, Any, Any, Any]:
    """Return videos to train on and to predict, of the course set or made up."""
    if folder is None:
        X, Y = make_videos(rows + rows // 8, random_state=0, return_X_y=True)
        return X[:rows], Y[:rows], X[rows:], Y[rows:]
    options = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(folder, split="course-train", **options)
    X_val, Y_val = load_csv(folder, split="course-val", **options)
    return np.array(X), Y, np.array(X_val), Y_val


def made_up(n_rows: int) -> tuple[np.ndarray, Any, np.ndarray, Any]:
    """Return activations in clusters, with the clusters as labels."""
    rng = np.random.default_rng(0)
    n_clusters, n_new = max(1, n_rows // 200), 2048
    centers = rng.standard_normal((n_clusters, WIDTH), dtype=np.float32)
    cluster = rng.integers(0, n_clusters, n_rows + n_new)
    X = rng.standard_normal((n_rows + n_new, WIDTH), dtype=np.float32)
    for start in range(0, len(X), 2**16):
        X[start : start + 2**16] += centers[cluster[start : start + 2**16]]
    ones = np.ones(len(X), np.int8)
    Y = sp.csr_array((ones, (np.arange(len(X)), cluster % 1000)), shape=(len(X), 1000))
    return X[:n_rows], Y[:n_rows], X[n_rows:], Y[n_rows:]


def fitted(args: argparse.Namespace, X: Any, Y: Any) -> DeepNeighborsClassifier:
    """Return a trained classifier, from its file if there is one."""
    if args.model is not None and args.model.exists():
        return sk_yt8m.load(args.model)
    network = Activations() if args.references else make_classifier("fast", random_state=0)
    clf = DeepNeighborsClassifier(network).fit(X, Y)
    if args.model is not None:
        clf.save(args.model)
    return clf


def best(call: Callable[[], object], repeats: int) -> float:
    """Return the shortest of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def neighbors_of(clf: DeepNeighborsClassifier, X: Any, algorithm: str) -> np.ndarray:
    """Return the neighbours of some rows, which no public method gives."""
    units = clf.estimator_.hidden_activations(X)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    return clf._search.find(units, clf.n_neighbors, algorithm, int(clf.n_probes))[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the course's CSV files")
    parser.add_argument("--model", type=Path, help="file of the trained classifier")
    parser.add_argument("--rows", type=int, default=16384, help="made-up videos (16384)")
    parser.add_argument("--references", type=int, help="made-up activations in their place")
    parser.add_argument("--probes", type=int, nargs="+", default=[64], help="n_probes (64)")
    parser.add_argument("--repeats", type=int, default=3, help="runs, the best counts (3)")
    add_options(parser)
    args = parser.parse_args()

    X, Y, X_new, Y_new = (
        made_up(args.references) if args.references else course(args.data, args.rows)
    )
    clf = fitted(args, X, Y)
    ways: list[dict[str, Any]] = [{}]
    if hasattr(clf, "algorithm"):
        ways = [{"algorithm": "brute"}, {"algorithm": "auto"}]
        ways += [{"algorithm": "ivf", "n_probes": n_probes} for n_probes in args.probes]
    clf.estimator_.predict_proba(X_new)
    network = best(lambda: clf.estimator_.predict_proba(X_new), args.repeats)
    print(f"{len(X_new):,} rows, {len(X):,} references; network alone {network:.2f} s")
    print(f"{'':34}{'seconds':>9}{'networks':>10}{'first call':>12}{'GAP@20':>9}{'recall@50':>11}")
    exact, rows = None, []
    for way in ways:
        clf.set_params(**way)
        # The first call prepares what the search needs.
        first = best(lambda: clf.predict_top_k(X_new), 1)
        seconds = best(lambda: clf.predict_top_k(X_new), args.repeats)
        line = f"{way or 'this version'!s:34}{seconds:9.2f}{seconds / network:10.1f}{first:12.2f}"
        gap = gap_score(Y_new, clf.predict_top_k(X_new))
        line += f"{gap:9.4f}"
        row = {"search": " ".join(map(str, way.values())), "seconds": seconds}
        row |= {"networks": seconds / network, "first call": first, "GAP@20": gap}
        if way:
            found = neighbors_of(clf, X_new, way["algorithm"])
            exact = found if exact is None else exact
            shared = [np.isin(*pair).mean() for pair in zip(exact, found, strict=True)]
            line += f"{np.mean(shared):11.4f}"
            row["recall@50"] = np.mean(shared)
        print(line, flush=True)
        rows.append(row)
    write(args, {"search": rows}, seeds=[0])


if __name__ == "__main__":
    main()
