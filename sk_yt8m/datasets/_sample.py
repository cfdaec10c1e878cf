"""The small generated sample that is part of the package."""

from pathlib import Path
from typing import Any, Literal

from sk_yt8m.datasets._load_csv import load_csv

_HERE = Path(__file__).resolve()


def sample_path() -> Path:
    """Return the folder of the embedded sample: CSV files and a vocabulary, all generated.

    Returns
    -------
    Path
        The folder ``dataset`` of a checkout, or its copy in an installed package.

    See Also
    --------
    load_sample : Load the files.

    Examples
    --------
    >>> from sk_yt8m.datasets import sample_path
    >>> (sample_path() / "vocabulary.csv").exists()
    True
    """
    installed = _HERE.parent / "sample"
    return installed if installed.is_dir() else _HERE.parents[2] / "dataset"


def load_sample(
    *,
    split: Literal["train", "val"] | None = None,
    return_indicator: Literal["dense", "sparse"] = "dense",
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """Load the embedded sample of generated videos, in the course's layout.

    It has 1,200 training and 300 validation videos, with only the first 80 of the 3,862 labels. Use
    it to try things out; its scores mean nothing.

    Parameters
    ----------
    split : {"train", "val"}, optional
        Split to load; by default both.
    return_indicator : {"dense", "sparse"}, default="dense"
        Type of the labels: array or CSR matrix, both uint8.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return DataFrames.

    Returns
    -------
    Bunch or tuple of (ndarray or DataFrame, ndarray, csr_matrix or DataFrame)
        As from :func:`load_csv`.

    See Also
    --------
    make_videos : Generate data of any size.

    Examples
    --------
    >>> from sk_yt8m.datasets import load_sample
    >>> X, Y = load_sample(split="val", return_X_y=True)
    >>> X.shape, Y.shape
    ((300, 1152), (300, 3862))
    """
    return load_csv(
        sample_path(),
        split=split,
        return_indicator=return_indicator,
        return_X_y=return_X_y,
        as_frame=as_frame,
    )
