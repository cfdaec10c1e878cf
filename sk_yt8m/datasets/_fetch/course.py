"""Download and load the course subset of YouTube-8M."""

import os
from importlib import resources
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

from sk_yt8m._inputs.types import PathLike
from sk_yt8m._sklearn import Interval, StrOptions, validate_params
from sk_yt8m.datasets._fetch.http import RemoteFile, download
from sk_yt8m.datasets._load_csv import load_csv
from sk_yt8m.datasets._schema import in_split

_BASE_URL = (
    "https://raw.githubusercontent.com/Busson/curso_deep_learning_para_multimidia/"
    "0a67ebaf66bb643dfb5f2b12e1b37b704933ba6b/5_multiclassificacao_video/"
)
_VOCABULARY = "yt8m_voc.csv"
_N_THREADS = 4


@validate_params(
    {
        "data_home": [str, os.PathLike, None],
        "split": [StrOptions({"train", "test", "val"}), None],
        "download_if_missing": ["boolean"],
        "n_retries": [Interval(Integral, 0, None, closed="left")],
        "delay": [Interval(Real, 0.0, None, closed="left")],
        "return_X_y": ["boolean"],
        "as_frame": ["boolean"],
        "return_indicator": [StrOptions({"dense", "sparse"})],
        "n_jobs": [Integral, None],
        "progress": ["boolean"],
        "base_url": [str, None],
        "download_only": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_course(
    *,
    data_home: PathLike | None = None,
    split: Literal["train", "val", "test"] | None = None,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    return_X_y: bool = False,
    as_frame: bool = False,
    return_indicator: Literal["dense", "sparse"] = "dense",
    n_jobs: int | None = None,
    progress: bool = False,
    base_url: str | None = None,
    download_only: bool = False,
) -> Any:
    """Load the course subset of YouTube-8M, downloading what is missing.

    The files come from the repository of a deep learning course, at a fixed commit, and each is
    checked against its SHA-256. Files that are there already are not downloaded again, so a call
    after a failed one continues where that stopped. Read more in the :ref:`User Guide <data>`.

    The YouTube-8M features and labels are Google's, under CC BY 4.0
    (https://research.google.com/youtube8m/).

    =================   ==================================
    Videos              52,700 (train 41,393, test 5,628, val 5,679)
    Features            1,152 (1,024 visual, 128 audio)
    Labels              3,862, about 3 a video
    Download            1.09 GB
    =================   ==================================

    Parameters
    ----------
    data_home : path, optional
        Folder of scikit-learn's data; the files go to ``yt8m_course`` in it, and the parsed arrays
        to ``yt8m_course/cache``. By default as in `sklearn.datasets.get_data_home`.
    split : {"train", "test", "val"}, optional
        Download and load only this split of the course notebook; by default all. With
        :func:`load_csv` the same split is ``split="course-train"`` and so on.
    download_if_missing : bool, default=True
        If False, raise an OSError when a file is not there instead of downloading it.
    n_retries : int, default=3
        How many more times to try a file after a failed download.
    delay : float, default=1.0
        Seconds between these tries.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return DataFrames.
    return_indicator : {"dense", "sparse"}, default="dense"
        Form of the labels.
    n_jobs : int, optional
        How many files to download and to parse at the same time, as in joblib. None means 4
        downloads, and parsing as joblib takes None.
    progress : bool, default=False
        Show progress bars.
    base_url : str, optional
        A mirror to download from: the address of a folder with ``yt8m_voc.csv`` and ``dataset/``.
    download_only : bool, default=False
        Return the folder, and parse nothing.

    Returns
    -------
    Bunch
        As `load_csv` returns, and ``vocabulary_path``, which `load_vocabulary` takes for the names
        of the labels. With `return_X_y` only ``(data, target)``. With `download_only` the path of
        the folder, which `convert` takes; the vocabulary is ``yt8m_voc.csv`` in it.

    Raises
    ------
    ValueError
        If `download_only` is given with `return_X_y` or `as_frame`.
    OSError
        If a file cannot be downloaded, has the wrong checksum after every try, or is missing and
        `download_if_missing` is False.

    See Also
    --------
    fetch_tfrecords : Download the official files.
    load_csv : Load the files from a folder.

    Examples
    --------
    >>> from sk_yt8m.datasets import fetch_course, load_vocabulary
    >>> course = fetch_course(split="val", return_indicator="sparse")  # doctest: +SKIP
    >>> course.data.shape  # doctest: +SKIP
    (5679, 1152)
    >>> load_vocabulary(course.vocabulary_path).loc[31, "name"]  # doctest: +SKIP
    'Piano'
    """
    from joblib import effective_n_jobs
    from sklearn.datasets import get_data_home

    if download_only and (return_X_y or as_frame):
        raise ValueError("download_only must be False with return_X_y and as_frame, got True")
    folder = Path(get_data_home(data_home)) / "yt8m_course"
    vocabulary, *shards = download(
        [vocabulary_file(base_url), *_shards(split, base_url)],
        folder,
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
        n_threads=_N_THREADS if n_jobs is None else effective_n_jobs(n_jobs),
        progress=progress,
    )
    if download_only:
        return folder
    loaded = load_csv(
        shards,
        return_indicator=return_indicator,
        return_X_y=return_X_y,
        as_frame=as_frame,
        n_jobs=n_jobs,
        cache_dir=folder / "cache",
        progress=progress,
    )
    if not return_X_y:
        loaded.vocabulary_path = vocabulary
    return loaded


def vocabulary_file(base_url: str | None = None) -> RemoteFile:
    """Return what to download for the vocabulary, from the course's repository or a mirror."""
    return RemoteFile(_VOCABULARY, _address(base_url, _VOCABULARY), _read_registry()[_VOCABULARY])


def _shards(split: str | None, base_url: str | None) -> list[RemoteFile]:
    """Return the shards of a split, in their order."""
    return [
        RemoteFile(name, _address(base_url, f"dataset/{name}"), checksum)
        for name, checksum in _read_registry().items()
        if name != _VOCABULARY and (split is None or in_split(Path(name), f"course-{split}"))
    ]


def _address(base_url: str | None, path: str) -> str:
    return f"{(_BASE_URL if base_url is None else base_url).rstrip('/')}/{path}"


def _read_registry() -> dict[str, str]:
    """Return file name -> checksum, in the order of the course."""
    text = resources.files("sk_yt8m.datasets").joinpath("course_registry.txt").read_text("utf-8")
    pairs = (line.split() for line in text.splitlines())
    return {name: f"sha256:{digest}" for name, digest in pairs}
