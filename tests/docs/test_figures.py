"""The pages show the figures that were measured, and the check says where they do not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def check(root: Path, *options: str) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "docs" / "figures.py"), "--root", str(root), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def project(tmp_path):
    """Return a copy of the README and the results, with a page to write to."""
    shutil.copy(ROOT / "README.md", tmp_path)
    shutil.copytree(ROOT / "docs" / "results", tmp_path / "docs" / "results")
    return tmp_path


def with_page(project: Path, text: str) -> None:
    (project / "docs" / "results" / "page.md").write_text(text, encoding="utf-8")


def change_table(project: Path, record: str, table: str, column: str, value: float) -> None:
    file = project / "docs" / "results" / "figures" / f"{record}.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    rows = found["tables"][table]
    rows["rows"][0][rows["columns"].index(column)] = value
    file.write_text(json.dumps(found), encoding="utf-8")


def test_the_pages_agree_with_the_figures():
    assert check(ROOT, "--check") == (0, "")


def test_a_changed_digit(project):
    page = project / "docs" / "results" / "tried.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("| 0.7467 | -0.0005 |", "| 0.7468 | -0.0005 |"), encoding="utf-8")
    status, said = check(project, "--check")
    assert status == 1
    assert said.startswith("docs/results/tried.md: tried.tried ")
    assert "| 0.7468 |" in said
    assert "| 0.7467 |" in said
    assert check(project) == (0, "")
    assert page.read_text(encoding="utf-8") == text


def test_a_changed_single_figure(project):
    page = project / "docs" / "results" / "quality.md"
    text = page.read_text(encoding="utf-8")
    head, _, tail = text.partition("quality-best.seeds[0].GAP@20 .4f -->")
    page.write_text(f"{head}quality-best.seeds[0].GAP@20 .4f -->0.9{tail[3:]}", encoding="utf-8")
    status, said = check(project, "--check")
    assert status == 1
    assert "docs/results/quality.md: quality-best.seeds[0].GAP@20" in said


def test_changed_json(project):
    change_table(project, "small_data", "scores", "score", 0.123)
    status, said = check(project, "--check")
    assert status == 1
    assert "docs/results/images/small_data.svg: drawn from other figures" in said
    assert "docs/results/index.md: small_data " in said
    assert "docs/results/small_data.md: small_data_differences" in said


def test_a_stale_picture(project):
    picture = project / "docs" / "results" / "images" / "quality.svg"
    text = picture.read_text(encoding="utf-8")
    picture.write_text(text.replace(" code ", " code 0", 1), encoding="utf-8")
    problem = "docs/results/images/quality.svg: drawn from other figures or code\n"
    assert check(project, "--check") == (1, problem)
    picture.unlink()
    assert check(project, "--check") == (1, problem)
    pytest.importorskip("matplotlib", reason="pictures are drawn with it")
    assert check(project) == (0, "")
    assert check(project, "--check") == (0, "")


@pytest.mark.parametrize(
    ("marker", "problem"),
    [
        ("<!-- figures: tags.nothing -->\n<!-- /figures -->", "no table 'nothing' in tags.json"),
        ("<!-- figures: nothing.ways -->\n<!-- /figures -->", "no record 'nothing'"),
        ("<!-- figures: nothing -->\n<!-- /figures -->", "no table 'nothing'"),
        ('<!-- figures: tags.ways columns="x" -->\n<!-- /figures -->', "no column 'x'"),
        ('<!-- figures: tags.ways rows="x" -->\n<!-- /figures -->', "no row 'x'"),
        ("<!-- figures: tags.ways wide -->\n<!-- /figures -->", "no option wide"),
        ("<!-- figures: tags.ways -->", "a marker 'figures' without its end"),
        ("<!-- figure: tags.ways -->1<!-- /figure -->", "expected RECORD.TABLE[ROW].COLUMN"),
        ("<!-- figure: tags.ways[x].MB .0f -->1<!-- /figure -->", "a line must not begin with"),
        ('<!-- figures: tags.ways columns="way -->\n<!-- /figures -->', "No closing quotation"),
        ("a <!-- figure: tags.ways[mean].MB .0q -->1<!-- /figure -->", "format code"),
        ("| way | s |\n|---|---|\n| a | 0.5 |", "a table without a marker: | way | s |"),
    ],
)
def test_wrong_markers(project, marker, problem):
    with_page(project, f"{marker}\n")
    status, said = check(project, "--check")
    assert status == 1
    assert said.startswith("docs/results/page.md: ")
    assert problem in said


def test_no_elapsed_times_of_a_shared_machine(project):
    with_page(project, '<!-- figures: neighbors.search columns="seconds" -->\n<!-- /figures -->\n')
    status, said = check(project)
    assert status == 1
    assert "column 'seconds' has elapsed times of a machine that was shared" in said


def test_optional_tables_and_pictures_wait_for_their_figures(project):
    table = "<!-- figures: nothing.ways optional -->\n<!-- /figures -->"
    picture = "<!-- picture: nothing what it shows -->\n<!-- /picture -->"
    with_page(project, f"{table}\n{picture}\n")
    assert check(project, "--check") == (0, "")


def test_formats_and_means(project):
    with_page(
        project,
        '<!-- figures: parallel.folds columns="n_jobs=jobs; seconds:.0f" mean nosource -->\n'
        "<!-- /figures -->\n\n"
        "<!-- figure: parallel.folds[mean].seconds .2f --><!-- /figure -->\n",
    )
    change_table(project, "parallel", "folds", "seconds", 1001)
    found = project / "docs" / "results" / "figures" / "parallel.json"
    second = json.loads(found.read_text(encoding="utf-8"))["tables"]["folds"]["rows"][1][1]
    check(project)
    lines = (project / "docs" / "results" / "page.md").read_text(encoding="utf-8").splitlines()
    mean = (1001 + second) / 2
    assert lines[2:5] == ["| jobs | seconds |", "| --- | ---: |", "| 1 | 1001 |"]
    assert lines[6] == f"| mean | {mean:.0f} |"
    assert lines[-1].endswith(f"-->{mean:.2f}<!-- /figure -->")
