"""scikit-learn's ProgressBar and ScoringMonitor, in `fit` and within searches."""

import numpy as np
import pytest
import scipy.sparse as sp
from recording_callbacks import SINCE, Recording, whole_fit
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_problem import X, Y, small

from sk_yt8m import SparseIndicator
from sk_yt8m.metrics import gap_scorer, get_scorer, make_multimetric_scorer

callbacks = pytest.importorskip("sklearn.callback", reason=SINCE)
ProgressBar, ScoringMonitor = callbacks.ProgressBar, callbacks.ScoringMonitor

FOLDS = KFold(2)
WEIGHT = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
GRID = {"deepmultilabelclassifier__max_iter": [2, 3]}


def pipeline(*callbacks):
    return make_pipeline(StandardScaler(), small().set_callbacks(*callbacks))


def scores_of(monitor, name="gap"):
    """Return the scores of the most recent run by the path of their task."""
    return {row["task_id_path"]: row[name] for row in monitor.get_logs().data}


def expected_scores(max_iter, rows):
    """Return the scores of each epoch of a pipeline on its training rows, and those at its end."""
    clf = small(max_iter=max_iter)
    features = StandardScaler().fit(X[rows]).transform(X[rows])
    epochs = []
    callback = Recording()
    callback.on_fit_task_end = record_gap(epochs)
    clf.set_callbacks(callback).fit(features, Y[rows])
    assert len(epochs) == max_iter + 1
    assert epochs[-1] == gap_scorer(clf, features, Y[rows])
    return epochs


def record_gap(scores):
    def on_fit_task_end(estimator, context, *, X=None, y=None, fitted_estimator=None):
        scores.append(gap_scorer(fitted_estimator, X, y))

    return on_fit_task_end


@pytest.fixture(scope="module")
def expected():
    """The scores that a search must log, by the path of their task."""
    scores = {}
    splits = [rows for rows, _ in FOLDS.split(X)]
    for number in range(4):
        *epochs, whole = expected_scores([2, 3][number // 2], splits[number % 2])
        scores[0, 0, number, 1] = whole
        scores |= {(0, 0, number, 1, epoch): score for epoch, score in enumerate(epochs)}
    return scores


class TestProgressBar:
    @pytest.fixture(autouse=True)
    def needs_rich(self):
        pytest.importorskip("rich", reason="ProgressBar needs rich")

    def test_of_a_fit(self, capsys):
        small(verbose=True).set_callbacks(ProgressBar()).fit(X, Y)
        *epochs, bar = capsys.readouterr().out.splitlines()
        assert [line[:11] for line in epochs] == ["epoch   1/2", "epoch   2/2"]
        assert bar.startswith("DeepMultiLabelClassifier - fit")
        assert "100%" in bar

    def test_of_a_search_over_pipelines(self, capsys):
        search = GridSearchCV(pipeline(), GRID, cv=FOLDS)
        search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, Y)
        bars = capsys.readouterr().out.splitlines()
        networks = [bar for bar in bars if "| DeepMultiLabelClassifier - fit #1" in bar]
        assert len(networks) == 4 + 1
        assert all("100%" in bar for bar in bars)

    def test_its_default_depth_ends_at_the_pipeline(self, capsys):
        GridSearchCV(pipeline(), GRID, cv=FOLDS).set_callbacks(ProgressBar()).fit(X, Y)
        assert "DeepMultiLabel" not in capsys.readouterr().out


class TestScoringMonitor:
    def test_each_epoch_of_a_fit(self):
        monitor = ScoringMonitor(
            scoring={"gap": gap_scorer, "psp": get_scorer("psp@5", propensities=np.full(9, 0.5))}
        )
        callback = Recording()
        clf = small(max_iter=3).set_callbacks(monitor, callback)
        clf.fit(X, sp.csr_array(Y))
        assert callback.events == whole_fit(3)
        scores = scores_of(monitor)
        assert [*scores] == [(0,), (0, 0), (0, 1), (0, 2)]
        assert scores[0,] == scores[0, 2] == gap_scorer(clf, X, Y)
        assert len(set(scores.values())) == 3
        assert all(0 < psp < 1 for psp in scores_of(monitor, "psp").values())

    def test_weights_are_passed_to_the_scorer(self):
        monitor = ScoringMonitor(scoring=gap_scorer)
        clf = small().set_callbacks(monitor).fit(X, Y, sample_weight=WEIGHT)
        score = scores_of(monitor, "score")[0,]
        assert score == gap_scorer(clf, X, Y, sample_weight=WEIGHT)
        assert score != gap_scorer(clf, X, Y)

    def test_a_function_may_score_validation_data(self):
        X_val, Y_val = X[:40] + np.float32(0.5), Y[:40]

        def scores(clf, X, y):
            return {"gap": gap_scorer(clf, X, y), "gap_val": gap_scorer(clf, X_val, Y_val)}

        monitor = ScoringMonitor(scoring=scores)
        clf = small(max_iter=4).set_callbacks(monitor).fit(X, Y, X_val=X_val, y_val=Y_val)
        best = np.maximum.accumulate(clf.validation_scores_)
        assert [*scores_of(monitor, "gap_val").values()][1:] == best.tolist()

    @pytest.mark.parametrize(
        "n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)], ids=["one", "two processes"]
    )
    def test_each_epoch_of_each_fold_of_a_search(self, n_jobs, expected):
        monitor = ScoringMonitor(scoring=gap_scorer)
        search = GridSearchCV(pipeline(monitor), GRID, cv=FOLDS, n_jobs=n_jobs)
        search.fit(X, SparseIndicator(sp.csr_array(Y)))
        scores = scores_of(monitor, "score")
        refit = [path for path in scores if path[:2] == (0, 1)]
        assert len(refit) == 1 + search.best_params_["deepmultilabelclassifier__max_iter"]
        assert {path: score for path, score in scores.items() if path not in refit} == expected

    def test_each_fold_of_a_cross_validation_is_a_run(self):
        monitor = ScoringMonitor(scoring=make_multimetric_scorer(["gap@20", "hit@1"]))
        clf = small().set_callbacks(monitor)
        results = cross_validate(clf, X, Y, cv=FOLDS, return_estimator=True)
        runs = monitor.get_logs(select="all")
        ends = [run.data[0]["gap@20"] for run in runs]
        trained = [rows for rows, _ in FOLDS.split(X)]
        assert ends == [
            gap_scorer(fitted, X[rows], Y[rows])
            for fitted, rows in zip(results["estimator"], trained, strict=True)
        ]
        assert [len(run.data) for run in runs] == [3, 3]

    def test_clones_share_their_log(self):
        monitor = ScoringMonitor(scoring={"gap": gap_scorer})
        clf = small().set_callbacks(monitor)
        for each in (clf, clone(clf)):
            each.fit(X, Y)
        assert len(monitor.get_logs(select="all")) == 2
