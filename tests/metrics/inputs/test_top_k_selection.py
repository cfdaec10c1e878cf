"""The selection of the k highest scores against sorting."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_cases import problems

from sk_yt8m.metrics._inputs import dense_scores
from sk_yt8m.metrics._inputs.dense_scores import DenseScores


def assert_is_top_k(scores, k):
    top = DenseScores(scores).top_k(k)
    order = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :k]
    assert top.indices.tolist() == order.tolist()
    assert top.scores.tolist() == np.take_along_axis(scores, order, axis=1).tolist()
    assert top.indices.dtype == np.int32


@settings(max_examples=300, deadline=None)
@given(problems(max_rows=6, max_labels=50, dtype=np.float64), st.integers(1, 6))
def test_any_ties_and_infinities(problem, k):
    _, scores = problem
    k = min(k, scores.shape[1])
    top = DenseScores(scores).top_k(k)
    assert top.indices.tolist() == [reference.ranking(row)[:k] for row in scores.tolist()]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_labels", [20, 21, 79, 160, 161, 1001, 3862])
def test_wide_rows(n_labels, dtype):
    rng = np.random.default_rng(0)
    assert_is_top_k(rng.standard_normal((150, n_labels)).astype(dtype), 20)


@pytest.mark.parametrize("k", [1, 5, 20, 200, 1000])
def test_any_k(k):
    assert_is_top_k(np.random.default_rng(1).random((64, 1000), dtype=np.float32), k)


@pytest.mark.parametrize("n_values", [1, 2, 3, 30])
def test_crowded_rows_beside_ordinary_ones(n_values):
    rng = np.random.default_rng(2)
    scores = rng.random((200, 3000), dtype=np.float32)
    scores[::3] = rng.integers(0, n_values, scores[::3].shape)
    assert_is_top_k(scores, 20)


def test_mostly_zero_rows_as_neighbours_and_forests_give_them():
    rng = np.random.default_rng(3)
    scores = np.where(rng.random((300, 3862)) < 0.002, rng.random((300, 3862)), 0.0)
    assert_is_top_k(scores.astype(np.float32), 20)


def test_high_scores_that_fall_on_one_folded_column():
    scores = np.random.default_rng(4).random((10, 4096), dtype=np.float32)
    scores[:, ::64] += 5
    assert_is_top_k(scores, 20)


def test_signed_zeros_tie():
    scores = np.array([[-0.0, 0.0, -0.0, 0.0]])
    assert DenseScores(scores).top_k(3).indices.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("column", [0, 4, 9, 10, 19, 20, 40])
def test_nan_in_any_column(column):
    scores = np.random.default_rng(5).random((6, 41), dtype=np.float32)
    scores[3, column] = np.nan
    with pytest.raises(ValueError, match=f"found one at row 3, label {column}"):
        DenseScores(scores).top_k(1)


def test_blocks_of_several_threads(monkeypatch):
    monkeypatch.setattr(dense_scores, "_SELECT_BYTES", 2**12)
    monkeypatch.setattr(dense_scores, "_N_THREADS", 3)
    scores = np.random.default_rng(6).random((1000, 90), dtype=np.float32)
    assert_is_top_k(scores, 4)
    scores[[941, 402, 403], [5, 70, 6]] = np.nan
    with pytest.raises(ValueError, match="found one at row 402, label 70"):
        DenseScores(scores).top_k(4)
    scores[30, 8] = np.nan
    with pytest.raises(ValueError, match="found one at row 30, label 8"):
        DenseScores(scores).top_k(4)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_every_small_width(k):
    rng = np.random.default_rng(0)
    for n_labels in range(k, 100):
        scores = rng.integers(0, 9, (5, n_labels)).astype(np.float32)
        top = DenseScores(scores).top_k(k)
        assert top.indices.tolist() == [reference.ranking(row)[:k] for row in scores.tolist()]
