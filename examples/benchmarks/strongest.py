"""The best that a composition of the package's classifiers does on the course set.

    python examples/benchmarks/strongest.py --data FOLDER

Five networks of different inputs, activations and widths, each with its nearest training rows, and
their mean. "Normalised" inputs have the visual and the audio part of length 1 each. The settings
were chosen on the same validation videos that the figures are of.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from sk_yt8m import AveragingClassifier, DeepMultiLabelClassifier, DeepNeighborsClassifier
from sk_yt8m.datasets import load_csv
from sk_yt8m.metrics import gap_score, hit_at_k_score

N_VISUAL, N_FEATURES = 1024, 1152
STRONGER = {"weight_decay": 0.15, "dropout": 0.55}


def standardized(seed: int, **parameters: Any) -> Any:
    """Return a network, which standardises its inputs, with its neighbours."""
    return DeepNeighborsClassifier(DeepMultiLabelClassifier(random_state=seed, **parameters))


def normalized(seed: int, **parameters: Any) -> Any:
    """Return the same behind the normalisation of both parts."""
    parts = [slice(0, N_VISUAL), slice(N_VISUAL, N_FEATURES)]
    normalizer = make_column_transformer(*((Normalizer(), part) for part in parts))
    return make_pipeline(normalizer, standardized(seed, **STRONGER, **parameters))


MEMBERS = [
    ("normalised", normalized(0)),
    ("normalised, 3000-3000", normalized(1, hidden_layer_sizes=(3000, 3000))),
    ("normalised, GELU", normalized(2, activation="gelu")),
    ("standardised", standardized(3)),
    ("standardised, GELU", standardized(4, activation="gelu")),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the course's CSV files")
    args = parser.parse_args()

    options = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(args.data, split="course-train", **options)
    X_val, Y_val = load_csv(args.data, split="course-val", **options)
    X, X_val = np.array(X), np.array(X_val)

    start = time.perf_counter()
    clf = AveragingClassifier(MEMBERS).fit(X, Y)
    fitted = time.perf_counter()
    top = clf.predict_top_k(X_val)
    predicted = time.perf_counter()

    def show(name: str, scores: Any) -> None:
        hits = "".join(f"{hit_at_k_score(Y_val, scores, k=k):8.4f}" for k in (1, 5, 20))
        print(f"{name:42}{gap_score(Y_val, scores):8.4f}{hits}", flush=True)

    print(f"{'':42}{'GAP@20':>8}{'Hit@1':>8}{'Hit@5':>8}{'Hit@20':>8}")
    for name, member in clf.named_estimators_.items():
        neighbors = member[-1] if hasattr(member, "steps") else member
        own = neighbors.neighbor_weight
        neighbors.set_params(neighbor_weight=0.0)
        show(f"{name}, network alone", member.predict_proba(X_val))
        neighbors.set_params(neighbor_weight=own)
        show(f"{name}, with neighbours", member.predict_proba(X_val))
    show("mean of all", top)
    print(f"fit {fitted - start:.0f} s, predict {len(X_val):,} videos {predicted - fitted:.0f} s")


if __name__ == "__main__":
    main()
