"""Many small fits in one process: seconds to the first step, seconds in all, and memory left.

    python examples/benchmarks/many_fits.py

Each line is from a process of its own, in which TensorFlow and both libraries are imported before
the clock starts. "To the first step" is a whole fit of one step. "MB left" is resident memory after
the last fit above that after the first two, when the classifiers are gone.
"""

import argparse
import ctypes
import gc
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _record import add_options, write
from sklearn.datasets import make_multilabel_classification
from sklearn.neural_network import MLPClassifier

from sk_yt8m import DeepMultiLabelClassifier


def problem(n_features: int, n_rows: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Make rows with five labels."""
    return make_multilabel_classification(n_rows, n_features=n_features, random_state=0)


def seconds(call: Callable[[], object]) -> float:
    """Time a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def resident() -> float:
    """Return the resident memory of this process in MB, freed memory given back."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    status = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def first_steps(**parameters: Any) -> dict[str, float]:
    """Time fits of one step: the first, the second of its kind, one of another width."""
    clf = DeepMultiLabelClassifier(batch_size=100, max_iter=1, random_state=0, **parameters)
    return {
        "first fit, to the first step": seconds(lambda: clf.fit(*problem(5))),
        "second": min(seconds(lambda: clf.fit(*problem(5))) for _ in range(3)),
        "another width": seconds(lambda: clf.fit(*problem(6))),
        "another alpha": seconds(lambda: clf.set_params(alpha=0.01).fit(*problem(6))),
        "again another": seconds(lambda: clf.set_params(alpha=0.02).fit(*problem(6))),
    }


def whole_fits() -> dict[str, float]:
    """Time fits of the default network, first and second."""
    clf = DeepMultiLabelClassifier(random_state=0)
    times = [seconds(lambda: clf.fit(*problem(5))) for _ in range(2)]
    return {"first whole fit": times[0], "second": times[1]}


def twenty_widths(classifier: Any) -> dict[str, float]:
    """Time twenty fits whose number of features differs."""
    problems = [problem(n) for n in range(5, 25)]
    return {"twenty widths": seconds(lambda: [classifier.fit(*data) for data in problems])}


def twenty_chunks() -> dict[str, float]:
    """Time twenty calls of `partial_fit` with chunks of different lengths, after one call."""
    X, Y = problem(20, 200)
    clf = DeepMultiLabelClassifier(**SMALL, random_state=0).partial_fit(X, Y)
    lengths = range(50, 70)
    return {
        "chunks of 20 lengths": seconds(lambda: [clf.partial_fit(X[:n], Y[:n]) for n in lengths])
    }


def left_by(fits: list[tuple[dict[str, Any], tuple[np.ndarray, np.ndarray]]]) -> dict[str, float]:
    """Fit and predict once for each set of parameters, and return the memory that is left."""
    before = 0.0
    for i, (parameters, (X, Y)) in enumerate(fits):
        if i == 2:
            before = resident()
        clf = DeepMultiLabelClassifier(**{"max_iter": 2, "random_state": 0, **parameters})
        clf.fit(X, Y).predict_proba(X)
    return {f"MB left by {len(fits)} fits": resident() - before}


def forty_shapes() -> dict[str, float]:
    """Return the memory left by 200 fits of 40 shapes."""
    shapes = [(n_units, n_features) for n_units in (16, 24, 40, 64) for n_features in range(5, 15)]
    return left_by([({"hidden_layer_sizes": (u,)}, problem(n)) for u, n in shapes * 5])


def random_search() -> dict[str, float]:
    """Return the memory left by 200 candidates that differ in all numbers of the recipe."""
    rng = np.random.default_rng(0)
    data = problem(20)
    candidates = [
        {
            "hidden_layer_sizes": (64,),
            "alpha": 10 ** rng.uniform(-5, -1),
            "weight_decay": 10 ** rng.uniform(-3, -1),
            "dropout": rng.uniform(0, 0.5),
            "input_dropout": rng.uniform(0, 0.3),
            "beta_1": rng.uniform(0.8, 0.95),
            "ema_decay": rng.uniform(0.9, 0.999),
        }
        for _ in range(200)
    ]
    return left_by([(candidate, data) for candidate in candidates])


SMALL = {"hidden_layer_sizes": (16,)}
STAGES: dict[str, Callable[[], dict[str, float]]] = {
    "(16,)": lambda: first_steps(**SMALL),
    "(2000, 3200)": lambda: first_steps(hidden_layer_sizes=(2000, 3200)),
    "default": whole_fits,
    "(16,), all of the fit": lambda: twenty_widths(
        DeepMultiLabelClassifier(**SMALL, random_state=0)
    ),
    "partial_fit": twenty_chunks,
    "MLPClassifier((16,))": lambda: twenty_widths(MLPClassifier((16,), random_state=0)),
    "40 shapes": forty_shapes,
    "random search": random_search,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="the stages whose names hold this text")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    add_options(parser)
    args = parser.parse_args()
    if args.one:
        import sk_yt8m._training.trainer  # noqa: F401  imports TensorFlow

        warnings.simplefilter("ignore")
        print(json.dumps(STAGES[args.one]()))
        return
    rows = []
    for stage in STAGES:
        if args.only and args.only not in stage:
            continue
        command = [sys.executable, __file__, "--one", stage]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        for what, figure in json.loads(done.stdout.splitlines()[-1]).items():
            unit = "MB" if what.startswith("MB") else "s"
            print(f"{stage:24}{what:34}{figure:9.2f} {unit}", flush=True)
            rows.append({"network": stage, "what": what, "figure": figure, "unit": unit})
    write(args, {"fits": rows}, seeds=[0])


if __name__ == "__main__":
    main()
