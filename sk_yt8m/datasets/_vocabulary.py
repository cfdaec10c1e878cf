"""Loader of the vocabulary: name, encyclopedia address and verticals of each label."""

import csv
import gzip
import io
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sk_yt8m._inputs.types import PathLike

if TYPE_CHECKING:
    import pandas as pd

#: Column of the file -> column of the DataFrame.
_COLUMNS = {
    "Name": "name",
    "KnowledgeGraphId": "knowledge_graph_id",
    "TrainVideoCount": "train_video_count",
    "WikiUrl": "wiki_url",
    "Vertical1": "vertical1",
    "Vertical2": "vertical2",
    "Vertical3": "vertical3",
    "WikiDescription": "description",
}
_NUMBER = re.compile(r"[0-9]{1,18}")


def load_vocabulary(path: PathLike) -> "pd.DataFrame":
    """Load the names of the labels.

    Rows are sorted by the column ``Index``: they need not be in the order of the labels, and in the
    official file they are not.

    Read more in the :ref:`User Guide <data>`.

    Parameters
    ----------
    path : path
        The file ``vocabulary.csv`` of YouTube-8M, or one with the same columns, in UTF-8; plain or
        gzipped (name ending in ``.gz``). The official one is under CC BY 4.0 (Google).

    Returns
    -------
    DataFrame of shape (n_labels, 8)
        Row ``i`` is label ``i``; the index is called ``label``. Columns: ``name``, which is the
        knowledge graph id where the file has no name; ``knowledge_graph_id``;
        ``train_video_count``, int64; ``wiki_url``; ``vertical1``, ``vertical2``, ``vertical3``;
        ``description``. Text is not interpreted: ``"NaN"`` is a name, and a missing value is an
        empty string. Other columns of the file are dropped.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is empty, cut off or not UTF-8, lacks a column, has a row with too few or too
        many fields, or text in a column of numbers; or if the values of ``Index`` are not 0 to
        n_labels - 1, each once.

    See Also
    --------
    fetch_vocabulary : Download the official file.

    Examples
    --------
    >>> from sk_yt8m.datasets import load_vocabulary, sample_path
    >>> vocabulary = load_vocabulary(sample_path() / "vocabulary.csv")
    >>> vocabulary.loc[46, "name"]
    'Ember boats'
    """
    import pandas as pd

    path = Path(path)
    rows = _read_rows(path)
    lines = [line for line, _ in rows]
    table = {name: [row[name] for _, row in rows] for name in ("Index", *_COLUMNS)}
    label = _numbers(path, lines, "Index", table["Index"])
    _check_index(path, lines, label)
    count = _numbers(path, lines, "TrainVideoCount", table["TrainVideoCount"])
    names = [
        name or graph_id
        for name, graph_id in zip(table["Name"], table["KnowledgeGraphId"], strict=True)
    ]
    columns = {**table, "Name": names, "TrainVideoCount": count}
    frame = pd.DataFrame(
        {ours: columns[theirs] for theirs, ours in _COLUMNS.items()},
        index=pd.Index(label, name="label"),
    )
    return frame.sort_index()


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows, each with the number of its last line in the file, from 1."""
    # pandas fills short rows silently; with the csv module they can be refused.
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise ValueError(f"{path}: expected a header and rows, got an empty file")
        missing = [name for name in ("Index", *_COLUMNS) if name not in header]
        if missing:
            raise ValueError(
                f"{path}: expected the columns {', '.join(('Index', *_COLUMNS))}; "
                f"missing: {', '.join(missing)}; got: {_shown(','.join(header))}"
            )
        rows = []
        for row in reader:
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {reader.line_num}: expected {len(header)} fields, got {len(row)}"
                )
            rows.append((reader.line_num, dict(zip(header, row, strict=True))))
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {reader.line_num}: expected CSV with closed quotes, got: {error}"
        ) from None
    if not rows:
        raise ValueError(f"{path}: expected a row for every label, got a header only")
    return rows


def _read_text(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: expected a complete gzip file, got: {error}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: expected UTF-8, got byte {content[error.start]:#04x} at {error.start}"
        ) from None


def _numbers(path: Path, lines: list[int], column: str, texts: list[str]) -> np.ndarray:
    for line, text in zip(lines, texts, strict=True):
        if not _NUMBER.fullmatch(text):
            raise ValueError(
                f"{path}, line {line}: expected a whole number in {column}, got {_shown(text)}"
            )
    return np.array(texts, dtype=np.int64)


def _check_index(path: Path, lines: list[int], label: np.ndarray) -> None:
    values, first, times = np.unique(label, return_index=True, return_counts=True)
    if (times > 1).any():
        twice = values[times > 1][0]
        line = lines[np.flatnonzero(label == twice)[1]]
        before = lines[first[times > 1][0]]
        raise ValueError(
            f"{path}, line {line}: expected every Index once, got {twice} again "
            f"(first in line {before})"
        )
    absent = np.flatnonzero(values != np.arange(values.size))
    if absent.size:
        raise ValueError(
            f"{path}: expected Index from 0 to n_labels - 1 without a gap, got {values.size} rows "
            f"with Index up to {values[-1]}, and {absent[0]} is missing"
        )


def _shown(text: str) -> str:
    return repr(text[:200]) + ("..." if len(text) > 200 else "")
