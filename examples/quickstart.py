"""Train, score and name the labels of a video.

python examples/quickstart.py                      # the embedded, made-up sample
python examples/quickstart.py --data FOLDER        # the course's CSV files
"""

import argparse
from pathlib import Path

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_csv, load_vocabulary, sample_path
from sk_yt8m.metrics import gap_score, hit_at_k_score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=sample_path(), help="folder of CSV files")
    parser.add_argument("--vocabulary", type=Path, help="default: vocabulary.csv in that folder")
    parser.add_argument("--max-iter", type=int, default=8, help="epochs (default: 8)")
    parser.add_argument("--threshold", type=float, default=0.2, help="show labels above (0.2)")
    parser.add_argument("--videos", type=int, default=3, help="how many videos to show (3)")
    args = parser.parse_args()

    sparse = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(args.data, split="course-train", **sparse)
    X_val, Y_val = load_csv(args.data, split="course-val", **sparse)
    names = load_vocabulary(args.vocabulary or args.data / "vocabulary.csv")["name"]
    print(f"{X.shape[0]} videos to train on, {X_val.shape[0]} to validate, {Y.shape[1]} labels")

    clf = DeepMultiLabelClassifier(max_iter=args.max_iter, random_state=0, verbose=True)
    clf.fit(X, Y)

    top = clf.predict_top_k(X_val, k=20)
    print(f"\nGAP@20 {gap_score(Y_val, top):.4f}")
    for k in (1, 5, 20):
        print(f"Hit@{k:<2} {hit_at_k_score(Y_val, top, k=k):.4f}")

    for video in range(args.videos):
        true = ", ".join(names[label] for label in Y_val[[video]].indices)
        print(f"\nvideo {video}, true labels: {true}")
        best = zip(top.indices[video, :5], top.scores[video, :5], strict=True)
        shown = [
            f"  {score:.2f}  {names[label]}" for label, score in best if score > args.threshold
        ]
        print("\n".join(shown) or f"  no label above {args.threshold}")


if __name__ == "__main__":
    main()
