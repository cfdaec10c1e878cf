"""AveragingClassifier, with members whose probabilities the tests choose."""

import copy

import numpy as np
import pytest
from ensemble_parts import Copying, Misshapen
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4))
Y = (X @ rng.normal(size=(4, 3)) > 0).astype(int)
Y_RARE = np.column_stack([Y, np.zeros(300, dtype=int), np.ones(300, dtype=int)])


def averaging(*levels, **parameters):
    parts = [(f"part {i}", Copying(level)) for i, level in enumerate(levels)]
    return AveragingClassifier(parts, **parameters)


class TestWeights:
    @pytest.mark.parametrize("n", [3, 7, 10, 49])
    def test_probabilities_are_at_most_1(self, n):
        weights = rng.uniform(size=n)
        for level in (1.0, 1.0 + 1e-6, np.float32(1)):
            clf = averaging(*[level] * n, weights=weights).fit(X, Y)
            np.testing.assert_array_equal(clf.predict_proba(X), np.ones((300, 3)))
        clf = averaging(*[1.0] * n, weights=weights).fit(X, Y[:, 0])
        brier_score_loss(Y[:, 0], clf.predict_proba(X)[:, 1])

    @pytest.mark.parametrize("scale", [5e-324, 1e-300, np.float32(0.1), 1e300, 8e307])
    @pytest.mark.parametrize("weights", [[1, 1], [2, 1], [0, 2]])
    def test_their_scale_has_no_influence(self, scale, weights):
        clf = averaging(0.25, 0.75, weights=np.multiply(weights, scale)).fit(X, Y)
        expected = np.average([0.25, 0.75], weights=weights)
        np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-6)

    @pytest.mark.parametrize(
        "weights",
        [
            *([np.inf, 1], [np.nan, 1], [-1, 2], [0, 0], [1], [1, 1, 1], [[1, 1]], []),
            *(np.float64(1), np.array(1.0), ["a", 1], [None, 1], [1j, 1], {"part 0": 1}),
        ],
    )
    def test_bad_ones_are_refused_before_and_after_fit(self, weights):
        with pytest.raises(ValueError, match="weights"):
            averaging(0.25, 0.75, weights=weights).fit(X, Y)
        clf = averaging(0.25, 0.75).fit(X, Y).set_params(weights=weights)
        with pytest.raises(ValueError, match="weights"):
            clf.predict_proba(X)

    def test_they_apply_at_once(self):
        clf = averaging(0.25, 0.75).fit(X, Y).set_params(weights=[3, 1])
        np.testing.assert_allclose(clf.predict_proba(X), 0.375, rtol=1e-6)


class TestDrop:
    @pytest.mark.parametrize(("weights", "expected"), [(None, 0.5), ([1, 5, 3], 0.625)])
    def test_what_is_dropped_does_not_count(self, weights, expected):
        clf = averaging(0.25, 0.5, 0.75, weights=weights)
        clf.set_params(**{"part 1": "drop"}).fit(X, Y)
        np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-6)
        assert list(clf.named_estimators_) == ["part 0", "part 2"]
        assert len(clf.estimators_) == 2

    def test_only_dropped_ones_have_weight(self):
        clf = averaging(0.25, 0.75, weights=[0, 1]).set_params(**{"part 1": "drop"})
        with pytest.raises(ValueError, match="not all 0"):
            clf.fit(X, Y)

    def test_masked_weights_are_refused(self):
        weights = np.ma.masked_array([1.0, 3.0], mask=[True, False])
        with pytest.raises(TypeError, match="weights must not be a masked array"):
            averaging(0.25, 0.75, weights=weights).fit(X, Y)
        clf = averaging(0.25, 0.75).fit(X, Y).set_params(weights=weights)
        with pytest.raises(TypeError, match="weights must not be a masked array"):
            clf.predict_proba(X)

    def test_dropping_after_fit_takes_a_fit(self):
        clf = averaging(0.25, 0.75, weights=[1, 3]).fit(X, Y).set_params(**{"part 1": "drop"})
        np.testing.assert_allclose(clf.predict_proba(X), 0.625, rtol=1e-6)
        np.testing.assert_allclose(clf.fit(X, Y).predict_proba(X), 0.25, rtol=1e-6)

    @pytest.mark.parametrize("part", [None, "Drop", 3, MLPRegressor(), OneVsRestClassifier(None)])
    def test_others_are_refused_by_name(self, part):
        clf = AveragingClassifier([("first", Copying()), ("second", part)])
        with pytest.raises(ValueError, match=r"'second' is .* expected a classifier .* \"drop\""):
            clf.fit(X, Y)

    def test_all_dropped(self):
        with pytest.raises(ValueError, match=r'all estimators are "drop"'):
            AveragingClassifier([("one", "drop"), ("two", "drop")]).fit(X, Y)

    @pytest.mark.parametrize("estimators", [[], [Copying()], [("one",)], [(1, Copying())]])
    def test_no_pairs(self, estimators):
        with pytest.raises(ValueError, match=r"\(name, estimator\) pair"):
            AveragingClassifier(estimators).fit(X, Y)

    @pytest.mark.parametrize("estimators", [None, Copying(), {"one": Copying()}])
    def test_no_list(self, estimators):
        with pytest.raises(ValueError, match="'estimators' parameter"):
            AveragingClassifier(estimators).fit(X, Y)


