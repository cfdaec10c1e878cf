"""Read sources in several processes, a few ahead of the one whose turn it is."""

import os
import tempfile
import warnings
from collections.abc import Generator
from pathlib import Path

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from sk_yt8m.datasets._convert.read_source import SourceRows, read_source
from sk_yt8m.datasets._convert.sources import Source


def read_ahead(
    sources: list[Source], folder: Path, dtype: np.dtype, skip: bool, n_jobs: int | None
) -> Generator[SourceRows, None, None]:
    """Yield the rows of sources in their order.

    The features of a source are in a temporary file, which is deleted when the next source is
    asked for. At most two sources for each process are ahead.

    Parameters
    ----------
    sources : list of Source
        The sources.
    folder : Path
        Folder for the temporary files.
    dtype, skip
        As in `read_source`.
    n_jobs : int, optional
        Number of processes, as in joblib.
    """
    window = 2 * effective_n_jobs(n_jobs)
    with Parallel(n_jobs=n_jobs, batch_size=1, return_as="generator") as parallel:
        for first in range(0, len(sources), window):
            results = parallel(
                delayed(_read_into_part)(source, folder, dtype, skip)
                for source in sources[first : first + window]
            )
            try:
                for result in results:
                    if isinstance(result, ValueError):
                        raise result
                    yield result
                    result.path.unlink()
            finally:
                with warnings.catch_warnings():
                    # About results that are not needed after an error.
                    warnings.simplefilter("ignore", UserWarning)
                    results.close()


def _read_into_part(
    source: Source, folder: Path, dtype: np.dtype, skip: bool
) -> SourceRows | ValueError:
    """Read a source; a ValueError is returned, so that the first damaged source is reported."""
    descriptor, name = tempfile.mkstemp(prefix="part-", dir=folder)
    os.close(descriptor)
    try:
        return read_source(source, Path(name), 0, dtype, skip)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, ValueError):
            return error
        raise
