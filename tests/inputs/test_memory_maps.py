"""The memory that reading the rows of a memory map takes."""

from pathlib import Path

import numpy as np
import pytest
from small_problem import small

STATUS = Path("/proc/self/status")
has_rss_file = STATUS.exists() and "RssFile" in STATUS.read_text()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "X.npy"
    np.save(path, np.random.default_rng(0).random((40_000, 200), dtype=np.float32))
    return path


@pytest.fixture(scope="module")
def labels(path):
    return (np.load(path, mmap_mode="r")[:, :3] > 0.9).astype(np.uint8)


@pytest.fixture(scope="module")
def clf(path, labels):
    clf = small(hidden_layer_sizes=(4,), max_iter=1)
    return clf.fit(np.load(path)[:1000], labels[:1000])


def megabytes_of_files():
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines["RssFile"].split()[0]) / 1024


VIEWS = {
    "the map": lambda X: X,
    "some rows": lambda X: X[10:],
    "an array": np.asarray,
    "a view of an array": lambda X: np.asarray(X)[5:, ::-1],
}


@pytest.mark.skipif(not has_rss_file, reason="the system does not count pages of files apart")
class TestResidentPages:
    @pytest.mark.parametrize("mode", ["r", "r+"])
    @pytest.mark.parametrize("view", VIEWS)
    def test_they_are_released(self, path, clf, mode, view):
        rows = VIEWS[view](np.load(path, mmap_mode=mode))
        clf.predict_top_k(rows, k=1)
        before = megabytes_of_files()
        np.asarray(rows).sum()
        assert megabytes_of_files() - before > 15
        clf.predict_top_k(rows, k=1)
        assert megabytes_of_files() - before < 5

    @pytest.mark.parametrize(
        ("call", "options"),
        [
            ("fit", {}),
            ("fit", {"early_stopping": True, "validation_fraction": 0.5}),
            ("partial_fit", {}),
            ("predict_proba", {}),
            ("predict_top_k", {}),
        ],
        ids=str,
    )
    def test_no_call_holds_more_than_blocks_of_them(self, path, clf, labels, call, options):
        one = small(hidden_layer_sizes=(4,), max_iter=1, **options)
        one.fit(np.load(path)[:1000], labels[:1000]).predict_top_k(np.load(path)[:1000], k=2)
        X = np.load(path, mmap_mode="r")
        before = megabytes_of_files()
        getattr(one, call)(X, *((labels,) if "fit" in call else ()))
        assert megabytes_of_files() - before < 20


def test_what_was_written_stays(path, clf, tmp_path):
    private = np.load(path, mmap_mode="c")
    private[0, 0] = 5
    clf.predict(private)
    assert private[0, 0] == 5
    np.save(tmp_path / "X.npy", np.ones((1000, 200), np.float32))
    shared = np.load(tmp_path / "X.npy", mmap_mode="r+")
    shared[0, 0] = 7
    clf.predict(shared)
    assert shared[0, 0] == 7
    assert np.load(tmp_path / "X.npy")[0, 0] == 7


def test_what_only_looks_like_a_memory_map_is_read_too(path, clf):
    mapped = np.load(path, mmap_mode="r")
    for rows in (np.ones((3, 200)).view(np.memmap), mapped[[1, 5]]):
        np.testing.assert_array_equal(clf.predict_proba(rows), clf.predict_proba(np.array(rows)))
