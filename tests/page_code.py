"""The code that stands on Markdown pages."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python_blocks(page: str, language: str = "python") -> list[str]:
    """Return the blocks of code of a page, named from the root of the project."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
