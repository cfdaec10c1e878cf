"""Validation data that a Pipeline does not transform, or that a search cuts into folds."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler
from small_problem import X, Y, assert_same_training, small

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, SparseIndicator
from sk_yt8m._training.validation import warn_if_not_transformed

RNG = np.random.default_rng(0)
AS_MANY, UNTRANSFORMED = "X_val has as many rows as X", "not transformed as X was: the values of"


def messages(call):
    """Return what a call warns of, of the two traps."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [w for w in caught if AS_MANY in str(w.message) or UNTRANSFORMED in str(w.message)]


class TestNotTransformed:
    @pytest.mark.parametrize("step", [StandardScaler(), Normalizer(), FunctionTransformer(np.exp)])
    def test_a_pipeline_without_transform_input(self, step):
        raw = 20 + 3 * X
        with config_context(enable_metadata_routing=True):
            pipeline = make_pipeline(step, small().set_fit_request(X_val=True, y_val=True))
            with pytest.warns(UserWarning, match=f"{UNTRANSFORMED} 6 of 6 .*transform_input") as w:
                pipeline.fit(raw, Y, X_val=raw[:50], y_val=Y[:50])
            pipeline.transform_input = ["X_val"]
            assert not messages(lambda: pipeline.fit(raw, Y, X_val=raw[:50], y_val=Y[:50]))
        assert len(w) == 1

    @pytest.mark.parametrize("form", [np.asarray, sp.csr_array, pd.DataFrame, np.float64])
    @pytest.mark.parametrize("factor", [1e-3, 1e3, 1e30])
    def test_forms_and_scales(self, form, factor):
        far = np.float64(X[:50]) * factor
        with pytest.warns(UserWarning, match=UNTRANSFORMED):
            small().fit(form(X), Y, X_val=form(far), y_val=Y[:50])

    def test_where_it_points(self):
        with pytest.warns(UserWarning, match=UNTRANSFORMED) as caught:
            small().fit(X, Y, X_val=100 + X[:50], y_val=Y[:50])
        assert caught[0].filename == __file__

    def test_weights_and_warm_start(self):
        used = np.arange(100) % 2
        odd = np.where(used[:, np.newaxis], X, 1e6).astype(np.float32)
        clf = small(warm_start=True)
        for _ in range(2):
            assert not messages(lambda: clf.fit(X, Y, None, odd, Y, sample_weight_val=used))
            assert messages(lambda: clf.fit(X, Y, None, odd, Y, sample_weight_val=1 - used))

    def test_rows_that_are_held_out_are_not_compared(self):
        trend = X + 1e3 * np.arange(100, dtype=np.float32)[:, np.newaxis] ** 4
        assert not messages(lambda: small(early_stopping=True).fit(trend, Y))


def rare(n):
    return sp.random_array((n, 400), density=0.002, format="csr", rng=RNG)


LEGITIMATE = {
    "normal": lambda n: RNG.normal(size=(n, 30)),
    "one feature": lambda n: RNG.normal(size=(n, 1)),
    "offset": lambda n: 1e6 + RNG.normal(size=(n, 30)),
    "heavy tails": lambda n: RNG.lognormal(sigma=3, size=(n, 30)),
    "rare words": rare,
    "rare words, standardised": lambda n: (rare(n).toarray() - 0.002) / 0.03,
    "binary": lambda n: RNG.random((n, 30)) < 0.1,
    "constant": lambda n: np.ones((n, 30)),
    "wide": lambda n: 1e140 * RNG.normal(size=(n, 30)),
}


class TestNoFalseAlarm:
    @pytest.mark.parametrize("kind", LEGITIMATE)
    @pytest.mark.parametrize("sizes", [(5000, 10), (5000, 300), (300, 5000), (20, 20), (9, 2)])
    def test_other_rows_of_the_same_kind(self, kind, sizes):
        for _ in range(10):
            rows = [LEGITIMATE[kind](n) for n in sizes]
            assert not messages(partial(warn_if_not_transformed, *rows))

    def test_a_shift_of_the_data(self):
        later = 2 + 3 * LEGITIMATE["normal"](300)
        assert not messages(lambda: warn_if_not_transformed(LEGITIMATE["normal"](300), later))

    def test_a_minority_of_the_features(self):
        rows, other = LEGITIMATE["normal"](300), LEGITIMATE["normal"](300)
        other[:, :15] += 1e3
        assert not messages(lambda: warn_if_not_transformed(rows, other))
        other[:, 15] += 1e3
        assert messages(lambda: warn_if_not_transformed(rows, other))

    def test_the_work_does_not_grow_with_the_rows(self):
        class Counting:
            """Features of which no one may take many rows."""

            shape, dtype = (10**9, 3), np.dtype(np.float32)

            def __getitem__(self, rows):
                assert len(rows) <= 1000
                return RNG.normal(size=(len(rows), 3)).astype(np.float32)

        warn_if_not_transformed(Counting(), Counting())


