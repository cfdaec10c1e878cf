"""Writer of CSV files in the course's layout."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, PathLike
from sk_yt8m.datasets._formats.writer_input import (
    check_not_empty,
    checked_features,
    checked_indicator,
    new_file_or_gzip,
)
from sk_yt8m.datasets._schema import N_FEATURES, N_LABELS


def write_csv(path: PathLike, X: npt.ArrayLike, Y: MatrixLike) -> None:
    """Write videos in the CSV layout of the YouTube-8M course subset.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    path : path
        File to write, atomically; gzipped if its name ends in ``.gz``.
    X : array-like of shape (n_videos, 1152)
        Features, finite. Each is written as the shortest decimal that reads back as its float32.
    Y : {array-like, sparse matrix} of shape (n_videos, 3862)
        Indicator of the labels.

    Raises
    ------
    ValueError
        If there is no video, the shapes do not fit the layout, a feature is not finite, or a label
        is not 0 or 1.
    OSError
        If the file cannot be written.

    See Also
    --------
    load_csv : Read the file again.

    Examples
    --------
    >>> import tempfile
    >>> from sk_yt8m.datasets import load_csv, make_videos, write_csv
    >>> X, Y = make_videos(5, return_X_y=True, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_csv(f"{folder}/train_0.csv", X, Y)
    ...     X_again, Y_again = load_csv(folder, return_X_y=True)
    >>> bool((X == X_again).all() and (Y == Y_again).all())
    True
    """
    values = checked_features(X, N_FEATURES)
    check_not_empty(values)
    indicator = checked_indicator(Y, len(values), N_LABELS)
    with new_file_or_gzip(Path(path)) as file:
        for row in range(len(values)):
            file.write(_line(values[row].astype(np.float32), indicator[[row]].toarray()[0]))


def _line(features: np.ndarray, labels: np.ndarray) -> bytes:
    cells = [*np.where(labels, "1", "0").tolist(), *map(str, features)]
    return (",".join(cells) + ",\n").encode()
