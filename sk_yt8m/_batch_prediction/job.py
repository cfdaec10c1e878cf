"""A batch prediction: what it is of, and its parts, one Parquet file for each block of rows."""

import hashlib
import json
import os
import re
import socket
import threading
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m._files.atomic_write import open_atomically
from sk_yt8m._top_k import parquet_schema, top_k_table
from sk_yt8m.datasets._store.format import StoreError, is_store
from sk_yt8m.datasets._store.open_store import Store, open_store

_PART = re.compile(r"part-\d{5,}\.parquet")
_DRAFT = re.compile(r"\.(part-\d{5,}\.parquet|_model\.\w+)\.[0-9a-f]{16}\.tmp")
_KEY = "sk_yt8m"
#: Words for what the fingerprint of a part has.
_WORDS = {
    "model": "another model",
    "store": "another store",
    "k": "another k",
    "block_size": "another block_size",
    "label_names": "other label_names",
}
#: A process predicts one block at a time: TensorFlow uses all its cores for one.
_ONE = threading.Lock()


@dataclass(frozen=True)
class Job:
    """What every process needs to know.

    Attributes
    ----------
    folder : Path
        Folder of the parts.
    model : Path
        File of the classifier; empty where the classifier is at hand.
    model_sha256 : str
        Checksum of this file.
    load : callable
        Reads a model file.
    store : Path
        Folder of the store.
    store_crc32 : int
        Checksum of its manifest.
    n_rows : int
        Number of rows of the store.
    block_size : int
        Rows of a part.
    k : int
        Labels of a row.
    names : tuple of str
        Names of the labels.
    fingerprint : dict
        What a part that is there already must agree in.
    """

    folder: Path
    model: Path
    model_sha256: str
    load: Callable[[Any], Any]
    store: Path
    store_crc32: int
    n_rows: int
    block_size: int
    k: int
    names: tuple[str, ...]
    fingerprint: dict[str, Any]

    @property
    def n_parts(self) -> int:
        """Number of blocks."""
        return -(-self.n_rows // self.block_size)

    def rows(self, number: int) -> slice:
        """Return the rows of a block."""
        start = number * self.block_size
        return slice(start, min(start + self.block_size, self.n_rows))

    def part(self, number: int) -> Path:
        """Return the file of a block; in the order of text they are in that of the rows."""
        width = max(5, len(str(self.n_parts - 1)))
        return self.folder / f"part-{number:0{width}d}.parquet"

    def described(self, number: int) -> str:
        """Return the entry of a part's metadata, with its checksum."""
        rows = self.rows(number)
        text = json.dumps(self.fingerprint | {"rows": [rows.start, rows.stop]})
        return f"{zlib.crc32(text.encode())} {text}"


def fingerprint(
    model: str, store: Store, k: int, block_size: int, names: tuple[str, ...]
) -> dict[str, Any]:
    """Return what parts of one prediction have in common."""
    return {
        "model": model,
        "store": [store._opened[0]["manifest_crc32"], *store.X.shape],
        "k": k,
        "block_size": block_size,
        "label_names": hashlib.sha256(json.dumps(names).encode()).hexdigest(),
    }


def missing_parts(job: Job) -> list[int]:
    """Return the blocks that are not in the folder yet.

    Raises
    ------
    FileExistsError
        If the folder has other files.
    ValueError
        If it has parts of another prediction; the message says what differs.
    """
    own = {job.part(number).name for number in range(job.n_parts)}
    for path in sorted(job.folder.iterdir()):
        # Readers of a folder of Parquet files leave these out.
        if path.name.startswith((".", "_")):
            continue
        if not _PART.fullmatch(path.name) or not path.is_file():
            raise FileExistsError(
                f"{job.folder} must have nothing but parts of this prediction, got {path.name}"
            )
        if path.name not in own:
            _check_fingerprint(path, job)
            raise FileExistsError(f"{path}: expected {job.n_parts} parts, got another one")
    return [number for number in range(job.n_parts) if not is_complete(job, number, warn=True)]


def remove_drafts(job: Job) -> None:
    """Remove what processes that were killed had begun to write; all parts are there."""
    for path in job.folder.iterdir():
        if _DRAFT.fullmatch(path.name):
            path.unlink(missing_ok=True)


def is_complete(job: Job, number: int, *, warn: bool = False) -> bool:
    """Tell whether a part is there; a damaged one is to be written again, with a warning.

    Raises
    ------
    ValueError
        If it is of another prediction.
    """
    import pyarrow as pa

    path = job.part(number)
    if not path.exists():
        return False
    try:
        with _opened(path) as file:
            _check_fingerprint(path, job, file)
            expected = job.described(number)
            if _metadata(file) != expected:
                raise OSError("another block of rows")
            # The checksum of every page is compared.
            n_rows = sum(len(batch) for batch in file.iter_batches())
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if warn:
            warnings.warn(f"{path} is damaged and written again: {reason}", stacklevel=4)
        return False
    rows = job.rows(number)
    return n_rows == (rows.stop - rows.start) * job.k


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.OSFile(os.fsencode(path)), page_checksum_verification=True)


