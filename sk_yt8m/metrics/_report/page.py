"""The HTML page of a report."""

import math
from collections.abc import Iterable
from html import escape as escape_html
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sk_yt8m.metrics._displays.base import Display
from sk_yt8m.metrics._report.pictures import draw

if TYPE_CHECKING:
    import pandas as pd

_MAX_LABELS = 10_000
_MEANINGS = {
    "gap": "Are confident labels right, over all samples? Area under the pooled curve.",
    "hit": "Share of samples with a true label among the best {k}.",
    "perr": "Share of true labels among the best G, where G is the number of true ones.",
    "map": "Average precision of each label, averaged: rare and frequent labels weigh the same.",
    "mrr": "1 / rank of the first true label, averaged over samples.",
    "lrr": "1 / rank of each true label, averaged over the labels of a sample, then over samples.",
    "precision": "Share of the best {k} that is true.",
    "recall": "Share of the true labels that is among the best {k}.",
    "ndcg": "Are the true labels first in the order of the best {k}?",
    "psp": "Precision of the best {k}, where rare labels count more.",
    "psndcg": "nDCG of the best {k}, where rare labels count more.",
}
_CAPTIONS = {
    "pooled_precision_recall": "Precision and recall of the pooled list of best labels.",
    "hit_at_k": "Share of samples with a true label among the best k.",
    "label_average_precision": "Average precision of each label against its frequency.",
}


