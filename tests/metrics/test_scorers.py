"""Scorers inside scikit-learn's own tools."""

import pickle

import numpy as np
import pytest
from metric_cases import make_data, top_k_of
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from sk_yt8m import SparseIndicator, TopK
from sk_yt8m.metrics import (
    gap_score,
    gap_scorer,
    hit_at_1_scorer,
    hit_at_5_scorer,
    hit_at_20_scorer,
    hit_at_k_score,
    make_top_k_scorer,
    mean_average_precision_score,
)

CALLS: list[tuple[str, int]] = []


class Ranker(ClassifierMixin, BaseEstimator):
    """A classifier whose features are its scores, and which can only name its best labels."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        self.classes_ = np.array([[0, 1]] * np.shape(y)[1])
        return self

    def predict(self, X):
        raise AssertionError("no scorer needs predict")

    def predict_top_k(self, X, k=20):
        CALLS.append(("predict_top_k", k))
        return TopK(*top_k_of(np.asarray(X) + self.shift, k))


class Scores(Ranker):
    """The same with scores of all labels, but without its best labels."""

    def predict_proba(self, X):
        CALLS.append(("predict_proba", len(X)))
        return np.asarray(X)

    @property
    def predict_top_k(self):
        raise AttributeError


@pytest.fixture(autouse=True)
def _forget_calls():
    CALLS.clear()


@pytest.fixture(scope="module")
def videos():
    X, Y = make_multilabel_classification(
        n_samples=120, n_features=12, n_classes=8, n_labels=3, random_state=0
    )
    return X, Y


ALL = {
    "gap": gap_scorer,
    "hit@1": hit_at_1_scorer,
    "hit@5": hit_at_5_scorer,
    "hit@20": hit_at_20_scorer,
}


@pytest.mark.parametrize(
    ("scorer", "expected"),
    [
        (gap_scorer, gap_score),
        (hit_at_1_scorer, hit_at_k_score),
        (hit_at_5_scorer, lambda y, s: hit_at_k_score(y, s, k=5)),
        (hit_at_20_scorer, lambda y, s: hit_at_k_score(y, s, k=20)),
        (make_top_k_scorer(gap_score, k=3), lambda y, s: gap_score(y, s, k=3)),
        (make_top_k_scorer(gap_score, k=25), lambda y, s: gap_score(y, s, k=25)),
        (
            make_top_k_scorer(mean_average_precision_score, k=4, top_k=4),
            lambda y, s: mean_average_precision_score(y, s, top_k=4),
        ),
        (
            make_top_k_scorer(gap_score, greater_is_better=False),
            lambda y, s: -gap_score(y, s),
        ),
    ],
)
@pytest.mark.parametrize("estimator", [Ranker(), Scores()])
@pytest.mark.parametrize("form", [np.asarray, csr_array, lambda y: SparseIndicator(csr_array(y))])
def test_a_scorer_gives_what_its_metric_gives(scorer, expected, estimator, form):
    y_true, scores = make_data()
    estimator.fit(scores, y_true)
    assert scorer(estimator, scores, form(y_true)) == expected(y_true, scores)


def test_several_scorers_cost_one_prediction_a_fold():
    y_true, scores = make_data()
    results = cross_validate(Ranker(), scores, y_true, scoring=ALL, cv=4)
    assert CALLS == [("predict_top_k", 20)] * 4
    alone = cross_val_score(Ranker(), scores, y_true, scoring=gap_scorer, cv=4)
    assert results["test_gap"].tolist() == alone.tolist()
    expected = [
        hit_at_k_score(y_true[test], scores[test], k=5) for _, test in KFold(4).split(y_true)
    ]
    assert results["test_hit@5"].tolist() == expected


def test_several_scorers_cost_one_prediction_of_probabilities_too():
    y_true, scores = make_data()
    cross_validate(Scores(), scores, y_true, scoring=ALL, cv=4)
    assert CALLS == [("predict_proba", 10)] * 4


def test_a_larger_k_is_a_prediction_of_its_own():
    y_true, scores = make_data()
    larger = make_top_k_scorer(hit_at_k_score, k=25)
    results = cross_validate(Ranker(), scores, y_true, scoring=ALL | {"hit@25": larger}, cv=2)
    assert CALLS == [("predict_top_k", 20), ("predict_top_k", 25)] * 2
    half = slice(0, 20)
    assert results["test_hit@25"][0] == hit_at_k_score(y_true[half], scores[half], k=25)


def test_a_metric_without_k_gets_k_labels_and_no_more():
    y_true, scores = make_data()
    width = make_top_k_scorer(lambda y, top: top.indices.shape[1], k=4)
    assert width(Ranker().fit(scores, y_true), scores, y_true) == 4
    assert CALLS == [("predict_top_k", 20)]


def test_no_more_labels_are_asked_for_than_there_are():
    y_true, scores = make_data(n_labels=7)
    gap_scorer(Ranker().fit(scores, y_true), scores, y_true)
    assert CALLS == [("predict_top_k", 7)]


def test_scores_of_many_rows_come_in_blocks(monkeypatch):
    monkeypatch.setattr("sk_yt8m.metrics._responses._BLOCK_BYTES", 8 * 30 * 16)
    y_true, scores = make_data()
    estimator = Scores().fit(scores, y_true)
    assert gap_scorer(estimator, scores, y_true) == gap_score(y_true, scores)
    assert CALLS == [("predict_proba", 16), ("predict_proba", 16), ("predict_proba", 8)]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_folds_and_grids(videos, n_jobs):
    X, Y = videos
    search = GridSearchCV(
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        {"kneighborsclassifier__n_neighbors": [1, 9]},
        scoring=ALL,
        refit="gap",
        cv=3,
        n_jobs=n_jobs,
    ).fit(X, Y)
    assert search.best_params_ == {"kneighborsclassifier__n_neighbors": 9}
    assert 0.5 < search.best_score_ < 1
    scores = cross_val_score(search.best_estimator_, X, Y, scoring=gap_scorer, cv=3, n_jobs=n_jobs)
    assert scores.mean() == search.best_score_


@pytest.mark.parametrize(
    "estimator",
    [
        OneVsRestClassifier(LogisticRegression()),
        MultiOutputClassifier(LogisticRegression()),
        KNeighborsClassifier(),
        RandomForestClassifier(n_estimators=10, random_state=0),
        RidgeClassifier(),
        OneVsRestClassifier(LinearSVC()),
        MLPClassifier(max_iter=3, random_state=0),
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_plain_classifiers(videos, estimator):
    X, Y = videos
    fitted = clone(estimator).fit(X[:80], Y[:80])
    method = "predict_proba" if hasattr(fitted, "predict_proba") else "decision_function"
    scores = getattr(fitted, method)(X[80:])
    if isinstance(scores, list):
        scores = np.column_stack([proba[:, 1] for proba in scores])
    assert gap_scorer(fitted, X[80:], Y[80:]) == gap_score(Y[80:], scores)
    assert gap_scorer(fitted, X[80:], csr_array(Y[80:])) == gap_score(Y[80:], scores)


def test_labels_with_one_class_in_training_score_what_they_are(videos):
    X, Y = videos
    Y = Y.copy()
    Y[:, 0] = 0
    Y[:, 1] = 1
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, Y)
    first = make_top_k_scorer(lambda y, top: top.indices[:, 0].max(), k=1)
    last = make_top_k_scorer(lambda y, top: (top.scores[top.indices == 0] == 0).all(), k=20)
    assert first(forest, X, Y) == 1
    assert last(forest, X, Y)


@pytest.mark.parametrize("estimator", [GaussianNB(), LinearSVC(), KNeighborsClassifier()])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_of_a_1d_target_are_labels(estimator, n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes], y[y < n_classes]
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    folds = StratifiedKFold(3)
    accuracy = cross_val_score(estimator, X, names, cv=folds)
    assert cross_val_score(estimator, X, names, scoring=hit_at_1_scorer, cv=folds) == pytest.approx(
        accuracy
    )
    assert (cross_val_score(estimator, X, names, scoring=gap_scorer, cv=folds) > 0.8).all()


def test_a_class_that_was_never_seen():
    X, y = load_iris(return_X_y=True)
    model = GaussianNB().fit(X[:100], y[:100])
    with pytest.raises(
        ValueError, match="holds the class 2, which is not among the classes of Gaussian"
    ):
        gap_scorer(model, X, y)


def test_predict_top_k_is_found_behind_pipelines_and_searches():
    y_true, scores = make_data()
    doubled = FunctionTransformer(np.negative)
    pipe = make_pipeline(doubled, doubled, Ranker()).fit(scores, y_true)
    assert gap_scorer(pipe, scores, y_true) == gap_score(y_true, scores)
    nested = make_pipeline(doubled, make_pipeline(doubled, Ranker())).fit(scores, y_true)
    assert gap_scorer(nested, scores, y_true) == gap_score(y_true, scores)
    assert gap_scorer(make_pipeline(Ranker()).fit(scores, y_true), scores, y_true) > 0
    search = GridSearchCV(pipe, {"ranker__shift": [0, 1]}, scoring=gap_scorer, cv=2)
    search.fit(scores, y_true)
    CALLS.clear()
    assert gap_scorer(search, scores, y_true) == gap_score(y_true, scores)
    assert CALLS == [("predict_top_k", 20)]
    assert cross_val_score(pipe, scores, y_true, scoring=gap_scorer, cv=2).min() > 0


def test_sparse_y_reaches_the_metric_through_cross_validation():
    y_true, scores = make_data()
    sparse = SparseIndicator(csr_array(y_true))
    dense = cross_val_score(Ranker(), scores, y_true, scoring=gap_scorer, cv=KFold(4))
    assert cross_val_score(Ranker(), scores, sparse, scoring=gap_scorer, cv=KFold(4)).tolist() == (
        dense.tolist()
    )


def test_beside_scorers_of_scikit_learn(videos):
    X, Y = videos
    scoring = {**ALL, "subset": make_scorer(lambda y, p: float((y == p).all(axis=1).mean()))}
    results = cross_validate(KNeighborsClassifier(), X, Y, scoring=scoring, cv=2)
    assert set(results) >= {"test_gap", "test_hit@20", "test_subset"}
    assert np.isfinite([results[f"test_{name}"] for name in scoring]).all()


def test_weights_reach_the_metric():
    y_true, scores = make_data()
    weight = np.arange(len(y_true))
    estimator = Ranker().fit(scores, y_true)
    expected = gap_score(y_true, scores, sample_weight=weight)
    assert gap_scorer(estimator, scores, y_true, sample_weight=weight) == expected


def test_weights_are_routed_as_metadata():
    y_true, scores = make_data()
    weight = np.arange(len(y_true))
    with config_context(enable_metadata_routing=True):
        scorer = make_top_k_scorer(gap_score).set_score_request(sample_weight=True)
        routed = cross_val_score(
            Ranker(), scores, y_true, scoring=scorer, cv=2, params={"sample_weight": weight}
        )
    half = slice(0, 20)
    assert routed[0] == gap_score(y_true[half], scores[half], sample_weight=weight[half])


def test_pickle_and_repr():
    assert repr(gap_scorer) == "gap_scorer"
    assert repr(hit_at_5_scorer) == "hit_at_5_scorer"
    made = make_top_k_scorer(
        mean_average_precision_score, k=4, greater_is_better=False, top_k=4, name=None
    )
    text = "make_top_k_scorer(mean_average_precision_score, k=4, greater_is_better=False, top_k=4)"
    assert repr(made) == text
    y_true, scores = make_data()
    estimator = Ranker().fit(scores, y_true)
    again = pickle.loads(pickle.dumps(made))
    assert again(estimator, scores, y_true) == made(estimator, scores, y_true)


def test_an_estimator_that_cannot_rank():
    y_true, scores = make_data()

    class Mute(Ranker):
        predict_top_k = property()

    with pytest.raises(ValueError, match="Mute has none of predict_top_k, predict_proba and"):
        gap_scorer(Mute().fit(scores, y_true), scores, y_true)


def test_scores_of_another_number_of_labels():
    y_true, scores = make_data()
    estimator = Scores().fit(scores, y_true)
    with pytest.raises(ValueError, match="y_true has 30 labels, but Scores scores 29"):
        gap_scorer(estimator, scores[:, 1:], y_true)