def _metadata(file: Any) -> str | None:
    found = (file.metadata.metadata or {}).get(_KEY.encode())
    return None if found is None else found.decode(errors="replace")


def _check_fingerprint(path: Path, job: Job, file: Any = None) -> None:
    """Raise a ValueError if a part is of another prediction, an OSError if it is damaged."""
    if file is None:
        with _opened(path) as file:
            return _check_fingerprint(path, job, file)
    text = _metadata(file)
    if text is None:
        raise ValueError(
            f"{path} is not of a batch prediction, and is not replaced: choose another folder"
        )
    crc32, _, content = text.partition(" ")
    if crc32 != str(zlib.crc32(content.encode())):
        raise OSError("changed metadata")
    actual = json.loads(content)
    for name, expected in job.fingerprint.items():
        if actual.get(name) != expected:
            raise ValueError(
                f"{path} is of {_WORDS[name]}: expected {expected}, got {actual.get(name)}: choose "
                "another folder, or remove these parts"
            )
    return None


def run_block(job: Job, number: int, classifier: Any = None) -> dict[str, Any]:
    """Predict a block and write its part, unless another process has just done it.

    Parameters
    ----------
    job : Job
        The prediction.
    number : int
        The block.
    classifier : object, optional
        The classifier; by default the process loads the model once, and keeps it.

    Returns
    -------
    dict
        ``number`` and ``host``.
    """
    if not job.folder.is_dir():
        raise FileNotFoundError(
            f"{job.folder}: no such folder on {socket.gethostname()}: it must be one that all "
            "machines share"
        )
    with _ONE:
        if not is_complete(job, number):
            if classifier is None:
                classifier = _model(job.load, job.model, job.model_sha256)
            try:
                _write(job, number, classifier, _store(job.store, job.store_crc32))
            except FileNotFoundError:
                # Another call may have written all parts, and then removed this one's draft.
                if not is_complete(job, number):
                    raise
    return {"number": number, "host": socket.gethostname()}


def forget() -> None:
    """Free model and store that this process keeps."""
    _model.cache_clear()
    _store.cache_clear()


def _write(job: Job, number: int, classifier: Any, store: Store) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = job.rows(number)
    best = classifier.predict_top_k(store.X[rows], k=job.k)
    ids = np.arange(rows.start, rows.stop) if store.ids is None else np.asarray(store.ids[rows])
    starts = None if store.start is None else np.asarray(store.start[rows])
    table = top_k_table(ids, best, np.array(job.names, dtype=object), starts)
    schema = parquet_schema(
        with_ids=store.ids is not None,
        segments=starts is not None,
        metadata={_KEY: job.described(number)},
    )
    with open_atomically(job.part(number)) as file:
        pq.write_table(
            pa.Table.from_pandas(table, schema, preserve_index=False).replace_schema_metadata(
                schema.metadata
            ),
            file,
            write_page_checksum=True,
        )


@lru_cache(maxsize=1)
def _model(load: Callable[[Any], Any], path: Path, sha256: str) -> Any:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such model file on {socket.gethostname()}: it must be at the same path on "
            "all machines"
        ) from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise ValueError(
            f"{path}: expected the model of SHA-256 {sha256} on {socket.gethostname()}, got one of "
            f"{actual}"
        )
    if path.suffix == ".joblib":
        import joblib

        # The very bytes whose checksum was compared.
        return joblib.load(BytesIO(content))
    return load(path)


@lru_cache(maxsize=1)
def _store(path: Path, crc32: int) -> Store:
    where = f"on {socket.gethostname()}"
    if not is_store(path):
        raise StoreError(f"{path}: no store {where}: it must be at the same path on all machines")
    store: Store = open_store(path)
    actual = store._opened[0]["manifest_crc32"]
    if actual != crc32:
        raise StoreError(
            f"{path}: expected the store whose manifest has CRC-32 {crc32} {where}, got one of "
            f"{actual}"
        )
    return store
