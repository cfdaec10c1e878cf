"""Both feeds give the same rows, and so the same network."""

import numpy as np
import scipy.sparse as sp

from sk_yt8m._batches import pack_batches


def problem(n=130, n_features=5, batch_size=16):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features)).astype(np.float32)
    indicator = sp.csr_array(np.ones((n, 1), dtype=np.int8))
    return X, pack_batches(rng.permutation(n), indicator, None, batch_size)


def rows_of(feed, batches):
    steps_seen, rows = [], []
    for features, places, steps in feed.blocks(batches):
        steps_seen += range(steps.start, steps.stop)
        rows.append(np.asarray(features)[places])
    assert steps_seen == list(range(len(batches)))
    return np.concatenate(rows)


def test_feeds_agree(monkeypatch):
    from sk_yt8m import _feeding

    X, batches = problem()
    expected = X[batches.rows]
    monkeypatch.setattr(_feeding, "_STEPS_PER_CALL", 4)
    np.testing.assert_array_equal(rows_of(_feeding.DeviceFeed(X), batches), expected)
    for rows_a_block in (1, 16, 50, 1000):
        monkeypatch.setattr(_feeding, "block_rows", lambda X, n=rows_a_block: n)
        np.testing.assert_array_equal(rows_of(_feeding.HostFeed(X), batches), expected)


def test_sparse_and_half_precision_rows():
    from sk_yt8m._feeding import HostFeed

    X, batches = problem()
    half = X.astype(np.float16)
    np.testing.assert_array_equal(rows_of(HostFeed(half), batches), half[batches.rows])
    np.testing.assert_array_equal(rows_of(HostFeed(sp.csr_array(X)), batches), X[batches.rows])


def test_a_gpu_without_room_gets_blocks(monkeypatch):
    from sk_yt8m import _feeding

    X, _ = problem()
    assert isinstance(_feeding.make_feed(X), _feeding.HostFeed)
    monkeypatch.setattr(_feeding, "has_gpu", lambda: True)
    monkeypatch.setattr(_feeding, "_RESERVE_BYTES", 16)
    assert isinstance(_feeding.make_feed(X), _feeding.DeviceFeed)

    def no_room(*_):
        raise _feeding.tf.errors.ResourceExhaustedError(None, None, "out of memory")

    monkeypatch.setattr(_feeding, "DeviceFeed", no_room)
    assert isinstance(_feeding.make_feed(X), _feeding.HostFeed)


def test_training_does_not_depend_on_the_feed(monkeypatch):
    from sk_yt8m import DeepMultiLabelClassifier, _feeding

    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5)).astype(np.float32)
    Y = (X @ rng.normal(size=(5, 4)) > 0).astype(int)
    clf = DeepMultiLabelClassifier((8,), max_iter=5, random_state=0, precision="float32")
    expected = clf.fit(X, Y).predict_proba(X)
    monkeypatch.setattr(_feeding, "make_feed", _feeding.DeviceFeed)
    np.testing.assert_array_equal(clf.fit(X, Y).predict_proba(X), expected)
