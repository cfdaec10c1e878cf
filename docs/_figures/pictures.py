"""Draw the pictures of the results, each with a stamp of its data and of this code."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _figures.records import Figures, NotMeasuredError
from _figures.views import quality, small_data, speed

OURS, OTHERS, NOTEBOOK = "#1f5fa8", "#8a8f98", "#c4570a"
COLORS = {"sk_yt8m": OURS, "MLPClassifier": NOTEBOOK, "random forest": "#2c7a4b", "SVM": "#7b4fa0"}


def plain(name: str) -> str:
    """Return a name without the marks of code."""
    return name.replace("`", "")


def is_ours(name: str) -> bool:
    """Return whether a name is of this package."""
    return name.startswith(("preset", "sk_yt8m"))


def quality_data(figures: Figures) -> Any:
    """Return names and GAP@20."""
    return [[plain(name), gap] for name, gap, _ in quality(figures).rows]


def speed_data(figures: Figures) -> Any:
    """Return titles, and names with videos a second."""
    table = speed(figures)
    first, second = (source["measured"]["machine"]["processor"] for source in table.sources)
    titles = (f"with bfloat16 units ({first})", f"without bfloat16 units ({second})")
    return [
        [title, [[plain(row[0]), row[place]] for row in table.rows if row[place]]]
        for place, title in enumerate(titles, start=1)
    ]


def small_data_data(figures: Figures) -> Any:
    """Return problems with the scores of the classifiers by name."""
    table = small_data(figures)
    names = [plain(name) for name in table.columns[1:]]
    return [[row[0], dict(zip(names, row[1:], strict=True))] for row in table.rows]


def time_to_quality_data(figures: Figures) -> Any:
    """Return curves of seconds and GAP@20 by name."""
    table = figures.table("time_to_quality.curves")
    curves: dict[str, list[list[float]]] = {}
    for name, seconds, gap in zip(
        *(table.column(column) for column in ("contender", "seconds", "GAP@20")), strict=True
    ):
        curves.setdefault(name, []).append([seconds, gap])
    return curves


def figure(*heights: float) -> Any:
    """Return a figure in the common style, with axes of these heights one above the other."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update(
        {
            "font.size": 11,
            "svg.hashsalt": "sk_yt8m",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "text.color": "#1a1a1a",
        }
    )
    return plt.subplots(
        len(heights),
        figsize=(6, sum(heights)),
        layout="constrained",
        squeeze=False,
        height_ratios=heights,
    )


def bars(ax: Any, rows: list[list[Any]], how: str) -> None:
    """Draw horizontal bars with their names and figures, the first on top."""
    names, values = zip(*rows, strict=True)
    colors = [
        OURS if is_ours(name) else NOTEBOOK if "notebook" in name else OTHERS for name in names
    ]
    drawn = ax.barh(range(len(rows)), values, color=colors, height=0.7)
    ax.bar_label(drawn, [format(value, how) for value in values], padding=4)
    ax.set_yticks(range(len(rows)), names)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_xticks([])
    ax.set_xlim(0, 1.12 * max(values))


def draw_quality(data: Any) -> Any:
    """Draw GAP@20 as bars."""
    drawn, axes = figure(0.42 * len(data) + 0.5)
    axes[0, 0].set_title("GAP@20 on 5,679 videos, higher is better", loc="left", fontsize=12)
    bars(axes[0, 0], data, ".3f")
    return drawn


def draw_speed(data: Any) -> Any:
    """Draw videos a second as bars, one panel for each processor."""
    drawn, axes = figure(*(0.42 * len(rows) + 0.5 for _, rows in data))
    for ax, (title, rows) in zip(axes[:, 0], data, strict=True):
        ax.set_title(f"videos a second in training, {title}", loc="left", fontsize=12)
        bars(ax, rows, ",.0f")
    return drawn


def draw_small_data(data: Any) -> Any:
    """Draw the scores as dots, a line for each problem."""
    drawn, axes = figure(0.5 * len(data) + 1.2)
    ax = axes[0, 0]
    for place, (_, scores) in enumerate(data):
        found = [score for score in scores.values() if score is not None]
        ax.plot([min(found), max(found)], [place, place], color="#d5d8dc", zorder=1)
    for name, color in COLORS.items():
        points = [[scores.get(name), place] for place, (_, scores) in enumerate(data)]
        points = [point for point in points if point[0] is not None]
        size = 90 if is_ours(name) else 50
        ax.scatter(*zip(*points, strict=True), color=color, s=size, label=name, zorder=2)
    ax.set_yticks(range(len(data)), [problem for problem, _ in data])
    ax.invert_yaxis()
    ax.set_xlabel("score, higher is better (GAP@20; of classes the accuracy)")
    ax.grid(axis="x", color="#eceef0")
    ax.set_axisbelow(True)
    drawn.legend(loc="outside upper center", ncols=len(COLORS), frameon=False, handletextpad=0.2)
    return drawn


def draw_time_to_quality(data: Any) -> Any:
    """Draw GAP@20 over the time, with a logarithmic axis."""
    drawn, axes = figure(4.5)
    ax = axes[0, 0]
    shades = ["#1f5fa8", "#4d9de0", "#c4570a", "#2c7a4b", "#7b4fa0", "#8a8f98"]
    for color, (name, curve) in zip(shades, data.items(), strict=False):
        ax.plot(*zip(*curve, strict=True), marker="o", markersize=4, color=color, label=name)
    ax.set(xscale="log", xlabel="seconds, validation included", ylabel="GAP@20")
    ticks = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
    last = max(seconds for curve in data.values() for seconds, _ in curve)
    first = min(seconds for curve in data.values() for seconds, _ in curve)
    ticks = [tick for tick in ticks if first / 2 < tick < 2 * last]
    ax.set_xticks(ticks, labels=[f"{tick:,}" for tick in ticks], minor=False)
    ax.minorticks_off()
    ax.grid(color="#eceef0")
    drawn.legend(loc="outside lower center", ncols=2, frameon=False)
    return drawn


@dataclass(frozen=True)
class Picture:
    """How a picture gets its data, and how it is drawn."""

    collect: Callable[[Figures], Any]
    make: Callable[[Any], Any]

    def data(self, figures: Figures) -> Any:
        """Return the data, or None where they are not measured."""
        try:
            return self.collect(figures)
        except NotMeasuredError:
            return None

    def draw(self, data: Any, file: Path) -> None:
        """Write the picture, with the stamp in its metadata."""
        metadata = {"Date": None, "Description": stamp(data)}
        self.make(data).savefig(
            file, format="svg", metadata=metadata, bbox_inches="tight", pad_inches=0.12
        )


PICTURES = {
    "quality": Picture(quality_data, draw_quality),
    "speed": Picture(speed_data, draw_speed),
    "small_data": Picture(small_data_data, draw_small_data),
    "time_to_quality": Picture(time_to_quality_data, draw_time_to_quality),
}


def stamp(data: Any) -> str:
    """Return the SHA-256 of the data and of the code that draws them."""
    text = json.dumps(data, sort_keys=True).encode()
    code = Path(__file__).read_bytes()
    return f"data {hashlib.sha256(text).hexdigest()} code {hashlib.sha256(code).hexdigest()}"


def stamp_of(file: Path) -> str | None:
    """Return the stamp of a picture, or None where there is none."""
    if not file.exists():
        return None
    found = re.search(r"data [0-9a-f]{64} code [0-9a-f]{64}", file.read_text(encoding="utf-8"))
    return found[0] if found else None
