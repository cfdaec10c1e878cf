"""The metrics of a report in a few lines of text."""

from typing import TYPE_CHECKING

import numpy as np

from sk_yt8m.metrics._inputs.true_labels import TrueLabels

if TYPE_CHECKING:
    import pandas as pd

_N_EXAMPLES = 5


def describe(
    figures: "pd.DataFrame",
    table: "pd.DataFrame",
    labels: TrueLabels,
    left_out: dict[str, list[str]],
    n_resamples: int,
    confidence_level: float,
) -> str:
    """Return a short text of the metrics and of the most frequent labels."""
    n_present = int((table["positives"] > 0).sum())
    per_sample = len(labels.indices) / labels.n_samples
    lines = [
        f"{labels.n_samples:,} samples, {labels.n_labels:,} labels, {n_present:,} of them with a "
        f"positive, {per_sample:.2f} true labels per sample",
        *_rated(labels),
        "",
    ]
    width = max(len(name) for name in figures.index)
    for name, row in figures.iterrows():
        interval = f"   {row['low']:.4f} to {row['high']:.4f}" if n_resamples else ""
        lines.append(f"{name:{width}}   {row['value']:.4f}{interval}")
    lines.append("")
    if n_resamples:
        lines.append(
            f"Intervals: {100 * confidence_level:g} %, from {n_resamples:,} bootstrap resamples of "
            "the samples."
        )
    for needed, names in left_out.items():
        if names:
            lines.append(f"Left out, because they need {needed}: {', '.join(names)}.")
    return "\n".join([*lines, *_frequent_labels(table)])


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
