"""Replicas on logical devices train the network of one device."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = {
    "plain": [2, {"batch_normalization": False, "dropout": 0.0}, {}],
    "dropout": [4, {"batch_normalization": False, "dropout": 0.3, "input_dropout": 0.1}, {}],
    "batch normalisation": [2, {"batch_normalization": True, "dropout": 0.2}, {}],
    "three replicas, weights": [3, {"batch_normalization": True}, {"weighted": True}],
    "heads, alpha": [2, {"n_heads": 2, "alpha": 0.1}, {"weighted": True}],
    "early stopping": [2, {"early_stopping": True, "activation": "gelu"}, {}],
    "mean, no average": [2, {"loss_reduction": "mean", "alpha": 0.1, "ema_decay": None}, {}],
    "classes": [2, {"batch_normalization": True}, {"classes": True}],
    "equal parts": [4, {"batch_size": 61, "n_heads": 2, "dropout": 0.3}, {"weighted": True}],
    "automatic batch": [2, {"batch_size": "auto", "dropout": 0.2}, {}],
    "fewer rows than replicas": [4, {"batch_size": 3, "max_iter": 1, "dropout": 0.2}, {}],
    "the same without normalisation": [
        4,
        {"batch_size": 2, "max_iter": 1, "batch_normalization": False},
        {"weighted": True},
    ],
    "single rows": [2, {"batch_size": 1, "max_iter": 1}, {}],
    "all rows": [3, {"batch_size": 500}, {}],
    "one replica": [1, {"batch_normalization": True}, {}],
    "partial_fit": [2, {"batch_normalization": True}, {"partial": True}],
    "partial_fit, then alone": [2, {}, {"partial": True, "leave scope after": 0}],
}
ROUNDED = [2, {}, {"gradient_dtype": "bfloat16"}]


@pytest.fixture(scope="module")
def differences():
    """Return for each case how far the replicas are from one device."""
    cases, found = CASES | {"rounded": ROUNDED}, {}
    # TensorFlow wants strategies of one process to have the same number of replicas.
    for n_replicas in sorted({n for n, _, _ in cases.values()}):
        names = [name for name, (n, _, _) in cases.items() if n == n_replicas]
        given = json.dumps([cases[name] for name in names])
        done = subprocess.run(
            [sys.executable, str(HERE / "mirrored.py"), given],
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found |= zip(names, json.loads(done.stdout.splitlines()[-1]), strict=True)
    return found


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", CASES)
def test_weights_are_those_of_one_device(differences, case):
    assert differences[case]["weights"] <= 1e-5
    assert differences[case]["largest"] <= 1e-4
    assert differences[case]["scores"] <= 1e-5
    assert differences[case]["losses"] <= 1e-4


def test_gradients_in_bfloat16_round(differences):
    assert 1e-5 < differences["rounded"]["weights"] < 0.1
