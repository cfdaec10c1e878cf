"""Every accepted form of y gives the same indicator; everything else is refused."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sk_yt8m import DeepMultiLabelClassifier, SparseIndicator
from sk_yt8m._inputs.targets import encode_targets
from sk_yt8m.metrics import gap_score, gap_scorer

INDICATORS = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9),
    elements=st.integers(0, 1),
)


def unsorted_with_zeros(dense: np.ndarray) -> sp.csr_matrix:
    """Return a CSR matrix that stores every cell, zeros included, from right to left."""
    n, n_labels = dense.shape
    indices = np.tile(np.arange(n_labels)[::-1], n)
    indptr = np.arange(n + 1) * n_labels
    return sp.csr_matrix((dense[:, ::-1].ravel().copy(), indices, indptr), shape=dense.shape)


FORMS = {
    "bool": lambda dense: dense.astype(bool),
    "int8": lambda dense: dense.astype(np.int8),
    "int64": lambda dense: dense.astype(np.int64),
    "uint16": lambda dense: dense.astype(np.uint16),
    "float32": lambda dense: dense.astype(np.float32),
    "object": lambda dense: dense.astype(object),
    "lists": lambda dense: dense.tolist(),
    "fortran": np.asfortranarray,
    "big-endian": lambda dense: dense.astype(">i4"),
    "read-only": lambda dense: np.frombuffer(dense.tobytes(), np.uint8).reshape(dense.shape),
    "csr_matrix": sp.csr_matrix,
    "csr_array": sp.csr_array,
    "csc": sp.csc_array,
    "coo": sp.coo_matrix,
    "bool csr": lambda dense: sp.csr_array(dense.astype(bool)),
    "int64 indices": lambda dense: sp.csr_array(
        (lambda m: (m.data, m.indices.astype(np.int64), m.indptr.astype(np.int64)))(
            sp.csr_array(dense)
        ),
        shape=dense.shape,
    ),
    "unsorted, stored zeros": unsorted_with_zeros,
    "SparseIndicator": lambda dense: SparseIndicator(sp.csr_matrix(dense)),
    "DataFrame": pd.DataFrame,
    "nullable DataFrame": lambda dense: pd.DataFrame(dense).astype("Int64"),
    "boolean DataFrame": lambda dense: pd.DataFrame(dense).astype("boolean"),
    "mixed DataFrame": lambda dense: pd.DataFrame(dense).astype({0: bool, 1: float}),
    "half sparse DataFrame": lambda dense: pd.DataFrame(dense).astype({0: pd.SparseDtype(int)}),
    "mixed sparse DataFrame": lambda dense: pd.DataFrame(dense).astype(
        {0: pd.SparseDtype(bool), **dict.fromkeys(range(1, dense.shape[1]), pd.SparseDtype(int))}
    ),
    "sparse DataFrame of ones": lambda dense: pd.DataFrame(dense).astype(pd.SparseDtype(int, 1)),
    "sparse DataFrame": lambda dense: pd.DataFrame.sparse.from_spmatrix(sp.csr_matrix(dense)),
}


#: pandas before 3 warns when it joins sparse columns of different dtypes.
PANDAS_2 = pytest.mark.filterwarnings("ignore:Allowing arbitrary scalar fill_value:FutureWarning")


@PANDAS_2
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@given(dense=INDICATORS)
def test_every_form_gives_the_same_indicator(form, dense):
    indicator, target = encode_targets(form(dense))
    np.testing.assert_array_equal(indicator.toarray(), dense)
    assert target.kind == "multilabel"
    assert indicator.has_canonical_format
    assert indicator.data.all()
    assert len(target.classes) == dense.shape[1]


@pytest.fixture(scope="module")
def videos():
    rng = np.random.default_rng(0)
    X, dense = rng.random((30, 4)), rng.integers(0, 2, (30, 5)).astype(np.uint8)
    clf = DeepMultiLabelClassifier(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
    return clf.fit(X, dense), X, dense


@PANDAS_2
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_score_takes_every_form_that_fit_takes(videos, form):
    clf, X, dense = videos
    expected = clf.score(X, dense)
    assert 0 < expected < 1
    assert clf.score(X, form(dense)) == expected
    assert gap_scorer(clf, X, form(dense)) == expected
    assert gap_score(form(dense), clf.predict_proba(X)) == expected
    weight = np.arange(30)
    assert clf.score(X, form(dense), weight) == clf.score(X, dense, weight)


def test_the_given_matrix_is_left_alone():
    given_matrix = unsorted_with_zeros(np.eye(4, dtype=np.uint8))
    before = [getattr(given_matrix, part).copy() for part in ("data", "indices", "indptr")]
    encode_targets(given_matrix)
    after = [getattr(given_matrix, part) for part in ("data", "indices", "indptr")]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_large_dense_is_read_in_blocks():
    """Of 32 MiB."""
    dense = np.zeros((1300, 30_000), dtype=np.uint8)
    rows = np.arange(1300)
    dense[rows, 17 * rows] = 1
    indicator, _ = encode_targets(dense)
    np.testing.assert_array_equal(indicator.indices, 17 * rows)
    np.testing.assert_array_equal(indicator.indptr, np.arange(1301))
    dense[1293, 4] = 3
    with pytest.raises(ValueError, match="row 1293, column 4 holds 3"):
        encode_targets(dense)


def test_names_come_from_the_columns():
    frame = pd.DataFrame([[0, 1], [1, 1]], columns=["Game", "Vehicle"])
    assert encode_targets(frame)[1].names.tolist() == ["Game", "Vehicle"]
    assert encode_targets(frame.to_numpy())[1].names.tolist() == [0, 1]


def test_binary_and_multiclass():
    indicator, form = encode_targets(["no", "yes", "no"])
    assert (form.kind, form.out_activation) == ("binary", "logistic")
    assert indicator.toarray().tolist() == [[0], [1], [0]]
    indicator, form = encode_targets([7, 3, 5, 3])
    assert (form.kind, form.out_activation) == ("multiclass", "softmax")
    assert form.classes.tolist() == [3, 5, 7]
    assert indicator.indices.tolist() == [2, 0, 1, 0]


def test_known_classes_need_not_all_come():
    indicator, form = encode_targets([5, 5], classes=[3, 5, 7])
    assert form.kind == "multiclass"
    assert indicator.toarray().tolist() == [[0, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([[0, 2], [1, 0]], "row 0, column 1 holds 2"),
        ([[0, 1], [-1, 0]], "row 1, column 0 holds -1"),
        ([[0.5, 1], [1, 0]], "row 0, column 0 holds 0.5"),
        ([[np.nan, 1], [1, 0]], "row 0, column 0 holds nan"),
        (np.array([["a", "b"], ["b", "a"]]), "write SparseIndicator.from_tags"),
        (np.array([["a", 1], [0, 1]], dtype=object), r"holds \['a', 1\] in row 0"),
        (np.array([[1, "1"], [0, 1]], dtype=object), "row 0, column 1 holds 1"),
        (np.array([[1, 0], [None, 1]], dtype=object), "row 1, column 0 holds None"),
        (pd.DataFrame([[1, 0], [pd.NA, 1]]).astype("Int64"), "row 1, column 0 holds <NA>"),
        (pd.DataFrame([[1.0, 0], [np.nan, 1]]).astype(pd.SparseDtype(float)), "column 0 holds nan"),
        (sp.csr_array(np.array([[1, 1j], [1, 0]])), "dtype complex128"),
        (sp.csr_array([[0, 1], [3, 0]]), "row 1, column 0 holds 3"),
        (sp.csr_array((0, 4)), r"shape \(0, 4\)"),
        (np.zeros((0, 4)), r"shape \(0, 4\)"),
        ([], "empty"),
        ([1, 1, 1], "only one class"),
        ([0.1, 0.7, 0.3], "continuous"),
    ],
)
def test_what_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        encode_targets(y)


def test_masked_arrays_are_refused():
    y = np.eye(3, dtype=int)
    for mask in (False, y):
        for form in (np.asarray, list):
            masked = np.ma.array(y, mask=mask)
            with pytest.raises(TypeError, match="y must not be a masked array"):
                encode_targets(masked if form is np.asarray else form(masked))
    with pytest.raises(TypeError, match="y must not be a masked array"):
        encode_targets(np.ma.array([0, 1, 1], mask=[0, 0, 1]))


def test_repeated_entries_add_up_as_scipy_says():
    repeated = sp.csr_array(([1, 1], [2, 2], [0, 2]), shape=(1, 3))
    with pytest.raises(ValueError, match="row 0, column 2 holds 2"):
        encode_targets(repeated)


def test_classes_that_were_never_announced():
    with pytest.raises(ValueError, match=r"y holds classes \[9\]"):
        encode_targets([3, 9], classes=[3, 5])
