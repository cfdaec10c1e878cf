"""Stream the rows of files in blocks, checked as `convert` checks them, without a store."""

import tempfile
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from sk_yt8m._files.atomic_write import path_in_errors
from sk_yt8m.datasets._formats.blocks import Block
from sk_yt8m.datasets._formats.damage import Damage, DamageError, Report
from sk_yt8m.datasets._store.find_sources import find_sources
from sk_yt8m.datasets._store.read_ahead import read_ahead
from sk_yt8m.datasets._store.repeated_ids import RepeatedIds
from sk_yt8m.datasets._store.sources import Source


class RowStream:
    """The valid rows of files, in order.

    Parameters
    ----------
    source : path, pattern or iterable of these
        As in :func:`convert`.
    on_error : {"raise", "skip"}
        Raise damage, or collect it in `damage`.
    n_jobs : int, optional
        Number of processes, as in joblib. With several, the features of at most two files for each
        process are in the folder for temporary files.
    with_features : bool
        Yield features; if False, blocks have none, of shape (n_rows, 0), where that is faster.
    options
        Others of :func:`convert` that say how files are read.

    Attributes
    ----------
    sources : list of Source
        The files.
    n_features, n_labels : int
        Width of X and Y.
    has_ids : bool
        Whether rows have ids.
    damage : list of Damage
        Damage so far.
    """

    def __init__(
        self,
        source: Any,
        *,
        on_error: str = "raise",
        n_jobs: int | None = None,
        with_features: bool = True,
        **options: Any,
    ) -> None:
        self._with_features = with_features
        self.sources, layout = find_sources(source, **options)
        self.n_features = sum(width for _, width in layout["features"])
        self.n_labels: int = layout["n_labels"]
        self.has_ids = all(one.has_ids for one in self.sources)
        self._report, self._n_jobs = Report(skip=on_error == "skip"), n_jobs
        # Of the rows so far: first row, ids and records of each block, and index of its source.
        self._starts: list[int] = []
        self._kept: list[tuple[int, np.ndarray, np.ndarray]] = []

    @property
    def damage(self) -> list[Damage]:
        """Damage so far."""
        return self._report.damage

    def blocks(self, progress: bool = False) -> Iterator[tuple[int, Block]]:
        """Yield the index of a source and its next valid rows, without repeated ids.

        Parameters
        ----------
        progress : bool
            Show a progress bar.
        """
        from tqdm.auto import tqdm

        ids, n_rows = RepeatedIds(self.sources, self._rows_of), 0
        bar = tqdm(total=len(self.sources), unit="file", desc="reading", disable=not progress)
        with bar:
            for number, block in self._read():
                bar.update(number - bar.n)
                if self.has_ids:
                    block = block.select(ids.new_rows(number, vars(block), self._report))
                    ids.add(block.ids)
                    self._starts.append(n_rows)
                    self._kept.append((number, block.ids, block.records))
                    n_rows += len(block.ids)
                yield number, block
            bar.update(len(self.sources) - bar.n)

    def _read(self) -> Generator[tuple[int, Block], None, None]:
        if min(effective_n_jobs(self._n_jobs), len(self.sources)) == 1:
            for number, source in enumerate(self.sources):
                with path_in_errors(source.name):
                    for block in source.blocks(self._report):
                        yield number, block
            return
        if not self._with_features:
            parts = Parallel(n_jobs=self._n_jobs, return_as="generator")(
                delayed(_read_labels)(source, self._report.skip) for source in self.sources
            )
            for number, (blocks, damage) in enumerate(parts):
                for one in damage:
                    self._report.add(one)
                for block in blocks:
                    yield number, block
            return
        dtype = np.dtype(np.float32)
        with tempfile.TemporaryDirectory(prefix="sk-yt8m-") as folder:
            results = read_ahead(self.sources, Path(folder), dtype, self._report.skip, self._n_jobs)
            for number, rows in enumerate(results):
                for one in rows.damage:
                    self._report.add(Damage(**one))
                for block in rows.blocks(dtype, self.n_features):
                    yield number, block

    def _rows_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        places = np.searchsorted(self._starts, rows, side="right") - 1
        kept = [(self._kept[n], row - self._starts[n]) for n, row in zip(places, rows, strict=True)]
        return (
            np.array([ids[row] for (_, ids, _), row in kept], dtype=str),
            np.array([number for (number, _, _), _ in kept], dtype=np.int64),
            np.array([records[row] for (_, _, records), row in kept], dtype=np.int64),
        )


def _read_labels(source: Source, skip: bool) -> tuple[list[Block], list[Damage]]:
    report = Report(skip=skip)
    try:
        blocks = [replace(one, features=one.features[:, :0]) for one in source.blocks(report)]
        return blocks, report.damage
    except DamageError as error:
        # Raised by the caller, so that the first damaged file is the one that is reported.
        return [], [error.damage]
