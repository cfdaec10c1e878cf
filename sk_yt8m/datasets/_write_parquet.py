"""Writer of Parquet files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, PathLike
from sk_yt8m.datasets._formats.parquet_reader import N_LABELS_KEY, check_pyarrow
from sk_yt8m.datasets._formats.record_layout import DEFAULT_FEATURES, feature_widths
from sk_yt8m.datasets._formats.writer_input import (
    checked_features,
    checked_indicator,
    different_ids,
    new_file,
)
from sk_yt8m.datasets._schema import N_FEATURES

_GROUP = 4096


def write_parquet(
    path: PathLike,
    X: npt.ArrayLike,
    Y: MatrixLike,
    ids: Sequence[str] | None = None,
    *,
    features: Sequence[str] | Mapping[str, int] | None = None,
) -> None:
    """Write examples to a Parquet file: features and labels as lists, and ids.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    path : path
        File to write, atomically.
    X : array-like of shape (n_rows, n_features)
        Features, finite, written as float32. A memory map is read in blocks.
    Y : {array-like, sparse matrix} of shape (n_rows, n_labels)
        Indicator of the labels.
    ids : sequence of str, optional
        Ids for the column "id", 1 to 256 bytes in UTF-8 without the character NUL, all different.
        By default there is no such column.
    features : sequence of str or dict of str to int, optional
        Columns of features and their widths. By default "mean_rgb" and "mean_audio" if there are
        1152 features, else one column "features".

    Raises
    ------
    ImportError
        If pyarrow is not installed: ``pip install sk-yt8m[parquet]``.
    ValueError
        If shapes do not fit, a feature is not finite, a label is not 0 or 1, or an id is not valid
        or not unique.
    OSError
        If the file cannot be written.

    See Also
    --------
    load_parquet : Read the file again; its example writes one.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m.datasets import load_parquet, write_parquet
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_parquet(f"{folder}/one.parquet", [[0.5, 1.5]], [[1, 0, 1]])
    ...     load_parquet(folder).target.tolist()
    [[1, 0, 1]]
    """
    pa = check_pyarrow()
    import pyarrow.parquet as pq

    values = checked_features(X)
    n_features = values.shape[1]
    if features is None:
        features = DEFAULT_FEATURES if n_features == N_FEATURES else {"features": n_features}
    widths = feature_widths(features)
    values = checked_features(values, sum(width for _, width in widths))
    indicator = checked_indicator(Y, len(values))
    reserved = [name for name, _ in widths if name in ("id", "labels")]
    if reserved:
        raise ValueError(f"features must not have names of other columns, got {reserved[0]!r}")
    names = None if ids is None else [name.decode() for name in different_ids(ids, len(values))]
    fields = [] if names is None else [pa.field("id", pa.string())]
    fields.append(pa.field("labels", pa.list_(pa.int32())))
    fields += [pa.field(name, pa.list_(pa.float32(), width)) for name, width in widths]
    schema = pa.schema(fields, metadata={N_LABELS_KEY: str(indicator.shape[1])})
    options = {"use_dictionary": False, "write_page_checksum": True}
    with (
        new_file(Path(path)) as file,
        pq.ParquetWriter(file, schema, **options) as writer,
    ):
        for start in range(0, len(values), _GROUP):
            rows = indicator[start : start + _GROUP]
            labels = pa.ListArray.from_arrays(
                rows.indptr.astype(np.int32), rows.indices.astype(np.int32)
            )
            columns = [] if names is None else [pa.array(names[start : start + _GROUP])]
            columns.append(labels)
            block = values[start : start + _GROUP].astype(np.float32)
            end = 0
            for _, width in widths:
                part = np.ascontiguousarray(block[:, end : end + width]).ravel()
                columns.append(pa.FixedSizeListArray.from_arrays(part, width))
                end += width
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
