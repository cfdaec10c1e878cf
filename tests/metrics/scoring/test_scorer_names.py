"""The names that scorers have: this package's, scikit-learn's, and near misses of both."""

import pickle
import re
from functools import partial

import numpy as np
import pytest
import sklearn.metrics
from metric_cases import make_data
from rankers import Ranker, Scores
from scipy.sparse import csr_array
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score, get_scorer_names, make_scorer
from sklearn.model_selection import cross_validate
from sklearn.neighbors import KNeighborsClassifier

from sk_yt8m.metrics import (
    gap_score,
    gap_scorer,
    get_scorer,
    hit_at_k_score,
    make_multimetric_scorer,
    make_top_k_scorer,
    scorer_names,
)


@pytest.mark.parametrize("name", ["f1_micro", "accuracy", "neg_log_loss"])
def test_names_of_scikit_learn(name):
    assert repr(get_scorer(name)) == repr(sklearn.metrics.get_scorer(name))


def test_no_name_has_two_meanings():
    assert set(scorer_names()).isdisjoint(get_scorer_names())


@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_both_kinds_in_one_dict(form):
    X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    scoring = {name: get_scorer(name) for name in ("gap@20", "f1_micro")}
    model = KNeighborsClassifier().fit(X, Y)
    values = {name: scorer(model, X, form(Y)) for name, scorer in scoring.items()}
    assert values["f1_micro"] == f1_score(Y, model.predict(X), average="micro")
    results = cross_validate(KNeighborsClassifier(), X, Y, scoring=scoring, cv=2)
    assert {"test_gap@20", "test_f1_micro"} < results.keys()


def of_three(estimator, X, y):
    return 0.25


def of_any(*args):
    return 0.25


class TestCallables:
    @pytest.mark.parametrize(
        "scorer",
        [
            gap_scorer,
            make_top_k_scorer(hit_at_k_score, k=3),
            make_multimetric_scorer(["gap@20", "hit@1"]),
            make_scorer(f1_score, average="micro"),
            sklearn.metrics.get_scorer("accuracy"),
            of_three,
            of_any,
            partial(of_any, 1),
            max,
        ],
        ids=[
            "scorer",
            "top k",
            "several",
            "made",
            "named",
            "function",
            "any arguments",
            "partial",
            "built-in",
        ],
    )
    def test_scorers_are_returned_unchanged(self, scorer):
        assert get_scorer(scorer) is scorer

    @pytest.mark.parametrize(
        "metric",
        [
            gap_score,
            f1_score,
            partial(gap_score, k=3),
            lambda y_true, y_pred, labels=None: 0.0,
            lambda y_true, y_score, k: 0.0,
            lambda estimator, X: 0.0,
        ],
    )
    def test_metrics_are_refused(self, metric):
        with pytest.raises(TypeError, match="called as scorer") as raised:
            get_scorer(metric)
        assert "make_top_k_scorer(" in str(raised.value)

    @pytest.mark.parametrize("scoring", [7, None, ["gap@20"], KNeighborsClassifier, b"gap@20"])
    def test_what_is_neither_name_nor_callable(self, scoring):
        with pytest.raises(TypeError, match="scoring must be the name of a metric or a callable"):
            get_scorer(scoring)

    @pytest.mark.parametrize("scoring", ["f1_micro", gap_scorer, of_three])
    def test_options_are_for_own_metrics(self, scoring):
        with pytest.raises(TypeError, match=r"got \['average'\] for .*sklearn.metrics.make_scorer"):
            get_scorer(scoring, average="macro")


def test_own_names_still_make_scorers():
    y_true, scores = make_data()
    for estimator in (Ranker(), Scores()):
        estimator.fit(scores, y_true)
        scorer = pickle.loads(pickle.dumps(get_scorer("gap@3")))
        assert scorer(estimator, scores, y_true) == gap_score(y_true, scores, k=3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gap", "no metric 'gap': gap takes a number, as gap@20"),
        ("hit", "no metric 'hit': hit takes a number, as hit@1"),
        ("lrr@5", "no metric 'lrr@5': lrr takes no number, write 'lrr'"),
        ("xyz", "no metric 'xyz'; the metrics are gap@20, hit@1, "),
        ("xyz", "any other number, and the names of scikit-learn's scorers"),
        ("", "no metric ''; the metrics are"),
    ],
)
def test_names_of_no_metric(name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        get_scorer(name)


NEAR = {
    "GAP@20": "gap@20",
    "gap_score": "gap@20",
    "gap_scorer": "gap@20",
    "global_average_precision": "gap@20",
    "hit_at_5": "hit@5",
    "hit-at-5": "hit@5",
    "hit5": "hit@5",
    "hit_at_k_score": "hit@1",
    "hit_at_1_scorer": "hit@1",
    "hit@0": "hit@1",
    "hit@-1": "hit@1",
    "hit@12345678901": "hit@1",
    "map@k": "map@20",
    "MAP": "map@20",
    "mean_average_precision": "map@20",
    "mean_reciprocal_rank@7": "mrr@7",
    "ndgc@5": "ndcg@5",
    "precison@5": "precision@5",
    "precision_at_equal_recall_rate": "perr",
    " Perr": "perr",
    "f1_mirco": "f1_micro",
    "F1_micro": "f1_micro",
    "acuracy": "accuracy",
    "log_loss": "neg_log_loss",
}


@pytest.mark.parametrize("name", NEAR)
def test_near_names(name):
    with pytest.raises(ValueError, match=re.escape(f"{name!r}: did you mean {NEAR[name]!r}? The")):
        get_scorer(name)
    assert callable(get_scorer(NEAR[name]))


def test_scikit_learns_names_are_suggested_only_where_they_are_taken():
    with pytest.raises(ValueError, match=r"no metric 'acuracy'; the metrics are .* number\.$"):
        make_multimetric_scorer(["acuracy"])
