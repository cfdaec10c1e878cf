"""Features that float32 cannot hold: right, or an error that says where."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from small_problem import mapped

from sk_yt8m import DeepMultiLabelClassifier, load
from sk_yt8m._inputs import features, standardization

N, N_FEATURES, N_LABELS = 300, 8, 12
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, N_FEATURES))
Y = (X @ RNG.normal(size=(N_FEATURES, N_LABELS)) > 2).astype(np.uint8)


def small(**parameters) -> DeepMultiLabelClassifier:
    defaults = {
        "hidden_layer_sizes": (16,),
        "max_iter": 15,
        "learning_rate_init": 0.02,
        "dropout": 0.0,
        "input_dropout": 0.0,
        "precision": "float32",
        "random_state": 0,
    }
    return DeepMultiLabelClassifier(**(defaults | parameters))


@pytest.fixture(scope="module")
def score():
    """What the features give that float32 holds."""
    value = small().fit(X, Y).score(X, Y)
    assert value > 0.9
    return value


SCALES = np.logspace(-60, 60, N_FEATURES)
MOVED = {
    "offset": lambda X: X + 1e8,
    "offset, negative": lambda X: X - 1e12,
    "seconds since 1970": lambda X: np.round(1.7e9 + 100 * X),
    "int64 seconds": lambda X: np.round(1.7e9 + 100 * X).astype(np.int64),
    "int64 nanoseconds": lambda X: (1.7e18 + 1e12 * X).astype(np.int64),
    "int32": lambda X: np.round(1.7e9 + 100 * X).astype(np.int32),
    "tiny": lambda X: X * 1e-50,
    "huge": lambda X: X * 1e50,
    "denormal": lambda X: X * 1e-42,
    "columns of all sizes": lambda X: X * SCALES,
    "a huge column": lambda X: X * np.where(np.arange(N_FEATURES) == 3, 1e60, 1.0),
}
FORMS = {
    "array": lambda X, folder: X,
    "Fortran": lambda X, folder: np.asfortranarray(X),
    "big-endian": lambda X, folder: X.astype(X.dtype.newbyteorder(">")),
    "list": lambda X, folder: X.tolist(),
    "objects": lambda X, folder: X.astype(object),
    "DataFrame": lambda X, folder: pd.DataFrame(X),
    "CSR": lambda X, folder: sp.csr_array(X),
    "CSC": lambda X, folder: sp.csc_matrix(X),
    "memory map": lambda X, folder: mapped(X, folder),
}


@pytest.mark.parametrize("move", MOVED.values(), ids=MOVED)
def test_the_scale_and_the_offset_of_features_do_not_matter(move, score):
    moved = move(X)
    clf = small().fit(moved, Y)
    assert clf.score(moved, Y) == pytest.approx(score, abs=0.02)
    alone = [clf.predict_proba(moved[i : i + 1]) for i in (0, 70)]
    np.testing.assert_allclose(np.vstack(alone), clf.predict_proba(moved)[[0, 70]], rtol=1e-5)


@pytest.mark.parametrize("move", [MOVED["offset"], MOVED["int64 seconds"], MOVED["tiny"]])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_them(form, move, tmp_path):
    moved = move(X)
    before = moved.copy()
    formed = form(moved, tmp_path)
    clf, expected = small(max_iter=3).fit(formed, Y), small(max_iter=3).fit(moved, Y)
    np.testing.assert_allclose(
        clf.predict_proba(formed), expected.predict_proba(moved), rtol=1e-3, atol=1e-5
    )
    np.testing.assert_array_equal(moved, before)


@pytest.mark.parametrize("block_bytes", [64, 1000, 8 * 2**20])
def test_several_blocks_of_them(monkeypatch, block_bytes):
    whole = small(max_iter=2).fit(X + 1e8, Y).predict_proba(X + 1e8)
    monkeypatch.setattr(features, "_BLOCK_BYTES", block_bytes)
    blocks = small(max_iter=2).fit(X + 1e8, Y).predict_proba(X + 1e8)
    np.testing.assert_allclose(blocks, whole, rtol=1e-3, atol=1e-6)


def test_small_integers_are_what_they_are_as_float32(tmp_path):
    whole = np.round(X * 30)
    expected = small(max_iter=2).fit(whole.astype(np.float32), Y)
    for dtype in (np.int8, np.int16, np.float16):
        clf = small(max_iter=2).fit(mapped(whole.astype(dtype), tmp_path), Y)
        np.testing.assert_array_equal(clf.predict_proba(whole), expected.predict_proba(whole))
    flags = whole > 0
    one, other = (small(max_iter=2).fit(flags.astype(t), Y) for t in (bool, np.float32))
    np.testing.assert_array_equal(one.predict_proba(flags), other.predict_proba(flags))


def test_a_memory_map_of_integers_is_not_copied(tmp_path):
    rows = np.random.default_rng(0).integers(0, 100, (50_000, 200))
    labels = (rows[:, :3] > 90).astype(np.uint8)
    rows = mapped(rows, tmp_path)
    clf = small(hidden_layer_sizes=(4,), max_iter=1).fit(rows[:100], labels[:100])
    tracemalloc.start()
    try:
        clf.fit(rows, labels)
        assert tracemalloc.get_traced_memory()[1] < rows.nbytes / 1.5
    finally:
        tracemalloc.stop()


class TestOneFeature:
    """A column beside ordinary ones."""

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("value", [1e-39, 1e-45, 1e-30, 1.0, 1e30, 3e38])
    @pytest.mark.parametrize("rows", [slice(0, 1), slice(5, 6), slice(None, None, 2), slice(None)])
    def test_of_one_value(self, dtype, value, rows, score):
        odd = np.hstack([X, np.zeros((N, 1))]).astype(dtype)
        odd[rows, -1] = value
        clf = small().fit(odd, Y)
        assert np.isfinite(clf.loss_curve_).all()
        assert clf.score(odd, Y) == pytest.approx(score, abs=0.03)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("value", [-7.1, 0.1, 1.7e9 + 1, 1e30])
    def test_a_constant_is_left_out(self, dtype, value):
        plain = X.astype(dtype)
        constant = np.full((N, 1), value, dtype)
        mean, deviation = standardization.feature_statistics(np.hstack([plain, constant]))
        assert mean[-1] == constant[0, 0]
        assert deviation[-1] == 0
        clf = small(max_iter=2).fit(np.hstack([plain, constant]), Y)
        without = small(max_iter=2).fit(np.hstack([plain, np.zeros_like(constant)]), Y)
        np.testing.assert_allclose(
            clf.predict_proba(np.hstack([plain, constant])),
            without.predict_proba(np.hstack([plain, np.zeros_like(constant)])),
            rtol=1e-5,
        )

    def test_of_opposite_extremes(self, score):
        odd = np.hstack([X, np.full((N, 1), 3e38)]).astype(np.float32)
        odd[::2, -1] *= -1
        clf = small().fit(odd, Y)
        assert clf.score(odd, Y) == pytest.approx(score, abs=0.03)


class TestDtypes:
    """The same values in another dtype are the same features."""

    @pytest.mark.parametrize("offset", [0, 100, 1e4, 1e6, 1e8])
    @pytest.mark.parametrize("trained", [np.float32, np.float64])
    def test_prediction(self, offset, trained):
        values = (100 * X + offset).astype(np.float32)
        clf = small(max_iter=3).fit(values.astype(trained), Y)
        np.testing.assert_allclose(
            clf.predict_proba(values),
            clf.predict_proba(values.astype(np.float64)),
            rtol=1e-3,
            atol=1e-5,
        )

    def test_training_goes_on_in_another_dtype(self):
        values = (100 * X + 1e6).astype(np.float32)
        one, other = small(), small()
        for dtype in (np.float32, np.float64, np.float32):
            one.partial_fit(values.astype(dtype), Y)
            other.partial_fit(values, Y)
        np.testing.assert_allclose(
            one.predict_proba(values), other.predict_proba(values), rtol=1e-2, atol=1e-4
        )

    @pytest.mark.parametrize("move", [MOVED["offset"], MOVED["huge"]])
    def test_warm_start_and_partial_fit(self, move, score):
        moved = move(X)
        clf = small(warm_start=True, max_iter=5).fit(moved, Y).fit(moved, Y).fit(moved, Y)
        assert clf.score(moved, Y) == pytest.approx(score, abs=0.05)
        before = clf.loss_
        clf.partial_fit(moved, Y)
        assert clf.loss_ == pytest.approx(before, rel=0.5)


class TestFiles:
    @pytest.mark.parametrize("move", [MOVED["offset"], MOVED["tiny"], MOVED["huge"]])
    def test_a_model_file_and_a_pickle(self, move, tmp_path):
        moved = move(X)
        clf = small(max_iter=3).fit(moved, Y)
        clf.save(tmp_path / "model.safetensors")
        for again in (load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(clf))):
            np.testing.assert_array_equal(again.predict_proba(moved), clf.predict_proba(moved))

    def test_the_training_state(self, tmp_path):
        moved = X + 1e8
        one, other = small().partial_fit(moved, Y), small().partial_fit(moved, Y)
        one.save(tmp_path / "model.safetensors", include_training_state=True)
        one = load(tmp_path / "model.safetensors").partial_fit(moved, Y)
        other.partial_fit(moved, Y)
        np.testing.assert_array_equal(one.predict_proba(moved), other.predict_proba(moved))

    @pytest.mark.parametrize("move", [MOVED["offset"], MOVED["tiny"], MOVED["huge"]])
    def test_an_export_is_refused(self, move, tmp_path):
        clf = small(max_iter=1).fit(move(X), Y)
        with pytest.raises(ValueError, match=r"takes float32, which cannot hold .* column 0"):
            clf.export(tmp_path / "model")
        assert not list(tmp_path.iterdir())

    def test_an_export_of_what_float32_holds(self, tmp_path):
        import tensorflow as tf

        values = (X * 20 + 1000).astype(np.float32).astype(np.float64)
        clf = small(max_iter=2).fit(values, Y)
        clf.export(tmp_path / "model")
        model = tf.saved_model.load(str(tmp_path / "model"))
        exported = model.serve(values.astype(np.float32))
        np.testing.assert_allclose(exported, clf.predict_proba(values), rtol=1e-3, atol=1e-5)


@pytest.fixture(scope="module")
def fitted():
    return small(max_iter=2).fit(X, Y)


class TestRefused:
    @pytest.mark.parametrize("scale", [1e155, 1e200, 1e300])
    def test_beyond_the_squares_of_float64(self, scale):
        with pytest.raises(ValueError, match=r"too large for float32 .* row \d+, column \d"):
            small().fit(X * scale, Y)

    @pytest.mark.parametrize("scale", [1e-160, 1e-200, 1e-300])
    def test_below_the_squares_of_float64(self, scale):
        moved = np.hstack([X, X[:, :1] * scale])
        with pytest.raises(ValueError, match=r"too small for .* row 0, column 8"):
            small().fit(moved, Y)

    def test_symmetric_values_below_the_squares_of_float64(self):
        moved = X.copy()
        moved[:, 2] = 0
        moved[[5, 9], 2] = 1e-200, -1e-200
        with pytest.raises(ValueError, match=r"too small .*1e-200 in row 5, column 2"):
            small().fit(moved, Y)

    @pytest.mark.parametrize("form", [np.asarray, sp.csr_array, pd.DataFrame])
    @pytest.mark.parametrize(
        ("value", "message"),
        [(1e39, "too large for float32 .* row 7, column 5"), (np.nan, "NaN in row 7, column 5")],
    )
    def test_without_standardisation(self, form, value, message):
        moved = X.copy()
        moved[7, 5] = value
        with pytest.raises(ValueError, match=message):
            small(standardize=False).fit(form(moved), Y)
        clf = small(standardize=False, max_iter=1).fit(X, Y)
        for call in (clf.predict_proba, clf.predict, clf.predict_top_k):
            with pytest.raises(ValueError, match=message):
                call(form(moved))
        with pytest.raises(ValueError, match=message):
            clf.partial_fit(form(moved), Y)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_a_feature_that_vanishes_without_standardisation(self, dtype):
        moved = X.astype(dtype)
        moved[:, 4] = 0
        moved[17, 4] = 1e-39
        with pytest.raises(ValueError, match=r"too small for float32.* in row 17, column 4"):
            small(standardize=False).fit(moved, Y)

    def test_small_values_among_others_are_zero_without_standardisation(self):
        moved, zero = X.copy(), X.copy()
        moved[::2, 4], zero[::2, 4] = 1e-50, 0
        one, other = (small(standardize=False, max_iter=2).fit(x, Y) for x in (moved, zero))
        np.testing.assert_array_equal(one.predict_proba(moved), other.predict_proba(zero))

    @pytest.mark.parametrize("call", ["predict_proba", "predict", "predict_top_k", "score"])
    @pytest.mark.parametrize("n_rows", [1, 30, 600])
    def test_a_prediction_that_overflows(self, fitted, call, n_rows):
        rows = np.resize(X, (n_rows, N_FEATURES)).astype(np.float32)
        row = n_rows - 1
        rows[row] = np.where(np.arange(N_FEATURES) % 2, 3e38, -3e38)
        targets = (np.resize(Y, (n_rows, N_LABELS)),) if call == "score" else ()
        with pytest.raises(ValueError, match=rf"prediction of row {row} of X is not a finite"):
            getattr(fitted, call)(rows, *targets)

    def test_a_prediction_that_overflows_float32_only(self, fitted):
        rows = X.copy()
        rows[3, 2] = 1e39
        with pytest.raises(ValueError, match=r"too large for float32 .* row 3, column 2"):
            fitted.predict(rows)

    @pytest.mark.parametrize("batch_normalization", [False, True])
    @pytest.mark.parametrize("scale", [1e30, 1e37])
    def test_a_training_that_overflows(self, scale, batch_normalization):
        clf = small(standardize=False, batch_normalization=batch_normalization, max_iter=3)
        with (
            warnings.catch_warnings(action="error"),
            pytest.raises(FloatingPointError, match="standardize the features"),
        ):
            clf.fit((X * scale).astype(np.float32), Y)


class TestMoments:
    """Against numpy in long double, by blocks, weights and subsets."""

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("move", MOVED.values(), ids=MOVED)
    def test_they_are_those_of_the_rows(self, monkeypatch, move, weighted):
        monkeypatch.setattr(features, "_BLOCK_BYTES", 4 * 7 * 4 * N_FEATURES)
        moved = move(X)
        weight = RNG.integers(1, 4, N).astype(float) if weighted else None
        mean, deviation = standardization.feature_statistics(moved, weight)
        rows = np.repeat(moved, 1 if weight is None else weight.astype(int), axis=0)
        rows = rows.astype(np.longdouble)
        np.testing.assert_allclose(mean, rows.mean(axis=0).astype(float), rtol=1e-9, atol=0)
        np.testing.assert_allclose(deviation, rows.std(axis=0).astype(float), rtol=1e-9)
        subset = features.RowSubset(moved, np.arange(0, N, 3))
        np.testing.assert_array_equal(
            standardization.feature_statistics(subset),
            standardization.feature_statistics(moved[::3]),
        )
