"""`cross_val_score` with two processes, beside one.

    python examples/benchmarks/parallel.py

Made-up videos of YouTube-8M's sizes and the default recipe. With two processes each has half of the
processor's cores; they share the memory-mapped features.
"""

import argparse
import time

from _record import add_options, write
from sklearn.model_selection import KFold, cross_val_score

from sk_yt8m import DeepMultiLabelClassifier, SparseIndicator
from sk_yt8m.datasets import make_videos
from sk_yt8m.metrics import gap_scorer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=16384, help="videos (16384)")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each fit (4)")
    add_options(parser)
    args = parser.parse_args()

    X, Y = make_videos(args.rows, random_state=0, return_indicator="sparse", return_X_y=True)
    clf = DeepMultiLabelClassifier(max_iter=args.epochs, random_state=0)
    seconds, rows = {}, []
    for n_jobs in (1, 2):
        start = time.perf_counter()
        scores = cross_val_score(
            clf, X, SparseIndicator(Y), scoring=gap_scorer, cv=KFold(4), n_jobs=n_jobs
        )
        seconds[n_jobs] = time.perf_counter() - start
        shown = "  ".join(f"{score:.4f}" for score in scores)
        print(f"n_jobs={n_jobs}: {seconds[n_jobs]:6.1f} s   GAP@20 {shown}", flush=True)
        rows.append({"n_jobs": n_jobs, "seconds": seconds[n_jobs], "GAP@20": scores.mean()})
    write(args, {"folds": rows}, seeds=[0])
    print(f"two processes take {seconds[2] / seconds[1]:.2f} of the time of one")


if __name__ == "__main__":
    main()
