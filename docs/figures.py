"""Render the measured figures into the pages, and draw the pictures of the results.

    python docs/figures.py            # after a benchmark has written to docs/results/figures
    python docs/figures.py --check    # exits 1 and names what disagrees; needs no matplotlib

A page says where its figures stand with markers: see `docs/_figures/pages.py`.
"""

import argparse
import sys
from pathlib import Path

from _figures.pages import Pages, bare_tables, pages_of
from _figures.pictures import PICTURES, stamp, stamp_of
from _figures.records import Figures

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Render or check, and return the status of the process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, report differences")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the project")
    args = parser.parse_args()
    results = args.root / "docs" / "results"
    figures = Figures(results / "figures")
    drawn = {name: data for name, picture in PICTURES.items() if (data := picture.data(figures))}
    problems: list[str] = []

    for name, data in drawn.items():
        file = results / "images" / f"{name}.svg"
        if stamp_of(file) == stamp(data):
            continue
        if args.check:
            problems.append(f"docs/results/images/{name}.svg: drawn from other figures or code")
        else:
            file.parent.mkdir(exist_ok=True)
            PICTURES[name].draw(data, file)
            print(f"drawn: {file.relative_to(args.root)}")

    pages = Pages(figures, set(drawn))
    for page in pages_of(args.root):
        text = page.read_text(encoding="utf-8")
        rendered, wrong = pages.render(text)
        name = page.relative_to(args.root)
        if page.parent == results:
            problems += [f"{name}: a table without a marker: {head}" for head in bare_tables(text)]
        if args.check:
            problems += [f"{name}: {one}" for one in wrong]
            continue
        if rendered != text:
            page.write_text(rendered, encoding="utf-8")
            print(f"rendered: {name}")
        problems += [f"{name}: {one}" for one in pages.render(rendered)[1]]
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
