"""Rows of X, and the memory that reading them takes."""

from pathlib import Path

import numpy as np
import pytest

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m._inputs.features import RowSubset, is_memory_mapped, let_go

STATUS = Path("/proc/self/status")
has_rss_file = STATUS.exists() and "RssFile" in STATUS.read_text()


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "X.npy", np.random.default_rng(0).random((40_000, 200), dtype=np.float32))
    return tmp_path / "X.npy"


def views(X):
    return [X, X[10:], np.asarray(X), np.asarray(X)[5:].T, RowSubset(X, np.arange(len(X)))]


def megabytes_of_files():
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines["RssFile"].split()[0]) / 1024


@pytest.mark.skipif(not has_rss_file, reason="the system does not count pages of files apart")
class TestPagesOfFiles:
    @pytest.mark.parametrize("mode", ["r", "r+"])
    @pytest.mark.parametrize("number", range(5))
    def test_they_can_be_let_go(self, path, mode, number):
        view = views(np.load(path, mmap_mode=mode))[number]
        before = megabytes_of_files()
        np.asarray(view[:]).sum()
        assert megabytes_of_files() - before > 25
        let_go(view)
        assert megabytes_of_files() - before < 1

    @pytest.mark.parametrize("call", ["fit", "predict_top_k", "predict_proba", "partial_fit"])
    def test_no_call_holds_more_than_blocks_of_them(self, path, call):
        X = np.load(path, mmap_mode="r")
        Y = (X[:, :3] > 0.9).astype(np.uint8)
        clf = DeepMultiLabelClassifier(hidden_layer_sizes=(4,), max_iter=1, random_state=0)
        clf.fit(X[:1000], Y[:1000]).predict_top_k(X[:1000], k=2)
        targets = (Y,) if "fit" in call else ()
        let_go(X)
        before = megabytes_of_files()
        getattr(clf, call)(X, *targets)
        assert megabytes_of_files() - before < 20


def test_what_was_written_stays(path):
    private = np.load(path, mmap_mode="c")
    private[0, 0] = 5
    let_go(private)
    assert private[0, 0] == 5
    shared = np.load(path, mmap_mode="r+")
    shared[0, 0] = 7
    let_go(shared)
    assert shared[0, 0] == 7
    assert np.load(path)[0, 0] == 7


def test_what_is_not_of_a_file_is_left_alone(path):
    mapped = np.load(path, mmap_mode="r")
    for X in (np.ones((3, 2)), np.ones((3, 2)).view(np.memmap), mapped[[1, 5]]):
        let_go(X)
        assert X.sum() > 0
    assert all(is_memory_mapped(view) for view in views(mapped)[:4])
    assert not is_memory_mapped(np.ones(3))
