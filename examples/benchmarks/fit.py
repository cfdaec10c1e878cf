"""Training speed and memory of one network in several libraries, in one run.

    python examples/benchmarks/fit.py                  # made-up videos of YouTube-8M's sizes
    python examples/benchmarks/fit.py --data FOLDER    # the course's CSV files

Every contender trains 1,152 - 2,000 - 3,200 - 3,862 units, ReLU, at batch 512, in a process of its
own: four batches, whose peak memory is shown, then one epoch, then three. The difference is two
epochs without set-up. All take turns, round by round; the fastest time of each kind counts. Peers
that are not installed are left out (`pip install --group peers`).

The floor is what this machine's measured matrix-product rate and copy bandwidth allow: 6 operations
a weight and video, and 28 bytes a weight and step for Adam (read four arrays, write three).
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from _memory import measured
from _record import add_options, machine, write

SIZES = (1152, 2000, 3200, 3862)
BATCH = 512
N_WEIGHTS = sum(a * b for a, b in pairwise(SIZES))


def load(data: Path | None, n_rows: int) -> tuple[np.ndarray, Any]:
    """Return features and CSR labels of some videos."""
    from sk_yt8m.datasets import load_csv, make_videos

    if data is None:
        return make_videos(n_rows, random_state=0, return_indicator="sparse", return_X_y=True)
    X, Y = load_csv(data, split="course-train", return_indicator="sparse", return_X_y=True)
    return X[:n_rows], Y[:n_rows]


PLAIN = {
    "dropout": 0.0,
    "input_dropout": 0.0,
    "batch_normalization": False,
    "standardize": False,
    "weight_decay": 0.0,
    "ema_decay": None,
}


def ours(**parameters: Any) -> Callable:
    def fit(X: np.ndarray, Y: Any, epochs: int) -> None:
        from sk_yt8m import DeepMultiLabelClassifier

        DeepMultiLabelClassifier(
            SIZES[1:3], batch_size=BATCH, max_iter=epochs, random_state=0, **parameters
        ).fit(X, Y)

    return fit


def sklearn(X: np.ndarray, Y: Any, epochs: int) -> None:
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    # scikit-learn 1.9 mixes up the columns of an indicator whose dtype cannot count its labels.
    dense = Y.toarray().astype(int)
    MLPClassifier(SIZES[1:3], batch_size=BATCH, max_iter=epochs, random_state=0).fit(X, dense)


def keras_model() -> Any:
    import keras

    layers = [keras.layers.Dense(size, activation="relu") for size in SIZES[1:3]]
    return keras.Sequential(
        [keras.Input((SIZES[0],)), *layers, keras.layers.Dense(SIZES[3], activation="sigmoid")]
    )


def scikeras(X: np.ndarray, Y: Any, epochs: int) -> None:
    from scikeras.wrappers import KerasClassifier

    KerasClassifier(
        keras_model,
        loss="binary_crossentropy",
        optimizer="adam",
        batch_size=BATCH,
        epochs=epochs,
        verbose=0,
    ).fit(X, Y.toarray())


def keras(X: np.ndarray, Y: Any, epochs: int) -> None:
    model = keras_model()
    model.compile("adam", "binary_crossentropy")
    model.fit(X, Y.toarray(), batch_size=BATCH, epochs=epochs, verbose=0)


def torch_model() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Linear(*SIZES[0:2]), nn.ReLU(), nn.Linear(*SIZES[1:3]), nn.ReLU(), nn.Linear(*SIZES[2:4])
    )


def skorch(X: np.ndarray, Y: Any, epochs: int) -> None:
    import torch
    from skorch import NeuralNet

    NeuralNet(
        torch_model(),
        criterion=torch.nn.BCEWithLogitsLoss,
        optimizer=torch.optim.Adam,
        batch_size=BATCH,
        max_epochs=epochs,
        train_split=None,
        verbose=0,
    ).fit(X, Y.toarray().astype(np.float32))


def torch_loop(precision: str) -> Callable:
    def fit(X: np.ndarray, Y: Any, epochs: int) -> None:
        import torch

        model = torch_model()
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        features, labels = torch.from_numpy(np.array(X)), torch.from_numpy(Y.toarray())
        for _ in range(epochs):
            order = torch.randperm(len(features))
            for rows in order.split(BATCH):
                with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                    logits = model(features[rows])
                    target = labels[rows].float()
                    loss = torch.nn.functional.binary_cross_entropy_with_logits(
                        logits.float(), target, reduction="sum"
                    ) / len(rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return fit


CONTENDERS: dict[str, tuple[str, Callable]] = {
    "sk_yt8m, plain": ("sk_yt8m", ours(**PLAIN)),
    "sk_yt8m, plain, float32": ("sk_yt8m", ours(**PLAIN, precision="float32")),
    "sk_yt8m, default recipe": ("sk_yt8m", ours()),
    "torch loop, bfloat16, fused AdamW": ("torch", torch_loop("bfloat16")),
    "torch loop, float32, fused AdamW": ("torch", torch_loop("float32")),
    "Keras fit, float32": ("keras", keras),
    "scikeras": ("scikeras", scikeras),
    "skorch": ("skorch", skorch),
    "MLPClassifier": ("sklearn", sklearn),
}
WARM_UP = {
    "sk_yt8m": "sk_yt8m._training.trainer",
    "scikeras": "scikeras.wrappers",
    "keras": "tensorflow",
}


def run_one(name: str, data: Path | None, n_rows: int) -> dict[str, float]:
    """Time one contender in this process."""
    package, fit = CONTENDERS[name]
    X, Y = load(data, n_rows)
    X = np.array(X)
    __import__(WARM_UP.get(package, package))
    times = {}
    with measured() as memory:
        fit(X[: 4 * BATCH], Y[: 4 * BATCH], 1)
    for epochs in (1, 3):
        start = time.perf_counter()
        fit(X, Y, epochs)
        times[epochs] = time.perf_counter() - start
    return {"one epoch": times[1], "three epochs": times[3], "MB": memory.added}


def ceilings() -> tuple[float, float]:
    """Return bfloat16 or float32 operations and copied bytes a second, whichever is native."""
    from sk_yt8m._tensorflow import resolve_precision, tf

    matrix = tf.cast(tf.random.stateless_normal([4096, 4096], [0, 0]), resolve_precision("auto"))
    source = np.ones(2**27, dtype=np.float32)
    target = np.empty_like(source)

    def best(call: Callable[[], object]) -> float:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return min(times)

    def copy() -> None:
        from concurrent.futures import ThreadPoolExecutor

        halves = zip(np.array_split(target, 2), np.array_split(source, 2), strict=True)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda pair: np.copyto(*pair), halves))

    operations = 2 * 4096**3 / best(lambda: tf.matmul(matrix, matrix))
    return operations, 2 * source.nbytes / best(copy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the course's CSV files")
    parser.add_argument("--rows", type=int, default=8192, help="videos to train on (8192)")
    parser.add_argument("--only", nargs="+", help="contenders whose names hold one of these texts")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    add_options(parser)
    args = parser.parse_args()
    if args.one == "ceilings":
        print(json.dumps(ceilings()))
        return
    if args.one:
        print(json.dumps(run_one(args.one, args.data, args.rows)))
        return

    def child(name: str) -> Any:
        command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr.strip().splitlines()[-1]
        return json.loads(done.stdout.splitlines()[-1])

    # Without units for bfloat16 the loop in bfloat16 takes many times as long.
    native = bool(args.only or machine()["bfloat16"])
    chosen = [
        name
        for name, (package, _) in CONTENDERS.items()
        if (not args.only or any(text in name for text in args.only))
        and find_spec(package) is not None
        and (native or "bfloat16" not in name)
    ]
    rounds = [
        {name: child(name) for name in ("ceilings", *chosen)} for _ in range(max(1, args.rounds))
    ]
    operations = max(results["ceilings"][0] for results in rounds)
    bandwidth = max(results["ceilings"][1] for results in rounds)
    floor = BATCH * 6 * N_WEIGHTS / operations + 28 * N_WEIGHTS / bandwidth
    print(f"products {operations / 1e9:,.0f} Gop/s, copy {bandwidth / 1e9:.1f} GB/s")
    print(f"floor: {1e3 * floor:.1f} ms a step, {BATCH / floor:,.0f} videos/s\n")
    print(f"{'':36}{'videos/s':>9}{'of floor':>9}{'ours is':>9}{'MB added':>10}")
    reference = None
    rows = []
    for name in chosen:
        results = [results[name] for results in rounds]
        failures = [result for result in results if isinstance(result, str)]
        if failures:
            print(f"{name:36}failed: {failures[0]}")
            continue
        one, three = (min(r[key] for r in results) for key in ("one epoch", "three epochs"))
        speed = 2 * args.rows / (three - one)
        reference = reference or speed
        memory = max(result["MB"] for result in results)
        print(
            f"{name:36}{speed:9,.0f}{speed * floor / BATCH:9.2f}{reference / speed:8.2f}x"
            f"{memory:10,.0f}"
        )
        share, ratio = speed * floor / BATCH, reference / speed
        row = {"contender": name, "videos/s": speed, "of floor": share}
        rows.append({**row, "ours is": ratio, "MB added": memory})
    ceiling = {"Gop/s": operations / 1e9, "GB/s": bandwidth / 1e9}
    limits = [{**ceiling, "ms a step": 1e3 * floor, "videos/s": BATCH / floor}]
    write(args, {"speed": rows, "floor": limits}, packages=("torch", "skorch", "scikeras"))


if __name__ == "__main__":
    main()
