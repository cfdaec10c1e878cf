"""The parts of all sources -> the arrays and the manifest of one store."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sk_yt8m.datasets._formats.blocks import LISTS, select_rows
from sk_yt8m.datasets._formats.damage import Place, Report, repeated_id
from sk_yt8m.datasets._store.duplicates import find_repeats
from sk_yt8m.datasets._store.format import FEATURES, KIND, ArrayWriter, StoreError, write_manifest
from sk_yt8m.datasets._store.parts import features_path, forget_shard, load_small
from sk_yt8m.datasets._store.row_checksums import crc32_of, head_checksums, row_checksums
from sk_yt8m.datasets._store.sources import Source

_BLOCK = 2**24
_LISTS = {"label": "labels", "rated": "rated"}


class Parts:
    """What has been read of some sources, in their order, without rows whose id came before.

    Parameters
    ----------
    sources : list of Source
        The sources, all of them read.
    facts : list of dict
        What `read_shard` told of each.
    folder : Path
        Where their parts are.
    report : Report
        Where repeated ids go.
    """

    def __init__(
        self, sources: list[Source], facts: list[dict[str, Any]], folder: Path, report: Report
    ) -> None:
        self.sources, self.facts, self.folder = sources, facts, folder
        self.id_width = max((one["id_width"] for one in facts), default=1)
        self.has_ids = all(source.has_ids for source in sources)
        self.dropped: dict[int, list[int]] = {}
        if self.has_ids:
            self._drop_repeats(report)

    def _drop_repeats(self, report: Report) -> None:
        def load(shard: int) -> tuple[np.ndarray, np.ndarray]:
            arrays = self._load(shard, "ids", "records")
            return arrays["ids"], arrays["records"]

        @lru_cache(maxsize=8)
        def places(shard: int) -> dict[str, np.ndarray]:
            return self._load(shard, "records", "offsets")

        def place_of(shard: int, row: int) -> Place:
            arrays = places(shard)
            at = int(arrays["records"][row]), int(arrays["offsets"][row])
            return self.sources[shard].place(*at)

        last = None
        for shard, row, *earlier, name in find_repeats(len(self.sources), self.id_width, load):
            place = place_of(shard, row)
            if (shard, place) != last:
                field = self.sources[shard].id_field
                report.add(repeated_id(place, field, name, place_of(*earlier)))
            last = shard, place
            self.dropped.setdefault(shard, []).append(row)

    def _load(self, shard: int, *names: str) -> dict[str, np.ndarray]:
        return load_small(self.sources[shard], self.folder, self.facts[shard], *names)

    def small(self, shard: int) -> dict[str, np.ndarray]:
        """Return all arrays but the features of the rows that are kept of a source."""
        arrays = self._load(shard)
        keep = self.keep(shard)
        return arrays if keep is None else select_rows(arrays, keep)

    def keep(self, shard: int) -> np.ndarray | None:
        """Return which rows of a source are kept; None for all."""
        if shard not in self.dropped:
            return None
        keep = np.ones(self.facts[shard]["n_rows"], dtype=bool)
        keep[self.dropped[shard]] = False
        return keep

    def features(self, shard: int, row_bytes: int) -> Iterator[np.ndarray]:
        """Yield the bytes of the features of the kept rows, of shape (n_rows, row_bytes).

        Raises
        ------
        StoreError
            If there are more or fewer than were written; the source will be read again.
        """
        keep = self.keep(shard)
        path, start = features_path(self.sources[shard], self.folder), 0
        if path.stat().st_size != self.facts[shard]["n_bytes"]:
            raise self.damaged(shard)
        n_rows = max(1, _BLOCK // row_bytes)
        with open(path, "rb") as file:
            while content := file.read(n_rows * row_bytes):
                rows = np.frombuffer(content, dtype=np.uint8).reshape(-1, row_bytes)
                end = start + len(rows)
                yield rows if keep is None else rows[keep[start:end]]
                start = end

    def damaged(self, shard: int) -> StoreError:
        """Return the error for features that are not those that were read."""
        source = self.sources[shard]
        return forget_shard(source, self.folder, features_path(source, self.folder))


def write_joined(
    parts: Parts,
    target: Path,
    *,
    dtype: np.dtype,
    n_features: int,
    n_labels: int,
    segments: bool,
    about: dict[str, Any],
    shards: Iterable[int],
) -> None:
    """Write the arrays of a store and its manifest into an empty folder.

    Parameters
    ----------
    parts : Parts
        What has been read.
    target : Path
        The folder.
    dtype : dtype
        Type of the features.
    n_features, n_labels : int
        Width of X and Y.
    segments : bool
        Whether rows are segments, which have a start and rated labels.
    about : dict
        What else goes into the manifest.
    shards : iterable of int
        The numbers of the sources, 0, 1, ..., as a progress bar may give them.
    """
    n_rows, n_labelled, n_rated = _totals(parts)
    shapes: dict[str, tuple[tuple[int, ...], np.dtype]] = {
        FEATURES: ((n_rows, n_features), dtype),
        **_csr_shapes("label", n_rows, n_labelled),
        "source": ((n_rows,), np.dtype("<i4")),
        "record": ((n_rows,), np.dtype("<i8")),
    }
    if parts.has_ids:
        shapes["ids"] = (n_rows,), np.dtype(f"<U{parts.id_width}")
    if segments:
        shapes["start"] = (n_rows,), np.dtype("<i8")
        shapes |= _csr_shapes("rated", n_rows, n_rated)
    listed = []
    with ExitStack() as stack:
        out = {
            name: stack.enter_context(ArrayWriter(target / f"{name}.npy", *shape))
            for name, shape in shapes.items()
        }
        ends = dict.fromkeys(_LISTS, 0)
        for name in _LISTS:
            if f"{name}_indptr" in out:
                out[f"{name}_indptr"].append([0])
        for shard in shards:
            listed.append(_append(parts, shard, out, ends))
    counts = {
        "n_videos" if not segments else "n_segments": n_rows,
        "n_features": n_features,
        "n_labels": n_labels,
        "n_labelled": n_labelled,
        "n_sources": len(listed),
    }
    dtypes = {name: kind.str for name, (_, kind) in shapes.items()}
    about = {"kind": KIND, "counts": counts, "dtypes": dtypes, "sources": listed, **about}
    crc32 = {name: writer.crc32 for name, writer in out.items() if name != FEATURES}
    write_manifest(target, shapes, crc32, about)


def _totals(parts: Parts) -> tuple[int, int, int]:
    totals = np.zeros(3, dtype=np.int64)
    for shard in range(len(parts.sources)):
        small = parts.small(shard)
        totals += [len(small["counts"]), len(small["labels"]), len(small["rated"])]
    return int(totals[0]), int(totals[1]), int(totals[2])


def _csr_shapes(
    name: str, n_rows: int, n_values: int
) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    # SciPy takes indices and indptr as they are only when both have the one type that suffices.
    kind = np.dtype("<i4" if n_values < 2**31 else "<i8")
    return {
        f"{name}_indices": ((n_values,), kind),
        f"{name}_indptr": ((n_rows + 1,), kind),
        f"{name}_values": ((n_values,), np.dtype("u1")),
    }


def _append(
    parts: Parts, shard: int, out: dict[str, ArrayWriter], ends: dict[str, int]
) -> dict[str, Any]:
    """Append the rows of a source and return its entry for the manifest."""
    source, facts, small = parts.sources[shard], parts.facts[shard], parts.small(shard)
    n_rows = len(small["counts"])
    columns = {
        "source": np.full(n_rows, shard),
        "record": small["records"],
        "ids": small["ids"],
        "start": small["starts"],
    }
    for name, values in _LISTS.items():
        columns[f"{name}_indices"] = small[values]
        columns[f"{name}_values"] = np.ones(len(small[values]), dtype=np.uint8)
        columns[f"{name}_indptr"] = ends[name] + np.cumsum(small[LISTS[values]])
        ends[name] += len(small[values])
    for name, column in columns.items():
        if name in out:
            out[name].append(column)
    features, heads, start = out[FEATURES], head_checksums(small), 0
    for rows in parts.features(shard, features.shape[1] * features.dtype.itemsize):
        end = start + len(rows)
        features.append_bytes(rows.data)
        if not np.array_equal(row_checksums(rows, heads[start:end]), small["checksums"][start:end]):
            raise parts.damaged(shard)
        start = end
    return {
        "name": source.name,
        **facts["stamp"],
        "sha256": facts["sha256"],
        "split": source.split,
        "n_rows": n_rows,
        "rows_crc32": crc32_of(small["checksums"]),
    }
