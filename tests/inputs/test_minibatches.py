"""Batches cover every row once and carry exactly the positives of their rows."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from sk_yt8m._inputs.minibatches import joined_batches, pack_batches, part_of_batches


@given(
    n=st.integers(1, 60),
    n_labels=st.integers(1, 6),
    batch_size=st.integers(1, 70),
    n_parts=st.integers(1, 5),
    density=st.floats(0, 1),
    weighted=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_batches_rebuild_the_indicator(n, n_labels, batch_size, n_parts, density, weighted, seed):
    rng = np.random.default_rng(seed)
    dense = (rng.random((n, n_labels)) < density).astype(np.int8)
    weight = rng.random(n).astype(np.float32) if weighted else None
    order = rng.permutation(n)
    batches = pack_batches(order, sp.csr_array(dense), weight, batch_size)

    assert batches.rows.shape[1] <= batch_size
    parts = [part_of_batches(batches, number, n_parts) for number in range(n_parts)]
    np.testing.assert_array_equal(np.hstack([part.rows for part in parts]), batches.rows)
    sizes = [part.rows.shape[1] for part in parts]
    assert max(sizes) - min(sizes) <= 1
    rebuilt = np.zeros((n, n_labels))
    row_weight = np.zeros(n)
    for part in parts:
        for step, rows in enumerate(part.rows):
            np.add.at(row_weight, rows, part.row_weights[step])
            places, labels = part.positions[step].T
            np.add.at(rebuilt, (rows[places], labels), part.position_weights[step])
    expected = np.ones(n) if weight is None else weight
    np.testing.assert_allclose(row_weight, expected, rtol=1e-6)
    np.testing.assert_allclose(rebuilt, dense * expected[:, np.newaxis], rtol=1e-6)


def test_a_subset_in_the_given_order():
    indicator = sp.csr_array(np.eye(10, dtype=np.int8))
    batches = pack_batches(np.array([7, 1, 4]), indicator, None, 2)
    np.testing.assert_array_equal(batches.rows, [[7, 1], [4, 7]])
    np.testing.assert_array_equal(batches.row_weights, [[1, 1], [1, 0]])


@pytest.mark.parametrize(("n", "batch_size", "shape"), [(300, 128, (3, 100)), (5, 512, (1, 5))])
def test_batches_are_of_one_size(n, batch_size, shape):
    indicator = sp.csr_array(np.ones((n, 1), dtype=np.int8))
    assert pack_batches(np.arange(n), indicator, None, batch_size).rows.shape == shape


def test_joined_batches_are_those_of_the_epochs():
    rng = np.random.default_rng(0)
    dense = (rng.random((24, 300)) < 0.3).astype(np.int8)
    dense[:12] = 0
    weight = rng.random(24).astype(np.float32)
    epochs = [
        pack_batches(rows, sp.csr_array(dense), weight, 4)
        for rows in (np.arange(12), rng.permutation(24))
    ]
    joined = joined_batches(epochs)
    assert len(joined) == 3 + 6
    assert joined.positions.shape[:2] == joined.position_weights.shape
    for batches, steps in zip(epochs, (slice(0, 3), slice(3, 9)), strict=True):
        part, width = joined[steps], batches.positions.shape[1]
        np.testing.assert_array_equal(part.rows, batches.rows)
        np.testing.assert_array_equal(part.row_weights, batches.row_weights)
        np.testing.assert_array_equal(part.positions[:, :width], batches.positions)
        np.testing.assert_array_equal(part.position_weights[:, :width], batches.position_weights)
        assert not part.position_weights[:, width:].any()
