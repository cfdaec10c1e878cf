"""Append sources to the arrays of a store in their order, and resume after a kill."""

from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m.datasets._convert.journal import Journal
from sk_yt8m.datasets._convert.read_source import SourceRows
from sk_yt8m.datasets._convert.sources import Source
from sk_yt8m.datasets._formats.blocks import select_rows
from sk_yt8m.datasets._formats.damage import Report
from sk_yt8m.datasets._formats.repeated_ids import RepeatedIds, repeated_record
from sk_yt8m.datasets._store.array_file import ArrayFile
from sk_yt8m.datasets._store.format import FEATURES, KIND, StoreError, array_crc32, write_manifest
from sk_yt8m.datasets._store.row_checksums import (
    crc32_of,
    head_checksums,
    row_checksums,
    stored_crc32,
)
from sk_yt8m.datasets._store.work_folder import remove_own

_BLOCK = 2**24
#: SciPy takes indices and indptr as they are only if both have the smallest type that suffices.
_LARGEST_INT32 = 2**31 - 1


class StoreWriter:
    """The arrays of a store that is being made, and the journal of the sources they have.

    Rows count as written once their source is in the journal. When a conversion resumes, anything
    after these rows is cut off.

    Parameters
    ----------
    folder : Path
        Folder in the work folder, for ``store`` and ``journal``.
    sources : list of Source
        All sources, in order.
    dtype : dtype
        Type of the features.
    n_features : int
        Number of features of a row.
    segments : bool
        Whether rows are segments, which have a start and rated labels.
    offsets : bool
        Whether to keep the byte at which each record begins, for messages about a part of a store.

    Attributes
    ----------
    n_sources : int
        How many sources have been appended.
    """

    def __init__(
        self,
        folder: Path,
        sources: list[Source],
        dtype: np.dtype,
        n_features: int,
        segments: bool,
        *,
        offsets: bool = False,
    ) -> None:
        self._store = folder / "store"
        self._folder, self._sources = folder, sources
        self._journal = Journal(folder / "journal")
        self._entries: list[dict[str, Any]] = []
        self._segments = segments
        self._types: dict[str, tuple[Any, tuple[int, ...]]] = {
            FEATURES: (dtype, (n_features,)),
            "record": ("<i8", ()),
            "label_indices": ("<i4", ()),
            "label_indptr": ("<i4", ()),
        }
        if all(source.has_ids for source in sources):
            self._types["ids"] = ("<U1", ())
        if offsets:
            self._types["offset"] = ("<i8", ())
        if segments:
            self._types |= {"start": ("<i8", ())}
            self._types |= {"rated_indices": ("<i4", ()), "rated_indptr": ("<i4", ())}
        self._files: dict[str, ArrayFile] = {}
        self._ids = RepeatedIds(
            lambda number, *place: sources[number].place(*place), sources[0].id_field, self._rows_of
        )

    @property
    def n_sources(self) -> int:
        """How many sources have been appended."""
        return len(self._entries)

    @property
    def features(self) -> ArrayFile:
        """The file of the features."""
        return self._files[FEATURES]

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()
        self._files = {}

    def resume(self, skip: bool) -> None:
        """Keep the leading sources that are complete and unchanged, and drop everything else.

        Parameters
        ----------
        skip : bool
            Whether sources with damaged records may be kept.
        """
        entries = self._journal.read()
        try:
            self._open(resume=True)
            self._entries = entries[: self._n_valid(entries, skip)]
        except (OSError, ValueError, SystemError):  # NumPy's for damaged strings
            self._entries = []
        if not self._entries:
            self.close()
            remove_own(self._folder, self._folder.parent)
            self._store.mkdir(parents=True)
            self._open(resume=False)
            return
        n_rows = sum(entry["n_rows"] for entry in self._entries)
        for name, file in self._files.items():
            if name.endswith("_indptr"):
                file.truncate(n_rows + 1)
            elif not name.endswith("_indices"):
                file.truncate(n_rows)
        for name in self._lists():
            ends = self._files[f"{name}_indptr"].rows()
            self._files[f"{name}_indices"].truncate(int(ends[-1]))
        self._journal.replace(self._entries)
        if "ids" in self._files:
            self._ids.add(self._files["ids"].rows())

    def _open(self, *, resume: bool) -> None:
        for name, kind in self._types.items():
            self._files[name] = ArrayFile(self._store / f"{name}.npy", *kind, resume=resume)
            if name.endswith("_indptr") and not resume:
                self._files[name].append(np.zeros(1, "<i4"))

    def _lists(self) -> list[str]:
        return ["label", "rated"] if self._segments else ["label"]

    def _n_valid(self, entries: list[dict[str, Any]], skip: bool) -> int:
        arrays = {name: file.rows() for name, file in self._files.items()}
        n_rows = min(len(array) for name, array in arrays.items() if "_ind" not in name)
        start = 0
        for number, (source, entry) in enumerate(zip(self._sources, entries, strict=False)):
            end = start + entry["n_rows"]
            if (
                (entry["key"], entry["stamp"]) != (source.key, source.stamp())
                or (entry["damage"] and not skip)
                or end > n_rows
                or not all(_has_list(arrays, name, start, end) for name in self._lists())
                or stored_crc32(arrays, start, end) != entry["rows_crc32"]
            ):
                return number
            start = end
        return min(len(self._sources), len(entries))

    def append(self, rows: SourceRows, skip: bool) -> None:
        """Append the rows of the next source, without those whose id an earlier record has.

        Parameters
        ----------
        rows : SourceRows
            What was read of it.
        skip : bool
            List repeated ids instead of raising an error.

        Raises
        ------
        ValueError
            If an id is repeated and `skip` is False.
        StoreError
            If the features in the file are not those that were read.
        """
        report = Report(skip=skip)
        source, columns = self._sources[self.n_sources], rows.columns
        damage = [one for one in rows.damage if repeated_record(one) is None]
        keep = np.ones(len(columns["records"]), dtype=bool)
        if "ids" in self._files:
            gone = [one for one in map(repeated_record, rows.damage) if one is not None]
            keep = self._new_rows(columns, gone, report)
        if not keep.all():
            columns = select_rows(columns, keep)
        self._append_features(source, rows, columns, keep)
        for name, column in {
            "record": columns["records"],
            "ids": columns["ids"],
            "start": columns["starts"],
            "offset": columns["offsets"],
        }.items():
            if name in self._files:
                self._files[name].append(column)
        self._append_list("label", columns["labels"], columns["counts"])
        if self._segments:
            self._append_list("rated", columns["rated"], columns["rated_counts"])
        if "ids" in self._files:
            self._ids.add(columns["ids"])
        for file in self._files.values():
            file.flush()
        entry = {
            "key": source.key,
            "stamp": rows.stamp,
            "sha256": rows.sha256,
            "n_rows": len(columns["records"]),
            "rows_crc32": crc32_of(columns["checksums"]),
            "damage": damage + [problem._asdict() for problem in report.damage],
        }
        self._journal.append(entry)
        self._entries.append(entry)

    def _new_rows(
        self, columns: dict[str, np.ndarray], gone: list[tuple[str, int, int]], report: Report
    ) -> np.ndarray:
        """Return which rows have new ids; also report records that a store is already without."""
        known = {name: columns[name] for name in ("ids", "records", "offsets")}
        for (name, column), values in zip(known.items(), zip(*gone, strict=True), strict=False):
            known[name] = np.concatenate([column, values])
        order = np.argsort(known["records"], kind="stable")
        ordered = {name: column[order] for name, column in known.items()}
        keep = np.empty(len(order), dtype=bool)
        keep[order] = self._ids.new_rows(self.n_sources, ordered, report)
        return keep[: len(columns["records"])]

    def _rows_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ends = np.cumsum([entry["n_rows"] for entry in self._entries])
        sources = np.searchsorted(ends, rows, side="right")
        return self._files["ids"].rows()[rows], sources, self._files["record"].rows()[rows]

    def _append_features(
        self,
        source: Source,
        rows: SourceRows,
        columns: dict[str, np.ndarray],
        keep: np.ndarray,
    ) -> None:
        features, heads, start = self.features, head_checksums(columns), 0
        row_bytes = int(np.prod(features.row_shape)) * features.dtype.itemsize
        n_rows = max(1, _BLOCK // row_bytes)
        in_place = rows.path == features.path and keep.all()
        with open(rows.path, "rb") as file:
            file.seek(rows.start)
            for first in range(0, len(keep), n_rows):
                chosen = keep[first : first + n_rows]
                content = np.frombuffer(file.read(len(chosen) * row_bytes), dtype=np.uint8)
                if content.size != len(chosen) * row_bytes:
                    raise _damaged(rows.path, source)
                block = content.reshape(-1, row_bytes)[chosen]
                end = start + len(block)
                expected = columns["checksums"][start:end]
                if not np.array_equal(row_checksums(block, heads[start:end]), expected):
                    raise _damaged(rows.path, source)
                if in_place:
                    features.skip(len(block))
                else:
                    features.append(block.view(features.dtype))
                start = end

    def _append_list(self, name: str, values: np.ndarray, counts: np.ndarray) -> None:
        indices, indptr = self._files[f"{name}_indices"], self._files[f"{name}_indptr"]
        ends = indices.n_rows + np.cumsum(counts)
        kind = "<i4" if indices.n_rows + len(values) <= _LARGEST_INT32 else "<i8"
        indices.append(values.astype(kind, copy=False))
        indptr.append(ends.astype(kind))

    def finish(self, n_labels: int, layout: dict[str, Any], **more: Any) -> None:
        """Complete all arrays and write the manifest.

        Parameters
        ----------
        n_labels : int
            Number of labels.
        layout : dict
            What the rows are, for the manifest.
        more
            Other entries of the manifest.
        """
        n_rows = [entry["n_rows"] for entry in self._entries]
        derived = {"source": np.repeat(np.arange(len(n_rows), dtype="<i4"), n_rows)}
        for name in self._lists():
            derived[f"{name}_values"] = np.ones(self._files[f"{name}_indices"].n_rows, np.uint8)
        for name, array in derived.items():
            self._files[name] = ArrayFile(self._store / f"{name}.npy", array.dtype)
            self._files[name].append(array)
        shapes = {n: ((f.n_rows, *f.row_shape), f.dtype) for n, f in self._files.items()}
        crc32 = {n: array_crc32(f.rows()) for n, f in self._files.items() if n != FEATURES}
        for file in self._files.values():
            file.finish()
        counts = {
            "n_segments" if self._segments else "n_videos": sum(n_rows),
            "n_features": shapes[FEATURES][0][1],
            "n_labels": n_labels,
            "n_labelled": shapes["label_indices"][0][0],
            "n_sources": len(n_rows),
        }
        about = {
            "kind": KIND,
            "counts": counts,
            "dtypes": {name: dtype.str for name, (_, dtype) in shapes.items()},
            "sources": [
                {
                    "name": source.name,
                    **entry["stamp"],
                    "sha256": entry["sha256"],
                    "split": source.split,
                    "n_rows": entry["n_rows"],
                    "rows_crc32": entry["rows_crc32"],
                }
                for source, entry in zip(self._sources, self._entries, strict=True)
            ],
            "layout": layout,
            "damage": [problem for entry in self._entries for problem in entry["damage"]],
            **more,
        }
        write_manifest(self._store, shapes, crc32, about)


def _has_list(arrays: dict[str, np.ndarray], name: str, start: int, end: int) -> bool:
    """Tell whether the lists of labels of some rows follow each other within the array."""
    ends, n_values = arrays[f"{name}_indptr"], len(arrays[f"{name}_indices"])
    if len(ends) <= end or ends[0] != 0 or ends[end] > n_values:
        return False
    return bool((ends[start : end + 1][1:] >= ends[start:end]).all())


def _damaged(path: Path, source: Source) -> StoreError:
    return StoreError(
        f"{path}: expected what was read from {source.name}, got other bytes: convert again"
    )
