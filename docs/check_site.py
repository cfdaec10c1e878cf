"""Check the built site: every link leads somewhere, every picture is there, search finds words.

python docs/check_site.py build/site
"""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

WORDS = {"sparse": "guide/", "GPU": "guide/gpu", "gap": "guide/metrics"}


class Page(HTMLParser):
    """Anchors, links and pictures of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.nameless: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors.update(filter(None, (values.get("id"), values.get("name"))))
        link = values.get("src" if tag in ("img", "script") else "href")
        if link and tag in ("a", "img", "link", "script"):
            self.links.append(link)
        if tag == "img" and "alt" not in values:
            self.nameless.append(link or "")


def broken_links(site: Path) -> list[str]:
    """Return a line for each link within the site that leads nowhere, and each nameless picture."""
    paths = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    pages = {path.resolve(): Page(path) for path in paths}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        found += [f"{name}: a picture without a text: {image}" for image in page.nameless]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                found.append(f"{name}: no file for {link}")
            elif parts.fragment and target in pages:
                anchors = pages[target].anchors
                if unquote(parts.fragment) not in anchors:
                    found.append(f"{name}: no place for {link}")
    return found


def missing_words(site: Path) -> list[str]:
    """Return a line for each word whose page the search index does not list."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", text, re.DOTALL)[1])
    found = []
    for word, page in WORDS.items():
        names = set()
        for stem, entry in [*index["terms"].items(), *index["titleterms"].items()]:
            if word.lower().startswith(stem):
                numbers = entry if isinstance(entry, list) else [entry]
                names.update(index["docnames"][number] for number in numbers)
        if not any(name.startswith(page) for name in names):
            found.append(f"search: {word!r} is not found on a page of {page}")
    return found


def main() -> None:
    site = Path(sys.argv[1])
    found = broken_links(site) + missing_words(site)
    print("\n".join(found) or f"{len(list(site.rglob('*.html')))} pages: all links lead somewhere")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
