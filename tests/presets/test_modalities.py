"""`ModalityNormalizer`: what it gives, and that it loses no column."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_yt8m import ModalityNormalizer

WIDTHS = {"rgb": 5, "audio": 3}


@parametrize_with_checks([ModalityNormalizer()])
def test_sklearn_checks(estimator, check):
    check(estimator)


def rows(dtype=np.float64, n_rows=2500):
    X = np.random.default_rng(0).normal(size=(n_rows, 8)).astype(dtype)
    X[3, :5] = X[7] = 0
    return X


def expected(X):
    parts = [Normalizer().transform(part) for part in (X[:, :5], X[:, 5:])]
    return np.hstack(parts)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_the_normalizer_of_each_part(dtype):
    X = rows(dtype)
    before = X.copy()
    scaled = ModalityNormalizer(WIDTHS).fit_transform(X)
    assert scaled.dtype == dtype
    np.testing.assert_array_equal(scaled, expected(X))
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(ModalityNormalizer().transform(X), Normalizer().transform(X))


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_array])
def test_sparse(kind):
    X = kind(np.where(rows() > 0.3, rows(), 0))
    before = X.toarray()
    scaled = ModalityNormalizer(WIDTHS).fit_transform(X)
    assert sp.issparse(scaled)
    assert scaled.nnz == X.nnz
    np.testing.assert_allclose(scaled.toarray(), expected(before), rtol=1e-14)
    np.testing.assert_array_equal(X.toarray(), before)


def test_entries_that_are_there_twice():
    X = sp.csr_matrix((np.array([1.0, 2, 4]), np.array([0, 0, 1]), np.array([0, 3])), shape=(1, 2))
    np.testing.assert_allclose(ModalityNormalizer().transform(X).toarray(), [[0.6, 0.8]])
    assert X.nnz == 3


@pytest.mark.parametrize(
    ("dtype", "result"), [(np.float16, np.float32), (np.int16, np.float64), (bool, np.float64)]
)
def test_other_types(dtype, result):
    X = (rows() > 0).astype(dtype)
    scaled = ModalityNormalizer(WIDTHS).transform(X)
    assert scaled.dtype == result
    np.testing.assert_allclose(scaled, expected(X.astype(result)), rtol=1e-6)


def test_frames():
    X = pd.DataFrame(rows(), columns=list("abcdefgh"))
    scaler = ModalityNormalizer(WIDTHS).set_output(transform="pandas").fit(X)
    pd.testing.assert_frame_equal(
        scaler.transform(X), pd.DataFrame(expected(X.to_numpy()), columns=X.columns)
    )
    assert scaler.get_feature_names_out().tolist() == list("abcdefgh")
    with pytest.raises(ValueError, match="feature names"):
        scaler.transform(X[list("bacdefgh")])


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    ("dtype", "size"), [(np.float32, 3e38), (np.float32, 1e-44), (float, 1e308), (float, 1e-320)]
)
def test_lengths_that_no_square_can_hold(dtype, size, sparse):
    X = np.full((2, 8), size, dtype=dtype)
    scaled = ModalityNormalizer(WIDTHS).transform(sp.csr_array(X) if sparse else X)
    lengths = np.repeat([[5**-0.5] * 5 + [3**-0.5] * 3], 2, axis=0)
    np.testing.assert_allclose(scaled.toarray() if sparse else scaled, lengths, rtol=1e-6)


@pytest.mark.parametrize("width", [7, 9])
@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, pd.DataFrame])
def test_widths_that_are_not_those_of_the_data(width, method, kind):
    X = kind(np.ones((4, width)))
    message = rf"5 \(rgb\) \+ 3 \(audio\) = 8, but X has {width} features"
    with pytest.raises(ValueError, match=message):
        getattr(ModalityNormalizer(WIDTHS), method)(X)


@pytest.mark.parametrize(
    "modalities",
    [{}, {"rgb": 0}, {"rgb": -8}, {"rgb": 8.0}, {"rgb": True}, {1: 8}, {"rgb": "8"}, 8, [8]],
)
def test_what_are_no_modalities(modalities):
    with pytest.raises(ValueError, match=r"modalities|'modalities' parameter"):
        ModalityNormalizer(modalities).fit(np.ones((4, 8)))


def test_numpy_integers_clones_and_pickles():
    scaler = ModalityNormalizer({"rgb": np.int64(5), "audio": np.uint8(3)})
    for one in (scaler, clone(scaler), pickle.loads(pickle.dumps(scaler.fit(rows())))):
        np.testing.assert_array_equal(one.transform(rows()), expected(rows()))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(value):
    X = rows()
    X[4, 2] = value
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        ModalityNormalizer(WIDTHS).transform(X)


def test_masked_and_empty():
    with pytest.raises(TypeError, match="masked"):
        ModalityNormalizer(WIDTHS).transform(np.ma.masked_array(rows(), rows() > 0))
    with pytest.raises(ValueError, match="0 sample"):
        ModalityNormalizer(WIDTHS).fit(rows()[:0])


def test_in_a_pipeline():
    pipeline = make_pipeline(ModalityNormalizer(WIDTHS), Normalizer("l1"))
    changed = pipeline.set_params(modalitynormalizer__modalities={"all": 8})
    np.testing.assert_allclose(np.abs(changed.fit_transform(rows())[0]).sum(), 1)
