"""Several metrics of one prediction, as scikit-learn's multimetric scoring."""

import pickle

import numpy as np
import pytest
import sklearn
from metric_cases import PROPENSITIES, make_data, value_of
from rankers import CALLS, Ranker, Scores, WeightedRanker, scorer_of
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.utils.fixes import parse_version

from sk_yt8m.metrics import (
    gap_score,
    gap_scorer,
    get_scorer,
    hit_at_1_scorer,
    hit_at_5_scorer,
    hit_at_20_scorer,
    hit_at_k_score,
    make_multimetric_scorer,
    make_top_k_scorer,
    scorer_names,
)

NAMES = ["gap@20", "hit@1", "hit@5", "hit@20", "perr"]
HALF = slice(0, 20)


@pytest.fixture(autouse=True)
def _forget_calls():
    CALLS.clear()


def test_one_prediction_a_fold_and_the_values_of_the_metrics():
    y_true, scores = make_data()
    scoring = make_multimetric_scorer(NAMES)
    results = cross_validate(Ranker(), scores, y_true, scoring=scoring, cv=4)
    assert CALLS == [("predict_top_k", 20)] * 4
    for name in NAMES:
        folds = [value_of(name, y_true[i], scores[i]) for _, i in KFold(4).split(y_true)]
        assert results[f"test_{name}"].tolist() == folds
    CALLS.clear()
    again = cross_validate(Scores(), scores, y_true, scoring=scoring, cv=4)
    assert CALLS == [("predict_proba", 10)] * 4
    assert all((again[f"test_{name}"] == results[f"test_{name}"]).all() for name in NAMES)


@pytest.mark.parametrize("names", [["hit@25", "gap@20"], ["gap@20", "hit@25"]])
def test_the_largest_k_of_all_metrics_is_predicted_once(names):
    y_true, scores = make_data()
    scoring = make_multimetric_scorer(names)
    results = cross_validate(Ranker(), scores, y_true, scoring=scoring, cv=2)
    assert CALLS == [("predict_top_k", 25)] * 2
    for name in names:
        assert results[f"test_{name}"][0] == value_of(name, y_true[HALF], scores[HALF])


@pytest.mark.parametrize("first", ["gap@20", "mrr"])
def test_metrics_of_all_scores_share_the_prediction_of_the_others(first):
    y_true, scores = make_data()
    names = sorted([*scorer_names(), "hit@25"], key=lambda name: name != first)
    scoring = make_multimetric_scorer({name: scorer_of(name) for name in names})
    for estimator, calls in (
        (Scores(), [("predict_proba", 10)] * 4),
        (Ranker(), [("predict_top_k", 30)] * 4),
    ):
        CALLS.clear()
        results = cross_validate(estimator, scores, y_true, scoring=scoring, cv=4)
        assert calls == CALLS
        for name in names:
            expected = value_of(name, y_true[:10], scores[:10])
            assert results[f"test_{name}"][0] == expected


def test_names_and_scorers_under_any_names():
    y_true, scores = make_data()
    scoring = make_multimetric_scorer(
        {
            "GAP": gap_scorer,
            "Hit@5": "hit@5",
            "loss": make_top_k_scorer(hit_at_k_score, k=3, greater_is_better=False),
            "PSP": get_scorer("psp@3", propensities=PROPENSITIES),
        }
    )
    assert scoring(Ranker().fit(scores, y_true), scores, csr_array(y_true)) == {
        "GAP": gap_score(y_true, scores),
        "Hit@5": hit_at_k_score(y_true, scores, k=5),
        "loss": -hit_at_k_score(y_true, scores, k=3),
        "PSP": value_of("psp@3", y_true, scores),
    }
    assert len(CALLS) == 1
    assert repr(scoring).startswith("make_multimetric_scorer({'GAP': gap_scorer, 'Hit@5': get_")


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_searches(n_jobs):
    y_true, scores = make_data()
    scoring = make_multimetric_scorer(NAMES)
    search = GridSearchCV(
        Ranker(), {"shift": [0.0, 1.0]}, scoring=scoring, refit="perr", cv=2, n_jobs=n_jobs
    )
    search = clone(search).fit(scores, y_true)
    assert search.cv_results_["split0_test_hit@1"][0] == value_of(
        "hit@1", y_true[HALF], scores[HALF]
    )
    assert search.score(scores, y_true) == value_of("perr", y_true, scores)


def test_pickled_and_copied():
    y_true, scores = make_data()
    estimator = Ranker().fit(scores, y_true)
    scoring = make_multimetric_scorer(NAMES)
    again = pickle.loads(pickle.dumps(scoring))
    assert again(estimator, scores, y_true) == scoring(estimator, scores, y_true)
    assert repr(again) == repr(scoring)


