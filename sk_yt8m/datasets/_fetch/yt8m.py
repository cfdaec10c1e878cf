"""Download the official TFRecords of YouTube-8M by their download plan."""

import os
import tempfile
from numbers import Integral, Real
from pathlib import Path
from typing import Literal

from sk_yt8m._inputs.types import PathLike
from sk_yt8m._sklearn import Interval, StrOptions, validate_params
from sk_yt8m.datasets._fetch.download_plan import fetch_plan
from sk_yt8m.datasets._fetch.http import RemoteFile, download
from sk_yt8m.datasets._formats.find_files import natural_key, of_shard
from sk_yt8m.datasets._schema import SPLITS, split_name

_PLANS = "http://data.yt8m.org"
_MIRRORS = {name: f"http://{name}.data.yt8m.org" for name in ("us", "eu", "asia")}
_N_THREADS = 4


@validate_params(
    {
        "data_home": [str, os.PathLike, None],
        "version": [StrOptions({"1", "2", "3"})],
        "level": [StrOptions({"video", "frame"})],
        "split": [StrOptions({*SPLITS, "validate"})],
        "shard": [tuple, list, None],
        "n_files": [Interval(Integral, 1, None, closed="left"), None],
        "mirror": [str],
        "download_if_missing": ["boolean"],
        "n_retries": [Interval(Integral, 0, None, closed="left")],
        "delay": [Interval(Real, 0.0, None, closed="left")],
        "n_jobs": [Integral, None],
        "progress": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_tfrecords(
    *,
    data_home: PathLike | None = None,
    version: Literal["1", "2", "3"] = "2",
    level: Literal["video", "frame"] = "video",
    split: Literal["train", "val", "validate", "test"] = "train",
    shard: tuple[int, int] | None = None,
    n_files: int | None = None,
    mirror: str = "us",
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    n_jobs: int | None = None,
    progress: bool = False,
) -> list[Path]:
    """Download official TFRecords of YouTube-8M, and return where they are.

    The download plan of the split names its files and their MD5. Each file is checked against it
    and appears under its name when it is complete. Files that are there already with the right MD5
    are not downloaded again, so a call after a failed one continues where that stopped. Read more
    in the :ref:`User Guide <data>`.

    The YouTube-8M features and labels are Google's, under CC BY 4.0
    (https://research.google.com/youtube8m/).

    ===========================   ======  ======
    Version 2, all three splits   videos  frames
    ===========================   ======  ======
    Files                         11,532  11,532
    Download                      31 GB   1.53 TB
    ===========================   ======  ======

    Parameters
    ----------
    data_home : path, optional
        Folder of scikit-learn's data; the files go to ``yt8m/{version}/{level}/{split}`` in it. By
        default as in `sklearn.datasets.get_data_home`.
    version : {"1", "2", "3"}, default="2"
        "1" is the data of 2017 with 4,716 labels, "2" that of 2018 with 3,862, and "3" its rated
        segments of 2019, which has frames only and no training split.
    level : {"video", "frame"}, default="video"
        A row of features for each video, or one for each second.
    split : {"train", "val", "test"}, default="train"
        Split to download. "validate", YouTube-8M's own word, is another name of "val".
    shard : tuple of (int, int), optional
        ``(i, n)``: of the files in natural order the i-th, from 0, and every n-th after it: as in
        `load_tfrecords`, and not as in the official script, which draws files by their names.
    n_files : int, optional
        Download at most this many files, the first ones.
    mirror : {"us", "eu", "asia"} or str, default="us"
        Official mirror, or the address of a folder with ``{version}/download_plans`` and
        ``{version}/{level}/{split}``.
    download_if_missing : bool, default=True
        If False, raise an OSError when a file is not there instead of downloading it.
    n_retries : int, default=3
        How many more times to try a file after a failed download. A server that is silent for 30
        seconds has failed.
    delay : float, default=1.0
        Seconds between these tries.
    n_jobs : int, optional
        How many files to download and to check at the same time, as in joblib. None means 4.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    list of Path
        The files, in natural order; `load_tfrecords` and `convert` read them.

    Raises
    ------
    OSError
        If the plan or a file cannot be downloaded, has the wrong checksum after every try, or is
        missing and `download_if_missing` is False.
    ValueError
        If there is no such part, or the plan is damaged; no file is downloaded then.

    See Also
    --------
    load_tfrecords, convert : Read the files, into memory or into a store.
    fetch_course : Download a subset of 52,700 videos.

    Notes
    -----
    The plan is kept beside the files. The official servers speak plain HTTP, and MD5 finds
    accidents only; ``mirror="https://storage.googleapis.com/us.data.yt8m.org"`` is encrypted.

    A kill may leave a hidden file named ``.NAME.....tmp`` in the folder, which can be deleted.

    The data is described in [1]_.

    References
    ----------
    .. [1] Abu-El-Haija et al., "YouTube-8M: a large-scale video classification benchmark", 2016,
       https://arxiv.org/abs/1609.08675

    Examples
    --------
    One file of 3,844, about 5 MB, with some 1,000 videos:

    >>> from sk_yt8m.datasets import fetch_tfrecords, load_tfrecords
    >>> files = fetch_tfrecords(split="validate", n_files=1)  # doctest: +SKIP
    >>> load_tfrecords(files).data.shape[1]  # doctest: +SKIP
    1152
    """
    from joblib import effective_n_jobs
    from sklearn.datasets import get_data_home

    split = "validate" if split_name(split) == "val" else split
    if version == "3" and (level != "frame" or split == "train"):
        raise ValueError(
            'version "3" has level="frame" and split="val" or "test" only, '
            f"got level={level!r} and split={split!r}"
        )
    plan_base, base = _addresses(mirror)
    remote_level = f"{level}_level" if version == "1" else level
    home = Path(get_data_home(data_home)) / "yt8m" / version
    plan_name = f"{remote_level}_{split}.json"
    plan = fetch_plan(
        f"{plan_base}/{version}/download_plans/{plan_name}",
        home / "download_plans" / plan_name,
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
    )
    names = _choose(plan, shard, n_files)
    folder = home / level / split
    _check_case(names, folder)
    return download(
        [
            RemoteFile(name, f"{base}/{version}/{remote_level}/{split}/{name}", f"md5:{plan[name]}")
            for name in names
        ],
        folder,
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
        n_threads=_N_THREADS if n_jobs is None else effective_n_jobs(n_jobs),
        progress=progress,
    )


def _addresses(mirror: str) -> tuple[str, str]:
    """Return the base addresses of plans and of files."""
    if mirror in _MIRRORS:
        return _PLANS, _MIRRORS[mirror]
    if not mirror.startswith(("http://", "https://")):
        raise ValueError(
            f'mirror must be one of {", ".join(_MIRRORS)} or an address that begins with "http://" '
            f'or "https://", got {mirror!r}'
        )
    return (mirror.rstrip("/"),) * 2


def _choose(plan: dict[str, str], shard: tuple[int, int] | None, n_files: int | None) -> list[str]:
    files = sorted(map(Path, plan), key=natural_key)
    if shard is not None:
        files = of_shard(files, shard)
    return [file.name for file in files[:n_files]]


def _check_case(names: list[str], folder: Path) -> None:
    """Raise an error if two names are one file, as on many macOS and Windows disks."""
    if len({name.lower() for name in names}) == len(names):
        return
    folder.mkdir(parents=True, exist_ok=True)
    if _ignores_case(folder):
        raise OSError(
            f"{folder} does not tell upper from lower case, in which names of these files differ: "
            "choose a data_home on another file system, or fewer files"
        )


def _ignores_case(folder: Path) -> bool:
    with tempfile.NamedTemporaryFile(prefix="case", dir=folder) as file:
        path = Path(file.name)
        return path.with_name(path.name.swapcase()).exists()
