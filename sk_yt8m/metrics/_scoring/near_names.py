"""The name that was meant by one that no metric has."""

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

#: The longest number after an ``@``.
MOST_DIGITS = 9

#: Two names are near from this ratio of `SequenceMatcher` on.
_NEAR = 0.65
_NAME = re.compile(
    r"(?P<stem>[a-z0-9_ -]*?[a-z])"
    r"(?:[ _-]*(?:@|(?<=[ _-])at(?=[ _-]))[ _-]*(?P<k>\d*|k)|[ _-]*(?P<number>\d+))?"
    r"(?:_scorer?)?"
)


def near_name(
    name: str, stems: Mapping[str, str], usual: Mapping[str, str], others: Iterable[str]
) -> str | None:
    """Return the name that is meant, or None if there is none like it.

    Parameters
    ----------
    name : str
        For instance ``"hit_at_5"``, ``"GAP@20"``, ``"map@k"``, ``"gap_score"`` or ``"ndgc@5"``.
    stems : dict of str to str
        For names without a number, such as ``"gap"`` or ``"mean_average_precision"``, the family.
    usual : dict of str to str
        For each family its most usual name.
    others : iterable of str
        Names that are taken as they are.
    """
    text = name.strip().lower()
    match = _NAME.fullmatch(text)
    stem = match["stem"] if match else text
    number = (match["k"] or match["number"] or "").lstrip("0") if match else ""
    nearness = {known: _ratio(stem, known) for known in stems}
    best = max(nearness, key=nearness.__getitem__)
    other = max(others, key=lambda known: _ratio(text, known), default="")
    if max(nearness[best], _ratio(text, other)) < _NEAR:
        return None
    if _ratio(text, other) > nearness[best]:
        return other
    family = stems[best]
    takes_number = "@" in usual[family] and number.isdigit() and len(number) <= MOST_DIGITS
    return f"{family}@{number}" if takes_number else usual[family]


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
