"""scikit-learn's tools: what MLPClassifier passes, the classifiers here pass, too."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFECV, SelectFromModel, SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import (
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.semi_supervised import SelfTrainingClassifier
from small_problem import X, Y, small

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, SparseIndicator
from sk_yt8m.metrics import gap_scorer

X, Y = X[:60], Y[:60]
BINARY, CLASSES = Y[:, 0], Y[:, :3].sum(axis=1)
MLP = MLPClassifier((8,), max_iter=2, random_state=0)
CLASSIFIERS = {
    "network": small(),
    "average": AveragingClassifier(
        [("network", small()), ("neighbors", DeepNeighborsClassifier(small(), n_neighbors=5))]
    ),
}
GRIDS = {
    "network": ("alpha", [0.0, 0.1]),
    "average": ("network__alpha", [0.0, 0.1]),
}
FOLDS = KFold(2)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning:scipy"),
]


@pytest.fixture(params=CLASSIFIERS)
def kind(request):
    return request.param


@pytest.fixture
def clf(kind):
    return clone(CLASSIFIERS[kind])


def selected(clf, y):
    def importances(fitted):
        return np.arange(fitted.n_features_in_)

    search = RFECV(clf, cv=FOLDS, importance_getter=importances, step=3).fit(X, y)
    return search.cv_results_["mean_test_score"]


#: Each takes a classifier and y, and returns an array whose shape a network and an MLP share.
OF_LABELS = {
    "permutation_importance": lambda clf, y: (
        permutation_importance(clf.fit(X, y), X, y, n_repeats=2, random_state=0).importances
    ),
    "permutation_importance, gap": lambda clf, y: (
        permutation_importance(
            clf.fit(X, y), X, y, n_repeats=2, random_state=0, scoring=gap_scorer
        ).importances
    ),
    "permutation_test_score": lambda clf, y: permutation_test_score(
        clf, X, y, cv=FOLDS, n_permutations=2
    )[1],
    "cross_val_predict": lambda clf, y: cross_val_predict(
        clf, X, y, cv=FOLDS, method="predict_proba"
    ),
    "cross_val_predict, logarithms": lambda clf, y: np.exp(
        cross_val_predict(clf, X, y, cv=FOLDS, method="predict_log_proba")
    ),
    "learning_curve": lambda clf, y: learning_curve(
        clf, X, y, cv=FOLDS, train_sizes=[0.5, 1.0], scoring=gap_scorer
    )[2],
    "OneVsRestClassifier": lambda clf, y: OneVsRestClassifier(clf).fit(X, y).predict_proba(X),
    "SequentialFeatureSelector": lambda clf, y: (
        SequentialFeatureSelector(clf, n_features_to_select=1, cv=FOLDS)
        .fit(X[:, :2], y)
        .get_support()
    ),
    "SelectFromModel": lambda clf, y: SelectFromModel(
        clf, importance_getter=lambda fitted: np.arange(fitted.n_features_in_)
    ).fit_transform(X, y),
    "RFECV": selected,
}
OF_DENSE_LABELS = {
    "MultiOutputClassifier": lambda clf, y: MultiOutputClassifier(clf).fit(X, y).predict_proba(X),
    "ClassifierChain": lambda clf, y: ClassifierChain(clf, cv=FOLDS).fit(X, y).predict_proba(X),
    "StackingClassifier": lambda clf, y: (
        StackingClassifier([("a", clf), ("b", MLP)], MLP, cv=FOLDS, stack_method="predict_proba")
        .fit(X, y)
        .transform(X)
    ),
    "StackingClassifier, predict": lambda clf, y: (
        StackingClassifier([("a", MLP), ("b", MLP)], clf, cv=FOLDS, stack_method="predict_proba")
        .fit(X, y)
        .predict(X)
    ),
}
OF_CLASSES = {
    "CalibratedClassifierCV": lambda clf, y: (
        CalibratedClassifierCV(clf, cv=FOLDS).fit(X, y).predict_proba(X)
    ),
    "CalibratedClassifierCV, isotonic": lambda clf, y: (
        CalibratedClassifierCV(clf, cv=FOLDS, method="isotonic", ensemble=False)
        .fit(X, y)
        .predict_proba(X)
    ),
    "VotingClassifier": lambda clf, y: (
        VotingClassifier([("a", clf), ("b", MLP)], voting="soft").fit(X, y).predict_proba(X)
    ),
    "StackingClassifier": lambda clf, y: (
        StackingClassifier([("a", clf), ("b", clf)], clf, cv=FOLDS).fit(X, y).predict_proba(X)
    ),
    "BaggingClassifier": lambda clf, y: BaggingClassifier(clf, 2).fit(X, y).predict_proba(X),
    "SelfTrainingClassifier": lambda clf, y: (
        SelfTrainingClassifier(clf, max_iter=1)
        .fit(X, np.where(np.arange(60) % 5, y.astype(int), -1))
        .predict_proba(X)
    ),
}


def check_like_mlp(tool, clf, y):
    actual, expected = np.asarray(tool(clf, y)), np.asarray(tool(clone(MLP), y))
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()


@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize("tool", OF_DENSE_LABELS)
def test_dense_labels(clf, tool, n_labels):
    check_like_mlp(OF_DENSE_LABELS[tool], clf, Y[:, :n_labels])


@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize("tool", OF_LABELS)
def test_labels(clf, tool, n_labels):
    check_like_mlp(OF_LABELS[tool], clf, SparseIndicator(sp.csr_array(Y[:, :n_labels])))


@pytest.mark.parametrize("tool", OF_CLASSES)
@pytest.mark.parametrize("y", [BINARY, CLASSES], ids=["binary", "multiclass"])
def test_classes(clf, tool, y):
    check_like_mlp(OF_CLASSES[tool], clf, y)


class TestSearches:
    @pytest.mark.parametrize("form", [np.asarray, lambda y: SparseIndicator(sp.csr_array(y))])
    @pytest.mark.parametrize("search", [HalvingGridSearchCV, HalvingRandomSearchCV])
    def test_halving(self, kind, clf, search, form):
        options = {"cv": FOLDS, "min_resources": 30, "scoring": gap_scorer, "random_state": 0}
        if search is HalvingRandomSearchCV:
            options["n_candidates"] = 2
        name, values = GRIDS[kind]
        fitted = search(clf, {name: values}, error_score="raise", **options)
        fitted.fit(X, form(Y))
        assert np.isfinite(fitted.cv_results_["mean_test_score"]).all()
        assert fitted.predict_proba(X).shape == Y.shape

    def test_validation_curve(self, kind, clf):
        name, values = GRIDS[kind]
        y = SparseIndicator(sp.csr_array(Y))
        scores = validation_curve(
            clf, X, y, cv=FOLDS, param_name=name, param_range=values, scoring=gap_scorer
        )
        assert np.isfinite(scores).all()


@pytest.mark.parametrize("n_labels", [1, 2, 3])
def test_two_labels_are_no_classes(clf, n_labels):
    """scikit-learn asks `classes_` what the columns of `predict_proba` are."""
    y = sp.csr_array(Y[:, :n_labels])
    clf.fit(X, y)
    assert clf.classes_.tolist() == list(range(n_labels))
    dependence = partial_dependence(clf, X, [1], grid_resolution=4)
    assert dependence.average.shape == (n_labels, 4)
    for column, value in enumerate(dependence["grid_values"][0]):
        rows = X.copy()
        rows[:, 1] = value
        np.testing.assert_allclose(
            dependence.average[:, column], clf.predict_proba(rows).mean(axis=0), rtol=1e-5
        )


@pytest.mark.parametrize("scoring", ["average_precision", "roc_auc", "neg_log_loss"])
@pytest.mark.parametrize("n_labels", [2, 3])
def test_scorers_of_probabilities(clf, scoring, n_labels):
    scores = cross_val_score(
        clf, X, Y[:, :n_labels], cv=FOLDS, scoring=scoring, error_score="raise"
    )
    assert np.isfinite(scores).all()


def test_stacking_keeps_both_of_two_labels_by_decision_function():
    """Of two columns of probabilities scikit-learn drops the first, as of two classes."""
    stack = StackingClassifier([("a", small())], MLP, cv=FOLDS, stack_method="decision_function")
    inputs = stack.fit(X, Y[:, :2]).transform(X)
    np.testing.assert_array_equal(inputs, stack.estimators_[0].decision_function(X))


def test_one_dimensional_truth_is_no_truth_of_labels(clf):
    clf.fit(X, Y[:, :3])
    with pytest.raises(ValueError, match=r"y_true has the shape \(60,\): .* the 3 labels"):
        gap_scorer(clf, X, BINARY)


class TestDisplays:
    @pytest.fixture(autouse=True)
    def pyplot(self):
        pytest.importorskip("matplotlib").use("Agg")
        from matplotlib import pyplot

        yield
        pyplot.close("all")

    def test_partial_dependence(self, clf):
        from sklearn.inspection import PartialDependenceDisplay

        clf.fit(X, Y[:, :3])
        display = PartialDependenceDisplay.from_estimator(
            clf, X, [0, (0, 1)], target=2, grid_resolution=4
        )
        line = display.lines_[0, 0].get_ydata()
        expected = partial_dependence(clf, X, [0], grid_resolution=4).average[2]
        np.testing.assert_allclose(line, expected)

    @pytest.mark.parametrize("n_labels", [2, 3])
    def test_decision_boundary_of_a_label(self, clf, n_labels):
        from sklearn.inspection import DecisionBoundaryDisplay

        clf.fit(X[:, :2], Y[:, :n_labels])
        display = DecisionBoundaryDisplay.from_estimator(
            clf,
            X[:, :2],
            grid_resolution=5,
            response_method="predict_proba",
            class_of_interest=0,
        )
        grid = np.c_[display.xx0.ravel(), display.xx1.ravel()]
        expected = clf.predict_proba(grid)[:, 0].reshape(5, 5)
        np.testing.assert_allclose(display.response, expected)

    @pytest.mark.parametrize("y", [BINARY, CLASSES, Y[:, :3]], ids=["binary", "classes", "labels"])
    def test_decision_boundary(self, clf, y):
        from sklearn.inspection import DecisionBoundaryDisplay

        def response(clf):
            clf.fit(X[:, :2], y)
            return DecisionBoundaryDisplay.from_estimator(clf, X[:, :2], grid_resolution=5).response

        assert response(clf).shape == response(clone(MLP)).shape
