"""The course notebook's set-up and figures, and the true GAP beside its "gap".

The notebook trains a 2000-3200 network with one file as one batch, Adam at 0.001 and the mean
cross-entropy over labels, keeps the best of ten epochs, and reports Hit@k and what it calls "gap":
for each video the mean of 1/rank over its true labels, averaged over each file and then over the
files. That is a mean reciprocal rank, not the global average precision of YouTube-8M.

    python examples/reproduce_notebook.py                  # the embedded, made-up sample
    python examples/reproduce_notebook.py --data FOLDER    # the course's CSV files
"""

import argparse
from pathlib import Path

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_csv, sample_path
from sk_yt8m.metrics import gap_score, hit_at_k_score, label_reciprocal_rank_score

NOTEBOOK = {
    "hidden_layer_sizes": (2000, 3200),
    "batch_size": 201,
    "shuffle": False,
    "max_iter": 10,
    "learning_rate": "constant",
    "learning_rate_init": 0.001,
    "warmup_fraction": 0.0,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
    "ema_decay": None,
    "dropout": 0.0,
    "input_dropout": 0.0,
    "batch_normalization": False,
    "standardize": False,
    "output_bias_init": "zeros",
    "loss_reduction": "mean",
}
PRINTED = {"label reciprocal rank": 0.5089, "Hit@1": 0.7886, "Hit@5": 0.8855, "Hit@20": 0.9256}


def figures(data: Path, max_iter: int, precision: str) -> dict[str, float]:
    """Train as the notebook does, and return what it prints, and GAP@20."""
    train = load_csv(data, split="course-train", return_indicator="sparse")
    val = load_csv(data, split="course-val", return_indicator="sparse")
    parameters = NOTEBOOK | {"max_iter": max_iter, "precision": precision}
    clf = DeepMultiLabelClassifier(random_state=0, verbose=True, **parameters)
    clf.fit(train.data, train.target, X_val=val.data, y_val=val.target)

    scores = clf.predict_proba(val.data)
    return {
        "label reciprocal rank": label_reciprocal_rank_score(val.target, scores, groups=val.shard),
        **{f"Hit@{k}": hit_at_k_score(val.target, scores, k=k) for k in (1, 5, 20)},
        "GAP@20": gap_score(val.target, scores),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=sample_path(), help="folder of CSV files")
    parser.add_argument("--max-iter", type=int, default=NOTEBOOK["max_iter"], help="epochs (10)")
    parser.add_argument("--precision", default="float32", help="float32, bfloat16 or auto")
    args = parser.parse_args()

    found = figures(args.data, args.max_iter, args.precision)
    print(f"\n{'':22}{'here':>8}{'notebook':>10}")
    for name, figure in found.items():
        printed = PRINTED.get(name)
        print(f"{name:22}{figure:8.4f}{'-' if printed is None else f'{printed:.4f}':>10}")
    print('\nThe label reciprocal rank is what the notebook prints as "gap".')


if __name__ == "__main__":
    main()