def test_weights_of_a_direct_call_reach_every_metric():
    y_true, scores = make_data()
    weight = np.arange(len(y_true))
    values = make_multimetric_scorer(NAMES)(
        Ranker().fit(scores, y_true), scores, y_true, sample_weight=weight
    )
    for name in NAMES:
        assert values[name] == value_of(name, y_true, scores, sample_weight=weight)


def test_routed_metadata_reach_every_metric_and_no_other_scorer():
    y_true, scores = make_data()
    weight = np.arange(len(y_true))
    rated = np.random.default_rng(0).random(y_true.shape) < 0.4
    metadata = {"sample_weight": weight, "rated": csr_array(rated)}
    with config_context(enable_metadata_routing=True):
        scoring = make_multimetric_scorer({"gap": gap_scorer, "hit": "hit@5"})
        scoring.set_score_request(sample_weight=True, rated=True)
        results = cross_validate(Ranker(), scores, y_true, scoring=scoring, cv=2, params=metadata)
        # The scorers it was made from request nothing.
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            cross_validate(Ranker(), scores, y_true, scoring=gap_scorer, params=metadata)
    assert CALLS == [("predict_top_k", 30)] * 2
    given = {"sample_weight": weight[HALF], "rated": rated[HALF]}
    assert results["test_gap"][0] == gap_score(y_true[HALF], scores[HALF], **given)
    assert results["test_hit"][0] == hit_at_k_score(y_true[HALF], scores[HALF], k=5, **given)


def test_each_metric_keeps_its_own_requests():
    y_true, scores = make_data()
    weight = np.arange(len(y_true))
    with config_context(enable_metadata_routing=True):
        weighted = get_scorer("hit@1").set_score_request(sample_weight=True)
        plain = get_scorer("hit@1").set_score_request(sample_weight=False)
        scoring = make_multimetric_scorer({"weighted": weighted, "plain": plain})
        results = cross_validate(
            Ranker(), scores, y_true, scoring=scoring, cv=2, params={"sample_weight": weight}
        )
    halves = y_true[HALF], scores[HALF]
    assert results["test_plain"][0] == hit_at_k_score(*halves)
    assert results["test_weighted"][0] == hit_at_k_score(*halves, sample_weight=weight[HALF])


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="the searches of scikit-learn 1.6 hand a scorer no weights without routing",
)
@pytest.mark.parametrize("form", ["one", "dict", "multimetric"])
def test_weights_of_a_search_without_routing_reach_the_metrics(form):
    y_true, scores = make_data()
    weight = np.arange(len(y_true))
    scoring = {
        "one": hit_at_1_scorer,
        "dict": {"hit@1": hit_at_1_scorer, "hit@5": hit_at_5_scorer, "hit@20": hit_at_20_scorer},
        "multimetric": make_multimetric_scorer(["hit@1", "hit@5"]),
    }[form]
    search = GridSearchCV(
        WeightedRanker(),
        {"shift": [0.0]},
        scoring=scoring,
        refit=form == "one" or "hit@1",
        cv=KFold(2),
    )
    search.fit(scores, y_true, sample_weight=weight)
    key = "split0_test_score" if form == "one" else "split0_test_hit@1"
    expected = hit_at_k_score(y_true[HALF], scores[HALF], sample_weight=weight[HALF])
    assert search.cv_results_[key][0] == expected


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ([], ValueError, "metrics must be a list of names"),
        ({}, ValueError, "metrics must hold at least one metric"),
        ("gap@20", ValueError, "metrics must be a list of names, got 'gap@20'"),
        (["gap@20", "gap@20"], ValueError, "'gap@20' is repeated"),
        (["acuracy"], ValueError, "no metric 'acuracy'; the metrics are"),
        (
            ["gap@20", "f1_micro"],
            ValueError,
            "'f1_micro' of scikit-learn, which predicts",
        ),
        ({"f1": "f1_micro"}, ValueError, r"scoring={'gap@20': get_scorer\('gap@20'\), 'f1_micro'"),
        (["hit_at_5"], ValueError, r"'hit_at_5': did you mean 'hit@5'\? The metrics are"),
        (["psp@5"], TypeError, "'psp@5': propensities must be given"),
        ({"loss": make_scorer(gap_score)}, TypeError, r"metrics\['loss'\] must be the name of"),
    ],
)
def test_metrics_that_are_refused(metrics, error, message):
    with pytest.raises(error, match=message):
        make_multimetric_scorer(metrics)
