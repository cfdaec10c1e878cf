"""Prediction: bulk beside the bare matrix products, one row beside MLPClassifier, and memory.

    python examples/benchmarks/predict.py
    python examples/benchmarks/predict.py --on-disk 1000000

Made-up videos of YouTube-8M's sizes and the network of the default recipe, hardly trained: its
weights do not matter here. With ``--on-disk`` the top 20 of so many rows of a memory-mapped float16
file are taken instead, and the resident memory that this adds is shown.
"""

import argparse
import copy
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _memory import measured
from _record import add_options, write
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


def top_k_on_disk(
    clf: DeepMultiLabelClassifier, some: np.ndarray, n_rows: int
) -> list[dict[str, float]]:
    """Write some rows again and again to a file, and say what its top 20 cost."""
    clf.predict_top_k(some)
    with tempfile.TemporaryDirectory() as folder:
        shape = (n_rows, some.shape[1])
        X = np.memmap(Path(folder, "X"), np.float16, "w+", shape=shape)
        for start in range(0, n_rows, len(some)):
            X[start : start + len(some)] = some[: n_rows - start]
        X.flush()
        X = np.memmap(Path(folder, "X"), np.float16, "r", shape=shape)
        start_time = time.perf_counter()
        with measured() as memory:
            clf.predict_top_k(X)
        seconds = time.perf_counter() - start_time
    print(f"{n_rows:,} rows of {X.nbytes / 1e9:.1f} GB: {n_rows / seconds:,.0f} rows/s")
    print(f"resident memory grows by {memory.added:,.0f} MB, pages of the file included")
    size, speed = X.nbytes / 1e9, n_rows / seconds
    return [{"rows": n_rows, "GB": size, "rows/s": speed, "MB added": memory.added}]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5632, help="videos of the bulk (5632)")
    parser.add_argument("--on-disk", type=int, help="rows of a memory-mapped file")
    add_options(parser)
    args = parser.parse_args()

    X, Y = make_videos(args.rows, random_state=0, return_indicator="sparse", return_X_y=True)
    clf = DeepMultiLabelClassifier(batch_size=512, max_iter=1, random_state=0)
    clf.fit(X[:1024], Y[:1024])
    if args.on_disk:
        write(args, {"on disk": top_k_on_disk(clf, X, args.on_disk)}, seeds=[0])
        return
    warnings.simplefilter("ignore")
    peer = MLPClassifier((2000, 3200), batch_size=512, max_iter=1, random_state=0)
    # scikit-learn 1.9 mixes up the columns of an indicator whose dtype cannot count its labels.
    peer.fit(X[:1024], Y[:1024].toarray().astype(int))

    from sk_yt8m._tensorflow import tf

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
    halved = copy.copy(clf).set_params(predict_precision="bfloat16")
    bulk["predict_proba, bfloat16"] = lambda: halved.predict_proba(X)
    times = {name: best(call, 3) for name, call in bulk.items()}
    floor = times["matrix products alone, float32"]
    print(f"{args.rows} rows{'':28}rows/s   time of products")
    bulk_rows, row_rows = [], []
    for name, taken in times.items():
        print(f"{name:32}{args.rows / taken:10,.0f}{taken / floor:14.2f}x")
        speed, ratio = args.rows / taken, taken / floor
        bulk_rows.append({"what": name, "rows/s": speed, "time of products": ratio})

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
        row_rows.append({"what": name, "ms": 1e3 * taken, "time of MLPClassifier": ratio})
    write(args, {"bulk": bulk_rows, "row": row_rows}, seeds=[0])


if __name__ == "__main__":
    main()
