"""Download the vocabulary of YouTube-8M."""

import os
from numbers import Integral, Real
from pathlib import Path

from sk_yt8m._inputs.types import PathLike
from sk_yt8m._sklearn import Interval, validate_params
from sk_yt8m.datasets._fetch.course import vocabulary_file
from sk_yt8m.datasets._fetch.http import download


@validate_params(
    {
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "n_retries": [Interval(Integral, 0, None, closed="left")],
        "delay": [Interval(Real, 0.0, None, closed="left")],
        "base_url": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def fetch_vocabulary(
    *,
    data_home: PathLike | None = None,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    base_url: str | None = None,
) -> Path:
    """Download the names of the 3,862 labels of YouTube-8M, and return the file's path.

    The file is that of `fetch_course`, at a fixed commit and checked against its SHA-256; 3.6 MB.
    It is Google's, under CC BY 4.0 (https://research.google.com/youtube8m/).

    Parameters
    ----------
    data_home : path, optional
        Folder of scikit-learn's data; the file goes to ``yt8m_course`` in it. By default as in
        `sklearn.datasets.get_data_home`.
    download_if_missing : bool, default=True
        If False, raise an OSError when the file is not there instead of downloading it.
    n_retries : int, default=3
        How many more times to try after a failed download.
    delay : float, default=1.0
        Seconds between these tries.
    base_url : str, optional
        A mirror to download from: the address of a folder with ``yt8m_voc.csv``.

    Returns
    -------
    Path
        The file, which `load_vocabulary` reads.

    Raises
    ------
    OSError
        If the file cannot be downloaded, has the wrong checksum after every try, or is missing and
        `download_if_missing` is False.

    See Also
    --------
    load_vocabulary : Read the file.

    Examples
    --------
    >>> from sk_yt8m.datasets import fetch_vocabulary, load_vocabulary
    >>> load_vocabulary(fetch_vocabulary()).loc[31, "name"]  # doctest: +SKIP
    'Piano'
    """
    from sklearn.datasets import get_data_home

    (path,) = download(
        [vocabulary_file(base_url)],
        Path(get_data_home(data_home)) / "yt8m_course",
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
    )
    return path
