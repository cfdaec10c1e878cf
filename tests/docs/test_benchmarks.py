"""Every benchmark writes its figures, and one command runs them all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "examples" / "benchmarks"
FIGURES = Path(__file__).parents[2] / "docs" / "results" / "figures"


@pytest.fixture
def jobs(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import run_all

    return run_all.JOBS


def test_one_command_runs_all(jobs):
    scripts = {path.name for path in BENCHMARKS.glob("[!_]*.py")} - {"run_all.py"}
    assert {job.script for job in jobs.values()} == scripts
    for script in scripts:
        assert "add_options(parser)" in (BENCHMARKS / script).read_text(encoding="utf-8")


def test_every_file_of_figures_says_where_it_is_from():
    files = list(FIGURES.glob("*.json"))
    assert len(files) > 20
    for file in files:
        measured = json.loads(file.read_text(encoding="utf-8"))["measured"]
        assert measured["commit"], file.name
        assert measured["machine"]["processor"], file.name
        assert isinstance(measured["shared"], bool), file.name


def test_a_benchmark_writes_its_figures(tmp_path):
    file = tmp_path / "tags.json"
    command = [sys.executable, str(BENCHMARKS / "tags.py"), "--rows", "50", "--labels", "10"]
    done = subprocess.run([*command, "--json", str(file), "--shared"], check=False)
    assert done.returncode == 0
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["command"] == "python examples/benchmarks/tags.py --rows 50 --labels 10"
    assert record["measured"]["shared"] is True
    assert record["measured"]["versions"]["numpy"]
    assert record["tables"]["ways"]["columns"] == ["way", "made", "read", "MB"]
    assert len(record["tables"]["ways"]["rows"]) == 4
