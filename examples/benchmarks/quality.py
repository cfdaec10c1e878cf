"""Quality and memory of the default recipe, or another, on the course set.

python examples/benchmarks/quality.py --data FOLDER [--seeds 3] [--max-iter 2]

With other parameters: --set "hidden_layer_sizes=[3000, 6400]" --set n_heads=2
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _memory import measured

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_csv
from sk_yt8m.metrics import (
    gap_score,
    hit_at_k_score,
    label_reciprocal_rank_score,
    precision_at_equal_recall_rate_score,
)


def figures(Y: object, scores: np.ndarray) -> dict[str, float]:
    """Return the headline figures of dense scores."""
    return {
        "GAP@20": gap_score(Y, scores),
        **{f"Hit@{k}": hit_at_k_score(Y, scores, k=k) for k in (1, 5, 20)},
        "PERR": precision_at_equal_recall_rate_score(Y, scores),
        "LRR": label_reciprocal_rank_score(Y, scores),
    }


def show(rows: list[dict[str, float]]) -> None:
    """Print a row for each random state, and their mean."""
    table = pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="random_state"))
    table.loc["mean"] = table.mean()
    print(table.round(4).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the course's CSV files")
    parser.add_argument("--seeds", type=int, default=1, help="random states 0, 1, ... (1)")
    parser.add_argument("--max-iter", type=int, help="epochs (the default of the classifier)")
    parser.add_argument("--precision", default="auto", help="float32, bfloat16 or auto")
    parser.add_argument("--set", action="append", default=[], help="parameter=value, in JSON")
    args = parser.parse_args()
    others = {name: json.loads(value) for name, _, value in (p.partition("=") for p in args.set)}

    sparse = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(args.data, split="course-train", **sparse)
    X_val, Y_val = load_csv(args.data, split="course-val", **sparse)
    X = np.array(X)
    # TensorFlow's import is not part of what fit needs.
    import sk_yt8m._training.trainer  # noqa: F401

    rows, in_bfloat16 = [], []
    for seed in range(args.seeds):
        clf = DeepMultiLabelClassifier(
            max_iter=args.max_iter or "auto",
            precision=args.precision,
            random_state=seed,
            verbose=True,
            **others,
        )
        start = time.perf_counter()
        with measured() as memory:
            clf.fit(X, Y)
        seconds = time.perf_counter() - start
        scores = clf.predict_proba(X_val)
        result = figures(Y_val, scores)
        rows.append({**result, "epochs": clf.n_iter_, "seconds": seconds, "MB": memory.added})
        rough = clf.set_params(predict_precision="bfloat16").predict_proba(X_val)
        changed = (rough.argmax(axis=1) != scores.argmax(axis=1)).mean()
        in_bfloat16.append({**figures(Y_val, rough), "top label changed": changed})
    show(rows)
    print("\nthe same networks with predict_precision='bfloat16'")
    show(in_bfloat16)


if __name__ == "__main__":
    main()
