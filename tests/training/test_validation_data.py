"""Validation data and its weights, given to `fit` or set aside by it."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from faults import failing_write, kill
from sklearn.metrics import accuracy_score
from small_problem import N_FEATURES, N, X, Y, assert_same_training, small, trained_rows

from sk_yt8m.metrics import gap_score

RNG = np.random.default_rng(0)
USED = RNG.random(N) < 0.8
USED[0] = False
X_ODD = np.where(USED[:, np.newaxis], X, 1e6 * X).astype(np.float32)
Y_ODD = np.where(USED[:, np.newaxis], Y, 1 - Y)


SETTING_ASIDE = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 100}


class TestRowsSetAside:
    def test_they_have_an_effect_on_the_score_only(self):
        kept = trained_rows(small(**SETTING_ASIDE), Y)
        assert kept.sum() == 0.75 * N
        odd = np.where(kept[:, np.newaxis], X, 1e6 * X)
        labels = np.where(kept[:, np.newaxis], Y, 1 - Y)
        one = small(**SETTING_ASIDE).fit(odd, labels)
        other = small(n_iter_no_change=100)
        other.fit(X[kept], Y[kept], X_val=odd[~kept], y_val=labels[~kept])
        assert_same_training(one, other)

    def test_their_weights_count(self):
        weight = RNG.random(N)
        clf = small(**SETTING_ASIDE)
        held = ~trained_rows(clf, Y)
        clf.fit(X, Y, sample_weight=weight)
        expected = gap_score(Y[held], clf.predict_top_k(X[held]), sample_weight=weight[held])
        assert clf.best_validation_score_ == pytest.approx(expected, abs=1e-12)


class TestValidationWeights:
    WEIGHT = np.where(np.arange(N) % 3, RNG.random(N), 0)

    @pytest.mark.parametrize("y", [Y, sp.csr_array(Y), pd.DataFrame(Y)], ids=["dense", "CSR", "df"])
    def test_multilabel(self, y):
        clf = small().fit(X, y, X_val=X, y_val=y, sample_weight_val=self.WEIGHT)
        expected = gap_score(Y, clf.predict_top_k(X), sample_weight=self.WEIGHT)
        assert clf.best_validation_score_ == pytest.approx(expected, abs=1e-12)
        assert clf.best_validation_score_ != small().fit(X, y, None, X, y).best_validation_score_

    def test_classes(self):
        y = np.where(Y[:, 0], "yes", "no")
        clf = small().fit(X, y, None, X, y, self.WEIGHT)
        expected = accuracy_score(y, clf.predict(X), sample_weight=self.WEIGHT)
        assert clf.best_validation_score_ == pytest.approx(expected)

    def test_rows_of_weight_zero_are_left_out(self):
        one = small().fit(X, Y, None, X_ODD, Y_ODD, sample_weight_val=USED)
        assert_same_training(one, small().fit(X, Y, None, X[USED], Y[USED]))

    def test_they_need_validation_data(self):
        with pytest.raises(ValueError, match=r"sample_weight_val .* expected X_val"):
            small(early_stopping=True).fit(X, Y, sample_weight_val=np.ones(N))

    def test_they_are_part_of_a_checkpoint(self, tmp_path):
        clf = small(checkpoint_dir=tmp_path, checkpoint_every=1)
        kill(3, clf, X, Y, None, X, Y, sample_weight_val=self.WEIGHT)
        with pytest.raises(ValueError, match="sample_weight_val holds other values"):
            clf.fit(X, Y, None, X, Y, sample_weight_val=self.WEIGHT**2)
        with pytest.raises(ValueError, match="X_val"):
            clf.fit(X, Y, None, X, Y)
        whole = small().fit(X, Y, None, X, Y, sample_weight_val=self.WEIGHT)
        again = clf.fit(X, Y, None, X, Y, sample_weight_val=self.WEIGHT)
        np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))


class TestBadValidationData:
    """Found before the first step, which would write a checkpoint, and named."""

    @pytest.fixture(autouse=True)
    def _no_step(self):
        with failing_write(0, AssertionError("a step was taken")):
            yield

    @pytest.fixture
    def small(self, tmp_path):
        return partial(small, checkpoint_dir=tmp_path, checkpoint_every=1)

    @pytest.mark.parametrize("form", [np.asarray, sp.csr_array, pd.DataFrame, np.float64])
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize(
        ("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
    )
    def test_values(self, small, form, early_stopping, value, what):
        bad = X.copy()
        bad[71, 4] = value
        with pytest.raises(ValueError, match=f"Input X_val contains {what} in row 71, column 4"):
            small(early_stopping=early_stopping).fit(form(X), Y, X_val=form(bad), y_val=Y)

    def test_values_of_weight_zero(self, small):
        bad = X.copy()
        bad[0, 4] = np.nan
        with pytest.raises(ValueError, match="Input X_val contains NaN in row 0, column 4"):
            small().fit(X, Y, X_val=bad, y_val=Y, sample_weight_val=USED)

    def test_values_in_rows_that_are_set_aside(self, small):
        for row in range(0, N, 25):
            bad = X.copy()
            bad[row, 4] = np.nan
            with pytest.raises(ValueError, match=f"Input X contains NaN in row {row}, column 4"):
                small(early_stopping=True, validation_fraction=0.9).fit(bad, Y)

    def test_a_value_that_overflows(self, small):
        bad = X.astype(np.float64)
        bad[9, 1] = 1e300
        with pytest.raises(
            ValueError, match=r"X_val contains a value too large .* row 9, column 1"
        ):
            small().fit(X, Y, X_val=bad, y_val=Y)

    @pytest.mark.parametrize("form", [np.asarray, sp.csr_array, pd.DataFrame])
    def test_no_positive_label(self, small, form):
        with pytest.raises(ValueError, match="y_val has no positive label"):
            small().fit(X, Y, X_val=X, y_val=form(0 * Y))
        with pytest.raises(ValueError, match="y_val has no positive label"):
            small().fit(X, Y, None, X, form(np.where(USED[:, np.newaxis], 0, Y)), USED)

    def test_no_positive_label_in_rows_that_are_set_aside(self, small):
        rare = np.zeros_like(Y)
        with pytest.raises(ValueError, match="rows set aside for validation have no positive"):
            small(early_stopping=True).fit(X, rare)

    @pytest.mark.parametrize(
        ("X_val", "y_val", "message"),
        [
            (X[:, 1:], Y, "X_val: .*5 features"),
            (X[:0], Y[:0], "X_val: .*0 sample"),
            (X[0], Y, "X_val: .*1D array"),
            ([["a"] * N_FEATURES] * N, Y, "X_val: "),
            (X[1:], Y, "X_val and y_val: .*inconsistent numbers of samples"),
            (X, Y[:, 1:], "y_val: y has 8 labels: expected the 9"),
            (X, Y + 2, "y_val: .*row 0, column 0 holds"),
            (X, Y[:, 0], "y_val: "),
            (X, None, "X_val and y_val go together"),
            (None, Y, "X_val and y_val go together"),
        ],
        ids=["width", "empty", "1-d", "texts", "length", "labels", "2s", "kind", "X", "y"],
    )
    def test_shapes_and_labels(self, small, X_val, y_val, message):
        with pytest.raises(ValueError, match=message):
            small().fit(X, Y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["labels", "classes"])
def test_validation_rows_whose_prediction_overflows(y, dtype):
    bad = X.astype(dtype)
    bad[71] = np.where(np.arange(N_FEATURES) % 2, 3e38, -3e38)
    # More weights than are multiplied in float64, in which this is a number.
    large = {"hidden_layer_sizes": (800, 800), "max_iter": 1}
    with pytest.raises(ValueError, match="prediction of row 71 of X_val is not a finite"):
        small(**large).fit(X.astype(dtype), y, X_val=bad, y_val=y)
