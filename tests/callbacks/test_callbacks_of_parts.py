"""Callbacks of the estimators that are composed of others."""

import pytest
from ensemble_parts import Copying
from recording_callbacks import SINCE, Asking, Propagated, Recording, whole_fit
from sklearn.model_selection import GridSearchCV
from small_problem import X, Y, small

from sk_yt8m import (
    AveragingClassifier,
    DeepNeighborsClassifier,
    NormalizedModalitiesClassifier,
)
from sk_yt8m.metrics import gap_scorer

callbacks = pytest.importorskip("sklearn.callback", reason=SINCE)
ProgressBar, ScoringMonitor = callbacks.ProgressBar, callbacks.ScoringMonitor


def averaging(*callbacks, **parameters):
    """Return an average of a network with `callbacks` and of one with its neighbours."""
    parts = [("one", small().set_callbacks(*callbacks)), ("near", DeepNeighborsClassifier(small()))]
    return AveragingClassifier(parts, **parameters)


def paths(callback, hook="end"):
    """Return the numbers of the tasks of a hook's calls, from the whole to the task."""

    def path(context):
        return (*([] if context.parent is None else path(context.parent)), context.task_id)

    calls = zip(callback.events, callback.contexts, strict=True)
    return [path(context) for event, context in calls if event[0] == hook]


class TestAveraging:
    def test_its_own_callbacks_are_told_of_each_part(self):
        callback = Asking()
        clf = averaging().set_callbacks(callback).fit(X, Y, sample_weight=[1.0] * len(X))
        assert callback.events == [
            ("setup", "fit", 0),
            ("begin", "fit", 0),
            *((hook, name, i) for i, name in enumerate(["one", "near"]) for hook in BOTH),
            ("end", "fit", 0),
            ("teardown", "fit", 0),
        ]
        assert all(given["estimator"] is clf for given in callback.given)
        assert all(given["X"] is X and given["y"] is Y for given in callback.given[1:-1])
        assert all([*given["metadata"]] == ["sample_weight"] for given in callback.given[1:-1])
        assert [fitted is None for fitted in callback.fitted()] == [True, True, False]
        assert (callback.fitted()[-1].predict_proba(X) == clf.predict_proba(X)).all()

    def test_those_of_a_part_know_the_whole(self):
        callback = Recording()
        clf = averaging(callback).fit(X, Y)
        assert callback.events == whole_fit(2)
        assert paths(callback) == [(0, 0, 0), (0, 0, 1), (0, 0)]
        assert (clf.predict_proba(X) == averaging().fit(X, Y).predict_proba(X)).all()

    def test_propagated_ones_are_told_of_the_epochs_of_all_parts(self):
        callback = Propagated()
        clf = averaging().set_callbacks(callback).fit(X, Y)
        assert paths(callback) == [
            *((0, 0, 0), (0, 0, 1), (0, 0)),
            *((0, 1, 0, 0), (0, 1, 0, 1), (0, 1, 0), (0, 1)),
            (0,),
        ]
        assert paths(callback, "setup") == paths(callback, "teardown") == [(0,)]
        parts = [*clf.estimators_, clf.estimators_[1].estimator_]
        assert not any(hasattr(part, "_skl_callbacks") for part in parts)
        assert not any(hasattr(part, "_parent_callback_ctx") for part in parts)

    def test_a_stop_is_that_of_each_network(self):
        clf = averaging().set_callbacks(Propagated(stop_at=0)).fit(X, Y)
        assert clf.estimators_[0].n_iter_ == clf.estimators_[1].estimator_.n_iter_ == 1

    def test_a_part_without_callbacks_is_named(self):
        callback = Propagated()
        clf = AveragingClassifier([("one", small()), ("two", Copying())]).set_callbacks(callback)
        with pytest.warns(UserWarning, match="Copying does not support callbacks"):
            clf.fit(X, Y)
        assert paths(callback) == [(0, 0, 0), (0, 0, 1), (0, 0), (0, 1), (0,)]

    def test_a_part_that_fails(self):
        callback = Propagated()
        clf = AveragingClassifier([("one", Copying(width=1)), ("two", small())])
        with (
            pytest.warns(UserWarning, match="Copying"),
            pytest.raises(ValueError, match="1 f"),
        ):
            clf.set_callbacks(callback).fit(X, Y)
        assert callback.events[-1] == ("teardown", "fit", 0)
        assert "_callback_fit_ctx" not in vars(clf)

    @pytest.mark.parametrize(
        "n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)], ids=["one", "two processes"]
    )
    def test_monitors_and_progress(self, n_jobs, capsys):
        pytest.importorskip("rich", reason="ProgressBar needs rich")
        of_part, of_whole = (ScoringMonitor(scoring={"gap": gap_scorer}) for _ in range(2))
        clf = averaging(of_part, n_jobs=n_jobs)
        clf.set_callbacks(ProgressBar(max_propagation_depth=None), of_whole).fit(X, Y)
        (whole,) = of_whole.get_logs().data
        assert whole["gap"] == gap_scorer(clf, X, Y)
        part = {row["task_id_path"]: row["gap"] for row in of_part.get_logs().data}
        assert [*part] == [(0, 0), (0, 0, 0), (0, 0, 1)]
        assert part[0, 0] == part[0, 0, 1] == gap_scorer(clf.estimators_[0], X, Y)
        bars = capsys.readouterr().out
        assert bars.count("| DeepMultiLabelClassifier - fit") == 2
        assert bars.count("100%") == 4


class TestNeighbors:
    def test_its_own_callbacks_are_told_of_the_network(self):
        callback = Asking()
        clf = DeepNeighborsClassifier(small()).set_callbacks(callback).fit(X, Y)
        assert callback.events == [
            ("setup", "fit", 0),
            *((hook, task, 0) for hook, task in zip(FOUR, NESTED, strict=True)),
            ("teardown", "fit", 0),
        ]
        assert all(given["X"] is X and given["metadata"] is None for given in callback.given[1:-1])
        assert (callback.fitted()[-1].predict_proba(X) == clf.predict_proba(X)).all()

    def test_propagated_ones_are_told_of_the_epochs(self):
        callback = Propagated(stop_at=0)
        clf = DeepNeighborsClassifier(small()).set_callbacks(callback).fit(X, Y)
        assert paths(callback) == [(0, 0, 0), (0, 0), (0,)]
        assert clf.estimator_.n_iter_ == 1

    def test_those_of_normalized_modalities(self):
        callback = Propagated(stop_at=0)
        clf = NormalizedModalitiesClassifier(small()).set_callbacks(callback).fit(X, Y)
        assert paths(callback) == [(0, 0, 0), (0, 0), (0,)]
        assert clf.estimator_.n_iter_ == 1

    def test_within_a_search(self):
        callback = Propagated()
        search = GridSearchCV(DeepNeighborsClassifier(small()), {"n_neighbors": [2, 3]}, cv=2)
        search.set_callbacks(callback).fit(X, Y)
        assert sum(path[:2] == (0, 0) and len(path) == 5 for path in paths(callback)) == 4 * 2


BOTH = ("begin", "end")
FOUR, NESTED = ("begin", "begin", "end", "end"), ("fit", "network", "network", "fit")
