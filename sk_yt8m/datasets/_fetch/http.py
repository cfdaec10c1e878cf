"""Files with known checksums: from a server into a folder, several at a time."""

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sk_yt8m._files.atomic_write import open_atomically
from sk_yt8m.datasets._fetch.retry import WrongChecksumError, retry

_CHUNK = 2**16
#: Seconds that a server may be silent.
_TIMEOUT = 30.0


class RemoteFile(NamedTuple):
    """A file to download.

    Attributes
    ----------
    name : str
        Its name in the folder.
    url : str
        Address, http or https.
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

    Files that are there with the right checksum are left alone, so that a call after a failed one
    continues where that stopped. A file appears under its name only when it is complete.

    Parameters
    ----------
    files : sequence of RemoteFile
        Files that the folder must have.
    folder : Path
        Where to put them; created if it is missing.
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
        If a file is missing and `download_if_missing` is False, or cannot be downloaded. The
        other downloads are then given up; complete files stay.
    """
    from tqdm.auto import tqdm

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
    with ThreadPoolExecutor(n_threads) as pool:
        running = [pool.submit(task, file) for file, _ in wrong]
        try:
            finished = tqdm(
                as_completed(running),
                total=len(running),
                unit="file",
                desc="downloading",
                disable=not progress,
            )
            for done in finished:
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return paths


def download_bytes(url: str, limit: int, *, n_retries: int = 3, delay: float = 1.0) -> bytes:
    """Return the content of an address whose checksum is not known.

    Parameters
    ----------
    url : str
        Address, http or https.
    limit : int
        Largest number of bytes.
    n_retries, delay
        As in `download`.

    Raises
    ------
    OSError
        If it cannot be downloaded.
    ValueError
        If it is longer than `limit`.
    """

    def get() -> bytes:
        content = bytearray()
        for chunk in _stream(url):
            content += chunk
            if len(content) > limit:
                break
        return bytes(content)

    content = retry(get, url, n_retries, delay)
    if len(content) > limit:
        raise ValueError(f"{url}: expected at most {limit} bytes, got more")
    return content


def _download_one(file: RemoteFile, folder: Path, n_retries: int, delay: float) -> None:
    algorithm, expected = _parts(file.checksum)

    def get() -> None:
        digest = hashlib.new(algorithm)
        with open_atomically(folder / file.name) as draft:
            for chunk in _stream(file.url):
                digest.update(chunk)
                draft.write(chunk)
            if digest.hexdigest() != expected:
                raise WrongChecksumError(
                    f"expected {algorithm}:{expected}, got {digest.hexdigest()}: "
                    "the download was deleted"
                )

    retry(get, file.url, n_retries, delay)


def _stream(url: str) -> Iterator[bytes]:
    import requests

    with requests.get(url, timeout=_TIMEOUT, stream=True) as response:
        response.raise_for_status()
        yield from response.iter_content(_CHUNK)


def _digest(path: Path, checksum: str) -> str | None:
    if not path.is_file():
        return None
    with open(path, "rb") as file:
        return hashlib.file_digest(file, _parts(checksum)[0]).hexdigest()


def _parts(checksum: str) -> tuple[str, str]:
    algorithm, _, digest = checksum.partition(":")
    return algorithm, digest.lower()


def _complaint(file: RemoteFile, digest: str | None) -> str:
    algorithm, expected = _parts(file.checksum)
    actual = "no such file" if digest is None else digest
    return f"{file.name}: expected {algorithm.upper()} {expected}, got {actual}"
