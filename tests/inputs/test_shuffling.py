"""The random order of an epoch: any order in memory, windows of runs for a large file."""

import numpy as np
import pytest
from small_problem import mapped

from sk_yt8m._inputs import shuffling

N, N_FEATURES, RUN, N_MIXED = 1000, 3, 10, 8


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """A view of a memory map of more rows than are mixed at a time."""
    monkeypatch.setattr(shuffling, "_RUN_BYTES", RUN * N_FEATURES * 2)
    monkeypatch.setattr(shuffling, "_MIXED_RUNS", N_MIXED)
    return np.asarray(mapped(np.zeros((N, N_FEATURES), np.float16), tmp_path))[:, :]


def test_rows_of_a_file_are_shuffled_in_windows_of_runs(rows):
    assert shuffling.mixed_rows(rows) == RUN * N_MIXED
    assert shuffling.mixed_rows(np.array(rows)) == N

    numbers = np.arange(N)
    order = shuffling.shuffled_rows(rows, numbers, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(order), numbers)
    for start in range(0, N, RUN * N_MIXED):
        window = order[start : start + RUN * N_MIXED]
        runs, counts = np.unique(window // RUN, return_counts=True)
        assert (counts == RUN).all()
        assert (np.diff(runs) > 1).any()
        assert (np.diff(window) != 1).mean() > 0.8
    again = shuffling.shuffled_rows(rows, numbers, np.random.default_rng(0))
    np.testing.assert_array_equal(order, again)


def test_a_window_or_less_has_the_order_of_memory(rows):
    few = np.arange(RUN * N_MIXED)
    expected = np.random.default_rng(0).permutation(few)
    for X in (rows, np.array(rows)):
        found = shuffling.shuffled_rows(X, few, np.random.default_rng(0))
        np.testing.assert_array_equal(found, expected)
