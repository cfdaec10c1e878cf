"""A call that fails leaves the classifier as it was, and what it used is not used again."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from faults import FailingRows
from small_problem import N, X, small
from small_problem import Y as Y_9

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier

RNG = np.random.default_rng(0)
Y = Y_9[:, :4]
#: Data of another width, so that every attribute would change.
WIDE = pd.DataFrame(RNG.normal(size=(N, 9)), columns=[f"x{i}" for i in range(9)])
LABELS = pd.DataFrame((WIDE.to_numpy()[:, :5] > 0).astype(int), columns=list("abcde"))
NAN = WIDE.copy()
NAN.iloc[77, 3] = np.nan
ONES = np.ones(N)

#: So many features that an epoch reads its rows in three blocks, two of them after some steps.
ROWS = sp.random_array((N, 50_000), density=1e-4, format="csr", dtype=np.float32, rng=RNG)

BAD = {
    "NaN in X": (NAN, LABELS, {}),
    "too few labels": (WIDE, LABELS[:50], {}),
    "no indicator": (WIDE, LABELS * 2, {}),
    "no y": (WIDE, None, {}),
    "negative weight": (WIDE, LABELS, {"sample_weight": -ONES}),
    "NaN weight": (WIDE, LABELS, {"sample_weight": np.full(N, np.nan)}),
    "no weight": (WIDE, LABELS, {"sample_weight": 0 * ONES}),
    "too few weights": (WIDE, LABELS, {"sample_weight": ONES[:9]}),
}
BAD_VALIDATION = {
    "other features": {"X_val": X, "y_val": LABELS},
    "other labels": {"X_val": WIDE, "y_val": Y},
    "NaN in X_val": {"X_val": NAN, "y_val": LABELS},
    "no y_val": {"X_val": WIDE},
    "weights alone": {"sample_weight_val": ONES},
}


def snapshot(clf) -> bytes:
    """Return all that makes the classifier, weights and the state of its training included."""
    return pickle.dumps(copy.deepcopy(clf).__getstate__())


def fails(call, *args, error=(ValueError, TypeError), **kwargs):
    with pytest.raises(error):
        call(*args, **kwargs)


ESTIMATORS = {
    "network": small,
    "average": lambda: AveragingClassifier([("a", small()), ("b", small(random_state=1))]),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=3),
}


@pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
class TestBadInput:
    def test_a_refit(self, make):
        clf = make().fit(X, Y)
        expected, before = clf.predict_proba(X), snapshot(clf)
        for x, y, options in BAD.values():
            fails(clf.fit, x, y, **options)
            assert snapshot(clf) == before
        for options in BAD_VALIDATION.values():
            fails(clf.fit, WIDE, LABELS, **options)
            assert snapshot(clf) == before
        np.testing.assert_array_equal(clf.predict_proba(X), expected)
        assert clf.n_features_in_ == 6

    @pytest.mark.parametrize("bad", BAD)
    def test_a_first_fit(self, make, bad):
        x, y, options = BAD[bad]
        clf = make()
        before = set(vars(clf))
        fails(clf.fit, x, y, **options)
        assert set(vars(clf)) == before


class TestPartialFit:
    @pytest.mark.parametrize("bad", BAD)
    def test_bad_input(self, bad):
        x, y, options = BAD[bad]
        clf = small()
        fails(clf.partial_fit, x, y, **options)
        assert not hasattr(clf, "n_features_in_")
        clf.partial_fit(X, Y).partial_fit(X, Y)
        before = snapshot(clf)
        fails(clf.partial_fit, x, y, **options)
        assert snapshot(clf) == before

    @pytest.mark.parametrize("looked", [False, True], ids=["at once", "after a prediction"])
    @pytest.mark.parametrize("fitted", ["partial_fit", "fit"])
    def test_divergence_keeps_the_last_good_weights(self, looked, fitted):
        clf, other = small(), small()
        for one in (clf, other):
            getattr(one, fitted)(X, Y)
            one.partial_fit(X, Y)
        if looked:
            clf.predict_proba(X)
        before = snapshot(clf)
        clf.set_params(learning_rate_init=1e30)
        fails(clf.partial_fit, X, Y, error=FloatingPointError)
        clf.set_params(learning_rate_init=other.learning_rate_init)
        assert snapshot(clf) == before
        # The moments of the optimiser are the good ones, too.
        clf.partial_fit(X, Y)
        other.partial_fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), other.predict_proba(X))

    def test_features_that_make_it_diverge(self):
        clf = small(standardize=False, ema_decay=None).partial_fit(X, Y)
        before = snapshot(clf)
        fails(clf.partial_fit, X * np.float32(1e30), Y, error=FloatingPointError)
        assert snapshot(clf) == before

    @pytest.mark.parametrize("times", [0, 2], ids=["the first call", "a later call"])
    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({}, KeyboardInterrupt),
            ({}, MemoryError),
            ({"dropout": 0.1}, KeyboardInterrupt),
            ({"ema_decay": None}, KeyboardInterrupt),
        ],
        ids=str,
    )
    def test_an_error_while_rows_are_read(self, change, error, times):
        """Before the first step, and between steps; also with parameters that were just set."""
        clf, other = small(batch_size=10), small(batch_size=10)
        for one in (clf, other):
            for _ in range(times):
                one.partial_fit(ROWS, Y)
            one.set_params(**change)
        before = snapshot(clf)
        rows = FailingRows(ROWS).fail_at(None)
        other.partial_fit(rows, Y)
        # The last read first: only then the training of the call before is still under way.
        for read in (rows.n_reads, rows.n_reads - 2, 1):
            bad = FailingRows(ROWS).fail_at(read, error())
            fails(clf.partial_fit, bad, Y, error=error)
            assert snapshot(clf) == before
        clf.partial_fit(ROWS, Y)
        np.testing.assert_array_equal(clf.predict_proba(ROWS), other.predict_proba(ROWS))


class TestFit:
    @pytest.mark.parametrize("warm_start", [False, True])
    def test_divergence(self, warm_start):
        clf = small(warm_start=warm_start).fit(X, Y)
        before = snapshot(clf)
        clf.set_params(learning_rate_init=1e30)
        fails(clf.fit, X, Y, error=FloatingPointError)
        clf.set_params(learning_rate_init=small().learning_rate_init)
        assert snapshot(clf) == before

    def test_a_fit_after_partial_fit(self):
        clf, other = small().partial_fit(X, Y), small().partial_fit(X, Y)
        fails(clf.fit, NAN, LABELS)
        clf.partial_fit(X, Y)
        other.partial_fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), other.predict_proba(X))

    def test_an_error_after_some_steps(self):
        clf = small().fit(X, Y)
        before = snapshot(clf)
        rows = FailingRows(ROWS).fail_at(None)
        small(batch_size=10).fit(rows, Y)
        bad = FailingRows(ROWS).fail_at(rows.n_reads, MemoryError())
        fails(clf.set_params(batch_size=10).fit, bad, LABELS, error=MemoryError)
        clf.set_params(batch_size="auto")
        assert snapshot(clf) == before

    def test_checkpoints_are_not_begun_with_bad_input(self, tmp_path):
        fails(small(checkpoint_dir=tmp_path / "run").fit, WIDE, LABELS[:9])
        assert not (tmp_path / "run").exists()
