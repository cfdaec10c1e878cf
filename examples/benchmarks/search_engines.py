"""The same search in one process, and on two worker processes of loky, Dask and Ray.

    python examples/benchmarks/search_engines.py

Seconds of a first call, whose workers import TensorFlow, and of a second one, and what passed the
loopback device, which Ray uses only for small things. ``--in-memory`` takes arrays, not a store.
"""

import argparse
import tempfile
import time
from contextlib import ExitStack

import joblib
import numpy as np
import psutil
from _record import add_options, write
from sklearn.model_selection import GridSearchCV, KFold

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import convert, make_videos
from sk_yt8m.metrics import gap_scorer


def start(engine: str, stack: ExitStack) -> None:
    """Make an engine with two workers joblib's backend until the stack is closed."""
    options = {}
    if engine == "dask":
        from dask.distributed import Client, LocalCluster

        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
        stack.enter_context(cluster)
        stack.enter_context(Client(cluster))
    elif engine == "ray":
        import ray
        from ray.util.joblib import register_ray

        register_ray()
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        stack.callback(ray.shutdown)
    if engine != "one process":
        options = {"backend": engine, "n_jobs": 2}
    stack.enter_context(joblib.parallel_config(**options))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4096, help="videos (4096)")
    parser.add_argument("--in-memory", action="store_true", help="arrays in memory, not a store")
    parser.add_argument("--engines", nargs="+", default=["one process", "loky", "dask", "ray"])
    add_options(parser)
    args = parser.parse_args()

    clf = DeepMultiLabelClassifier((64,), max_iter=2, random_state=0)
    grid = {"learning_rate_init": [0.003, 0.01]}
    with tempfile.TemporaryDirectory() as folder:
        X, Y = make_videos(args.rows, random_state=0, return_indicator="sparse", return_X_y=True)
        if not args.in_memory:
            store = convert((X, Y), f"{folder}/store")
            X, Y = store.X, store.Y
        print(f"features of {X.nbytes / 1e6:.1f} MB", flush=True)
        rows = []
        for engine in args.engines:
            with ExitStack() as stack:
                start(engine, stack)
                for call in ("first", "second"):
                    sent = psutil.net_io_counters(pernic=True)["lo"].bytes_sent
                    begin = time.perf_counter()
                    search = GridSearchCV(
                        clf, grid, scoring=gap_scorer, cv=KFold(2), refit=False
                    ).fit(X, Y)
                    seconds = time.perf_counter() - begin
                    sent = psutil.net_io_counters(pernic=True)["lo"].bytes_sent - sent
                    shown = np.round(search.cv_results_["mean_test_score"], 4)
                    print(
                        f"{engine:12} {call:6} call {seconds:6.1f} s   loopback "
                        f"{sent / 1e6:7.2f} MB   GAP@20 {shown}",
                        flush=True,
                    )
                    row = {"engine": engine, "call": call, "seconds": seconds}
                    rows.append({**row, "loopback MB": sent / 1e6, "GAP@20": max(shown)})
        write(args, {"calls": rows}, seeds=[0], packages=("joblib", "distributed", "ray"))


if __name__ == "__main__":
    main()
