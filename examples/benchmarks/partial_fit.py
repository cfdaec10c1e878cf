"""What a call of `partial_fit` with one batch costs, beside a step of `fit`.

    python examples/benchmarks/partial_fit.py

Made-up videos of YouTube-8M's sizes, the network of the default recipe, batches of 512. Medians of
all epochs but the first of each fit, and of all calls but the first.
"""

import argparse
import time

import numpy as np
from _record import add_options, write

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import make_videos

BATCH = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=16, help="batches (16)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    add_options(parser)
    args = parser.parse_args()

    n_rows = BATCH * args.batches
    X, Y = make_videos(n_rows, random_state=0, return_indicator="sparse", return_X_y=True)

    online = DeepMultiLabelClassifier(batch_size=BATCH, random_state=0)
    online.partial_fit(X[:BATCH], Y[:BATCH])
    steps, calls = [], []
    for _ in range(args.rounds):
        clf = DeepMultiLabelClassifier(batch_size=BATCH, max_iter=4, random_state=0).fit(X, Y)
        steps.extend(np.diff(clf.epoch_times_) / args.batches)
        for start in range(0, n_rows, BATCH):
            begun = time.perf_counter()
            online.partial_fit(X[start : start + BATCH], Y[start : start + BATCH])
            calls.append(time.perf_counter() - begun)
    step, call = float(np.median(steps)), float(np.median(calls))
    print(f"a step of fit          {1e3 * step:8.1f} ms")
    print(f"a call of partial_fit  {1e3 * call:8.1f} ms")
    print(f"more a call            {1e3 * (call - step):8.1f} ms")
    figures = {"step of fit": step, "call of partial_fit": call, "more a call": call - step}
    rows = [{"what": name, "ms": 1e3 * seconds} for name, seconds in figures.items()]
    write(args, {"calls": rows}, seeds=[0])


if __name__ == "__main__":
    main()
