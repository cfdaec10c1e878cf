"""The predicted labels of every row, as many as it has: named pairs, or a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._estimators.plain_values import plain_value
from sk_yt8m._inputs.target_form import check_label_names
from sk_yt8m._top_k import TopK, label_table
from sk_yt8m.metrics._inputs.checks import read_reals

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LabelLists:
    """Labels of rows, one row after the other, best first.

    Attributes
    ----------
    counts : ndarray of shape (n_rows,)
        Number of labels of each row.
    labels, scores : ndarray of shape (counts.sum(),)
        Label indices and their scores.
    """

    counts: npt.NDArray[np.integer]
    labels: npt.NDArray[np.integer]
    scores: npt.NDArray[np.floating]

    @classmethod
    def of_top_k(cls, best: TopK, threshold: npt.NDArray[np.float64] | None) -> "LabelLists":
        """Return the best labels of each row, without those whose score is below the threshold."""
        if threshold is None:
            kept = np.ones(best.indices.shape, dtype=bool)
        else:
            kept = best.scores >= threshold[best.indices]
        return cls(np.count_nonzero(kept, axis=1), best.indices[kept], best.scores[kept])

    @classmethod
    def of_blocks(
        cls, blocks: Iterable[np.ndarray], threshold: npt.NDArray[np.float64]
    ) -> "LabelLists":
        """Return all labels whose score reaches the threshold, of blocks of rows."""
        parts = [_reaching(block, threshold) for block in blocks]
        return cls(*map(np.concatenate, zip(*parts, strict=True)))

    def pairs(self, names: np.ndarray) -> list[list[tuple[Any, float]]]:
        """Return a list of ``(name, score)`` for each row, all of them plain Python values."""
        plain = [plain_value(name) for name in names]
        labels, scores = self.labels.tolist(), self.scores.tolist()
        pairs = [(plain[label], score) for label, score in zip(labels, scores, strict=True)]
        ends = np.cumsum(self.counts).tolist()
        return [pairs[end - n : end] for end, n in zip(ends, self.counts.tolist(), strict=True)]

    def table(self, X: Any, names: np.ndarray) -> "pd.DataFrame":
        """Return a row for each label: id, rank, label, name and score."""
        return label_table(
            row_ids(X, len(self.counts)), self.counts, self.labels, self.scores, names
        )


def row_ids(X: Any, n_rows: int) -> "np.ndarray | pd.Index":
    """Return the index of a DataFrame or Series of pandas; of all else, the numbers of the rows."""
    return X.index if hasattr(X, "iloc") else np.arange(n_rows)


def check_threshold(threshold: Any, names: np.ndarray) -> npt.NDArray[np.float64] | None:
    """Return one threshold for each name, or None if there is none.

    Raises
    ------
    TypeError
        If it is a masked array.
    ValueError
        If it is not a real number or one for each name, or a Series with other names.
    """
    if threshold is None:
        return None
    values = read_reals(threshold, "threshold")
    if (values.ndim and values.shape != names.shape) or np.asarray(threshold).dtype.kind == "b":
        raise ValueError(
            f"threshold must be None, a number, or an array of {names.size} numbers, one for each "
            f"label; got {_described(threshold)}"
        )
    if np.isnan(values).any():
        at = f" at label {np.argmax(np.isnan(values))}" if values.ndim else ""
        raise ValueError(f"threshold must not be NaN, got one{at}")
    if hasattr(threshold, "iloc"):
        check_label_names(names, np.asarray(threshold.index), names.size, "threshold")
    return np.broadcast_to(values, names.shape)


def _described(threshold: Any) -> str:
    shape = np.shape(threshold)
    return f"shape {shape}" if shape else repr(threshold)


def _reaching(
    block: np.ndarray, threshold: npt.NDArray[np.float64]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts, labels and scores of the labels of each row that reach the threshold."""
    rows, labels = np.nonzero(block >= threshold)
    scores = block[rows, labels]
    order = np.lexsort((labels, -scores, rows))
    counts = np.bincount(rows, minlength=len(block))
    return counts, labels[order].astype(np.int32), scores[order]
