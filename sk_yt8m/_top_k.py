"""The k best labels of each sample, from classifiers to metrics, and their table."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


class TopK(NamedTuple):
    """The ``k`` highest-scored labels of each sample, best first.

    A plain tuple ``(indices, scores)`` is accepted wherever a ``TopK`` is.

    Parameters
    ----------
    indices : ndarray of shape (n_samples, k), int32
        Label indices by descending score; ties by ascending index.
    scores : ndarray of shape (n_samples, k), float32
        The scores of these labels.

    See Also
    --------
    DeepMultiLabelClassifier.predict_top_k : Returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m import TopK
    >>> from sk_yt8m.metrics import hit_at_k_score
    >>> best = TopK(np.array([[2, 0], [1, 2]]), np.array([[0.9, 0.3], [0.8, 0.1]]))
    >>> hit_at_k_score([[1, 0, 0], [0, 1, 0]], best, k=1)
    0.5
    """

    indices: npt.NDArray[np.integer]
    scores: npt.NDArray[np.floating]


def top_k_table(
    ids: "np.ndarray | pd.Index", best: TopK, names: np.ndarray, starts: np.ndarray | None = None
) -> "pd.DataFrame":
    """Return the table of as many labels of every row; see `label_table`."""
    n_rows, k = best.indices.shape
    counts = np.full(n_rows, k)
    return label_table(ids, counts, best.indices.ravel(), best.scores.ravel(), names, starts)


def label_table(
    ids: "np.ndarray | pd.Index",
    counts: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    names: np.ndarray,
    starts: np.ndarray | None = None,
) -> "pd.DataFrame":
    """Return the columns id, rank, label, name and score; of segments also start, after id.

    Parameters
    ----------
    ids : ndarray or Index of shape (n_rows,)
        Ids, or numbers of rows.
    counts : ndarray of shape (n_rows,)
        Number of labels of each row.
    labels, scores : ndarray of shape (counts.sum(),)
        Labels of the rows, one row after the other, best first, and their scores.
    names : ndarray of shape (n_labels,)
        Names of the labels.
    starts : ndarray of shape (n_rows,), optional
        The second at which a segment begins.
    """
    import pandas as pd

    columns: dict[str, Any] = {"id": ids.repeat(counts)}
    if starts is not None:
        columns["start"] = starts.repeat(counts)
    before = np.cumsum(counts) - counts
    columns |= {
        "rank": np.arange(1, labels.size + 1) - before.repeat(counts),
        "label": labels,
        "name": names[labels],
        "score": scores,
    }
    return pd.DataFrame(columns)


def parquet_schema(
    *, with_ids: bool, segments: bool = False, metadata: dict[str, str] | None = None
) -> Any:
    """Return the pyarrow schema of such a table."""
    import pyarrow as pa

    fields = [("id", pa.string() if with_ids else pa.int64())]
    if segments:
        fields.append(("start", pa.int64()))
    fields += [
        ("rank", pa.int64()),
        ("label", pa.int32()),
        ("name", pa.string()),
        ("score", pa.float32()),
    ]
    return pa.schema(fields, metadata=metadata)
