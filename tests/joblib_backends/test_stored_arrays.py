"""The arrays of a store are pickled as the path of their file, and are arrays for all else."""

import copy
import io
import os
import pickle
import socket

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from searches import described, make_store
from small_problem import small

from sk_yt8m import DeepNeighborsClassifier, SparseIndicator
from sk_yt8m.datasets import StoreError, convert, open_store

BY_PATH = {
    "X": lambda store: store.X,
    "a slice": lambda store: store.X[5:],
    "steps back": lambda store: store.X[900:7:-3, ::2],
    "a row": lambda store: store.X[3],
    "transposed": lambda store: store.X.T,
    "bytes": lambda store: store.X.view(np.uint8),
    "taken by a slice": lambda store: store.take(slice(4, 700))[0],
    "taken by numbers": lambda store: store.take(np.arange(4, 700))[0],
    "a view that was sent": lambda store: pickle.loads(pickle.dumps(store.X[9:]))[3:],
    "Y": lambda store: store.Y,
    "Y as an array": lambda store: sp.csr_array(store.Y),
    "SparseIndicator": lambda store: SparseIndicator(store.Y),
    "source": lambda store: store.source,
}


def by_joblib(one, protocol=None):
    file = io.BytesIO()
    joblib.dump(one, file)
    return file.getvalue()


def by_cloudpickle(one, protocol=None):
    return pytest.importorskip("cloudpickle", reason="Dask and Ray bring it").dumps(one)


def dense(one):
    return one.tocsr().toarray() if hasattr(one, "tocsr") else np.asarray(one)


@pytest.mark.parametrize("dumps", [pickle.dumps, by_joblib, by_cloudpickle])
@pytest.mark.parametrize("part", BY_PATH)
def test_paths_are_sent(store, part, dumps):
    one = BY_PATH[part](store)
    sent = dumps(one)
    assert len(sent) < 800
    loaded = joblib.load(io.BytesIO(sent)) if dumps is by_joblib else pickle.loads(sent)
    assert type(loaded) is type(one)
    np.testing.assert_array_equal(dense(loaded), dense(one))
    if isinstance(one, np.ndarray):
        assert isinstance(loaded, np.memmap)
        assert (loaded.strides, loaded.dtype) == (one.strides, one.dtype)
        assert not loaded.flags.writeable


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(store, protocol):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(store.X[2:], protocol)), store.X[2:])


def test_values_of_their_own_are_sent(store):
    rows = [1, 5, 3]
    for one in (store.X[rows], store.X[:3] * 2, store.X[:3].copy(), copy.deepcopy(store.X[:3])):
        loaded = pickle.loads(pickle.dumps(one))
        assert type(loaded) is np.ndarray
        np.testing.assert_array_equal(loaded, one)
        loaded[:] = 0


def test_results_are_ordinary_arrays(store):
    X = store.X
    for result in (X + 1, np.abs(X), X > 0, X.mean(axis=0), X[[1, 2]], np.concatenate([X, X])):
        assert type(result) is np.ndarray
    assert type(X.sum()) is np.float32
    assert type(X[1, 2]) is np.float32


def test_loky_sends_paths(store):
    Y = SparseIndicator(store.Y)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        [[(kind, total, process), *_]] = joblib.Parallel()([joblib.delayed(described)(store.X, Y)])
    assert (kind, process != os.getpid()) == ("StoredArray", True)
    assert total == pytest.approx(float(np.sum(store.X)))


def test_a_pickled_classifier_does_not_need_the_store(tmp_path):
    store = make_store(tmp_path / "store")
    X, Y = np.array(store.X), store.Y.toarray()
    clf = DeepNeighborsClassifier(small()).fit(store.X, store.Y)
    expected = clf.predict_proba(X[:9])
    sent = pickle.dumps(clf)
    store.path.rename(tmp_path / "elsewhere")
    np.testing.assert_array_equal(pickle.loads(sent).predict_proba(X[:9]), expected)
    assert Y.any()


class TestWhereTheStoreIsNot:
    @pytest.fixture
    def moved(self, tmp_path):
        store = convert((np.ones((50, 3)), np.eye(50, 2)), tmp_path / "store")
        store.path.rename(tmp_path / "elsewhere")
        return store

    def check(self, use, expected):
        message = (
            rf"process {os.getpid()} on host {socket.gethostname()} .*{expected}.*"
            "shared file system or copy"
        )
        with pytest.raises(StoreError, match=message):
            use()

    @pytest.mark.parametrize(
        "use",
        [
            len,
            np.asarray,
            lambda X: X[3],
            lambda X: X.shape,
            lambda X: small().fit(X, np.eye(50, 2)),
        ],
    )
    def test_use_says_so(self, moved, use):
        for one in (moved.X, moved):
            lost = pickle.loads(pickle.dumps(one))
            self.check(lambda lost=lost: use(lost), r"manifest\.json: expected a manifest")

    def test_labels_say_so(self, moved):
        lost = pickle.loads(pickle.dumps(moved.Y))
        self.check(lambda: small().fit(np.ones((50, 3)), lost), "expected a manifest")

    def test_another_store_is_not_taken_for_it(self, moved):
        sent = pickle.dumps(moved.X)
        convert((np.zeros((50, 3)), np.eye(50, 2)), moved.path)
        self.check(lambda: len(pickle.loads(sent)), "got another one")

    def test_a_copy_with_the_same_content_is_it(self, moved):
        sent = pickle.dumps(moved.X)
        moved.path.parent.joinpath("elsewhere").rename(moved.path)
        assert pickle.loads(sent).sum() == 150

    def test_it_is_sent_on(self, moved):
        """Dask's scheduler may be on a host that does not see the store."""
        on = pickle.dumps(pickle.loads(pickle.dumps(moved.X[9:])))
        moved.path.parent.joinpath("elsewhere").rename(moved.path)
        np.testing.assert_array_equal(pickle.loads(on), moved.X[9:])
        assert isinstance(pickle.loads(on), np.memmap)

    def test_the_error_comes_back_from_a_worker(self, moved):
        with pytest.raises(StoreError, match=r"process \d+ on host .* expected a manifest"):
            joblib.Parallel(n_jobs=2)(joblib.delayed(described)(moved.X) for _ in range(2))


def test_stores_are_sent_as_paths(store):
    sent = pickle.dumps(store)
    assert len(sent) < 500
    assert pickle.loads(sent).Y.nnz == open_store(store.path).Y.nnz
