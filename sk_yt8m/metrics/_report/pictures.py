"""The pictures of a report, as SVG that takes the colours of the page around it."""

import copy
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from sk_yt8m.metrics._displays.base import Display
from sk_yt8m.metrics._displays.hit_at_k import HitAtKDisplay
from sk_yt8m.metrics._displays.label_average_precision import LabelAveragePrecisionDisplay
from sk_yt8m.metrics._displays.pooled_precision_recall import PooledPrecisionRecallDisplay
from sk_yt8m.metrics._inputs.dense_scores import CheckedTopK
from sk_yt8m.metrics._inputs.true_labels import TrueLabels

if TYPE_CHECKING:
    import pandas as pd

_MAX_POINTS = 1000
_INCHES, _DPI = (4.8, 3.6), 200
#: A colour that nothing else has, and the light grey of a display's grid.
_INK, _GRID = "#010203", "#e6e6e6"
_STYLE = {
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color"), _INK),
    **dict.fromkeys(("xtick.color", "ytick.color", "legend.edgecolor"), _INK),
    **dict.fromkeys(("axes.facecolor", "figure.facecolor", "savefig.facecolor"), "none"),
    "font.size": 10,
    "legend.fontsize": 9,
    "svg.fonttype": "none",
}


def make_displays(
    labels: TrueLabels, top: CheckedTopK, table: "pd.DataFrame"
) -> dict[str, Display]:
    """Return the displays of a report, not drawn; a curve has at most about 1,000 points."""
    k = top.indices.shape[1]
    pooled = PooledPrecisionRecallDisplay._of(labels, top, k)
    steps = np.linspace(0, pooled.recall[-1], _MAX_POINTS)
    kept = np.union1d(np.searchsorted(pooled.recall, steps), len(pooled.recall) - 1)
    pooled.precision, pooled.recall = pooled.precision[kept], pooled.recall[kept]
    return {
        "pooled_precision_recall": pooled,
        "hit_at_k": HitAtKDisplay._of(labels, top, k),
        "label_average_precision": LabelAveragePrecisionDisplay(
            table["average_precision"].to_numpy(), table["positives"].to_numpy()
        ),
    }


def draw(displays: dict[str, Display]) -> dict[str, str] | None:
    """Return each display as an ``<svg>`` element, or None without matplotlib."""
    try:
        from matplotlib import style
    except ImportError:
        return None
    pictures = {}
    for name, display in displays.items():
        # Ids come from the salt, so that those of several pictures on a page differ.
        own: Any = {**_STYLE, "svg.hashsalt": name}
        with style.context(["default", own]):
            pictures[name] = _svg(display)
    return pictures


def _svg(display: Display) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, layout="constrained")
    # Many points are an image within the picture.
    options = {"rasterized": True} if isinstance(display, LabelAveragePrecisionDisplay) else {}
    copy.copy(display).plot(figure.subplots(), **options)
    written = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(written, format="svg", dpi=_DPI, metadata=metadata)
    text = written.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r' id="[\w.]+_\d+"', "", text)
    text = text.replace(_GRID, "currentColor; stroke-opacity: 0.15")
    return text.replace(_INK, "currentColor")
