"""The example of the report runs, and shows what it promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "examples" / "metrics_report.py"


@pytest.mark.slow
def test_metrics_report(tmp_path):
    page = tmp_path / "report.html"
    command = [sys.executable, SCRIPT, "--max-iter", "3", "--pictures", tmp_path, "--html", page]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    value, low, high = map(
        float, re.search(r"^gap@20 +(\S+) +(\S+) to (\S+)$", done.stdout, re.MULTILINE).groups()
    )
    assert 0.2 < low < value < high < 1
    in_parts = float(re.search(r"'gap@20': (0\.\d+)", done.stdout)[1])
    assert abs(in_parts - value) < 1e-4
    assert len(list(tmp_path.glob("*.png"))) == 4
    assert "<h2>Samples scored worst</h2>" in page.read_text(encoding="utf-8")
