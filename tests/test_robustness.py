"""Odd inputs, threads, processes and long use: each with the answer that is expected."""

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from small_problem import N_FEATURES, N_LABELS
from small_problem import small as any_small

from sk_yt8m import DeepMultiLabelClassifier

N = 200
small = partial(any_small, max_iter=5)


def problem() -> tuple[np.ndarray, np.ndarray]:
    """Return features, many of them 0, and labels that follow from them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, N_FEATURES)).astype(np.float32)
    X[rng.random(X.shape) < 0.3] = 0
    Y = (X @ rng.normal(size=(N_FEATURES, N_LABELS)) > 2).astype(np.uint8)
    return X, Y


X, Y = problem()


@pytest.fixture(scope="module")
def fitted() -> DeepMultiLabelClassifier:
    return small().fit(X, Y)


@pytest.fixture(scope="module")
def expected(fitted) -> np.ndarray:
    return fitted.predict_proba(X)


def read_only(matrix):
    parts = [matrix] if isinstance(matrix, np.ndarray) else csr_parts(matrix)
    for part in parts:
        part.setflags(write=False)
    return matrix


def csr_parts(csr) -> list[np.ndarray]:
    return [csr.data, csr.indices, csr.indptr]


def wide_indices(matrix):
    csr = sp.csr_array(matrix)
    csr.indices, csr.indptr = csr.indices.astype(np.int64), csr.indptr.astype(np.int64)
    assert csr.indices.dtype == csr.indptr.dtype == np.int64
    return csr


def unsorted(matrix):
    """Return the CSR form with the entries of each row backwards."""
    csr = sp.csr_array(matrix)
    rows = np.split(np.arange(csr.nnz), csr.indptr[1:-1])
    order = np.concatenate([row[::-1] for row in rows])
    mixed = sp.csr_array((csr.data[order], csr.indices[order], csr.indptr), shape=csr.shape)
    assert not mixed.has_sorted_indices
    return mixed


def with_zeros(matrix):
    """Return the CSR form with every cell stored."""
    dense = np.asarray(matrix)
    n, width = dense.shape
    csr = sp.csr_array(
        (dense.ravel(), np.tile(np.arange(width), n), np.arange(0, n * width + 1, width)),
        shape=dense.shape,
    )
    assert csr.nnz == dense.size
    return csr


def doubled(matrix):
    """Return the CSR form with every entry stored as two halves."""
    csr = sp.csr_array(matrix)
    twice = sp.csr_array(
        (np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2), csr.indptr * 2), shape=csr.shape
    )
    assert not twice.has_canonical_format
    return twice


FORMS = {
    "read-only": lambda matrix: read_only(matrix.copy()),
    "read-only CSR": lambda matrix: read_only(sp.csr_array(matrix)),
    "read-only unsorted CSR": lambda matrix: read_only(unsorted(matrix)),
    "strided": lambda matrix: np.repeat(np.repeat(matrix, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda matrix: np.ascontiguousarray(matrix[::-1, ::-1])[::-1, ::-1],
    "Fortran": np.asfortranarray,
    "big-endian": lambda matrix: matrix.astype(">f4"),
    "int64 CSR": wide_indices,
    "unsorted CSR": unsorted,
    "explicit zeros": with_zeros,
    "halves in CSR": doubled,
}


def as_bytes(matrix) -> list[bytes]:
    return [part.tobytes() for part in (csr_parts(matrix) if sp.issparse(matrix) else [matrix])]


class TestForms:
    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_features(self, form, fitted, expected):
        features = form(X)
        before = as_bytes(features)
        # The order in which moments are summed differs by the form, and the last bits with it.
        trained = small().fit(features, Y).predict_proba(features)
        np.testing.assert_allclose(trained, expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(fitted.predict_proba(features), expected)
        assert as_bytes(features) == before

    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_labels(self, form, expected):
        labels = form(Y)
        before = as_bytes(labels)
        np.testing.assert_array_equal(small().fit(X, labels).predict_proba(X), expected)
        assert as_bytes(labels) == before

    def test_float16(self, fitted):
        half = X.astype(np.float16)
        same = half.astype(np.float32)
        np.testing.assert_array_equal(fitted.predict_proba(half), fitted.predict_proba(same))
        one, other = small().fit(half, Y), small().fit(same, Y.astype(np.float16))
        np.testing.assert_array_equal(one.predict_proba(half), other.predict_proba(half))

    def test_duplicates_of_a_label_are_refused_unless_they_are_boolean(self, expected):
        csr = sp.csr_array(Y)
        place = (np.repeat(csr.indices, 2), csr.indptr * 2)
        twice = sp.csr_array((np.repeat(csr.data, 2), *place), shape=csr.shape)
        row = int(np.flatnonzero(Y.any(axis=1))[0])
        with pytest.raises(ValueError, match=f"row {row}, column {csr.indices[0]} holds 2"):
            small().fit(X, twice)
        boolean = sp.csr_array((np.repeat(csr.data > 0, 2), *place), shape=csr.shape)
        np.testing.assert_array_equal(small().fit(X, boolean).predict_proba(X), expected)


class TestSizes:
    def test_one_row(self):
        clf = small(max_iter=100).fit(X[:1], Y[:1])
        np.testing.assert_array_equal(clf.predict(X[:1]), Y[:1])
        assert clf.t_ == 100

    def test_one_row_is_predicted_like_many(self, fitted, expected):
        for row in (0, 77):
            one = fitted.predict_proba(X[row : row + 1])
            np.testing.assert_array_equal(one, expected[row : row + 1])

    def test_one_feature(self):
        x = np.linspace(-1, 1, N, dtype=np.float32)[:, np.newaxis]
        labels = np.hstack([x > -0.5, x > 0, x > 0.5]).astype(int)
        clf = small(max_iter=40).fit(x, labels)
        assert (clf.predict(x) == labels).mean() > 0.95

    def test_one_label(self):
        clf = small(max_iter=60, dropout=0, input_dropout=0).fit(X, sp.csr_array(Y[:, 6:7]))
        predicted = clf.predict(X)
        assert predicted.shape == (N, 1)
        assert (predicted.toarray() == Y[:, 6:7]).mean() > 0.95
        assert clf.predict_top_k(X, k=3).indices.shape == (N, 1)

    def test_one_label_one_row_one_feature(self):
        clf = small().fit(np.ones((1, 1)), sp.csr_array(np.ones((1, 1), dtype=int)))
        assert clf.predict_proba([[1.0]]).item() > 0.5

    def test_a_hundred_thousand_labels(self):
        n_labels, group = 100_000, np.arange(300) % 3
        labels = group[:, np.newaxis] * 40_000 + np.arange(5)
        indptr = np.arange(0, labels.size + 1, 5)
        csr = sp.csr_array((np.ones(labels.size), labels.ravel(), indptr), shape=(300, n_labels))
        features = np.eye(3)[group]
        clf = small(hidden_layer_sizes=(4,), max_iter=10, dropout=0, input_dropout=0)
        indices, scores = clf.fit(features, csr).predict_top_k(features, k=5)
        np.testing.assert_array_equal(np.sort(indices, axis=1), labels)
        assert scores.min() > 0.5
        predicted = clf.predict(features)
        assert (predicted != csr).nnz == 0

    def test_a_batch_larger_than_the_data_is_one_batch_of_all(self):
        one, other = (small(batch_size=size).fit(X, Y) for size in (N, 100 * N))
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))

    def test_labels_with_no_or_only_positives(self):
        labels = Y.copy()
        labels[:, 0], labels[:, 1] = 0, 1
        predicted = small().fit(X, labels).predict(X)
        assert not predicted[:, 0].any()
        assert predicted[:, 1].all()

    def test_no_positive_at_all(self):
        clf = small().fit(X, sp.csr_array(Y.shape, dtype=np.int8))
        assert clf.predict(X).nnz == 0
        assert clf.predict_proba(X).max() < 0.1


class TestThreads:
    def test_two_threads_predict_with_one_model(self, fitted, expected):
        fresh = pickle.loads(pickle.dumps(fitted))
        together = threading.Barrier(2)

        def predict(first: int) -> bool:
            together.wait()
            same = []
            for start in range(first, 100, 10):
                rows = slice(start, start + 50 + start)
                same.append((fresh.predict_proba(X[rows]) == expected[rows]).all())
                top = fresh.predict_top_k(X[rows], k=1).scores[:, 0]
                same.append((top == expected[rows].max(axis=1)).all())
            return all(same)

        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(predict, (0, 5)))

    def test_one_thread_fits_while_another_predicts(self, fitted, expected):
        begun, done = threading.Event(), threading.Event()

        def fit() -> np.ndarray:
            begun.set()
            try:
                return small(max_iter=30, random_state=1).fit(X, Y).predict_proba(X)
            finally:
                done.set()

        def predict() -> list[bool]:
            begun.wait()
            same = []
            while not done.is_set():
                same.append(bool((fitted.predict_proba(X) == expected).all()))
            return same

        with ThreadPoolExecutor(2) as pool:
            trained, same = pool.submit(fit), pool.submit(predict)
            assert len(same.result()) > 5
            assert all(same.result())
        alone = small(max_iter=30, random_state=1).fit(X, Y).predict_proba(X)
        np.testing.assert_array_equal(trained.result(), alone)

    def test_two_threads_fit(self, expected):
        with ThreadPoolExecutor(2) as pool:
            for fit in [pool.submit(small().fit, X, Y) for _ in range(4)]:
                np.testing.assert_array_equal(fit.result().predict_proba(X), expected)


@pytest.mark.slow
class TestProcesses:
    def test_eight_processes_load_one_file(self, fitted, expected, tmp_path):
        fitted.save(tmp_path / "model.safetensors")
        np.save(tmp_path / "expected.npy", expected)
        children = [python(LOADING, tmp_path) for _ in range(8)]
        assert [child.communicate()[0] for child in children] == ["True\n"] * 8

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
    def test_fork_after_import(self, expected, tmp_path):
        np.save(tmp_path / "expected.npy", expected)
        out, _ = python(FORKING, tmp_path).communicate(timeout=120)
        assert out == "[0, 0, 0] True\n"

    @pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
    def test_fifty_fits_do_not_grow(self, tmp_path):
        out, _ = python(FITTING_AGAIN, tmp_path).communicate()
        grown = float(out)
        print(f"grown by {grown:.1f} MB from fit 5 to fit 50")
        assert grown < 100


def python(code: str, folder: Path) -> subprocess.Popen:
    """Start a process that has the names of this module."""
    start = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    command = [sys.executable, "-c", start + code, folder]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


LOADING = """
from test_robustness import *
from sk_yt8m import load
folder = Path(sys.argv[1])
clf = load(folder / "model.safetensors")
print((clf.predict_proba(X) == np.load(folder / "expected.npy")).all())
"""

FORKING = """
import importlib, os, pkgutil
import sk_yt8m
from test_robustness import *
for module in pkgutil.walk_packages(sk_yt8m.__path__, "sk_yt8m."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
expected = np.load(Path(sys.argv[1]) / "expected.npy")
def same():
    return (small().fit(X, Y).predict_proba(X) == expected).all()
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        os._exit(0 if same() else 1)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children], same())
"""

FITTING_AGAIN = """
import gc
from test_robustness import *
labels = np.tile(Y, 40)
def megabytes():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
for number in range(1, 51):
    clf = small(hidden_layer_sizes=(400, 600), max_iter=2).fit(X, labels)
    clf.predict_top_k(X)
    if number == 5:
        before = megabytes()
print(megabytes() - before)
"""
