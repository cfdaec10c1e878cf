"""The metrics of a report in a few lines of text."""

from typing import TYPE_CHECKING

import numpy as np

from sk_yt8m.metrics._inputs.true_labels import TrueLabels

if TYPE_CHECKING:
    import pandas as pd

_N_EXAMPLES = 5


def summarize(labels: TrueLabels) -> list[str]:
    """Return what was judged: the numbers of samples and labels."""
    n_present = np.count_nonzero(labels.frequencies())
    per_sample = len(labels.indices) / labels.n_samples
    return [
        f"{labels.n_samples:,} samples, {labels.n_labels:,} labels, {n_present:,} of them with a "
        f"positive, {per_sample:.2f} true labels per sample",
        *_rated(labels),
    ]


def make_notes(
    left_out: dict[str, list[str]], n_resamples: int, confidence_level: float
) -> list[str]:
    """Return where the intervals come from, and which metrics were left out."""
    notes = []
    if n_resamples:
        notes.append(
            f"Intervals: {100 * confidence_level:g} %, from {n_resamples:,} bootstrap resamples of "
            "the samples."
        )
    for needed, names in left_out.items():
        if names:
            notes.append(f"Left out, because they need {needed}: {', '.join(names)}.")
    return notes


def describe(
    summary: list[str], figures: "pd.DataFrame", notes: list[str], table: "pd.DataFrame"
) -> str:
    """Return a short text of the metrics and of the most frequent labels."""
    lines = [*summary, ""]
    width = max(len(name) for name in figures.index)
    for name, row in figures.iterrows():
        has_interval = not np.isnan(row["low"])
        interval = f"   {row['low']:.4f} to {row['high']:.4f}" if has_interval else ""
        lines.append(f"{name:{width}}   {row['value']:.4f}{interval}")
    return "\n".join([*lines, "", *notes, *_frequent_labels(table)])


def _rated(labels: TrueLabels) -> list[str]:
    if labels.rated is None:
        return []
    n_rated = int((labels.rated.counts > 0).sum())
    return [f"{len(labels.rated.indices):,} rated labels of {n_rated:,} samples; no others count"]


def _frequent_labels(table: "pd.DataFrame") -> list[str]:
    order = np.argsort(-table["positives"].to_numpy(), kind="stable")[:_N_EXAMPLES]
    frequent = table.iloc[order]
    frequent = frequent[frequent["positives"] > 0]
    width = max((len(name) for name in frequent["name"]), default=0)
    lines = ["Average precision of the most frequent labels:"]
    for _, row in frequent.iterrows():
        positives = f"{row['positives']:>9,} positives"
        lines.append(f"  {row['name']:{width}} {positives}   {row['average_precision']:.4f}")
    return lines if len(lines) > 1 else []
