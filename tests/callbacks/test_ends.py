"""A training that a callback, an error, Ctrl-C or a kill ends, and one that resumes."""

import threading

import numpy as np
import pytest
from faults import FailingRows, Killed, kill
from recording_callbacks import Asking, Recording, needs_callbacks, whole_fit
from small_problem import X, Y, assert_same_training, small

pytestmark = needs_callbacks

CONSTANT = {"learning_rate": "constant", "warmup_fraction": 0}
VALIDATION = {"X_val": X[:40] + np.float32(0.5), "y_val": Y[:40]}


class TestStop:
    @pytest.mark.parametrize("given", [{}, VALIDATION], ids=["last weights", "best weights"])
    def test_the_training_ends_after_the_epoch(self, given, capsys):
        callback = Asking(stop_at=1)
        clf = small(max_iter=5, verbose=True, **CONSTANT).set_callbacks(callback)
        clf.fit(X, Y, **given)
        assert clf.n_iter_ == len(clf.loss_curve_) == len(clf.epoch_times_) == 2
        assert callback.events == whole_fit(2)
        assert_same_training(clf, small(max_iter=2, **CONSTANT).fit(X, Y, **given))
        *epochs, last = capsys.readouterr().out.splitlines()
        assert last == "stopped after epoch 2 of 5: a callback returned True"
        assert len(epochs) == 2

    def test_the_best_weights_are_kept(self):
        clf = small(max_iter=12, learning_rate_init=1.0, **CONSTANT)
        scores = clf.fit(X, Y, **VALIDATION).validation_scores_
        stop_at = 1 + next(i for i in range(1, 12) if scores[i] < max(scores[:i]))
        clf.set_callbacks(Recording(stop_at=stop_at)).fit(X, Y, **VALIDATION)
        assert clf.validation_scores_ == scores[: stop_at + 1]
        assert clf.validation_scores_[-1] < clf.best_validation_score_
        assert clf.score(*VALIDATION.values()) == clf.best_validation_score_

    def test_at_the_last_epoch_there_is_nothing_to_say(self, capsys):
        small(verbose=True).set_callbacks(Recording(stop_at=1)).fit(X, Y)
        assert "stopped" not in capsys.readouterr().out

    def test_all_callbacks_hear_of_the_epoch(self):
        callbacks = Recording(stop_at=0), Recording()
        small().set_callbacks(*callbacks).fit(X, Y)
        assert [callback.events for callback in callbacks] == [whole_fit(1)] * 2

    def test_no_checkpoint_is_left(self, tmp_path):
        clf = small(max_iter=5, checkpoint_dir=tmp_path)
        clf.set_callbacks(Recording(stop_at=2)).fit(X, Y)
        assert clf.n_iter_ == 3
        assert not list(tmp_path.glob("checkpoint*"))


class TestErrors:
    @pytest.mark.parametrize(
        ("fail_at", "last"),
        [
            ("setup", None),
            ("begin", ("begin", "fit", 0)),
            (("end", "epoch", 1), ("end", "epoch", 1)),
            (("end", "fit", 0), ("end", "fit", 0)),
            ("teardown", ("end", "fit", 0)),
        ],
    )
    def test_of_a_callback(self, fail_at, last):
        failing = Recording(fail_at=fail_at, error=OSError("no room"))
        clf = small().set_callbacks(failing)
        before = dict(vars(clf))
        with pytest.raises(OSError, match="no room"):
            clf.fit(X, Y)
        assert vars(clf) == before
        assert failing.events[-1] == ("teardown", "fit", 0)
        assert last in (None, failing.events[-2])
        assert_same_training(clf.set_callbacks().fit(X, Y), small().fit(X, Y))

    def test_of_the_data_before_the_first_step_calls_nothing(self):
        callback = Recording()
        clf = small().set_callbacks(callback)
        with pytest.raises(ValueError, match="NaN"):
            clf.fit(np.full_like(X, np.nan), Y)
        assert callback.events == []

    def test_of_the_training(self):
        callback = Recording()
        clf = small(learning_rate_init=1e30, **CONSTANT).set_callbacks(callback)
        with pytest.raises(FloatingPointError):
            clf.fit(X, Y)
        assert callback.events[-1] == ("teardown", "fit", 0)
        assert not hasattr(clf, "loss_")

    def test_a_fitted_one_is_unchanged(self, fitted):
        clf = small().fit(X, Y)
        clf.set_callbacks(Recording(fail_at=("end", "epoch", 0), error=OSError()))
        with pytest.raises(OSError):  # noqa: PT011
            clf.set_params(max_iter=1).fit(X, Y)
        assert_same_training(clf, fitted)


