"""The code of the pages runs in the order in which it stands there."""

import doctest
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from page_code import python_blocks

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import make_videos, sample_path
from sk_yt8m.metrics import StreamingEvaluator

DOCS = Path(__file__).parents[2] / "docs"
GENERATED = ("api", "gallery", "pt/tutorial")
ELSEWHERE = {
    "guide/callbacks.md": "tests/callbacks/test_callbacks_page.py",
    "guide/gpu.md": "tests/distributed: one strategy a process",
    "guide/routing.md": "tests/docs/test_routing_page.py",
    "guide/saving.md": "tests/persistence/test_mlflow.py",
    "guide/scaling.md": "tests/distributed and tests/joblib_backends: it needs clusters",
}
NOT_RUN = {
    "fetch_tfrecords(": "downloads a part of YouTube-8M",
    'level="segment"': "needs segments, which tests/datasets makes",
    "# Keras\n": "the other package's way",
    "# skorch\n": "the other package's way",
}


def pages() -> dict[str, list[str]]:
    """Return the Python blocks of each page that has any."""
    found = {}
    for path in sorted(DOCS.rglob("*.md")):
        name = path.relative_to(DOCS).as_posix()
        blocks = python_blocks(f"docs/{name}")
        if blocks and not name.startswith(GENERATED):
            found[name] = blocks
    return found


PAGES = pages()


@pytest.fixture
def names(tmp_path, monkeypatch):
    """Return what the pages take as given: a fitted classifier, data, and files to read."""
    monkeypatch.chdir(tmp_path)
    X, Y = make_videos(400, n_labels=12, n_features=16, random_state=0, return_X_y=True)
    tags = [[f"tag {label}" for label in np.flatnonzero(row)] for row in Y]
    videos = pd.DataFrame({"embedding": [*X], "tags": tags})
    videos.to_parquet("videos.parquet")
    (tmp_path / "video").mkdir()
    for file in sample_path().glob("*.csv*"):
        shutil.copy(file, tmp_path / "video")
    clf = DeepMultiLabelClassifier((16,), max_iter=4, random_state=0).fit(X[:300], Y[:300])
    top = clf.predict_top_k(X[300:], k=12)
    other_worker = StreamingEvaluator(["gap@20", "hit@1", "perr"])
    return {
        "__name__": "page",
        "clf": clf,
        "DeepMultiLabelClassifier": DeepMultiLabelClassifier,
        "X": X[:300],
        "Y": Y[:300],
        "Y_train": Y[:300],
        "X_val": X[300:],
        "Y_val": Y[300:],
        "X_new": X[300:],
        "videos": videos,
        "new": videos[300:],
        "new_videos": videos[300:],
        "scores": clf.predict_proba(X[300:]),
        "batches": [(Y[300:350], tuple(part[:50] for part in top))],
        "other_worker": other_worker.update(Y[350:], tuple(part[50:] for part in top)),
        "vocabulary": pd.DataFrame({"name": [f"tag {i}" for i in range(12)]}),
    }


@pytest.mark.parametrize("page", PAGES)
def test_blocks_are_python(page):
    for block in PAGES[page]:
        compile(block, page, "exec")


def test_pages_that_run_elsewhere_exist():
    assert set(PAGES) >= set(ELSEWHERE)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page not in ELSEWHERE])
def test_blocks_run(page, names):
    pytest.importorskip("pyarrow", reason="pandas writes Parquet with it")
    pytest.importorskip("matplotlib", reason="a page draws").use("agg")
    for block in PAGES[page]:
        if not any(text in block for text in NOT_RUN):
            exec(compile(block, page, "exec"), names)


@pytest.mark.slow
def test_ten_minutes(tmp_path, monkeypatch):
    """What the page shows is what its lines print."""
    monkeypatch.chdir(tmp_path)
    blocks = python_blocks("docs/start/ten_minutes.md", "pycon")
    assert len(blocks) == 8
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    parsed = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "ten_minutes", None, 0)
    report = []
    result = doctest.DocTestRunner(optionflags=options).run(parsed, out=report.append)
    assert not result.failed, "".join(report)


def test_reference_lists_all_public_names():
    """And no others: `docs/api/index.md` is the list of what is public."""
    import sk_yt8m
    from sk_yt8m import datasets, distributed, metrics, persistence

    text = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    listed, module = set(), ""
    for line in text.splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif entry := re.fullmatch(r"   ([\w.]+)", line):
            listed.add(f"{module}.{entry[1]}")
    public = {
        f"{module.__name__}.{name}"
        for module in (sk_yt8m, datasets, distributed, metrics, persistence)
        for name in module.__all__
    }
    modules = {"sk_yt8m.datasets", "sk_yt8m.metrics", "sk_yt8m.persistence", "sk_yt8m.__version__"}
    scorers = {f"sk_yt8m.metrics.{name}" for name in re.findall(r"`(\w+_scorer)`", text)}
    assert len(scorers) == 4
    assert listed | scorers == public - modules
