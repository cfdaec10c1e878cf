"""Validation GAP@20 against wall time, for this package and others, in one run.

    python examples/benchmarks/time_to_quality.py --data FOLDER [--plot FILE.png]

Every contender trains the 2,000 - 3,200 network on the course's training videos in a process of its
own, and scores the validation videos after each epoch; the clock runs through both. It stops once
its time is up, at the end of an epoch. The target is the best that the notebook's recipe reaches.
Peers that are not installed are left out (`pip install --group peers`).
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from _record import add_options, write
from fit import BATCH, SIZES, keras_model, torch_model

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_csv
from sk_yt8m.metrics import gap_score

sys.path.append(str(Path(__file__).parents[1]))
from reproduce_notebook import NOTEBOOK

TARGET = 0.681

#: Trains an epoch at a call; gives the scores of the validation videos.
Epochs = Iterator[np.ndarray]


def sklearn(X: np.ndarray, Y: np.ndarray, X_val: np.ndarray) -> Epochs:
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    clf = MLPClassifier(SIZES[1:3], batch_size=BATCH, random_state=0)
    # scikit-learn 1.9 mixes up the columns of an indicator whose dtype cannot count its labels.
    Y = Y.astype(int)
    while True:
        clf.partial_fit(X, Y, classes=np.arange(SIZES[3]))
        yield clf.predict_proba(X_val)


def scikeras(X: np.ndarray, Y: np.ndarray, X_val: np.ndarray) -> Epochs:
    from scikeras.wrappers import KerasClassifier

    clf = KerasClassifier(
        keras_model, loss="binary_crossentropy", optimizer="adam", batch_size=BATCH, verbose=0
    )
    while True:
        clf.partial_fit(X, Y)
        yield clf.predict_proba(X_val)


def skorch(X: np.ndarray, Y: np.ndarray, X_val: np.ndarray) -> Epochs:
    import torch
    from skorch import NeuralNet

    net = NeuralNet(
        torch_model(),
        criterion=torch.nn.BCEWithLogitsLoss,
        optimizer=torch.optim.Adam,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        max_epochs=1,
        train_split=None,
        predict_nonlinearity=None,
        verbose=0,
    )
    Y = Y.astype(np.float32)
    while True:
        net.partial_fit(X, Y)
        yield net.predict(X_val)


PEERS: dict[str, tuple[str, Callable[..., Epochs]]] = {
    "scikeras": ("scikeras", scikeras),
    "skorch": ("skorch", skorch),
    "MLPClassifier": ("sklearn", sklearn),
}
OURS: dict[str, dict[str, Any]] = {
    "sk_yt8m, defaults": {},
    "sk_yt8m, two epochs without dropout": {"max_iter": 2, "dropout": 0.0, "input_dropout": 0.0},
    "sk_yt8m, the notebook's recipe, float32": {**NOTEBOOK, "precision": "float32"},
}
Curve = list[tuple[float, float]]


def run_ours(parameters: dict[str, Any], train: tuple, val: tuple) -> Curve:
    """Fit once and return seconds and GAP@20 after each epoch."""
    clf = DeepMultiLabelClassifier(random_state=0, n_iter_no_change=100, **parameters)
    start = time.perf_counter()
    clf.fit(*train, X_val=val[0], y_val=val[1])
    before = time.perf_counter() - start - clf.epoch_times_[-1]
    seconds = [before + at for at in clf.epoch_times_]
    return list(zip(seconds, clf.validation_scores_, strict=True))


def run_peer(peer: Callable[..., Epochs], train: tuple, val: tuple, limit: float) -> Curve:
    """Train epoch by epoch until the time is up."""
    Y = train[1].toarray()
    curve: Curve = []
    start = time.perf_counter()
    for scores in peer(train[0], Y, val[0]):
        curve.append((time.perf_counter() - start, gap_score(val[1], scores)))
        if curve[-1][0] > limit:
            return curve
    return curve


def run_one(name: str, data: Path, limit: float) -> Curve:
    """Run one contender in this process."""
    options = {"return_indicator": "sparse", "return_X_y": True}
    X, Y = load_csv(data, split="course-train", **options)
    train, val = (np.array(X), Y), load_csv(data, split="course-val", **options)
    if name in OURS:
        return run_ours(OURS[name], train, val)
    return run_peer(PEERS[name][1], train, val, limit)


def seconds_to(target: float, curve: Curve) -> float | None:
    """Return when a curve first reaches the target."""
    return next((seconds for seconds, gap in curve if gap >= target), None)


def draw(curves: dict[str, Curve], file: Path) -> None:
    """Draw all curves over a logarithmic axis of time."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(8, 6), layout="constrained")
    for name, curve in curves.items():
        ax.plot(*zip(*curve, strict=True), marker="o", markersize=4, label=name)
    ax.axhline(TARGET, color="gray", linestyle=":", label="best of the notebook's recipe")
    ax.set(xscale="log", xlabel="Wall time in s, validation included", ylabel="Validation GAP@20")
    ticks = (5, 10, 20, 50, 100, 200, 500)
    ax.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    ax.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2)
    figure.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the course's CSV files")
    parser.add_argument("--limit", type=float, default=150, help="seconds for each peer (150)")
    parser.add_argument("--only", help="contenders whose names hold this text")
    parser.add_argument("--plot", type=Path, help="picture to write (needs matplotlib)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    add_options(parser)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(run_one(args.one, args.data, args.limit)))
        return

    peers = [name for name, (package, _) in PEERS.items() if find_spec(package)]
    curves: dict[str, Curve] = {}
    rows = []
    print(f"{'':42}{f's to {TARGET}':>12}{'best GAP@20':>12}{'at s':>8}{'epochs':>8}{'s':>8}")
    for name in (*OURS, *peers):
        if args.only and args.only not in name:
            continue
        command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name:42}failed: {done.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        curve = curves[name] = json.loads(done.stdout.splitlines()[-1])
        reached = seconds_to(TARGET, curve)
        shown = "-" if reached is None else f"{reached:.1f}"
        best, at = max((gap, seconds) for seconds, gap in curve)
        end = curve[-1][0]
        print(f"{name:42}{shown:>12}{best:12.4f}{at:8.1f}{len(curve):8}{end:8.1f}", flush=True)
        row = {"contender": name, "seconds to target": reached, "best GAP@20": best}
        rows.append({**row, "at seconds": at, "epochs": len(curve), "seconds": end})
    points = [
        {"contender": name, "seconds": seconds, "GAP@20": gap}
        for name, curve in curves.items()
        for seconds, gap in curve
    ]
    write(
        args,
        {"summary": rows, "curves": points},
        seeds=[0],
        packages=("torch", "skorch", "scikeras"),
    )
    if args.plot:
        draw(curves, args.plot)


if __name__ == "__main__":
    main()
