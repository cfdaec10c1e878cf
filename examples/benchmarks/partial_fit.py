"""What a call of `partial_fit` with one batch costs, beside a step of `fit`.

    python examples/benchmarks/partial_fit.py

Made-up videos of YouTube-8M's sizes, the network of the default recipe, batches of 512.
"""

import argparse
import time

import numpy as np

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import make_videos

BATCH = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=16, help="batches (16)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the best counts")
    args = parser.parse_args()

    n_rows = BATCH * args.batches
    X, Y = make_videos(n_rows, random_state=0, return_indicator="sparse", return_X_y=True)

    def fit(epochs: int) -> float:
        clf = DeepMultiLabelClassifier(batch_size=BATCH, max_iter=epochs, random_state=0)
        start = time.perf_counter()
        clf.fit(X, Y)
        return time.perf_counter() - start

    clf = DeepMultiLabelClassifier(batch_size=BATCH, random_state=0)
    steps, calls = [], []
    for _ in range(args.rounds):
        steps.append((fit(3) - fit(1)) / (2 * args.batches))
        clf.partial_fit(X[:BATCH], Y[:BATCH])
        times = []
        for start in range(0, n_rows, BATCH):
            begun = time.perf_counter()
            clf.partial_fit(X[start : start + BATCH], Y[start : start + BATCH])
            times.append(time.perf_counter() - begun)
        calls.append(float(np.median(times)))
    print(f"a step of fit          {1e3 * min(steps):8.1f} ms")
    print(f"a call of partial_fit  {1e3 * min(calls):8.1f} ms")
    print(f"more a call            {1e3 * (min(calls) - min(steps)):8.1f} ms")


if __name__ == "__main__":
    main()
