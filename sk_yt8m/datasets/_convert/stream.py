"""Stream the rows of files in blocks, checked as `convert` checks them, without a store."""

import tempfile
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from sk_yt8m._files.atomic_write import path_in_errors
from sk_yt8m.datasets._convert.find_sources import find_sources
from sk_yt8m.datasets._convert.read_ahead import read_ahead
from sk_yt8m.datasets._convert.shard import files_of_shard
from sk_yt8m.datasets._convert.sources import FileSource, Source
from sk_yt8m.datasets._formats.blocks import Block, csr_indicator
from sk_yt8m.datasets._formats.damage import Damage, DamageError, Report
from sk_yt8m.datasets._formats.repeated_ids import FirstOfEachId
from sk_yt8m.datasets._schema import sources_in_split


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
        Whether `batches` is used, and not only `count`, which needs no features.
    progress : bool
        Show a progress bar.
    options
        Others of :func:`convert` that say how files are read.

    Attributes
    ----------
    n_features, n_labels : int
        Width of X and Y.
    dtype : dtype
        Type of the features.
    has_ids : bool
        Whether rows have ids.
    has_starts : bool
        Whether rows are segments of videos.
    splits : list of str
        Split of each file; empty for none.
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        source: Any,
        *,
        on_error: str = "raise",
        n_jobs: int | None = None,
        with_features: bool = True,
        progress: bool = False,
        **options: Any,
    ) -> None:
        self._sources, layout = find_sources(source, **options)
        self._with_features, self._n_jobs, self._progress = with_features, n_jobs, progress
        self.n_features = sum(width for _, width in layout["features"])
        self.n_labels: int = layout["n_labels"]
        self.has_ids = all(one.has_ids for one in self._sources)
        self.has_starts = layout.get("level") == "segment"
        self.splits = [one.split for one in self._sources]
        self._report = Report(skip=on_error == "skip")

    @property
    def damage(self) -> list[dict[str, str]]:
        """Damage so far, as in the manifest of a store."""
        return [one._asdict() for one in self._report.damage]

    def batches(
        self, split: str | None, n_rows: int, shard: tuple[int, int] | None = None
    ) -> Iterator[tuple[np.ndarray, sp.csr_matrix, np.ndarray]]:
        """Yield the first three of `batches_with_starts`."""
        for X, Y, ids, _ in self.batches_with_starts(split, n_rows, shard):
            yield X, Y, ids

    def batches_with_starts(
        self, split: str | None, n_rows: int, shard: tuple[int, int] | None = None
    ) -> Iterator[tuple[np.ndarray, sp.csr_matrix, np.ndarray, np.ndarray | None]]:
        """Yield features, labels, ids and starts of a split, or all, at most `n_rows` at a time.

        Starts are the seconds at which segments begin, None for whole videos. Rows without ids
        have their number among all rows. Of a shard, as in :func:`convert`, only the files are
        read; of those before it rows without ids are counted.

        Raises
        ------
        ValueError
            If there is no such split or shard, no row, or damage.
        """
        chosen = np.arange(len(self._sources))
        if split is not None:
            names = [one.name for one in self._sources]
            chosen = np.flatnonzero(sources_in_split(names, self.splits, split))
        read = list(range(len(self._sources)))
        if shard is not None:
            sizes = [one.size for one in self._files(chosen)]
            chosen = chosen[list(files_of_shard(sizes, shard))]
            read = chosen.tolist()
        number, found, following = 0, False, 0
        for source, block in self._blocks(read):
            if not self.has_ids:
                skipped = [one for one in range(following, source) if one not in read]
                number += sum(one.count() for one in self._files(skipped))
                following = source
            numbers = np.arange(number, number + len(block.records))
            number += len(numbers)
            if source not in chosen:
                continue
            Y = csr_indicator(block.labels, np.insert(np.cumsum(block.counts), 0, 0), self.n_labels)
            ids = block.ids if self.has_ids else numbers
            for start in range(0, len(numbers), n_rows):
                found = True
                rows = slice(start, start + n_rows)
                starts = block.starts[rows] if self.has_starts else None
                yield block.features[rows], Y[rows], ids[rows], starts
        if not found:
            raise ValueError("expected at least one video, got none")

    def count(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the number of rows of each file, and of rows with each label."""
        n_rows = np.zeros(len(self._sources), dtype=np.int64)
        counts = np.zeros(self.n_labels, dtype=np.int64)
        for source, block in self._blocks(list(range(len(self._sources)))):
            n_rows[source] += len(block.records)
            counts += np.bincount(block.labels, minlength=self.n_labels)
        return n_rows, counts

    def _files(self, numbers: Iterable[int]) -> list[FileSource]:
        sources = [self._sources[number] for number in numbers]
        return [one for one in sources if isinstance(one, FileSource)]

    def _blocks(self, numbers: list[int]) -> Iterator[tuple[int, Block]]:
        """Yield the index of one of some sources and its next valid rows, without repeated ids."""
        from tqdm.auto import tqdm

        first = FirstOfEachId(
            lambda number, *place: self._sources[number].place(*place), self._sources[0].id_field
        )
        n_files = len(numbers)
        with tqdm(total=n_files, unit="file", desc="reading", disable=not self._progress) as bar:
            for place, block in self._read([self._sources[number] for number in numbers]):
                bar.update(place - bar.n)
                number = numbers[place]
                if self.has_ids:
                    block = first.select(number, block, self._report)
                yield number, block
            bar.update(n_files - bar.n)

    def _read(self, sources: list[Source]) -> Generator[tuple[int, Block], None, None]:
        if min(effective_n_jobs(self._n_jobs), len(sources)) == 1:
            for number, source in enumerate(sources):
                with path_in_errors(source.name):
                    for block in source.blocks(self._report):
                        yield number, block
            return
        if not self._with_features:
            parts = Parallel(n_jobs=self._n_jobs, return_as="generator")(
                delayed(_read_labels)(source, self._report.skip) for source in sources
            )
            for number, (blocks, damage) in enumerate(parts):
                for one in damage:
                    self._report.add(one)
                for block in blocks:
                    yield number, block
            return
        skip, n_jobs = self._report.skip, self._n_jobs
        with tempfile.TemporaryDirectory(prefix="sk-yt8m-") as folder:
            results = read_ahead(sources, Path(folder), self.dtype, skip, n_jobs)
            for number, rows in enumerate(results):
                for one in rows.damage:
                    self._report.add(Damage(**one))
                for block in rows.blocks(self.dtype, self.n_features):
                    yield number, block


def _read_labels(source: Source, skip: bool) -> tuple[list[Block], list[Damage]]:
    report = Report(skip=skip)
    try:
        blocks = [replace(one, features=one.features[:, :0]) for one in source.blocks(report)]
        return blocks, report.damage
    except DamageError as error:
        # Raised by the caller, so that the first damaged file is the one that is reported.
        return [], [error.damage]
