"""Files with known checksums: from a server into a folder, several at a time."""

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from sk_yt8m._files.disk_errors import naming

T = TypeVar("T")

_CHUNK = 2**16
#: Seconds that a server may be silent.
_TIMEOUT = 30.0
_WORTH_RETRYING = (408, 425, 429)


class RemoteFile(NamedTuple):
    """A file to download.

    Attributes
    ----------
    name : str
        Its name in the folder.
    url : str
        Where it is, http or https.
    checksum : str
        Algorithm and digest, as in ``"sha256:1589..."`` or ``"md5:5d41..."``.
    """

    name: str
    url: str
    checksum: str


def download(
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    n_threads: int = 4,
    progress: bool = False,
) -> list[Path]:
    """Make sure that a folder holds files, and return their paths.

    Files that are there with the right checksum are left alone, so that a call after a broken one
    goes on where that stopped. A file appears under its name only when it is whole.

    Parameters
    ----------
    files : sequence of RemoteFile
        What is wanted.
    folder : Path
        Where to; made if need be.
    download_if_missing : bool
        Download at all; if False, whatever is missing or damaged is an error.
    n_retries : int
        How many more times to try a file after a failure.
    delay : float
        Seconds between these tries.
    n_threads : int
        How many files to download at the same time.
    progress : bool
        Show a progress bar.

    Raises
    ------
    OSError
        If a file is missing and `download_if_missing` is False, or cannot be had. The other
        downloads are then given up; what is whole stays.
    """
    paths = [folder / file.name for file in files]
    with ThreadPoolExecutor(n_threads) as pool:
        found = list(pool.map(_digest, paths, [file.checksum for file in files]))
    wrong = [
        (file, digest)
        for file, digest in zip(files, found, strict=True)
        if digest != _parts(file.checksum)[1]
    ]
    if wrong and not download_if_missing:
        file, digest = wrong[0]
        raise OSError(
            f"{len(wrong)} of {len(files)} files are missing from {folder} or damaged, and "
            f"download_if_missing is False; the first: {_complaint(file, digest)}"
        )
    for file, digest in wrong:
        if digest is not None:
            warnings.warn(
                f"{folder / file.name} will be downloaded again: {_complaint(file, digest)}",
                stacklevel=3,
            )
    folder.mkdir(parents=True, exist_ok=True)
    task = partial(_download_one, folder=folder, n_retries=n_retries, delay=delay)
    with _quiet_pooch(), ThreadPoolExecutor(n_threads) as pool:
        running = [pool.submit(task, file) for file, _ in wrong]
        try:
            for done in _watched(as_completed(running), len(running), progress):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return paths


def download_bytes(url: str, limit: int, *, n_retries: int = 3, delay: float = 1.0) -> bytes:
    """Return what is at an address, of which no checksum is known.

    Parameters
    ----------
    url : str
        Where it is, http or https.
    limit : int
        How many bytes it may have.
    n_retries, delay
        As in `download`.

    Raises
    ------
    OSError
        If it cannot be had.
    ValueError
        If it is longer.
    """

    def get() -> bytes:
        import requests

        with requests.get(url, timeout=_TIMEOUT, stream=True) as response:
            response.raise_for_status()
            content = bytearray()
            for chunk in response.iter_content(_CHUNK):
                content += chunk
                if len(content) > limit:
                    break
        return bytes(content)

    content = _retrying(get, url, n_retries, delay)
    if len(content) > limit:
        raise ValueError(f"{url}: expected at most {limit} bytes, got more")
    return content


def _download_one(file: RemoteFile, folder: Path, n_retries: int, delay: float) -> None:
    import pooch

    def get() -> None:
        with naming(folder / file.name):
            pooch.retrieve(
                file.url,
                known_hash=file.checksum,
                fname=file.name,
                path=folder,
                downloader=pooch.HTTPDownloader(chunk_size=_CHUNK, timeout=_TIMEOUT),
            )

    _retrying(get, file.url, n_retries, delay)


def _retrying(get: Callable[[], T], url: str, n_retries: int, delay: float) -> T:
    from requests import RequestException

    for left in range(n_retries, -1, -1):
        try:
            return get()
        except (RequestException, ValueError) as error:  # pooch: ValueError for a wrong checksum
            if not left or _is_final(error):
                raise OSError(
                    f"could not download {url} (tries: {n_retries - left + 1}): {error}"
                ) from error
            warnings.warn(f"trying {url} again after: {error}", stacklevel=3)
            time.sleep(delay)
    raise AssertionError("the last try returns or raises")


def _is_final(error: Exception) -> bool:
    """Tell whether trying again cannot help: a bad address, or a refusal by the server."""
    from requests import RequestException

    if not isinstance(error, RequestException):
        return False
    status = getattr(error.response, "status_code", None)
    if status is None:
        return isinstance(error, ValueError)  # requests' errors about malformed addresses
    return 400 <= status < 500 and status not in _WORTH_RETRYING


def _digest(path: Path, checksum: str) -> str | None:
    import pooch

    return pooch.file_hash(path, alg=_parts(checksum)[0]) if path.is_file() else None


def _parts(checksum: str) -> tuple[str, str]:
    algorithm, _, digest = checksum.partition(":")
    return algorithm, digest.lower()


def _complaint(file: RemoteFile, digest: str | None) -> str:
    algorithm, expected = _parts(file.checksum)
    came = "no such file" if digest is None else digest
    return f"{file.name}: expected {algorithm.upper()} {expected}, got {came}"


def _watched(items: Iterator, total: int, progress: bool) -> Iterator:
    if not progress:
        return items
    from tqdm.auto import tqdm

    return iter(tqdm(items, total=total, unit="file", desc="downloading"))


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Keep pooch from printing two lines for every file."""
    import pooch

    def is_warning(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING

    logger = pooch.get_logger()
    logger.addFilter(is_warning)
    try:
        yield
    finally:
        logger.removeFilter(is_warning)
