"""What must hold for every metric alike."""

import numpy as np
import pandas as pd
import pytest
from metric_cases import CASES, make_data, top_k_of
from scipy.sparse import csc_array, csc_matrix, csr_array, csr_matrix

from sk_yt8m import SparseIndicator, TopK

pytestmark = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


class OnlyTocsr:
    """The least that a sparse y_true must offer."""

    def __init__(self, matrix):
        self._matrix = matrix

    def tocsr(self):
        return csr_array(self._matrix)


FORMATS = ("coo", "bsr", "dia", "lil", "dok")
FORMS = {
    **{dtype: lambda y, dtype=dtype: y.astype(dtype) for dtype in ("bool", "int8", "uint16")},
    **{dtype: lambda y, dtype=dtype: y.astype(dtype) for dtype in ("int64", "float32", "float64")},
    "list": lambda y: y.tolist(),
    "fortran": np.asfortranarray,
    "csr_array": csr_array,
    "csr_matrix": csr_matrix,
    "csc_array": csc_array,
    "csc_matrix": csc_matrix,
    "bool csr": lambda y: csr_array(y.astype(bool)),
    "float csr": lambda y: csr_array(y.astype(float)),
    "DataFrame": lambda y: pd.DataFrame(y),
    "bool DataFrame": lambda y: pd.DataFrame(y.astype(bool)),
    "mixed DataFrame": lambda y: pd.DataFrame(y).astype({0: bool, 1: float, 2: "int64"}),
    "nullable DataFrame": lambda y: pd.DataFrame(y).astype("Int8"),
    "boolean DataFrame": lambda y: pd.DataFrame(y).astype("boolean"),
    "mixed nullable DataFrame": lambda y: pd.DataFrame(y).astype({0: "boolean", 1: "Float64"}),
    "object DataFrame": lambda y: pd.DataFrame(y).astype(object),
    "sparse DataFrame": lambda y: pd.DataFrame.sparse.from_spmatrix(csr_array(y)),
    "half sparse DataFrame": lambda y: pd.DataFrame(y).astype({0: pd.SparseDtype(int, 0)}),
    "filled sparse DataFrame": lambda y: pd.DataFrame(y).astype(pd.SparseDtype(int, 1)),
    "objects": lambda y: y.astype(object),
    "mixed objects": lambda y: np.where(y, np.array([True, 1, 1.0] * 10, dtype=object), 0),
    "big-endian": lambda y: y.astype(">i4"),
    "longdouble": lambda y: y.astype(np.longdouble),
    "strided": lambda y: np.repeat(y, 2, axis=1)[:, ::2],
    "list of arrays": list,
    **{form: lambda y, form=form: csr_array(y).asformat(form) for form in FORMATS},
    "SparseIndicator": lambda y: SparseIndicator(csr_array(y)),
    "only tocsr": OnlyTocsr,
}


@pytest.mark.parametrize("form", FORMS)
def test_form_of_y_true_and_of_rated(case, form):
    y_true, scores = make_data(ties=True)
    assert case.score(FORMS[form](y_true), scores) == case.score(y_true, scores)
    rated = (np.random.default_rng(1).random(y_true.shape) < 0.5).astype(np.uint8)
    assert case.score(y_true, scores, rated=FORMS[form](rated)) == case.score(
        y_true, scores, rated=rated
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64])
def test_dtype_of_scores(case, dtype):
    y_true, scores = make_data(ties=True)
    scores = (scores * 4).astype(dtype)
    expected = case.score(y_true, scores.astype(np.float64))
    assert case.score(y_true, scores) == expected
    assert case.score(y_true, pd.DataFrame(scores)) == expected
    assert case.score(y_true, np.asfortranarray(scores)) == expected
    assert case.score(y_true, scores.tolist()) == expected


def test_float64_scores_are_not_rounded(case):
    y_true = np.array([[0, 1, 0]])
    scores = np.array([[0.5, 0.5 + 1e-12, 0.0]])
    assert case.score(y_true, scores) == case.score(y_true, [[1.0, 2.0, 0.0]])


def test_order_of_rows(case):
    y_true, scores = make_data(ties=True)
    rows = np.random.default_rng(1).permutation(len(y_true))
    assert case.score(y_true[rows], scores[rows]) == case.score(y_true, scores)


def test_order_of_labels(case):
    y_true, scores = make_data()
    columns = np.random.default_rng(1).permutation(y_true.shape[1])
    shuffled = case.score(y_true[:, columns], scores[:, columns])
    assert shuffled == pytest.approx(case.score(y_true, scores), abs=1e-15)


def test_weight_2_is_the_same_row_twice(case):
    y_true, scores = make_data(ties=True)
    weight = np.arange(len(y_true)) % 3
    twice = np.repeat(np.arange(len(y_true)), weight)
    weighted = case.score(y_true, scores, sample_weight=weight)
    assert weighted == pytest.approx(case.score(y_true[twice], scores[twice]), abs=1e-12)


def test_equal_weights_change_nothing(case):
    y_true, scores = make_data(ties=True)
    # Propensities come from the number of samples, so that weights other than 1 change them.
    weight = 1 if case in (CASES[name] for name in CASES if name.startswith("ps")) else 0.7
    weighted = case.score(y_true, scores, sample_weight=np.full(len(y_true), weight))
    assert weighted == case.score(y_true, scores)


def test_increasing_functions_of_the_scores_change_nothing(case):
    y_true, scores = make_data()
    assert case.score(y_true, np.exp(3 * scores)) == case.score(y_true, scores)


def test_perfect_scores(case):
    y_true = np.eye(12, 30, dtype=int)
    lower = {"map with absent labels": 12 / 30, "precision@4": 1 / 4}
    expected = next((lower[name] for name in lower if case is CASES[name]), 1.0)
    assert case.score(y_true, y_true + 0.5) == pytest.approx(expected)


def test_top_k_longer_than_needed_and_as_plain_lists(case):
    y_true, scores = make_data()
    indices, best = top_k_of(scores, y_true.shape[1])
    expected = case.score(y_true, scores)
    assert case.score(y_true, TopK(indices.astype(np.int32), best)) == expected
    assert case.score(y_true, (indices.tolist(), best.tolist())) == expected


def test_inputs_are_left_alone(case):
    y_true, scores = make_data()
    sparse = csr_array(
        (np.array([1, 0, 1]), np.array([2, 1, 0]), np.array([0, 2, 3])), shape=(2, 30)
    )
    before = sparse.copy()
    case.score(sparse, scores[:2])
    assert sparse.data.tolist() == before.data.tolist()
    assert sparse.indices.tolist() == before.indices.tolist()
    y_true.setflags(write=False)
    scores.setflags(write=False)
    case.score(y_true, scores)


def test_blocks_of_any_size(case, request):
    y_true, scores = make_data(ties=True)
    top = top_k_of(scores, y_true.shape[1])
    expected = case.score(y_true, scores)
    request.getfixturevalue("small_blocks")
    assert case.score(y_true, scores) == expected
    assert case.score(csr_array(y_true), top) == expected
    assert case.score(pd.DataFrame(y_true), pd.DataFrame(scores)) == expected
