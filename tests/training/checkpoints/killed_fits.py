"""Fits that are killed at random moments and started again; a script, run by `test_resume.py`.

Everything is imported once. Each fit then runs in a child that is forked before TensorFlow is first
used, so that a kill costs a second and not the time of the import.
"""

import importlib
import os
import pkgutil
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from small_problem import weights_of

import sk_yt8m
from sk_yt8m import DeepMultiLabelClassifier

for module in pkgutil.walk_packages(sk_yt8m.__path__, "sk_yt8m."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

KILLS_PER_FIT = 8
PARAMETERS = {
    "hidden_layer_sizes": (150, 200),
    "batch_size": 20,
    "max_iter": 8,
    "precision": "float32",
    "random_state": 3,
}
VARIANTS = (
    {"checkpoint_every": 3},
    {"checkpoint_every": 1, "early_stopping": True, "learning_rate": "constant"},
    {"checkpoint_every": 7, "ema_decay": None, "max_iter": 12},
    {"max_iter": 30, "batch_size": 100},
)


def fit(variant: dict, folder: Path, result: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 20)).astype(np.float32)
    Y = (X @ rng.normal(size=(20, 40)) > 2).astype(np.uint8)
    clf = DeepMultiLabelClassifier(**{**PARAMETERS, **variant, "checkpoint_dir": folder})
    clf.fit(X, Y)
    curves = {"losses": clf.loss_curve_, "scores": clf.validation_scores_ or []}
    draft = result.with_suffix(".draft.npz")
    np.savez(draft, **curves, n_times=len(clf.epoch_times_), **weights_of(clf))
    draft.rename(result)


def start(variant: dict, folder: Path, result: Path) -> int:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        child = os.fork()
    if child:
        return child
    try:
        fit(variant, folder, result)
        os._exit(0)
    finally:
        os._exit(1)


def finish(child: int) -> None:
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("a fit failed")


def main(n_kills: int, seed: int, where: Path) -> None:
    chance = random.Random(seed)
    kills = within_writes = went_on = fits = 0
    whole: dict[int, tuple[Path, float]] = {}
    while kills < n_kills:
        number = fits % len(VARIANTS)
        variant = VARIANTS[number]
        folder, result = where / f"fit-{fits}", where / f"fit-{fits}.npz"
        folder.mkdir()
        if number not in whole:
            path = where / f"whole-{number}.npz"
            child = start(variant, folder, path)
            wait_for_a_checkpoint(folder)
            begun = time.monotonic()
            finish(child)
            whole[number] = path, time.monotonic() - begun
        expected, seconds = whole[number]
        for _ in range(KILLS_PER_FIT):
            child = start(variant, folder, result)
            if chance.random() < 0.8:
                wait_for_a_checkpoint(folder)
                time.sleep(chance.uniform(0, 2 * seconds / KILLS_PER_FIT))
                if chance.random() < 0.5:
                    wait_for_a_write(folder)
            else:
                time.sleep(chance.uniform(0, 1))
            os.kill(child, signal.SIGKILL)
            if os.WIFSIGNALED(os.waitpid(child, 0)[1]):
                kills += 1
                names = os.listdir(folder)
                within_writes += any(name.endswith(".tmp") for name in names)
                went_on += any(name.startswith("checkpoint-") for name in names)
            if result.exists():
                break
        if not result.exists():
            finish(start(variant, folder, result))
        check_same(expected, result)
        if os.listdir(folder):
            raise SystemExit(f"left in the folder: {os.listdir(folder)}")
        fits += 1
    print(
        f"{kills} kills, {within_writes} within a write, {went_on} with a checkpoint, {fits} fits"
    )


def wait_for_a_checkpoint(folder: Path) -> None:
    """Return when a fit has written one since it began, or at the latest after 20 seconds."""
    before, stop = set(os.listdir(folder)), time.monotonic() + 20
    while set(os.listdir(folder)) <= before and time.monotonic() < stop:
        time.sleep(0.002)


def wait_for_a_write(folder: Path) -> None:
    """Return when a file is being written, so that the kill falls into it, or after a while."""
    stop = time.monotonic() + 1
    while time.monotonic() < stop:
        if any(name.endswith(".tmp") for name in os.listdir(folder)):
            return


def check_same(expected: Path, result: Path) -> None:
    with np.load(expected) as one, np.load(result) as other:
        for name in one.files:
            if one[name].tobytes() != other[name].tobytes():
                raise SystemExit(f"{result.name}: {name} differs")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
