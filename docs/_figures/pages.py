"""Render tables, single figures and pictures between the markers of a Markdown page.

::

    <!-- figures: RECORD.TABLE columns="random_state=seed; GAP@20:.3f" mean -->
    <!-- /figures -->

    <!-- figure: RECORD.TABLE[ROW].COLUMN .3f -->0.734<!-- /figure -->

    <!-- picture: NAME text for who cannot see it -->
    <!-- /picture -->

ROW is a first value, or ``mean``, ``max``, ``min`` or ``range`` of all rows. A name without a dot
is a table that `views` makes of several records. ``columns`` chooses, renames (``=``) and formats
(``:``); ``rows="a; b"`` chooses by the first value; ``mean`` adds the mean of the rows;
``nosource`` leaves out command and machine; ``optional`` shows nothing where the table is not
measured.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from _figures.provenance import provenance
from _figures.records import Figures, FiguresError, NotMeasuredError, Table
from _figures.views import VIEWS

TABLE = re.compile(
    r"^<!-- figures: (?P<what>.+?) -->\n(?P<text>.*?)^<!-- /figures -->$", re.M | re.S
)
FIGURE = re.compile(r"<!-- figure: (?P<what>[^>]+?) -->(?P<text>[^<]*)<!-- /figure -->")
PICTURE = re.compile(
    r"^<!-- picture: (?P<what>.+?) -->\n(?P<text>.*?)^<!-- /picture -->$", re.M | re.S
)
ONE = re.compile(r"^(?P<table>[^\[]+)\[(?P<row>[^\]]*)\]\.(?P<column>.+?) (?P<format>\S+)$")
#: What is set to the right: figures, also those with more than a number, and what is missing.
FIGURES = re.compile(r"[-+]?\d|None$")
OPTIONS = {"columns", "rows", "mean", "nosource", "optional"}
SCORES = ("GAP@", "Hit@", "PERR", "LRR", "PSP@", "recall")


class Pages:
    """Renders pages from figures and the names of the pictures that exist."""

    def __init__(self, figures: Figures, pictures: set[str]) -> None:
        self.figures = figures
        self.pictures = pictures

    def render(self, page: str) -> tuple[str, list[str]]:
        """Return the page with its figures as measured, and what disagreed."""
        wrong: list[str] = []
        for pattern, make in ((TABLE, self.block), (FIGURE, self.single), (PICTURE, self.image)):
            page = pattern.sub(lambda match, make=make: self._replaced(match, make, wrong), page)
        wrong += [
            f"a marker {head!r} without its end"
            for head, pattern in (("figures", TABLE), ("figure", FIGURE), ("picture", PICTURE))
            if len(pattern.findall(page)) != page.count(f"<!-- {head}: ")
        ]
        wrong += [
            f"{what}: a line must not begin with a figure: its paragraph would end there"
            for what in re.findall(r"^<!-- figure: ([^>]+?) -->", page, re.M)
        ]
        return page, wrong

    def _replaced(self, match: re.Match[str], make: Callable[[str], str], wrong: list[str]) -> str:
        whole, what, text = match[0], match["what"], match["text"]
        try:
            made = make(what)
        except ValueError as error:
            wrong.append(f"{what}: {error}")
            return whole
        if made != text:
            wrong.append(f"{what}: {difference(text, made)}")
        head = whole[: match.start("text") - match.start()]
        return head + made + whole[match.end("text") - match.start() :]

    def table(self, reference: str) -> Table:
        """Return the table of a record or of a view."""
        if "." in reference:
            return self.figures.table(reference)
        if reference not in VIEWS:
            raise FiguresError(f"no table {reference!r}: there are {', '.join(VIEWS)}")
        return VIEWS[reference](self.figures)

    def block(self, what: str) -> str:
        """Return a table, and where it is from."""
        reference, *words = shlex.split(what)
        options = dict(word.partition("=")[::2] for word in words)
        if unknown := set(options) - OPTIONS:
            raise FiguresError(f"no option {', '.join(sorted(unknown))}")
        try:
            table = self.table(reference)
        except NotMeasuredError:
            if "optional" in options:
                return ""
            raise
        if "rows" in options:
            chosen = [table.row(name.strip()) for name in options["rows"].split(";")]
            table = replace(table, rows=[row for one in chosen for row in one.rows])
        if "mean" in options:
            table = replace(table, rows=table.rows + table.mean().rows)
        text = markdown(table, options.get("columns"))
        if "nosource" not in options:
            text += f"\n\n{provenance(table.sources)}"
        return f"\n{text}\n\n"

    def single(self, what: str) -> str:
        """Return one figure."""
        found = ONE.match(what)
        if not found:
            raise FiguresError("expected RECORD.TABLE[ROW].COLUMN FORMAT")
        value = self.table(found["table"]).row(found["row"]).column(found["column"])[0]
        return format(value, found["format"])

    def image(self, what: str) -> str:
        """Return a picture, or nothing where its figures are not measured."""
        name, _, text = what.partition(" ")
        return f"\n![{text}](images/{name}.svg)\n\n" if name in self.pictures else ""


def markdown(table: Table, columns: str | None) -> str:
    """Return a table in Markdown, with the figures to the right."""
    chosen = [one.strip() for one in columns.split(";")] if columns else table.columns
    heads, cells, numeric = [], [], []
    for one in chosen:
        named, _, how = one.partition(":")
        name, _, shown = named.partition("=")
        values = table.column(name)
        how = how or usual_format(name, values)
        heads.append(shown or name)
        cells.append([formatted(value, how) for value in values])
        numeric.append(all(FIGURES.match(str(value)) for value in values))
    rule = ["---", *("---:" if right else "---" for right in numeric[1:])]
    rows = [heads, rule, *zip(*cells, strict=True)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def usual_format(name: str, values: list[Any]) -> str:
    """Return the format of a column: four decimals of a score, else by the largest value."""
    numbers = [abs(value) for value in values if not isinstance(value, str | None)]
    if any(score in name for score in SCORES):
        return ".4f"
    if not numbers or all(float(number).is_integer() for number in numbers):
        return ",.0f"
    return f",.{0 if max(numbers) >= 100 else 1 if max(numbers) >= 10 else 2}f"


def formatted(value: Any, how: str) -> str:
    """Return a value as text."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else format(value, how)


def difference(text: str, made: str) -> str:
    """Return the first line that differs."""
    old, new = text.splitlines(), made.splitlines()
    for line in range(max(len(old), len(new))):
        before, after = ("".join(lines[line : line + 1]) for lines in (old, new))
        if before != after:
            return f"the page has {before!r}, measured is {after!r}"
    return "the page has other line ends"


def bare_tables(page: str) -> list[str]:
    """Return the first line of each table with figures that stands outside markers."""
    tables = re.findall(r"(?:^\|.*\n)+", TABLE.sub("", page), re.M)
    return [table.splitlines()[0] for table in tables if re.search(r"\d", table)]


def pages_of(root: Path) -> list[Path]:
    """Return the Markdown pages that may have markers."""
    skipped = {"_build", "gallery", "generated"}
    found = [page for page in (root / "docs").rglob("*.md") if not skipped & set(page.parts)]
    return [root / "README.md", *sorted(found)]
