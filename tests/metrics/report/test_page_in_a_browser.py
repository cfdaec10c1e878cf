"""The tables of the page in a browser: sorting and filtering. Skipped where there is none."""

import json
import re
import shutil
import subprocess
from html import unescape

import numpy as np
import pandas as pd
import pytest
from metric_cases import make_data

from sk_yt8m.metrics import evaluation_report

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

SCRIPT = """
<script>
const table = document.querySelector("table.labels");
const box = table.closest(".scroll").previousElementSibling;
const steps = [];
const note = () => steps.push({
  order: [...table.querySelectorAll("th")].map((one) => one.getAttribute("aria-sort")),
  labels: [...table.tBodies[0].rows].filter((row) => row.offsetHeight > 0)
    .map((row) => Number(row.cells[0].textContent)),
  found: box.querySelector("output").textContent,
});
const buttons = table.querySelectorAll("th button");
note();
for (const column of [1, 1, 3, 3]) { buttons[column].click(); note(); }
const input = box.querySelector("input");
for (const text of ["\\uff2c\\uff21bel 1", "no such", ""]) {
  input.value = text; input.dispatchEvent(new Event("input")); note();
}
const root = document.documentElement;
const cut = [root, ...document.querySelectorAll(".scroll")]
  .filter((one) => one.scrollWidth > one.clientWidth).length;
document.body.textContent = "RESULT" + JSON.stringify({ steps, cut }) + "END";
</script>
</body>
"""


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
@pytest.mark.parametrize("width", [500, 1300])
def test_sorting_and_filtering(tmp_path, width):
    y_true, scores = make_data()
    y_true[:, 4] = 0
    names = [f"Label {i}" for i in range(29)] + ["x" * 300]
    report = evaluation_report(pd.DataFrame(y_true, columns=names), scores, n_resamples=0)
    file = tmp_path / "page.html"
    file.write_text(report.to_html().replace("</body>", SCRIPT), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
    done = subprocess.run(
        [*command, f"--user-data-dir={tmp_path}", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    result = json.loads(unescape(re.search("RESULT(.*)END", done.stdout)[1]))
    assert result["cut"] == 0
    start, up, down, best, worst, some, none, every = result["steps"]
    table = report.labels.reset_index()
    frequent = table.sort_values("positives", ascending=False, kind="stable")
    assert start["labels"] == frequent["label"].tolist()
    assert start["order"] == [None, None, "descending", None]
    assert up["labels"] == list(range(30))
    assert up["order"] == [None, "ascending", None, None]
    assert down["labels"] == list(range(29, -1, -1))
    assert down["order"] == [None, "descending", None, None]
    for step, ascending in ((best, False), (worst, True)):
        shown = table["average_precision"][step["labels"]].map("{:.4f}".format).astype(float)
        ordered = shown.sort_values(ascending=ascending, na_position="last")
        np.testing.assert_array_equal(shown, ordered)
        assert np.isnan(shown.iloc[-1])
    assert sorted(some["labels"]) == [1, *range(10, 20)]
    assert some["found"] == "11 of 30"
    assert none["labels"] == []
    assert len(every["labels"]) == 30
    assert every["found"] == ""
