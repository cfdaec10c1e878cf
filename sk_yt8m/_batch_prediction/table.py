"""The best labels of rows as a table, a row for each label, in memory and as Parquet."""

from typing import TYPE_CHECKING, Any

import numpy as np

from sk_yt8m._top_k import TopK

if TYPE_CHECKING:
    import pandas as pd


def top_k_table(
    ids: np.ndarray, best: TopK, names: np.ndarray, starts: np.ndarray | None = None
) -> "pd.DataFrame":
    """Return the columns id, rank, label, name and score; of segments also start, after id.

    Parameters
    ----------
    ids : ndarray of shape (n_rows,)
        Ids, or numbers of rows.
    best : TopK
        Labels and scores of the rows.
    names : ndarray of shape (n_labels,), object
        Names of the labels.
    starts : ndarray of shape (n_rows,), optional
        The second at which a segment begins.
    """
    import pandas as pd

    labels, scores = best
    n_rows, k = labels.shape
    columns: dict[str, Any] = {"id": np.repeat(ids, k)}
    if starts is not None:
        columns["start"] = np.repeat(starts, k)
    columns |= {
        "rank": np.tile(np.arange(1, k + 1), n_rows),
        "label": labels.ravel(),
        "name": names[labels.ravel()],
        "score": scores.ravel(),
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
