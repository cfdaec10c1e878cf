"""Scorers inside scikit-learn's own tools."""

import pickle

import numpy as np
import pandas as pd
import pytest
from metric_cases import make_data, value_of
from rankers import CALLS, Ranker, Scores, scorer_of
from scipy.sparse import coo_array, csr_array
from sklearn import config_context
from sklearn.base import clone
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

from sk_yt8m import SparseIndicator
from sk_yt8m.metrics import (
    gap_score,
    gap_scorer,
    get_scorer,
    hit_at_1_scorer,
    hit_at_5_scorer,
    hit_at_20_scorer,
    hit_at_k_score,
    make_top_k_scorer,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    psp_at_k_score,
    scorer_names,
)


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
            make_top_k_scorer(mean_average_precision_score, k=4),
            lambda y, s: mean_average_precision_score(y, s, k=4),
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


def test_a_dict_of_scorers_gives_what_each_gives_alone():
    y_true, scores = make_data()
    results = cross_validate(Ranker(), scores, y_true, scoring=ALL, cv=4)
    alone = cross_val_score(Ranker(), scores, y_true, scoring=gap_scorer, cv=4)
    assert results["test_gap"].tolist() == alone.tolist()
    expected = [
        hit_at_k_score(y_true[test], scores[test], k=5) for _, test in KFold(4).split(y_true)
    ]
    assert results["test_hit@5"].tolist() == expected


def test_scorers_by_name():
    assert len(set(scorer_names())) == len(scorer_names())
    assert {"gap@20", "hit@1", "perr", "map", "map@20", "mrr", "lrr", "psndcg@5"} <= set(
        scorer_names()
    )
    y_true, scores = make_data()
    estimator = Scores().fit(scores, y_true)
    names = ["gap@7", "hit@7", "map", "map@4", "perr", "mrr", "mrr@2", "lrr"]
    names += ["precision@7", "recall@7", "ndcg@7", "psp@7", "psndcg@27"]
    expected = {name: value_of(name, y_true, scores) for name in names}
    assert {name: scorer_of(name)(estimator, scores, y_true) for name in expected} == expected
    assert len(set(expected.values())) == len(expected)


@pytest.mark.parametrize("name", scorer_names())
@pytest.mark.parametrize("estimator", [Ranker(), Scores()])
def test_every_name_with_every_kind_of_estimator(name, estimator):
    y_true, scores = make_data()
    scorer = pickle.loads(pickle.dumps(scorer_of(name)))
    value = scorer(estimator.fit(scores, y_true), scores, csr_array(y_true))
    assert value == scorer_of(name)(Scores().fit(scores, y_true), scores, y_true)
    assert 0 < value < 1
    assert repr(scorer).startswith(f"get_scorer({name!r}")


@pytest.mark.parametrize("options", [{}, {"propensities": None}])
def test_propensities_are_asked_for(options):
    with pytest.raises(TypeError, match="'psp@3': propensities must be given"):
        get_scorer("psp@3", **options)


@pytest.mark.parametrize("name", scorer_names())
@pytest.mark.parametrize("estimator", [Ranker(), Scores()])
def test_rated_pairs_reach_the_metric(name, estimator):
    y_true, scores = make_data()
    rated = np.random.default_rng(0).random(y_true.shape) < 0.4
    scorer = scorer_of(name)
    with config_context(enable_metadata_routing=True):
        value = scorer(estimator.fit(scores, y_true), scores, y_true, rated=csr_array(rated))
    assert value == value_of(name, y_true, scores, rated=rated)
    assert value != scorer(estimator, scores, y_true)


def test_rated_pairs_are_routed_as_metadata():
    y_true, scores = make_data()
    rated = np.random.default_rng(0).random(y_true.shape) < 0.4
    with config_context(enable_metadata_routing=True):
        scoring = {
            name: scorer_of(name).set_score_request(rated=True)
            for name in ("gap@20", "map", "hit@1")
        }
        for form in (rated, csr_array(rated)):
            routed = cross_validate(
                Ranker(), scores, y_true, scoring=scoring, cv=2, params={"rated": form}
            )
            half = slice(0, 20)
            expected = gap_score(y_true[half], scores[half], rated=rated[half])
            assert routed["test_gap@20"][0] == expected


def test_a_scorer_alone_asks_for_no_more_than_it_needs():
    y_true, scores = make_data()
    cross_val_score(Ranker(), scores, y_true, scoring=get_scorer("hit@5"), cv=2)
    get_scorer("hit@25")(Ranker().fit(scores, y_true), scores, y_true)
    assert CALLS == [("predict_top_k", 20)] * 2 + [("predict_top_k", 25)]


def test_scores_of_all_labels_are_written_into_one_matrix(monkeypatch):
    monkeypatch.setattr("sk_yt8m.metrics._scoring.responses._BLOCK_BYTES", 8 * 30 * 16)
    y_true, scores = make_data()
    value = get_scorer("mrr")(Scores().fit(scores, y_true), scores, y_true)
    assert value == mean_reciprocal_rank_score(y_true, scores)
    assert CALLS == [("predict_proba", 16), ("predict_proba", 16), ("predict_proba", 8)]


