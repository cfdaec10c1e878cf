"""The page of a report: what it holds, and that it needs nothing else."""

import math
import pickle
import re
import sys
from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from metric_cases import make_data, top_k_of

from sk_yt8m.metrics import evaluation_report
from sk_yt8m.metrics._report import page as page_module

NAMES = [
    "<script>alert(1)</script>",
    "</table><h1>",
    "a & b",
    "\"double\" 'single'",
    "日本語 שלום 🎸",
    "long " * 100,
    "x" * 500,
]


class Tables(HTMLParser):
    """The cells of each table of a page, by its class, and all tags."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.tags, self._cell = {}, [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self._table = self.rows[dict(attrs)["class"]] = []
        elif tag == "tr":
            self._table.append([])
        elif tag in ("td", "th"):
            self._table[-1].append("")
            self._cell = self._table[-1]

    def handle_endtag(self, tag):
        if tag == "table":
            self._cell = None

    def handle_data(self, data):
        if self._cell:
            self._cell[-1] += data.removesuffix("\n")


def named_report(**options):
    y_true, scores = make_data(n_labels=len(NAMES))
    y_true[:, 2] = 0
    y_true[9, 1] = 1
    frame = pd.DataFrame(y_true, columns=NAMES, index=[f"<b>{i}</b>" for i in range(len(y_true))])
    return evaluation_report(frame, scores, n_resamples=20, random_state=0, **options)


def test_the_tables_hold_what_the_frames_hold():
    report = named_report()
    rows = Tables(report.to_html()).rows
    assert list(rows) == ["figures", "labels", "confusions", "worst"]
    assert len(rows["figures"]) == 1 + len(report.figures)
    for row, (name, figure) in zip(rows["figures"][1:], report.figures.iterrows(), strict=True):
        assert row[0].startswith(name)
        interval = f"{figure['low']:.4f} to {figure['high']:.4f}"
        assert row[1:] == [f"{figure['value']:.4f}", interval]
    by_label = {int(row[0]): row[1:] for row in rows["labels"][1:]}
    positives = [int(row[2]) for row in rows["labels"][1:]]
    assert positives == sorted(positives, reverse=True)
    for label, one in report.labels.iterrows():
        precision = one["average_precision"]
        shown = "–" if math.isnan(precision) else f"{precision:.4f}"
        assert by_label[label] == [one["name"], str(one["positives"]), shown]
    assert by_label[2][2] == "–"
    assert [row[:2] for row in rows["confusions"][1:]] == report.confusions[
        ["missed", "predicted"]
    ].to_numpy().tolist()
    assert [row[0] for row in rows["worst"][1:]] == report.worst_samples.index.tolist()
    assert all(name in rows["worst"][1][3] for name in report.worst_samples["top_labels"].iloc[0])


def test_names_are_no_markup_and_nothing_is_loaded():
    page = Tables(named_report().to_html(title="<script>title</script>"))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("script") == 1
    assert tags.count("h1") == 1
    assert tags.count("table") == 4
    assert "b" not in tags
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,")), tag
    policy = next(one for tag, one in page.tags if one.get("http-equiv"))["content"]
    assert "default-src 'none'" in policy
    assert "link" not in tags


def test_a_notebook_shows_the_content_of_the_page():
    report = named_report()
    content = report._repr_html_()
    assert content in report.to_html()
    assert content.startswith('<div class="sk-yt8m-report">')
    selectors = re.findall(r"^ *([^{}/@\n]+) \{", page_module._resource("page.css"), re.MULTILINE)
    assert len(selectors) > 20
    assert all(part.strip().startswith(".sk-yt8m-report") for s in selectors for part in _split(s))


def _split(selectors):
    """Split at commas outside parentheses."""
    return re.split(r",(?![^(]*\))", selectors)


def test_the_file_is_the_page_and_replaces_another(tmp_path):
    report = named_report()
    target = tmp_path / "report.html"
    target.write_text("mine")
    page = report.to_html(target)
    assert target.read_bytes() == page.encode()
    assert report.to_html(str(target)) == page == report.to_html()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileNotFoundError, match=r"no/report\.html"):
        report.to_html(tmp_path / "no" / "report.html")


def test_the_page_is_the_same_again_and_after_a_pickle_and_in_any_style():
    report = named_report()
    page = report.to_html()
    before = dict(mpl.rcParams)
    with plt.style.context(["dark_background", {"font.size": 30}]):
        assert report.to_html() == page
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []
    assert not any(hasattr(display, "figure_") for display in report.displays.values())
    assert pickle.loads(pickle.dumps(report)).to_html() == page


def test_pictures_take_the_colours_of_the_page():
    page = named_report().to_html()
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 3
    for picture in pictures:
        assert set(re.findall("#[0-9a-f]{6}", picture)) <= {"#1f77b4", "#ff7f0e"}
        assert "currentColor; stroke-opacity" in picture
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {f"#{one}" for one in ids} >= set(re.findall(r"#[mp][0-9a-f]{10}", page))


def test_without_matplotlib_the_tables_remain(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    page = named_report().to_html()
    assert '<p>The pictures need matplotlib: <code>pip install "sk-yt8m[plot]"</code></p>' in page
    assert "<svg" not in page
    assert len(Tables(page).rows) == 4


def test_the_displays_draw_themselves():
    y_true, scores = make_data()
    report = evaluation_report(y_true, scores, n_resamples=0)
    gap = report.figures.loc["gap@20", "value"]
    assert report.displays["pooled_precision_recall"].gap == gap
    assert report.displays["hit_at_k"].hit[0] == report.figures.loc["hit@1", "value"]
    for display in report.displays.values():
        assert display.plot().figure_.axes


def test_the_thinned_curve_has_the_area_of_the_whole_one():
    rng = np.random.default_rng(0)
    y_true = rng.random((3000, 30)) < 0.1
    scores = y_true + rng.normal(size=y_true.shape)
    display = evaluation_report(y_true, scores, n_resamples=0).displays["pooled_precision_recall"]
    assert len(display.recall) <= 1001
    area = np.sum(np.diff(display.recall) * display.precision[1:])
    assert area == pytest.approx(display.gap, abs=2e-3)


@pytest.mark.parametrize(
    ("y_true", "scores", "options"),
    [
        (np.zeros((5, 3), int), np.eye(5, 3), {}),
        (np.eye(1, 3), [[0.1, 0.2, 0.3]], {}),
        (np.ones((1, 1)), [[0.5]], {}),
        (np.ones((4, 3)), np.zeros((4, 3)), {}),
        (np.eye(4), top_k_of(np.random.default_rng(0).random((4, 4)), 1), {}),
        (np.eye(4), np.full((4, 4), -np.inf), {}),
        (np.eye(4), np.diag([np.inf] * 3, 1), {}),
        (np.eye(4), np.random.default_rng(0).random((4, 4)), {"rated": np.ones((4, 4))}),
        (np.eye(4), np.random.default_rng(0).random((4, 4)), {"metrics": ["hit@1"]}),
    ],
)
# The second is of matplotlib 3.10 with a later pyparsing.
@pytest.mark.filterwarnings("error", "ignore::DeprecationWarning")
def test_small_and_rare_data(y_true, scores, options):
    report = evaluation_report(y_true, scores, n_resamples=0, **options)
    page = report.to_html()
    rows = Tables(page).rows
    assert len(rows["labels"]) == 1 + np.shape(y_true)[1]
    assert all(row[2] == "–" for row in rows["figures"][1:])
    assert ("worst" in rows) == (len(report.worst_samples) > 0)
    assert ("No sample has a false label above a true one." in page) == ("worst" not in rows)
    assert ("confusions" in rows) == (len(report.confusions) > 0)
    assert "nan" not in "".join(cell for table in rows.values() for row in table for cell in row)


def test_of_too_many_labels_the_most_frequent_are_listed(monkeypatch):
    monkeypatch.setattr(page_module, "_MAX_LABELS", 10)
    y_true, scores = make_data()
    report = evaluation_report(y_true, scores, n_resamples=0)
    page = report.to_html()
    assert "<p>30 labels: the 10 most frequent of them." in page
    shown = [int(row[2]) for row in Tables(page).rows["labels"][1:]]
    assert shown == sorted(y_true.sum(axis=0).tolist(), reverse=True)[:10]
    assert len(report.labels) == 30


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234, "0.123"),
        (-1234.5, "-1.23e+03"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (math.nan, "–"),
    ],
)
def test_numbers(value, text):
    assert page_module._number(value) == text


def test_half_a_surrogate_pair_can_be_written(tmp_path):
    y_true, scores = make_data()
    ids = np.array([f"\udcff{i}" for i in range(40)], dtype=object)
    report = evaluation_report(y_true, scores, ids=pd.Index(ids, dtype=object), n_resamples=0)
    page = report.to_html(tmp_path / "report.html", title="\udcff")
    assert "<h1>\\udcff</h1>" in page
    assert f'"Sample">\\udcff{report.worst_samples["row"].iloc[0]}<' in page
