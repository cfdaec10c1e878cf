"""One process of a training by several, for the tests: its report goes to standard output.

Usage: train_one.py RANK PORTS PARAMETERS OUT [OPTIONS]; ports separated by commas, one for each
process; parameters and options in JSON.
"""

import contextlib
import json
import os
import sys
import time
from pathlib import Path

rank, ports = int(sys.argv[1]), sys.argv[2].split(",")
parameters, out = json.loads(sys.argv[3]), Path(sys.argv[4])
options = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CONFIG"] = json.dumps(
    {
        "cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]},
        "task": {"type": "worker", "index": rank},
    }
)

from sk_yt8m.distributed import config_context, multi_worker_strategy

try:
    strategy = multi_worker_strategy(timeout=options.get("start", 120)) if len(ports) > 1 else None
except TimeoutError as error:
    print("TimeoutError", error, flush=True)
    sys.exit(3)

import numpy as np
from problem import learner, rows

X, Y, weight = rows()
if options.get("other rows") == rank:
    X = X + 1
if options.get("bad rows") == rank:
    Y = Y[1:]
if options.get("silent") == rank:
    from sk_yt8m._training.trainer import Trainer

    Trainer.train = lambda *_: time.sleep(1000)
if options.get("other alpha") == rank:
    parameters["alpha"] = 0.25
scope = contextlib.nullcontext() if strategy is None else strategy.scope()
settings = {"timeout": options.get("timeout", 120)}
if "gradient_dtype" in options:
    settings["gradient_dtype"] = options["gradient_dtype"]
try:
    with config_context(**settings), scope:
        clf = learner(**parameters)
        print("ready", flush=True)
        if options.get("partial"):
            for part in np.array_split(np.arange(len(X)), 3):
                clf.partial_fit(X[part], Y[part], sample_weight=weight[part])
        else:
            clf.fit(X, Y, sample_weight=weight)
    weights = clf._fitted.network.weights
    np.savez(out, **{name.replace("/", "|"): array for name, array in weights.items()})
    print("fitted", clf.n_iter_, clf.loss_, flush=True)
except BaseException as error:
    print(type(error).__name__, error, flush=True)
    sys.exit(3)
