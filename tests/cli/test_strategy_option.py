"""``sk-yt8m train --strategy``: the same model, from several processes too."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_runs import SMALL, run

from sk_yt8m import load
from sk_yt8m.datasets import open_store

LAUNCH = Path(__file__).parents[2] / "examples" / "distributed" / "launch.py"
CLUSTER = '{"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": %s}'


def test_mirrored(store, model, tmp_path):
    run("train", store, tmp_path / "m", "--split", "train", "--strategy", "mirrored", *SMALL)
    X = open_store(store).X
    np.testing.assert_array_equal(
        load(tmp_path / "m").predict_proba(X), load(model).predict_proba(X)
    )


@pytest.mark.parametrize(
    "value",
    [None, "", "{", "[]", "{}", CLUSTER % "{}", CLUSTER % '{"type": "worker", "index": 2}'],
)
def test_a_wrong_environment(store, tmp_path, monkeypatch, value):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if value is not None:
        monkeypatch.setenv("TF_CONFIG", value)
    said = run("train", store, tmp_path / "m", "--strategy", "multi-worker", *SMALL, code=1)
    assert "Error: expected the environment variable TF_CONFIG" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "m").exists()


def test_another_strategy(store, tmp_path):
    said = run("train", store, tmp_path / "m", "--strategy", "tpu", code=2)
    assert "'tpu' is not one of 'mirrored', 'multi-worker'" in said


@pytest.mark.slow
def test_multi_worker(store, model, tmp_path):
    """Both processes end with 0; the first one writes the model and says so."""
    command = [sys.executable, "-c", "from sk_yt8m.cli import main; main()"]
    command += ["train", store, tmp_path / "m", "--split", "train", "--strategy", "multi-worker"]
    command = [sys.executable, LAUNCH, "-n", "2", *command, *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(str(tmp_path / "m")) == 1
    X = open_store(store).X
    np.testing.assert_allclose(
        load(tmp_path / "m").predict_proba(X), load(model).predict_proba(X), rtol=1e-5, atol=1e-9
    )
