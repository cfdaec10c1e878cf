"""Weights of training rows: their scale, zeros, and values that are refused."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from small_problem import N, X, Y, assert_same_training, mapped, small, weights_of

from sk_yt8m._inputs import features, shuffling

RNG = np.random.default_rng(0)
USED = RNG.random(N) < 0.8
USED[0] = False
X_ODD = np.where(USED[:, np.newaxis], X, 1e6 * X).astype(np.float32)
Y_ODD = np.where(USED[:, np.newaxis], Y, 1 - Y)


class TestAWeightOfZeroRemovesTheRow:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"batch_size": 32, "shuffle": False},
            {"early_stopping": True, "validation_fraction": 0.3},
            {"standardize": False, "output_bias_init": "zeros"},
            {"max_iter": "auto"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("weight", [1.0, 7.0, "many"])
    def test_fit(self, parameters, weight):
        given = RNG.random(N) + 0.5 if weight == "many" else np.full(N, weight)
        rows = X if "standardize" in parameters else X_ODD
        one = small(**parameters).fit(rows, Y_ODD, sample_weight=np.where(USED, given, 0))
        weights = given[USED] if weight == "many" else None
        other = small(**parameters).fit(X[USED], Y[USED], sample_weight=weights)
        assert_same_training(one, other)

    @pytest.mark.parametrize("form", [np.asfortranarray, sp.csr_matrix, pd.DataFrame, np.float64])
    def test_fit_of_other_forms(self, form):
        one = small().fit(form(X_ODD), Y_ODD, sample_weight=USED)
        other = small().fit(form(X_ODD[USED]), Y[USED])
        np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-4)

    def test_fit_of_a_memory_map_in_windows(self, tmp_path, monkeypatch):
        monkeypatch.setattr(features, "_BLOCK_BYTES", 2000)
        monkeypatch.setattr(shuffling, "_RUN_BYTES", 100)
        monkeypatch.setattr(shuffling, "_MIXED_RUNS", 4)
        one = small().fit(mapped(X_ODD, tmp_path), Y_ODD, sample_weight=USED)
        other = small().fit(mapped(X[USED], tmp_path / "fewer"), Y[USED])
        assert_same_training(one, other)

    @pytest.mark.parametrize("y", [Y[:, 0], Y[:, :3].sum(axis=1)], ids=["binary", "multiclass"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_fit_of_classes(self, y, early_stopping):
        odd = np.where(USED, y, y.max() - y)
        one = small(early_stopping=early_stopping).fit(X_ODD, odd, sample_weight=USED)
        assert_same_training(one, small(early_stopping=early_stopping).fit(X[USED], y[USED]))

    def test_partial_fit(self):
        one, other = small(), small()
        for part in (slice(0, 40), slice(40, N)):
            used = USED[part]
            one.partial_fit(X_ODD[part], Y_ODD[part], sample_weight=used)
            other.partial_fit(X[part][used], Y[part][used])
        assert_same_training(one, other)

    def test_warm_start(self):
        one, other = (small(warm_start=True).fit(X[:50], Y[:50]) for _ in range(2))
        one.fit(X_ODD, Y_ODD, sample_weight=USED)
        assert_same_training(one, other.fit(X[USED], Y[USED]))

    @pytest.mark.parametrize("call", ["fit", "partial_fit"])
    def test_its_values_are_finite_all_the_same(self, call):
        bad = X_ODD.copy()
        bad[0, 3] = np.nan
        with pytest.raises(ValueError, match="NaN in row 0, column 3"):
            getattr(small(), call)(bad, Y_ODD, sample_weight=USED)

    def test_an_error_gives_the_row_as_it_was_given(self):
        bad = X_ODD.astype(np.float64)
        row = int(np.flatnonzero(USED)[40])
        for value, message in ((np.nan, "NaN"), (1e300, "too large")):
            bad[row, 2] = value
            with pytest.raises(ValueError, match=rf"{message}.* row {row}, column 2"):
                small(early_stopping=True).fit(bad, Y_ODD, sample_weight=USED)

    def test_a_class_of_such_rows_alone_stays_a_class(self):
        y = np.arange(N) % 3
        clf = small(max_iter=10).fit(X, y, sample_weight=y != 1)
        assert clf.classes_.tolist() == [0, 1, 2]
        assert clf.predict_proba(X)[:, 1].max() < 0.1

    @pytest.mark.parametrize("share", [1e-30, 1e-300])
    def test_almost_zero_is_almost_removal(self, share):
        options = {"batch_normalization": False, "batch_size": N, "input_dropout": 0, "dropout": 0}
        odd = np.where(USED[:, np.newaxis], X, 1e3 * X)
        one = small(**options).fit(odd, Y_ODD, sample_weight=np.where(USED, 1, share))
        other = small(**options).fit(X[USED], Y[USED])
        np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-2)

    def test_a_weight_is_a_number_of_copies_to_statistics_and_biases(self):
        times = RNG.integers(1, 4, N)
        options = {"max_iter": 1, "learning_rate_init": 1e-12, "dropout": 0, "input_dropout": 0}
        weighted = small(**options).fit(X, Y, sample_weight=times)
        copies = small(**options).fit(np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0))
        for name in ("standardization/mean", "standardization/scale"):
            one, other = (weights_of(clf)[name] for clf in (weighted, copies))
            np.testing.assert_allclose(one, other, rtol=1e-9)


class TestBadWeights:
    @pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            (np.zeros(N), "non-zero"),
            (np.full(N, np.nan), "NaN"),
            (np.where(np.arange(N) == 3, np.inf, 1), "infinity"),
            (np.nan, "NaN"),
            (np.inf, "infinity"),
            (np.where(np.arange(N) == 3, -1, 1), "Negative"),
            (np.ones(N - 1), "shape"),
            (np.ones((N, 1)), "1D"),
        ],
        ids=["zeros", "NaN", "inf", "one NaN", "one inf", "negative", "short", "column"],
    )
    def test_they_are_refused_by_name(self, name, weight, message):
        with pytest.raises(ValueError, match=f"(?s)(?=.*{message}).*") as error:
            small().fit(X, Y, X_val=X, y_val=Y, **{name: weight})
        assert name == "sample_weight" or name in str(error.value)
        if name == "sample_weight":
            with pytest.raises(ValueError, match=message):
                small().partial_fit(X, Y, sample_weight=weight)

    def test_a_later_part_of_zeros(self):
        clf = small().partial_fit(X, Y)
        before = clf.predict_proba(X)
        with pytest.raises(ValueError, match="non-zero"):
            clf.partial_fit(X, Y, sample_weight=np.zeros(N))
        np.testing.assert_array_equal(clf.predict_proba(X), before)
        assert clf.n_iter_ == 1

    @pytest.mark.parametrize("scale", [1e-320, 1e-30, 1e30, 1e308])
    def test_their_scale_does_not_matter(self, scale):
        weight = np.repeat([0.5, 1.0], N // 2)
        assert_same_training(
            small().fit(X, Y, sample_weight=weight * scale), small().fit(X, Y, sample_weight=weight)
        )

    @pytest.mark.parametrize("every", [None, 1])
    def test_batches_and_parts_of_weights_next_to_nothing(self, every, tmp_path):
        weight = np.where(np.arange(N) < N // 2, 1.0, 2e-38)
        clf = small(batch_size=10, shuffle=False, checkpoint_dir=tmp_path, checkpoint_every=every)
        assert np.isfinite(clf.fit(X, Y, sample_weight=weight).loss_curve_).all()
