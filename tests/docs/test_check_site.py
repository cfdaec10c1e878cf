"""The check of the built site finds what is broken, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "check_site.py"
PAGES = {
    "guide/gpu.html": '<h1 id="gpu">GPU</h1><a href="metrics.html#gap">sparse</a>',
    "guide/metrics.html": '<h1 id="gap">gap</h1><img src="../a%20b.png" alt="">',
    "index.html": '<a href="guide/gpu.html">x</a><a href="https://example.org/none#there">y</a>',
}
INDEX = {
    "docnames": ["index", "guide/gpu", "guide/metrics"],
    "terms": {"spars": [0, 1], "gap": 2},
    "titleterms": {"gpu": 1},
}


def check(site, **changed):
    """Write a site with some changed pages, and return the lines that the check prints."""
    for name, text in {**PAGES, **changed}.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    (site / "a b.png").touch()
    index = changed.get("searchindex.js") or f"Search.setIndex({json.dumps(INDEX)})"
    (site / "searchindex.js").write_text(index, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, SCRIPT, site], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_a_whole_site(tmp_path):
    assert check(tmp_path) == (0, ["3 pages: all links lead somewhere"])


@pytest.mark.parametrize(
    ("page", "line"),
    [
        ('<a href="no.html">x</a>', "index.html: no file for no.html"),
        ('<a href="guide/gpu.html#no">x</a>', "index.html: no place for guide/gpu.html#no"),
        ('<a href="#no">x</a>', "index.html: no place for #no"),
        ('<img src="no.png" alt="x">', "index.html: no file for no.png"),
        ('<img src="a b.png">', "index.html: a picture without a text: a b.png"),
    ],
)
def test_a_broken_link(page, line, tmp_path):
    assert check(tmp_path, **{"index.html": page}) == (1, [line])


@pytest.mark.parametrize("word", ["spars", "gap"])
def test_a_word_that_is_not_found(word, tmp_path):
    terms = {stem: pages for stem, pages in INDEX["terms"].items() if stem != word}
    index = f"Search.setIndex({json.dumps({**INDEX, 'terms': terms})})"
    code, lines = check(tmp_path, **{"searchindex.js": index})
    assert code == 1
    assert [line[: len(f"search: '{word}")] for line in lines] == [f"search: '{word}"]
