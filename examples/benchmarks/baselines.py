"""What simple methods reach on the course set: label frequencies, ridge regression, neighbours.

python examples/benchmarks/baselines.py --data FOLDER

Features are standardised for ridge regression, and for the neighbours each modality is scaled to
length 1. A score of the neighbours is the share of them that have the label.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _record import add_options, write
from quality import MODALITIES, figures
from scipy.sparse import csr_array
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from sk_yt8m.datasets import load_csv
from sk_yt8m.presets.modalities import ModalityNormalizer


def frequencies(X: np.ndarray, Y: csr_array, X_val: np.ndarray) -> np.ndarray:
    """Give every video the frequency of each label."""
    mean = np.asarray(Y.mean(axis=0), np.float32).ravel()
    return np.broadcast_to(mean, (len(X_val), len(mean))).copy()


def ridge(X: np.ndarray, Y: csr_array, X_val: np.ndarray) -> np.ndarray:
    """Regress the labels, 0 or 1, on the features."""
    scaler = StandardScaler().fit(X)
    labels = Y.toarray().astype(np.float32)
    return Ridge(alpha=100.0).fit(scaler.transform(X), labels).predict(scaler.transform(X_val))


def neighbors(X: np.ndarray, Y: csr_array, X_val: np.ndarray) -> np.ndarray:
    """Average the labels of the 20 nearest training videos."""
    normalizer = ModalityNormalizer(MODALITIES).fit(X)
    search = NearestNeighbors(n_neighbors=20, algorithm="brute").fit(normalizer.transform(X))
    near = search.kneighbors_graph(normalizer.transform(X_val), mode="connectivity")
    return (near @ Y / 20).toarray().astype(np.float32)


METHODS: dict[str, Callable[..., np.ndarray]] = {
    "label frequencies": frequencies,
    "ridge regression": ridge,
    "20 nearest videos": neighbors,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the course's CSV files")
    add_options(parser)
    args = parser.parse_args()
    options = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(args.data, split="course-train", **options)
    X_val, Y_val = load_csv(args.data, split="course-val", **options)
    rows = []
    for name, method in METHODS.items():
        start = time.process_time()
        scores = method(np.array(X), Y, np.array(X_val))
        taken = time.process_time() - start
        rows.append({"method": name, **figures(Y_val, scores), "processor s": taken})
        print(" ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    write(args, {"methods": rows})


if __name__ == "__main__":
    main()