WHOLE = {"X_val": (X,), "y_val": (Y,)}
KINDS = {
    "network": small,
    "neighbors": lambda: DeepNeighborsClassifier(small()),
    "average": lambda: AveragingClassifier([("part", small())]),
    "average of neighbors": lambda: AveragingClassifier([("part", KINDS["neighbors"]())]),
}


class TestCutIntoFolds:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_search(self, kind):
        search = GridSearchCV(KINDS[kind](), {}, cv=KFold(2), error_score="raise")
        warned = messages(lambda: search.fit(X, Y, X_val=X, y_val=Y))
        assert ["50:" in str(w.message) for w in warned] == [True, True, False]
        assert not messages(lambda: search.fit(X, Y, **WHOLE))
        assert not messages(lambda: search.fit(X, Y, X_val=X[1:], y_val=Y[1:]))

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_warning_in_a_call_of_fit(self, kind):
        assert not messages(lambda: KINDS[kind]().fit(X, Y, X_val=X, y_val=Y))

    def test_what_a_tuple_holds_is_not_cut(self):
        result = cross_validate(
            small(), X, Y, cv=KFold(2), params=WHOLE, return_estimator=True, error_score="raise"
        )
        for clf, rows in zip(result["estimator"], (slice(50, 100), slice(0, 50)), strict=True):
            assert_same_training(clf, small().fit(X[rows], Y[rows], X_val=X, y_val=Y))

    def test_in_a_pipeline(self):
        with config_context(enable_metadata_routing=True):
            network = small().set_fit_request(X_val=True, y_val=True)
            steps = [("scale", StandardScaler()), ("clf", network)]
            pipeline = Pipeline(steps, transform_input=["X_val"])
            result = cross_validate(
                pipeline, X, Y, cv=KFold(2), params=WHOLE, return_estimator=True
            )
        for fitted, rows in zip(result["estimator"], (slice(50, 100), slice(0, 50)), strict=True):
            scaled = fitted[0].transform(X)
            assert_same_training(fitted[1], small().fit(scaled[rows], Y[rows], None, scaled, Y))


class TestTuples:
    @pytest.mark.parametrize(
        ("features", "targets"),
        [
            (X[:40], Y[:40]),
            (sp.csr_array(X[:40]), SparseIndicator(sp.csr_array(Y[:40]))),
            (pd.DataFrame(X[:40]), pd.DataFrame(Y[:40])),
            (X[:40].tolist(), Y[:40].tolist()),
        ],
        ids=["arrays", "sparse", "DataFrames", "lists"],
    )
    @pytest.mark.parametrize("weight", [None, np.arange(40.0)])
    def test_one_of_each(self, features, targets, weight):
        given = {"X_val": (features,), "y_val": (targets,)}
        if weight is not None:
            given["sample_weight_val"] = (weight,)
        clf = small().fit(X, Y, **given)
        assert_same_training(clf, small().fit(X, Y, None, X[:40], Y[:40], weight))

    def test_classes(self):
        y = np.where(Y[:, 0], "yes", "no")
        clf = small().fit(X, y, X_val=(X[:40],), y_val=(y[:40],))
        assert_same_training(clf, small().fit(X, y, X_val=X[:40], y_val=y[:40]))

    def test_a_tuple_of_rows_is_an_array(self):
        rows, labels = tuple(map(tuple, X[:40].tolist())), tuple(map(tuple, Y[:40].tolist()))
        expected = small().fit(X, Y, X_val=X[:40], y_val=Y[:40])
        assert_same_training(small().fit(X, Y, X_val=rows, y_val=labels), expected)
        one = small().fit(X, Y, X_val=rows[:1], y_val=labels[:1])
        assert_same_training(one, small().fit(X, Y, X_val=X[:1], y_val=Y[:1]))

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"y_val": Y}, r"y_val is not: expected y_val=\(y_val,\)"),
            ({"y_val": (Y, Y)}, "y_val is not"),
            ({"y_val": (Y,), "sample_weight_val": np.ones(100)}, "sample_weight_val is not"),
            ({"y_val": None}, "go together"),
            ({"y_val": (Y[:50],)}, "X_val and y_val: .*inconsistent"),
        ],
        ids=["y", "two", "weights", "none", "length"],
    )
    def test_one_without_the_other(self, given, message):
        with pytest.raises(ValueError, match=message):
            small().fit(X, Y, X_val=(X,), **given)

    def test_masked_arrays_are_refused(self):
        with pytest.raises(TypeError, match="X_val must not be a masked array"):
            small().fit(X, Y, X_val=(np.ma.masked_array(X, X > 1),), y_val=(Y,))


def test_the_mark_of_a_clone_changes_nothing_else():
    one, other = small().fit(X, Y), clone(small()).fit(X, Y)
    assert_same_training(one, other)
    assert repr(clone(small())) == repr(small())
