"""One process of a training by several, for the tests; the last line that it prints says its end.

Usage: train_one.py RANK PORTS PARAMETERS OUT OPTIONS; ports separated by commas, one for each
process; parameters and options in JSON.
"""

import contextlib
import json
import os
import sys
import time

import numpy as np
from problem import learner, rows

from sk_yt8m.distributed import config_context, multi_worker_strategy


class Callback:
    """Predicts after every epoch, returns True after the second one, or fails there."""

    def __init__(self, X, fails):
        self.X, self.fails, self.epochs = X, fails, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        fitted_estimator.predict_proba(self.X)
        self.epochs += context.task_name == "epoch"
        if self.fails:
            raise OSError("no room")
        return self.epochs == 2


def train(rank, n_processes, parameters, out, options):
    strategy = None
    if n_processes > 1:
        strategy = multi_worker_strategy(timeout=options.get("start", 120))
    X, Y, weight = rows()
    if options.get("other rows") == rank:
        X = X + 1
    if options.get("bad rows") == rank:
        Y = Y[1:]
    if options.get("other alpha") == rank:
        parameters["alpha"] = 0.25
    if options.get("silent") == rank:
        from sk_yt8m._training.trainer import Trainer

        Trainer.train = lambda *_: time.sleep(1000)
    scope = contextlib.nullcontext() if strategy is None else strategy.scope()
    with config_context(timeout=options.get("timeout", 120)), scope:
        clf = learner(**parameters)
        callback = Callback(X, "callback fails" in options)
        if rank in options.get("callback", []):
            clf.set_callbacks(callback)
        if options.get("partial"):
            for part in np.array_split(np.arange(len(X)), 3):
                clf.partial_fit(X[part], Y[part], sample_weight=weight[part])
        else:
            clf.fit(X, Y, sample_weight=weight)
    weights = clf._fitted.network.weights
    np.savez(out, **{name.replace("/", "|"): array for name, array in weights.items()})
    told = [f"and told of {callback.epochs}"] if "callback" in options else []
    print("fitted", clf.n_iter_, clf.loss_, *told, flush=True)


def main():
    rank, ports = int(sys.argv[1]), sys.argv[2].split(",")
    parameters, out, options = json.loads(sys.argv[3]), sys.argv[4], json.loads(sys.argv[5])
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    task = {"cluster": cluster, "task": {"type": "worker", "index": rank}}
    os.environ["TF_CONFIG"] = json.dumps(task)
    try:
        train(rank, len(ports), parameters, out, options)
    except BaseException as error:
        print(type(error).__name__, error, flush=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
