"""The code in docs/guide/callbacks.md runs, and shows what it promises."""

import re

import pytest
from page_code import python_blocks
from recording_callbacks import SINCE

pytest.importorskip("sklearn.callback", reason=SINCE)
pytest.importorskip("rich", reason="ProgressBar needs rich")


def test_the_page(capsys):
    names = {"__name__": "page"}
    for code in python_blocks("docs/guide/callbacks.md"):
        exec(code, names)
    assert len(names["scores"]) == 4 * (3 + 1) + (3 + 1)
    out = capsys.readouterr().out
    assert out.count("DeepMultiLabelClassifier - fit") == 1 + 4 + 1
    assert re.search(r"^\d+ +\(0, 0, 3, 1, 2\) +0\.\d+ +0\.\d+$", out, re.M)
    assert re.search(r"stopped after epoch \d+ of 50: a callback returned True\n$", out)
    assert 1 < names["clf"].n_iter_ < 50
