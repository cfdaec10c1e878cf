"""Measured figures: one JSON file for each run of a benchmark."""

import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

#: Columns of elapsed time, which says nothing where other programs ran on the machine.
ELAPSED = {"seconds", "s", "ms", "videos/s", "rows/s", "MB/s", "first call", "made", "read"}

#: What may stand for all rows of a table.
SUMMARIES: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "max": max,
    "min": min,
    "range": lambda values: max(values) - min(values),
}


class FiguresError(ValueError):
    """A page asks for figures that are not there, or has others."""


class NotMeasuredError(FiguresError):
    """There is no such record or table."""


@dataclass(frozen=True)
class Table:
    """Rows of figures and the records that they are from."""

    columns: list[str]
    rows: list[list[Any]]
    sources: tuple[dict[str, Any], ...]

    def column(self, name: str) -> list[Any]:
        """Return the values of a column."""
        if name not in self.columns:
            raise FiguresError(f"no column {name!r}: there are {', '.join(self.columns)}")
        if name in ELAPSED and any(source["measured"].get("shared") for source in self.sources):
            raise FiguresError(f"column {name!r} has elapsed times of a machine that was shared")
        return [row[self.columns.index(name)] for row in self.rows]

    def row(self, name: str) -> "Table":
        """Return the row whose first value is the name, or a summary of all rows."""
        found = [row for row in self.rows if str(row[0]) == name]
        if name in SUMMARIES and not found:
            return self.summary(name)
        if len(found) != 1:
            names = ", ".join(str(row[0]) for row in self.rows)
            raise FiguresError(f"no row {name!r}: there are {names}")
        return replace(self, rows=found)

    def summary(self, name: str) -> "Table":
        """Return one row of each column's mean, greatest, least or range; None without figures."""

        def of(values: tuple[Any, ...]) -> float | None:
            numbers = [value for value in values if isinstance(value, int | float)]
            return SUMMARIES[name](numbers) if numbers else None

        columns = list(zip(*self.rows, strict=True))[1:]
        return replace(self, rows=[[name, *map(of, columns)]])

    def mean(self) -> "Table":
        """Return one row of means."""
        return self.summary("mean")

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Figures:
    """All records of a folder, by the name of their file."""

    def __init__(self, folder: Path) -> None:
        self.found = {
            file.stem: json.loads(file.read_text(encoding="utf-8"))
            for file in sorted(folder.glob("*.json"))
        }

    def table(self, reference: str) -> Table:
        """Return a table by its reference, ``RECORD.TABLE``."""
        name, _, table = reference.partition(".")
        if name not in self.found:
            raise NotMeasuredError(f"no record {name!r}: there are {', '.join(self.found)}")
        record = self.found[name]
        if table not in record["tables"]:
            raise NotMeasuredError(
                f"no table {table!r} in {name}.json: there are {', '.join(record['tables'])}"
            )
        values = record["tables"][table]
        return Table(values["columns"], values["rows"], (record,))


def merged(columns: list[str], rows: Iterable[list[Any]], tables: Iterable[Table]) -> Table:
    """Return rows that are made of the figures of several tables."""
    sources: list[dict[str, Any]] = []
    for table in tables:
        sources += [source for source in table.sources if source not in sources]
    return Table(columns, list(rows), tuple(sources))
