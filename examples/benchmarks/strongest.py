"""The best that a composition of the package's classifiers does on the course set.

    python examples/benchmarks/strongest.py --data FOLDER

The preset "best": five networks of different inputs, activations and widths, each with its nearest
training rows, and their mean. The settings were chosen on the same validation videos that the
figures are of.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m import make_classifier
from sk_yt8m.datasets import load_csv
from sk_yt8m.metrics import gap_score, hit_at_k_score

MODALITIES = {"rgb": 1024, "audio": 128}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the course's CSV files")
    args = parser.parse_args()

    options = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(args.data, split="course-train", **options)
    X_val, Y_val = load_csv(args.data, split="course-val", **options)
    X, X_val = np.array(X), np.array(X_val)

    start = time.perf_counter()
    clf = make_classifier("best", modalities=MODALITIES, random_state=0).fit(X, Y)
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
