"""The sparse indicator: indexed as an array, with the names of its columns."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from sk_yt8m import SparseIndicator
from sk_yt8m._inputs.targets import encode_targets

DENSE = np.array([[0, 1], [1, 0], [1, 1]])
NAMES = ["cat", "dog"]


def test_rows():
    matrix = sp.csr_array(DENSE)
    holder = SparseIndicator(matrix)
    assert (len(holder), holder.shape, holder.ndim) == (3, (3, 2), 2)
    np.testing.assert_array_equal(holder[[2, 0]].tocsr().toarray(), [[1, 1], [0, 1]])
    np.testing.assert_array_equal(holder[1].tocsr().toarray(), [[1, 0]])
    np.testing.assert_array_equal(holder[np.array([True, False, True])], [[0, 1], [1, 1]])
    np.testing.assert_array_equal(np.asarray(holder), matrix.toarray())
    assert repr(holder) == "SparseIndicator(shape=(3, 2), nnz=4)"
    assert holder.label_names is None
    assert holder.tocsr() is matrix


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csr_matrix, np.asarray])
@pytest.mark.parametrize(
    "rows",
    [
        1,
        np.int64(1),
        -1,
        slice(None),
        slice(2, None, -1),
        [2, 0],
        (2, 0),
        [],
        np.array([2, 0, 0]),
        np.array([], dtype=int),
        [True, False, True],
        np.array([True, False, True]),
        pd.Series([True, False, True], index=[7, 8, 9]),
        pl.Series([True, False, True]),
        np.zeros(3, dtype=bool),
        Ellipsis,
    ],
    ids=str,
)
def test_names_survive_every_choice_of_rows(rows, kind):
    part = SparseIndicator(kind(DENSE), NAMES)
    if isinstance(rows, tuple):
        part = part[rows, :]
        rows = list(rows)
    else:
        part = part[rows]
    expected = DENSE[np.asarray(rows)] if hasattr(rows, "dtype") else DENSE[rows]
    np.testing.assert_array_equal(part.tocsr().toarray(), np.atleast_2d(expected).reshape(-1, 2))
    assert part.label_names.tolist() == NAMES
    np.testing.assert_array_equal(part[..., :].tocsr().toarray(), part.tocsr().toarray())


@pytest.mark.parametrize("columns", [[1], 1, slice(1, None), np.array([False, True])], ids=str)
def test_columns_take_their_names_along(columns):
    part = SparseIndicator(sp.csr_array(DENSE), NAMES)[[0, 1], columns]
    np.testing.assert_array_equal(part.tocsr().toarray(), [[1], [0]])
    assert part.label_names.tolist() == ["dog"]
    swapped = SparseIndicator(sp.csr_array(DENSE), NAMES)[:, [1, 0]]
    assert swapped.to_tags() == [("dog",), ("cat",), ("dog", "cat")]
    assert swapped[:, []].shape == (3, 0)


def test_no_third_dimension():
    with pytest.raises(IndexError, match="2 dimensions, but 3 were indexed"):
        SparseIndicator(sp.csr_array(DENSE))[0, 0, 0]


def test_names_survive_a_pickle_and_a_split():
    Y = pickle.loads(pickle.dumps(SparseIndicator(sp.csr_array(DENSE), NAMES)))
    assert Y.label_names.tolist() == NAMES
    for part in train_test_split(Y, test_size=1, random_state=0):
        assert part.label_names.tolist() == NAMES


def test_repr_shows_some_names():
    assert repr(SparseIndicator(sp.csr_array(DENSE), NAMES)) == (
        "SparseIndicator(shape=(3, 2), nnz=4, label_names=['cat', 'dog'])"
    )
    many = SparseIndicator(sp.csr_array((1, 3000)), range(3000))
    assert repr(many).endswith("label_names=[0, 1, 2, 3, 4, 5, ...])")


@pytest.mark.parametrize("names", [["cat"], ["cat", "dog", "fish"], []], ids=str)
def test_a_name_for_each_label(names):
    with pytest.raises(ValueError, match=f"label_names must be 2 names, got {len(names)}"):
        SparseIndicator(sp.csr_array(DENSE), names)


@pytest.mark.parametrize(
    "names",
    [
        pd.Index(["cat", "dog"]),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2)]),
        pd.date_range("2026-01-01", periods=2),
        pd.Index([3, 1]),
        np.array(["cat", "dog"]),
        ["cat", 3],
    ],
    ids=str,
)
def test_names_are_those_of_a_frame(names):
    Y = SparseIndicator(sp.csr_array(DENSE), names)
    frame = pd.DataFrame(DENSE, columns=names)
    one, other = encode_targets(Y)[1].names, encode_targets(frame)[1].names
    assert one.tolist() == other.tolist()
    assert (one.dtype.kind in "iuM") == (other.dtype.kind in "iuM")
    assert Y.to_tags() == [(Y.label_names[1],), (Y.label_names[0],), tuple(Y.label_names)]


@pytest.mark.parametrize("sparse", [True, False])
def test_names_of_a_binarizer(sparse):
    tags = [("dog",), ("cat",), ("cat", "dog")]
    mlb = MultiLabelBinarizer(sparse_output=sparse).fit(tags)
    Y = SparseIndicator(mlb.transform(tags), mlb)
    assert Y.label_names.tolist() == NAMES
    assert Y.to_tags() == mlb.inverse_transform(Y.tocsr()) == tags


def test_tags_of_a_matrix_that_is_not_canonical():
    stored = ([0, 1, 1, 1, 0], [1, 1, 0, 1, 0], [0, 1, 3, 5])
    Y = SparseIndicator(sp.csr_array(stored, shape=(3, 2)), NAMES)
    assert Y.to_tags() == [(), ("cat", "dog"), ("dog",)]
    assert Y.tocsr().nnz == 5
    assert SparseIndicator(sp.csr_array(DENSE)).to_tags() == [(1,), (0,), (0, 1)]


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, object])
def test_arrays(dtype):
    Y = SparseIndicator(DENSE.astype(dtype), NAMES)
    np.testing.assert_array_equal(Y.tocsr().toarray(), DENSE)
    assert Y.dtype == (np.int64 if dtype is object else dtype)
    with pytest.raises(ValueError, match="row 1, column 0 holds 2"):
        SparseIndicator(np.array([[0, 1], [2, 0]]))


@pytest.mark.parametrize("matrix", [[[0, 1]], pd.DataFrame(DENSE), [["cat"]], None], ids=str)
def test_no_other_matrix(matrix):
    message = rf"got {type(matrix).__name__}. Of lists of tags, write SparseIndicator.from_tags"
    with pytest.raises(TypeError, match=message):
        SparseIndicator(matrix)


def test_no_dense_view():
    with pytest.raises(ValueError, match="no dense form"):
        np.asarray(SparseIndicator(sp.csr_array(np.eye(2))), copy=False)


def test_a_splitter_never_makes_it_dense(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    Y = (X[:, :3] > 0).astype(int)

    class OnSparse(OneVsRestClassifier):
        def fit(self, X, y):
            return super().fit(X, y.tocsr())

        def score(self, X, y):
            return super().score(X, y.tocsr())

    model = OnSparse(LogisticRegression())
    dense = cross_val_score(OneVsRestClassifier(LogisticRegression()), X, Y, cv=KFold(3))
    monkeypatch.setattr(SparseIndicator, "__array__", None)
    sparse = cross_val_score(model, X, SparseIndicator(sp.csr_array(Y)), cv=KFold(3))
    np.testing.assert_array_equal(sparse, dense)