def make_page(title: str, content: str) -> str:
    """Return a whole page around the content of a report."""
    # The policy makes sure that a page loads nothing.
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>{_escape(title)}</title>
<style>
:root {{ color-scheme: light dark; background: Canvas; color: CanvasText; }}
body {{ font-family: system-ui, sans-serif; margin: 1rem auto; padding: 0 1rem; max-width: 78rem; }}
</style>
</head>
<body>
{content}</body>
</html>
"""


def make_content(
    title: str,
    summary: list[str],
    figures: "pd.DataFrame",
    notes: list[str],
    labels: "pd.DataFrame",
    confusions: "pd.DataFrame",
    worst_samples: "pd.DataFrame",
    displays: dict[str, Display],
) -> str:
    """Return the content of a report, with its style and script, for a page or a notebook."""
    k = len(displays["hit_at_k"].hit)  # type: ignore[attr-defined]
    return "\n".join(
        [
            '<div class="sk-yt8m-report">',
            f"<style>\n{_resource('page.css')}</style>",
            f"<h1>{_escape(title)}</h1>",
            *_paragraphs(summary),
            _figures(figures),
            *_paragraphs(notes),
            "<h2>Pictures</h2>",
            _pictures(draw(displays)),
            *_labels(labels),
            *_confusions(confusions, k),
            *_worst_samples(worst_samples, k),
            f"<script>\n{_resource('page.js')}</script>",
            "</div>\n",
        ]
    )


def _figures(figures: "pd.DataFrame") -> str:
    rows = []
    for one in figures.reset_index().to_dict("records"):
        family, _, k = one["metric"].partition("@")
        meaning = _MEANINGS.get(family, "").format(k=k)
        interval = "–" if math.isnan(one["low"]) else f"{one['low']:.4f} to {one['high']:.4f}"
        name = f"{_escape(one['metric'])}<small>{meaning}</small>"
        rows.append([name, f"{one['value']:.4f}", interval])
    return _table("figures", {"Metric": "", "Value": "", "Interval": ""}, rows)


def _pictures(pictures: dict[str, str] | None) -> str:
    if pictures is None:
        return '<p>The pictures need matplotlib: <code>pip install "sk-yt8m[plot]"</code></p>'
    shown = [
        f"<figure>{svg}<figcaption>{_CAPTIONS[name]}</figcaption></figure>"
        for name, svg in pictures.items()
    ]
    return f'<div class="pictures">{"".join(shown)}</div>'


def _labels(labels: "pd.DataFrame") -> list[str]:
    shown = labels.sort_values("positives", ascending=False, kind="stable")[:_MAX_LABELS]
    rows = [
        [
            str(one["label"]),
            _escape(one["name"]),
            str(one["positives"]),
            _number(one["average_precision"], 4),
        ]
        for one in shown.reset_index().to_dict("records")
    ]
    columns = {
        "Label": "number",
        "Name": "text",
        "Positives": "number",
        "Average precision": "number",
    }
    left_out = f": the {_MAX_LABELS:,} most frequent of them" if len(labels) > _MAX_LABELS else ""
    return [
        "<h2>Labels</h2>",
        f"<p>{len(labels):,} labels{left_out}. A label without a positive has no average "
        "precision.</p>",
        _sortable("labels", columns, rows, sorted_by="Positives"),
    ]


def _confusions(confusions: "pd.DataFrame", k: int) -> list[str]:
    rows = [
        [
            _escape(one["missed"]),
            _escape(one["predicted"]),
            f"{one['samples']:,}",
            f"{one['share']:.1%}",
        ]
        for one in confusions.to_dict("records")
    ]
    columns = {
        "Missed": "text",
        "Predicted instead": "text",
        "Samples": "number",
        "Share": "number",
    }
    if not rows:
        table = "<p>No true label is missed while another one is predicted.</p>"
    else:
        table = _sortable("confusions", columns, rows, sorted_by="Samples")
    return [
        "<h2>Labels confused most often</h2>",
        "<p>The labels predicted for a sample with G true ones are its best G, at most "
        f"{k}. Samples: those for which the first label is true but not predicted, and the second "
        "is predicted but not true. Share: of all samples for which the first label is true.</p>",
        table,
    ]


def _worst_samples(worst: "pd.DataFrame", k: int) -> list[str]:
    rows = []
    for sample, one in zip(worst.index, worst.to_dict("records"), strict=True):
        true = one["true_labels"]
        marks = ["✓" if name in true else "✗" for name in one["top_labels"]]
        rows.append(
            [
                _escape(sample),
                _number(one["error"]),
                _scored(one["true_scores"], [""] * len(true), true),
                _scored(one["top_scores"], marks, one["top_labels"]),
            ]
        )
    columns = {"Sample": "text", "Error": "number", "True labels": "", "Best labels": ""}
    if not rows:
        table = "<p>No sample has a false label above a true one.</p>"
    else:
        table = _sortable("worst", columns, rows, sorted_by="Error")
    return [
        "<h2>Samples scored worst</h2>",
        "<p>Error: the highest score of a false label minus the lowest score of a true label. "
        f"Labels outside the best {k} of a sample have no score here (–) and count with the lowest "
        "score of these.</p>",
        table,
    ]


def _scored(scores: list[float], marks: list[str], names: list[str]) -> str:
    items = [
        f"<li><span>{_number(score)}</span><span>{mark}</span><span>{_escape(name)}</span>"
        for score, mark, name in zip(scores, marks, names, strict=True)
    ]
    return f"<ul>{''.join(items)}</ul>" if items else "none"


def _sortable(name: str, columns: dict[str, str], rows: Iterable[list[str]], sorted_by: str) -> str:
    """Return a table in a box of its own, with a field for a filter."""
    return (
        '<div class="filter" hidden><label>Filter <input type="search"></label>'
        '<output aria-live="polite"></output></div>'
        f'<div class="scroll" tabindex="0">{_table(name, columns, rows, sorted_by)}</div>'
    )


def _table(
    name: str, columns: dict[str, str], rows: Iterable[list[str]], sorted_by: str = ""
) -> str:
    """Return a table, whose cells are HTML; columns have a kind if they can be sorted by it."""
    heads = []
    for title, kind in columns.items():
        order = ' aria-sort="descending"' if title == sorted_by else ""
        sort = f' data-sort="{kind}"' if kind else ""
        heads.append(f'<th scope="col"{sort}{order}>{title}</th>')
    # Closing tags of cells and rows are optional in HTML, and half of a long table.
    if name == "worst":
        cells = [f'<td data-name="{title}">' for title in columns]
    else:
        cells = ["<td>"] * len(columns)
    body = "".join(
        "<tr>\n" + "".join(tag + cell for tag, cell in zip(cells, row, strict=True)) for row in rows
    )
    return (
        f'<table class="{name}"><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>\n{body}</tbody></table>"
    )


def _paragraphs(lines: list[str]) -> list[str]:
    return [f"<p>{_escape(line)}</p>" for line in lines]


def _number(value: float, digits: int = 3) -> str:
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return format(value, f".{digits}f" if abs(value) < 1000 else f".{digits}g")


def _escape(text: Any) -> str:
    """Return any text for HTML; half a surrogate pair, which no file can hold, as an escape."""
    return escape_html(str(text).encode(errors="backslashreplace").decode())


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
