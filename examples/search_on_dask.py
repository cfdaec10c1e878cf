"""Search for parameters on the worker processes of a Dask cluster, with data from a store.

python examples/search_on_dask.py

The workers map the store's files themselves: only paths are sent. On a cluster of several hosts,
give the scheduler's address, ``Client("tcp://host:8786")``, and keep the store where all of them
see it. On Ray, these take the place of the cluster and of ``backend="dask"``::

    ray.util.joblib.register_ray()
    restarts = {"max_restarts": 3, "max_task_retries": 3}
    with joblib.parallel_config(backend="ray", ray_remote_args=restarts):
"""

import argparse
import pickle
import tempfile

import joblib
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV, KFold

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import convert, sample_path
from sk_yt8m.metrics import gap_scorer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2, help="worker processes (2)")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        store = convert(sample_path(), f"{folder}/store")
        sent = len(pickle.dumps((store.X, store.Y)))
        print(f"{store}: {store.X.nbytes} bytes of features, {sent} bytes are sent")

        clf = DeepMultiLabelClassifier((64,), max_iter=2, random_state=0)
        grid = {"learning_rate_init": [0.003, 0.01]}
        # Row numbers in lists travel with each task. Dask keeps arrays of them on one worker, and a
        # search does not survive its loss.
        folds = [(train.tolist(), test.tolist()) for train, test in KFold(2).split(store.X)]
        search = GridSearchCV(clf, grid, scoring=gap_scorer, cv=folds)

        # OMP_NUM_THREADS in the environment gives each worker more threads than one.
        with (
            LocalCluster(
                n_workers=args.workers, threads_per_worker=1, dashboard_address=":0"
            ) as cluster,
            Client(cluster),
            joblib.parallel_config(backend="dask"),
        ):
            search.fit(store.X, store.Y)
        print(f"best of {grid}: {search.best_params_}, GAP@20 {search.best_score_:.4f}")


if __name__ == "__main__":
    main()
