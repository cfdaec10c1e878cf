"""Evaluate a classifier: report with confidence intervals, table of labels, page, four pictures.

    python examples/metrics_report.py                        # the embedded sample (made up)
    python examples/metrics_report.py --data FOLDER          # the course's files
    python examples/metrics_report.py --html report.html     # a page with the worst mistakes
    python examples/metrics_report.py --pictures docs/images

The pictures need matplotlib: pip install "sk-yt8m[plot]".
"""

import argparse
from pathlib import Path

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_csv, load_vocabulary, sample_path
from sk_yt8m.metrics import (
    HitAtKDisplay,
    LabelAveragePrecisionDisplay,
    PooledPrecisionRecallDisplay,
    StreamingEvaluator,
    TrainingCurveDisplay,
    evaluation_report,
    label_propensities,
)


def save_pictures(folder: Path, clf: DeepMultiLabelClassifier, X, Y) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    top = clf.predict_top_k(X, k=20)
    displays = {
        "pooled_precision_recall": PooledPrecisionRecallDisplay.from_predictions(Y, top),
        "hit_at_k": HitAtKDisplay.from_predictions(Y, top),
        "label_average_precision": LabelAveragePrecisionDisplay.from_predictions(Y, top, k=20),
        "training_curve": TrainingCurveDisplay.from_estimator(clf),
    }
    for name, display in displays.items():
        display.figure_.savefig(folder / f"{name}.png", dpi=80)
        print(f"wrote {folder / name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=sample_path(), help="folder of CSV files")
    parser.add_argument("--vocabulary", type=Path, help="default: vocabulary.csv in that folder")
    parser.add_argument("--max-iter", type=int, default=6, help="number of epochs (6)")
    parser.add_argument("--html", type=Path, help="file for the report as a page")
    parser.add_argument("--pictures", type=Path, help="folder for the pictures")
    args = parser.parse_args()

    options = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(args.data, split="course-train", **options)
    X_val, Y_val = load_csv(args.data, split="course-val", **options)
    clf = DeepMultiLabelClassifier(
        hidden_layer_sizes=(500,), max_iter=args.max_iter, random_state=0
    ).fit(X, Y, X_val=X_val, y_val=Y_val)

    # Propensities must come from the training set.
    report = evaluation_report(
        Y_val,
        clf.predict_proba(X_val),
        vocabulary=load_vocabulary(args.vocabulary or args.data / "vocabulary.csv"),
        propensities=label_propensities(Y),
        random_state=0,
    )
    print(report)
    print("\nFrequent labels with the lowest average precision:")
    table = report.labels
    frequent = table[table["positives"] >= table["positives"].quantile(0.99)]
    print(frequent.nsmallest(5, "average_precision").round(4).to_string())

    print("\nLabels confused most often:")
    print(report.confusions[["missed", "predicted", "samples"]].head().to_string(index=False))
    if args.html:
        report.to_html(args.html)
        print(f"wrote {args.html}")

    # The same metrics from two halves, as two workers would compute them.
    half = len(X_val) // 2
    parts = []
    for rows in (slice(half), slice(half, None)):
        evaluator = StreamingEvaluator(["gap@20", "hit@1"])
        parts.append(evaluator.update(Y_val[rows], clf.predict_top_k(X_val[rows], k=20)))
    print("\nIn two parts:", parts[0].merge(parts[1]).result())

    if args.pictures:
        save_pictures(args.pictures, clf, X_val, Y_val)


if __name__ == "__main__":
    main()
