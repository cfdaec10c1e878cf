"""Prediction speed: bulk beside the bare matrix products, one row beside MLPClassifier.

    python examples/benchmarks/predict.py

Made-up videos of YouTube-8M's sizes and the network of the default recipe, hardly trained: its
weights do not matter here.
"""

import argparse
import time
import warnings
from collections.abc import Callable

from sklearn.neural_network import MLPClassifier

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import make_videos


def best(call: Callable[[], object], repeats: int) -> float:
    """Return the shortest of several runs, in seconds."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5632, help="videos of the bulk (5632)")
    args = parser.parse_args()

    X, Y = make_videos(args.rows, random_state=0, return_indicator="sparse", return_X_y=True)
    clf = DeepMultiLabelClassifier(batch_size=512, max_iter=1, random_state=0)
    clf.fit(X[:1024], Y[:1024])
    warnings.simplefilter("ignore")
    peer = MLPClassifier((2000, 3200), batch_size=512, max_iter=1, random_state=0)
    peer.fit(X[:1024], Y[:1024].toarray())

    from sk_yt8m._runtime import tf

    kernels = [tf.constant(kernel) for kernel in peer.coefs_]

    @tf.function
    def bare(rows: tf.Tensor) -> tf.Tensor:
        for kernel in kernels:
            rows = tf.matmul(rows, kernel)
        return rows

    def products() -> None:
        for start in range(0, args.rows, 512):
            bare(tf.constant(X[start : start + 512]))

    bulk = {
        "matrix products alone, float32": products,
        "predict_proba": lambda: clf.predict_proba(X),
        "predict_top_k": lambda: clf.predict_top_k(X),
        "MLPClassifier.predict_proba": lambda: peer.predict_proba(X),
    }
    times = {name: best(call, 3) for name, call in bulk.items()}
    floor = times["matrix products alone, float32"]
    print(f"{args.rows} rows{'':28}rows/s   time of products")
    for name, taken in times.items():
        print(f"{name:32}{args.rows / taken:10,.0f}{taken / floor:14.2f}x")

    row = X[:1]
    single = {
        "MLPClassifier.predict_proba": lambda: peer.predict_proba(row),
        "predict_proba": lambda: clf.predict_proba(row),
        "predict_top_k": lambda: clf.predict_top_k(row),
    }
    times = {name: best(call, 100) for name, call in single.items()}
    print(f"\none row{'':33}ms   time of MLPClassifier")
    for name, taken in times.items():
        ratio = taken / times["MLPClassifier.predict_proba"]
        print(f"{name:32}{1e3 * taken:10.2f}{ratio:14.2f}x")


if __name__ == "__main__":
    main()
