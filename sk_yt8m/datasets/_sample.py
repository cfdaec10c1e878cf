"""The small, made-up sample that comes with the package."""

from pathlib import Path
from typing import Any

from sk_yt8m.datasets._load_csv import load_csv

_HERE = Path(__file__).resolve()


def sample_path() -> Path:
    """Return the folder of the embedded sample: CSV shards and a vocabulary, all made up.

    Returns
    -------
    Path
        The folder ``dataset`` of a checkout, or its copy in an installed package.

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
    split: str | None = None,
    return_indicator: str = "dense",
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """Load the embedded sample of made-up videos, in the course's layout.

    1,200 videos to train on and 300 to validate, of which only the first 80 of the 3,862 labels
    occur. Good for trying things out, and for nothing else.

    Parameters
    ----------
    split : {"train", "val"}, optional
        Which part; both by default.
    return_indicator, return_X_y, as_frame
        As in `load_csv`.

    Returns
    -------
    Bunch or tuple
        As `load_csv` returns.

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
