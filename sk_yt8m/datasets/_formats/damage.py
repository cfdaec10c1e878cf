"""Damage in source files: its record, its place, and the report that collects or raises it."""

from typing import NamedTuple


class Damage(NamedTuple):
    """One damaged place in a file.

    Attributes
    ----------
    file : str
        Path of the file.
    place : str
        Place in the file, such as "line 3, field 5"; empty for the file as a whole.
    expected : str
        What should have been there.
    actual : str
        What was there.
    """

    file: str
    place: str
    expected: str
    actual: str

    def __str__(self) -> str:
        where = f"{self.file}, {self.place}" if self.place else self.file
        return f"{where}: expected {self.expected}, got {self.actual}"


class MismatchError(ValueError):
    """Content that is not as expected; whoever catches it knows the file and the place.

    Parameters
    ----------
    expected, actual : str
        What should have been there, and what was there.
    field : str
        Part of the record, such as "key 'id'"; empty for the record as a whole.
    """

    def __init__(self, expected: str, actual: str, field: str = "") -> None:
        super().__init__(f"expected {expected}, got {actual}")
        self.expected, self.actual, self.field = expected, actual, field


class Place(NamedTuple):
    """Where a row comes from.

    Attributes
    ----------
    file : str
        Path of the file.
    unit : {"line", "record", "row"}
        What a format's messages call its records.
    number : int
        Number of the record in the file, from 1; 0 for the file as a whole.
    offset : int, optional
        Byte at which the record begins, from 0; in a gzipped file counted in the unpacked data.
    """

    file: str
    unit: str
    number: int
    offset: int | None = None

    def __str__(self) -> str:
        return f"{self.file}, {self._within_file()}"

    def _within_file(self) -> str:
        if not self.number:
            return ""
        at_byte = "" if self.offset is None else f" at byte {self.offset}"
        return f"{self.unit} {self.number}{at_byte}"

    def damage(self, expected: str, actual: str, field: str = "") -> Damage:
        """Return the record of damage here; `field` is a part of the record, as "key 'id'"."""
        place = ", ".join(filter(None, (self._within_file(), field)))
        return Damage(self.file, place, expected, actual)


class DamageError(ValueError):
    """Damage raised as an error, which keeps it as `damage`."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(str(damage))
        self.damage = damage


class Report:
    """Collects damage, or raises it.

    Parameters
    ----------
    skip : bool
        Collect all damage in the list `damage`, instead of raising a DamageError at the first.
    """

    def __init__(self, *, skip: bool) -> None:
        self.skip = skip
        self.damage: list[Damage] = []

    def add(self, damage: Damage) -> None:
        """Append damage to the list, or raise it."""
        if not self.skip:
            raise DamageError(damage) from None
        self.damage.append(damage)
