"""Both feeds give the same rows, and so the same network."""

import numpy as np
import scipy.sparse as sp

from sk_yt8m._inputs.minibatches import pack_batches


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
    from sk_yt8m._training import row_source as _feeding

    X, batches = problem()
    expected = X[batches.rows]
    monkeypatch.setattr(_feeding, "_STEPS_PER_CALL", 4)
    np.testing.assert_array_equal(rows_of(_feeding.DeviceFeed(X), batches), expected)
    for rows_a_block in (1, 16, 50, 1000):
        monkeypatch.setattr(_feeding, "block_rows", lambda X, n=rows_a_block: n)
        np.testing.assert_array_equal(rows_of(_feeding.HostFeed(X), batches), expected)


def test_sparse_and_half_precision_rows():
    from sk_yt8m._training.row_source import HostFeed

    X, batches = problem()
    half = X.astype(np.float16)
    np.testing.assert_array_equal(rows_of(HostFeed(half), batches), half[batches.rows])
    np.testing.assert_array_equal(rows_of(HostFeed(sp.csr_array(X)), batches), X[batches.rows])


def test_a_gpu_without_room_gets_blocks(monkeypatch):
    from sk_yt8m._training import row_source as _feeding

    X, _ = problem()
    assert isinstance(_feeding.make_feed(X), _feeding.HostFeed)
    monkeypatch.setattr(_feeding, "has_gpu", lambda: True)
    monkeypatch.setattr(_feeding, "_RESERVE_BYTES", 16)
    assert isinstance(_feeding.make_feed(X), _feeding.DeviceFeed)

    def no_room(*_):
        raise _feeding.tf.errors.ResourceExhaustedError(None, None, "out of memory")

    monkeypatch.setattr(_feeding, "DeviceFeed", no_room)
    assert isinstance(_feeding.make_feed(X), _feeding.HostFeed)


def test_rows_of_a_file_are_shuffled_in_windows_of_runs(tmp_path, monkeypatch):
    from sk_yt8m._inputs import shuffling as _shuffling
    from sk_yt8m._inputs.features import is_memory_mapped
    from sk_yt8m._training import row_source as _feeding

    n, n_features, run, n_mixed = 1000, 3, 10, 8
    monkeypatch.setattr(_shuffling, "_RUN_BYTES", run * n_features * 2)
    monkeypatch.setattr(_shuffling, "_MIXED_RUNS", n_mixed)
    X = np.memmap(tmp_path / "X", np.float16, "w+", shape=(n, n_features))
    view = np.asarray(X)[:, :]
    assert is_memory_mapped(X)
    assert is_memory_mapped(view)
    assert not is_memory_mapped(np.array(X))

    assert _shuffling.mixed_rows(view) == run * n_mixed
    assert _shuffling.mixed_rows(np.array(X)) == n

    numbers = np.arange(n)
    order = _feeding.HostFeed(view).shuffled(numbers, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(order), numbers)
    for start in range(0, n, run * n_mixed):
        window = order[start : start + run * n_mixed]
        runs, counts = np.unique(window // run, return_counts=True)
        assert (counts == run).all()
        assert (np.diff(runs) > 1).any()
        assert (np.diff(window) != 1).mean() > 0.8
    again = _feeding.HostFeed(view).shuffled(numbers, np.random.default_rng(0))
    np.testing.assert_array_equal(order, again)

    few = numbers[: run * n_mixed]
    expected = np.random.default_rng(0).permutation(few)
    for X_few in (view, np.array(X)):
        got = _feeding.HostFeed(X_few).shuffled(few, np.random.default_rng(0))
        np.testing.assert_array_equal(got, expected)


def test_rows_set_aside_are_not_copied():
    from sk_yt8m._inputs.features import RowSubset, row_blocks, take_rows

    X, _ = problem()
    rows = np.array([3, 7, 20, 129])
    for source in (X, sp.csr_array(X)):
        subset = RowSubset(source, rows)
        assert subset.shape == (4, 5)
        blocks = list(row_blocks(subset, 3))
        assert [start for start, _ in blocks] == [0, 3]
        np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), X[rows])
        np.testing.assert_array_equal(take_rows(subset, np.array([2, 0])), X[[20, 3]])
        assert subset[1, 2] == X[7, 2]


def test_training_does_not_depend_on_the_feed(monkeypatch):
    from sk_yt8m import DeepMultiLabelClassifier
    from sk_yt8m._training import row_source as _feeding

    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5)).astype(np.float32)
    Y = (X @ rng.normal(size=(5, 4)) > 0).astype(int)
    clf = DeepMultiLabelClassifier((8,), max_iter=5, random_state=0, precision="float32")
    expected = clf.fit(X, Y).predict_proba(X)
    monkeypatch.setattr(_feeding, "make_feed", _feeding.DeviceFeed)
    np.testing.assert_array_equal(clf.fit(X, Y).predict_proba(X), expected)