def test_options_of_a_scorer_by_name():
    y_true, scores = make_data()
    estimator = Scores().fit(scores, y_true)
    propensities = np.linspace(0.1, 1, 30)
    scorer = get_scorer("psp@3", propensities=propensities)
    expected = psp_at_k_score(y_true, scores, k=3, propensities=propensities)
    assert scorer(estimator, scores, y_true) == expected
    zero = get_scorer("map@20", absent_labels="zero")
    assert repr(zero) == "get_scorer('map@20', absent_labels='zero')"
    assert zero(estimator, scores, y_true) == mean_average_precision_score(
        y_true, scores, k=20, absent_labels="zero"
    )
    for options in ({"weights": 1}, {"k": 5}):
        with pytest.raises(TypeError, match="'psp@3' has no further argument"):
            get_scorer("psp@3", propensities=propensities, **options)


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(n_estimators=5), MultiOutputClassifier(GaussianNB())]
)
def test_lists_of_probabilities_and_searches_in_two_processes(videos, estimator):
    X, Y = videos
    scoring = {name: scorer_of(name, n_labels=8) for name in scorer_names()}
    results = cross_validate(estimator, X, Y, scoring=scoring, cv=KFold(2), n_jobs=2)
    assert all(np.isfinite(results[f"test_{name}"]).all() for name in scoring)
    name, grid = next(
        (name, [1, 2])
        for name in ("min_samples_leaf", "estimator__var_smoothing")
        if name in estimator.get_params()
    )
    search = GridSearchCV(estimator, {name: grid}, scoring=scoring, refit="mrr", cv=2, n_jobs=2)
    search.fit(X, Y)
    assert 0 < search.best_score_ < 1


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
    monkeypatch.setattr("sk_yt8m.metrics._scoring.responses._BLOCK_BYTES", 8 * 30 * 16)
    y_true, scores = make_data()
    estimator = Scores().fit(scores, y_true)
    assert gap_scorer(estimator, scores, y_true) == gap_score(y_true, scores)
    assert CALLS == [("predict_proba", 16), ("predict_proba", 16), ("predict_proba", 8)]


@pytest.mark.parametrize("form", [list, np.ndarray.tolist, pd.DataFrame, csr_array, coo_array])
@pytest.mark.parametrize("name", ["gap@20", "mrr"])
def test_features_of_every_form_in_blocks(videos, form, name, monkeypatch):
    X, Y = videos
    model = KNeighborsClassifier(algorithm="brute").fit(form(X), Y)
    expected = get_scorer(name)(model, form(X), Y)
    monkeypatch.setattr("sk_yt8m.metrics._scoring.responses._BLOCK_BYTES", 8 * 8 * 7)
    assert get_scorer(name)(model, form(X), Y) == pytest.approx(expected, abs=1e-12)


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


NULLABLE = {
    "nullable": lambda y: pd.DataFrame(y).astype("Int64"),
    "boolean": lambda y: pd.DataFrame(y).astype("boolean"),
    "objects": lambda y: y.astype(object),
    "mixed": lambda y: pd.DataFrame(y).astype({0: bool, 1: "Int8", 2: float}),
    "sparse frame": lambda y: pd.DataFrame.sparse.from_spmatrix(csr_array(y)),
    "lists": lambda y: y.tolist(),
}


@pytest.mark.parametrize("form", NULLABLE)
@pytest.mark.parametrize("name", ["gap@20", "map", "perr"])
def test_every_form_of_an_indicator_reaches_the_metric(name, form):
    y_true, scores = make_data()
    scorer = get_scorer(name)
    value = scorer(Ranker().fit(scores, y_true), scores, NULLABLE[form](y_true))
    assert value == scorer(Ranker().fit(scores, y_true), scores, y_true)


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


def test_metadata_replaces_an_argument_with_a_warning():
    y_true, scores = make_data()
    weight = np.arange(len(y_true))
    scorer = make_top_k_scorer(gap_score, sample_weight=np.ones(len(y_true)))
    estimator = Ranker().fit(scores, y_true)
    with pytest.warns(UserWarning, match=r"replaces the arguments \['sample_weight'\]"):
        value = scorer(estimator, scores, y_true, sample_weight=weight)
    assert value == gap_score(y_true, scores, sample_weight=weight)
    assert scorer(estimator, scores, y_true) == gap_score(y_true, scores)


def test_pickle_and_repr():
    assert repr(gap_scorer) == "gap_scorer"
    assert repr(hit_at_5_scorer) == "hit_at_5_scorer"
    made = make_top_k_scorer(
        mean_average_precision_score,
        k=4,
        greater_is_better=False,
        absent_labels="zero",
        name=None,
    )
    text = (
        "make_top_k_scorer(mean_average_precision_score, k=4, greater_is_better=False, "
        "absent_labels='zero')"
    )
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
