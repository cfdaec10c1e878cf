"""The examples run, and show what they promise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sk_yt8m import load

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figure(name: str, output: str) -> float:
    return float(re.search(rf"^{re.escape(name)}\s+(\d\.\d+)", output, re.MULTILINE)[1])


@pytest.mark.slow
def test_quickstart():
    output = run("quickstart.py", "--max-iter", "4")
    assert figure("GAP@20", output) > 0.5
    assert figure("Hit@1", output) <= figure("Hit@5", output) <= figure("Hit@20", output)
    assert output.count("true labels: ") == 3
    assert re.search(r"^  0\.\d\d  \w+", output, re.MULTILINE)


@pytest.mark.slow
def test_reproduce_notebook():
    output = run("reproduce_notebook.py", "--max-iter", "3")
    assert re.search(r"epoch   3/3  loss +\d.*GAP@20 0\.\d", output)
    assert figure("label reciprocal rank", output) > 0.05
    assert figure("Hit@1", output) <= figure("Hit@20", output)


@pytest.mark.slow
def test_cross_validate():
    output = run("cross_validate.py")
    folds = re.findall(r"GAP@20 of three folds, \w+ Y: +\[([^]]+)\]", output)
    assert len(folds) == 2
    assert min(map(float, " ".join(folds).split())) > 0.2
    assert "best of" in output


@pytest.mark.slow
def test_search_on_dask():
    pytest.importorskip("distributed", reason="Dask is optional")
    output = run("search_on_dask.py")
    sent = int(re.search(r"(\d+) bytes are sent", output)[1])
    assert sent < 1000
    assert 0 < float(re.search(r"GAP@20 (\d\.\d+)", output)[1]) < 1


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "dask", "ray"])
def test_batch_scoring(engine):
    for package in ("dask", engine):
        if package != "local":
            pytest.importorskip(package, reason="an optional engine")
    output = run("batch_scoring.py", "--engine", engine)
    files, rows, videos = map(
        int, re.search(r"(\d+) files, (\d+) rows, (\d+) vid", output).groups()
    )
    assert (rows, files) == (5 * videos, -(-videos // 100))
    assert "dask.array gives the same: True" in output


@pytest.mark.slow
def test_launch(tmp_path):
    model = tmp_path / "model.safetensors"
    train = [sys.executable, str(EXAMPLES / "distributed" / "train.py"), "--model", str(model)]
    output = run("distributed/launch.py", "-n", "2", *train)
    # One process prints.
    assert re.findall(r"epoch +(\d)/3", output) == ["1", "2", "3"]
    assert load(model).n_iter_ == 3


@pytest.mark.slow
def test_launch_starts_again(tmp_path):
    """A process that fails at the first start resumes nothing, and all are started once more."""
    code = (
        "import os, pathlib, sys; mark = pathlib.Path(sys.argv[1]); "
        "first = not mark.exists(); mark.touch(); sys.exit(7 if first else 0)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "mark")]
    output = run("distributed/launch.py", "-n", "1", "--restarts", "1", *command)
    assert "a process ended with 7, 1 restarts left" in output


@pytest.mark.slow
def test_ray_train(tmp_path):
    pytest.importorskip("ray", reason="Ray is optional")
    run("distributed/ray_train.py", "--storage", str(tmp_path), "--epochs", "2")
    assert load(tmp_path / "model.safetensors").n_iter_ == 2
