"""(X, Y) -> a CSV file in the course's layout."""

import gzip
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from sk_yt8m.datasets._layout import N_FEATURES, N_LABELS

_BLOCK = 1024


def write_csv(path: str | PathLike[str], X: Any, Y: Any) -> None:
    """Write videos in the CSV layout of the YouTube-8M course subset.

    Parameters
    ----------
    path : path
        File to write; gzipped if its name ends in ``.gz``.
    X : array-like of shape (n_videos, 1152)
        Features, finite. Each is written as the shortest decimal that gives back its float32.
    Y : {array-like, sparse matrix} of shape (n_videos, 3862)
        Indicator of the labels.

    Raises
    ------
    ValueError
        If the shapes do not fit the layout, a feature is not finite, or a label is not 0 or 1.

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
    X = np.asarray(X, dtype=np.float32)
    Y = Y.tocsr() if sp.issparse(Y) else np.asarray(Y)
    shape = (len(X), N_LABELS)
    if X.ndim != 2 or X.shape[1] != N_FEATURES:
        raise ValueError(f"X must have shape (n_videos, {N_FEATURES}), got {X.shape}")
    if Y.shape != shape:
        raise ValueError(f"Y must have shape {shape}, got {Y.shape}")
    if not np.isfinite(X).all():
        row, column = np.argwhere(~np.isfinite(X))[0]
        raise ValueError(f"X must be finite, but row {row}, column {column} is {X[row, column]}")
    for start in range(0, len(X), _BLOCK):
        _check_labels(Y[start : start + _BLOCK], start)
    path = Path(path)
    with (gzip.open if path.suffix == ".gz" else open)(path, "wb") as file:
        for row in range(len(X)):
            file.write(_line(X[row], _dense(Y[[row]])[0]))


def _dense(Y: Any) -> np.ndarray:
    return Y.toarray() if sp.issparse(Y) else Y


def _check_labels(Y: Any, start: int) -> None:
    Y = _dense(Y)
    wrong = np.argwhere((Y != 0) & (Y != 1))
    if wrong.size:
        row, column = wrong[0]
        raise ValueError(
            f"Y must hold 0 and 1, but row {start + row}, column {column} is {Y[row, column]}"
        )


def _line(features: np.ndarray, labels: np.ndarray) -> bytes:
    cells = [*np.where(labels, "1", "0").tolist(), *map(str, features)]
    return (",".join(cells) + ",\n").encode()
