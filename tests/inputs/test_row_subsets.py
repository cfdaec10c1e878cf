"""Some rows of X, taken when they are needed."""

import numpy as np
import pytest
import scipy.sparse as sp
from small_problem import X

from sk_yt8m._inputs import features


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_rows_set_aside_are_not_copied(form):
    rows = np.array([3, 7, 20, 99])
    subset = features.RowSubset(form(X), rows)
    assert subset.shape == (4, 6)
    blocks = list(features.finite_blocks(subset, 3))
    assert [start for start, _ in blocks] == [0, 3]
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), X[rows])
    np.testing.assert_array_equal(features.take_rows(subset, np.array([2, 0])), X[[20, 3]])
    assert features.take_value(subset, 1, 2) == X[7, 2]
    assert features.row_number(subset, 1) == 7