class TestInterrupt:
    def test_in_a_callback(self):
        callback = Recording(fail_at=("end", "epoch", 1), error=KeyboardInterrupt())
        clf = small(max_iter=5, **CONSTANT).set_callbacks(callback)
        with pytest.warns(UserWarning, match="interrupted"):
            clf.fit(X, Y)
        assert callback.events == whole_fit(2)
        assert_same_training(clf, small(max_iter=2, **CONSTANT).fit(X, Y))

    def test_within_an_epoch_that_does_not_end(self):
        one_epoch, callback = FailingRows(X).fail_at(None), Recording()
        small(max_iter=1).fit(one_epoch, Y)
        rows = FailingRows(X).fail_at(one_epoch.n_reads + 1, KeyboardInterrupt())
        clf = small(max_iter=5).set_callbacks(callback)
        with pytest.warns(UserWarning, match="interrupted in epoch 2"):
            clf.fit(rows, Y)
        expected = whole_fit(2)
        expected.remove(("end", "epoch", 1))
        assert callback.events == expected

    def test_a_progress_bar_ends(self):
        pytest.importorskip("rich", reason="ProgressBar needs rich")
        from sklearn.callback import ProgressBar

        callback = Recording(fail_at=("end", "epoch", 1), error=KeyboardInterrupt())
        clf = small(max_iter=5).set_callbacks(ProgressBar(), callback)
        with pytest.warns(UserWarning, match="interrupted"):
            clf.fit(X, Y)
        clf.set_callbacks(ProgressBar(), Recording(fail_at="begin", error=KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, Y)
        names = {type(thread).__name__ for thread in threading.enumerate()}
        assert "RichProgressMonitor" not in names


class TestResume:
    @pytest.fixture
    def whole(self):
        return small(max_iter=5).fit(X, Y)

    def test_only_what_is_left_is_told(self, whole, tmp_path):
        clf = small(max_iter=5, checkpoint_dir=tmp_path)
        before, after = Recording(), Asking()
        kill(2, clf.set_callbacks(before), X, Y)
        # An epoch is told before its checkpoint is written.
        assert before.epochs() == [0, 1, 2]
        assert before.events[-1] == ("teardown", "fit", 0)
        clf.set_callbacks(after).fit(X, Y)
        assert after.events == whole_fit(5, first=2)
        assert after.contexts[0].max_subtasks == 3
        assert not after.contexts[0].sequential_subtasks
        assert [fitted.n_iter_ for fitted in after.fitted()] == [3, 4, 5, 5]
        assert_same_training(clf, whole)

    def test_within_an_epoch(self, tmp_path):
        clf = small(max_iter=3, batch_size=25, checkpoint_dir=tmp_path, checkpoint_every=2)
        before, after = Recording(), Recording()
        kill(3, clf.set_callbacks(before), X, Y)
        assert before.epochs() == [0, 1]
        clf.set_callbacks(after).fit(X, Y)
        assert after.events == whole_fit(3, first=1)

    def test_a_kill_in_a_callback_repeats_its_epoch(self, whole, tmp_path):
        clf = small(max_iter=5, checkpoint_dir=tmp_path)
        with pytest.raises(Killed):
            clf.set_callbacks(Recording(fail_at=("end", "epoch", 2), error=Killed())).fit(X, Y)
        after = Recording()
        assert_same_training(clf.set_callbacks(after).fit(X, Y), whole)
        assert after.epochs() == [2, 3, 4]

    def test_a_progress_bar(self, tmp_path, capsys):
        pytest.importorskip("rich", reason="ProgressBar needs rich")
        from sklearn.callback import ProgressBar

        clf = small(max_iter=5, checkpoint_dir=tmp_path).set_callbacks(ProgressBar())
        kill(2, clf, X, Y)
        assert "100%" not in capsys.readouterr().out
        clf.set_callbacks(ProgressBar()).fit(X, Y)
        assert "100%" in capsys.readouterr().out