class TestMembers:
    @pytest.mark.parametrize(
        "part", [RandomForestClassifier(5, random_state=0), KNeighborsClassifier(5)]
    )
    def test_lists_of_probabilities(self, part):
        clf = AveragingClassifier([("part", part), ("half", Copying())]).fit(X, Y_RARE)
        probabilities = 2 * clf.predict_proba(X) - 0.5
        of_one = np.mean(clf.estimators_[0].predict(X) == 1, axis=0)
        for label in range(3):
            expected = clf.estimators_[0].predict_proba(X)[label][:, 1]
            np.testing.assert_allclose(probabilities[:, label], expected, atol=1e-6)
        assert (of_one[3], of_one[4]) == (0, 1)
        np.testing.assert_array_equal(probabilities[:, 3], 0)
        np.testing.assert_array_equal(probabilities[:, 4], 1)

    @pytest.mark.parametrize(
        ("part", "message"),
        [
            (Misshapen(more_columns=1), r"Misshapen must .* \(300, 3\), got \(300, 4\)"),
            (Misshapen(fewer_rows=1), r"Misshapen must .* \(300, 3\), got \(299, 3\)"),
            (Copying(np.nan), "row 0 of X: predict_proba of Copying gives nan, expected a number"),
            (Copying(2.0), "Copying gives 2.0, expected a number from 0 to 1"),
            (Copying(-0.1), "Copying gives -0.1, expected a number from 0 to 1"),
        ],
    )
    def test_other_results_are_refused(self, part, message):
        clf = AveragingClassifier([("good", Copying()), ("bad", part)]).fit(X, Y)
        for method in (clf.predict_proba, clf.predict, clf.predict_top_k):
            with pytest.raises(ValueError, match=message):
                method(X)

    def test_other_classes_are_refused(self):
        class Reversed(Copying):
            def fit(self, X, y):
                super().fit(X, y).classes_ = np.unique(y)[::-1]
                return self

        with pytest.raises(ValueError, match=r"'part' has the classes_ \[1 0\].*\[0 1\]"):
            AveragingClassifier([("part", Reversed())]).fit(X, Y[:, 0])

    def test_in_each_other(self):
        inner = AveragingClassifier([("low", Copying(0.1)), ("high", Copying(0.7))])
        outer = AveragingClassifier(
            [("inner", inner), ("neighbors", DeepNeighborsClassifier(Copying(0.2)))]
        )
        outer.set_params(inner__weights=[1, 2], neighbors__neighbor_weight=0.0).fit(X, Y)
        np.testing.assert_allclose(outer.predict_proba(X), 0.35, rtol=1e-6)
        assert outer.n_features_in_ == 4

    def test_columns_by_name(self):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(X, columns=list("abcd"))
        part = make_pipeline(
            make_column_transformer((StandardScaler(), ["d", "b"])), LogisticRegression()
        )
        clf = AveragingClassifier([("part", part)]).fit(frame, Y[:, 0])
        expected = part.fit(frame, Y[:, 0]).predict_proba(frame)
        np.testing.assert_allclose(clf.predict_proba(frame), expected, rtol=1e-6)
        assert clf.feature_names_in_.tolist() == list("abcd")

    def test_those_that_take_nan_get_it(self):
        rows = np.where(rng.uniform(size=X.shape) < 0.1, np.nan, X)
        part = HistGradientBoostingClassifier(max_iter=3)
        clf = AveragingClassifier([("part", part)]).fit(rows, Y[:, 0])
        expected = part.fit(rows, Y[:, 0]).predict_proba(rows)
        np.testing.assert_allclose(clf.predict_proba(rows), expected, rtol=1e-6)
        assert clf.__sklearn_tags__().input_tags.allow_nan

    def test_processes_change_nothing(self):
        parts = [
            ("linear", OneVsRestClassifier(LogisticRegression())),
            ("trees", RandomForestClassifier(3, random_state=0)),
        ]
        one, two = (AveragingClassifier(parts, n_jobs=n).fit(X, Y) for n in (None, 2))
        np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


@pytest.mark.parametrize("wrong", ["member", "y", "weights", "classes"])
def test_a_failed_fit_changes_nothing(wrong):
    clf = AveragingClassifier([("one", Copying(0.2)), ("two", Copying(0.4, width=4))])
    clf.fit(X, Y)
    before = copy.copy(vars(clf))
    rows, y = X, Y_RARE
    if wrong == "member":
        rows = X[:, :3]
    elif wrong == "y":
        y = Y_RARE * 2
    elif wrong == "weights":
        clf.set_params(weights=[1, np.inf])
    else:
        y = np.zeros(300)
    with pytest.raises(ValueError, match=r"features|indicator|weights|class"):
        clf.fit(rows, y)
    clf.set_params(weights=None)
    assert vars(clf) == before
    np.testing.assert_allclose(clf.predict_proba(X), 0.3, rtol=1e-6)
