"""The labels that are confused most often, and the samples that are scored worst."""

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._inputs.blocks import row_slices
from sk_yt8m.metrics._inputs.dense_scores import CheckedTopK
from sk_yt8m.metrics._inputs.true_labels import TrueLabels

if TYPE_CHECKING:
    import pandas as pd

#: Best labels shown of a sample with fewer true ones.
_N_SHOWN = 5


def confused_labels(
    labels: TrueLabels, top: CheckedTopK, names: list[str], max_rows: int
) -> "pd.DataFrame":
    """Return how often a true label is missed while another one is predicted.

    The labels predicted for a sample are as many of its best as it has true ones, or all in `top`
    if these are fewer.
    """
    import pandas as pd

    pairs, samples = _count_pairs(labels, top)
    best = np.argsort(-samples, kind="stable")[:max_rows]
    samples = samples[best]
    missed, predicted = np.divmod(pairs[best], labels.n_labels)
    return pd.DataFrame(
        {
            "missed_label": missed,
            "missed": _named(names, missed),
            "predicted_label": predicted,
            "predicted": _named(names, predicted),
            "samples": samples,
            "share": samples / labels.frequencies()[missed],
        }
    ).astype({"missed": str, "predicted": str})


def worst_samples(
    labels: TrueLabels, top: CheckedTopK, names: list[str], ids: "pd.Index", max_rows: int
) -> "pd.DataFrame":
    """Return the samples with the largest error.

    The error is the highest score of a false label minus the lowest one of a true label. Labels
    outside `top` count with the lowest score in it.
    """
    import pandas as pd

    hits = labels.find(top.indices)
    errors = _errors(labels, top, hits)
    rows = np.argsort(-errors, kind="stable")[:max_rows]
    rows = rows[errors[rows] > 0]
    table: dict[str, list[Any]] = {
        name: [] for name in ("true_labels", "true_scores", "top_labels", "top_scores")
    }
    for row, listed, scores in zip(
        rows, top.indices[rows], _as_float64(top.scores[rows]), strict=True
    ):
        true, found = labels.indices[labels.indptr[row] : labels.indptr[row + 1]], hits[row]
        unlisted = np.setdiff1d(true, listed)
        shown = listed[: max(_N_SHOWN, len(true))]
        shown = shown[shown >= 0]
        table["true_labels"].append(_named(names, np.append(listed[found], unlisted)))
        table["true_scores"].append([*scores[found].tolist(), *[np.nan] * len(unlisted)])
        table["top_labels"].append(_named(names, shown))
        table["top_scores"].append(scores[: len(shown)].tolist())
    return pd.DataFrame(
        {"row": rows, "error": errors[rows], **table}, index=ids[rows].rename("sample")
    ).astype(dict.fromkeys(table, object))


def _count_pairs(
    labels: TrueLabels, top: CheckedTopK
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each pair, as ``missed * n_labels + predicted``, and the number of its samples."""
    width = top.indices.shape[1]
    found, counts = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    # A row has at most `width` pairs for each of its true labels.
    row_bytes = 8 * width * (1 + len(labels.indices) // labels.n_samples)
    for rows in row_slices(labels.n_samples, row_bytes):
        pairs, samples = np.unique(_pairs_of(labels, top, rows), return_counts=True)
        found.append(pairs)
        counts.append(samples)
    pairs, place = np.unique(np.concatenate(found), return_inverse=True)
    samples = np.zeros(len(pairs), np.int64)
    np.add.at(samples, place, np.concatenate(counts))
    return pairs, samples


def _pairs_of(labels: TrueLabels, top: CheckedTopK, rows: slice) -> npt.NDArray[np.int64]:
    """Return a number for each missed and each wrongly predicted label of the same sample."""
    n_labels = labels.n_labels
    indptr = labels.indptr[rows.start : rows.stop + 1]
    true_counts = np.diff(indptr)
    true_labels = labels.indices[indptr[0] : indptr[-1]].astype(np.int64)
    true_keys = np.repeat(np.arange(len(true_counts)), true_counts) * n_labels + true_labels
    listed = top.indices[rows]
    predicted = (np.arange(listed.shape[1]) < true_counts[:, None]) & (listed >= 0)
    predicted_rows = np.nonzero(predicted)[0]
    predicted_keys = predicted_rows * n_labels + listed[predicted]
    false_keys = np.setdiff1d(predicted_keys, true_keys, assume_unique=True)
    missed_keys = np.setdiff1d(true_keys, predicted_keys, assume_unique=True)
    # Each false label of a sample is paired with all missed ones, which follow each other.
    false_rows, false_labels = np.divmod(false_keys, n_labels)
    n_missed = np.bincount(missed_keys // n_labels, minlength=len(true_counts))
    first = np.cumsum(n_missed) - n_missed
    repeats = n_missed[false_rows]
    ends = np.cumsum(repeats)
    at = np.arange(repeats.sum()) + np.repeat(first[false_rows] - ends + repeats, repeats)
    return (missed_keys[at] % n_labels) * n_labels + np.repeat(false_labels, repeats)


def _errors(
    labels: TrueLabels, top: CheckedTopK, hits: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return the error of each sample; -inf or NaN without a false label above a true one."""
    errors = np.empty(labels.n_samples)
    for rows in row_slices(labels.n_samples, 8 * top.indices.shape[1]):
        scores, listed, hit = _as_float64(top.scores[rows]), top.indices[rows] >= 0, hits[rows]
        n_true = labels.counts[rows]
        lowest = np.where(listed, scores, np.inf).min(axis=1)
        highest_false = np.where(listed & ~hit, scores, -np.inf).max(axis=1)
        all_found = (np.count_nonzero(hit, axis=1) == n_true) & (n_true > 0)
        lowest_true = np.where(all_found, np.where(hit, scores, np.inf).min(axis=1), lowest)
        with np.errstate(invalid="ignore", over="ignore"):
            errors[rows] = highest_false - lowest_true
    return errors


def _as_float64(scores: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return scores as float64; Python numbers that are too large as the largest one."""
    if scores.dtype == object:
        most = sys.float_info.max
        rounded = [float(min(max(score, -most), most)) for score in scores.flat]
        return np.reshape(rounded, scores.shape)
    return scores.astype(np.float64)


def _named(names: list[str], labels: npt.NDArray[np.integer]) -> list[str]:
    return [names[label] for label in labels]
