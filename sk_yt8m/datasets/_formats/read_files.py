"""Many files -> their blocks, read in several processes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from sk_yt8m.datasets._formats.blocks import Block
from sk_yt8m.datasets._formats.damage import Damage, DamageError, Report
from sk_yt8m.datasets._formats.find_files import natural_key

#: Reads a file, with what to read from it; damage goes to the report.
Reader = Callable[[Path, Any, Report], Iterator[Block]]


def read_files(
    files: list[Path],
    read: Reader,
    layout: Any,
    report: Report,
    *,
    n_jobs: int | None,
    progress: str | None,
    max_videos: int | None = None,
) -> list[list[Block]]:
    """Read files in several processes, up to `max_videos` videos of different ids.

    Parameters
    ----------
    files : list of Path
        The files.
    read : callable
        Reads the blocks of a file.
    layout : object
        What `read` is to read from each file.
    report : Report
        Where damage goes, in the order of the files.
    n_jobs : int, optional
        Number of processes, as in joblib.
    progress : str, optional
        What a progress bar is called; None for no bar.
    max_videos : int, optional
        Number of different ids after which to stop.

    Returns
    -------
    list of list of Block
        The blocks of each file, up to the last file that was needed.
    """
    from tqdm.auto import tqdm

    results = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(_read_file)(file, read, layout, report.skip) for file in files
    )
    bar = tqdm(total=len(files), unit="file", desc=progress, disable=progress is None)
    parts: list[list[Block]] = []
    seen: set[str] = set()
    with bar:
        for blocks, damage in results:
            bar.update()
            if max_videos is not None:
                blocks = _first_videos(blocks, max_videos, seen)
                if len(seen) == max_videos and report.skip:
                    last = natural_key(f"record {blocks[-1].records[-1]}")
                    damage = [one for one in damage if natural_key(one.place) < last]
            for one in damage:
                report.add(one)
            parts.append(blocks)
            if len(seen) == max_videos:
                results.close()
                break
    return parts


def _read_file(
    path: Path, read: Reader, layout: Any, skip: bool
) -> tuple[list[Block], list[Damage]]:
    report = Report(skip=skip)
    try:
        return list(read(path, layout, report)), report.damage
    except DamageError as error:
        # Raised by the caller in the order of the files, so that the first damaged file is named.
        return [], [error.damage]


def _first_videos(blocks: list[Block], n_videos: int, seen: set[str]) -> list[Block]:
    """Return the rows up to the one at which `seen`, to which all ids are added, is full."""
    kept: list[Block] = []
    for block in blocks:
        for end in np.flatnonzero(np.diff(block.records, append=0)) + 1:
            seen.add(str(block.ids[end - 1]))
            if len(seen) == n_videos:
                return [*kept, block.select(np.arange(len(block.records)) < end)]
        kept.append(block)
    return kept
