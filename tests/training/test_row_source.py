"""Rows in blocks from the host, or all of them on the device: the same rows, the same network."""

import numpy as np
import pytest
import scipy.sparse as sp
import tensorflow as tf
from faults import raising
from small_problem import X, Y, small

from sk_yt8m._inputs import minibatches
from sk_yt8m._training import fit, row_source


def batches_of(n_rows, batch_size):
    indicator = sp.csr_array(np.ones((n_rows, 1), dtype=np.int8))
    order = np.random.default_rng(0).permutation(n_rows)
    return minibatches.pack_batches(order, indicator, None, batch_size)


def rows_of(feed, batches):
    steps_seen, rows, n_blocks = [], [], 0
    for [(features, places)], steps in feed.blocks([batches], batches.rows.shape[1]):
        steps_seen += range(steps.start, steps.stop)
        rows.append(np.asarray(features)[places])
        n_blocks += 1
    assert steps_seen == list(range(len(batches)))
    return np.concatenate(rows), n_blocks


@pytest.mark.parametrize(
    ("n_features", "batch_size", "n_blocks"),
    [(6, 10, 1), (50_000, 10, 3), (50_000, 30, 4), (500_000, 30, 4)],
    ids=["one block", "several batches a block", "one batch a block", "a batch beyond a block"],
)
def test_blocks_of_the_host(n_features, batch_size, n_blocks):
    rows = np.zeros((100, n_features), dtype=np.float32)
    rows[:, 3] = np.arange(100)
    batches = batches_of(100, batch_size)
    found, n_found = rows_of(row_source.HostRows(sp.csr_array(rows)), batches)
    np.testing.assert_array_equal(found[..., 3], batches.rows)
    assert n_found == n_blocks


def test_calls_of_the_device():
    batches = batches_of(100, 1)
    found, n_blocks = rows_of(row_source.DeviceRows(X), batches)
    np.testing.assert_array_equal(found, X[batches.rows])
    assert n_blocks == 2


@pytest.mark.parametrize("form", [lambda X: X.astype(np.float16), sp.csr_array])
def test_sparse_and_half_precision_rows(form):
    batches = batches_of(100, 16)
    expected = form(X)[batches.rows.ravel()]
    expected = expected.toarray() if sp.issparse(expected) else expected
    found, _ = rows_of(row_source.HostRows(form(X)), batches)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)


def test_a_gpu_without_room_gets_blocks(pretended_gpu, monkeypatch):
    assert isinstance(row_source.make_row_source(X), row_source.DeviceRows)
    error = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    monkeypatch.setattr(row_source, "DeviceRows", raising(error))
    assert isinstance(row_source.make_row_source(X), row_source.HostRows)


def test_without_a_gpu_there_are_blocks():
    assert isinstance(row_source.make_row_source(X), row_source.HostRows)


def test_training_does_not_depend_on_the_source(monkeypatch):
    expected = small(max_iter=5).fit(X, Y).predict_proba(X)
    sources = []
    monkeypatch.setattr(
        fit,
        "make_row_source",
        lambda X, *_: sources.append(row_source.DeviceRows(X)) or sources[-1],
    )
    np.testing.assert_array_equal(small(max_iter=5).fit(X, Y).predict_proba(X), expected)
    assert sources
