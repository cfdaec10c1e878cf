"""Which hooks `fit` calls, when, and with what."""

import importlib.util
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from recording_callbacks import HAS_CALLBACKS, Asking, Recording, needs_callbacks, whole_fit
from sklearn.base import clone
from small_problem import X, Y, assert_same_training, small

import sk_yt8m._sklearn
from sk_yt8m import DeepMultiLabelClassifier, SparseIndicator, load
from sk_yt8m._training.distributed import observation
from sk_yt8m._training.trainer import Trainer

WEIGHT = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
CONSTANT = {"learning_rate": "constant", "warmup_fraction": 0}
VALIDATION = {"X_val": X[:40] + np.float32(0.5), "y_val": Y[:40]}


def recorded(callback, given=None, **parameters):
    return small(**parameters).set_callbacks(callback).fit(X, Y, **(given or {}))


@needs_callbacks
class TestOrder:
    def test_a_task_for_the_fit_and_one_for_each_epoch(self):
        callback = Recording()
        clf = recorded(callback, max_iter=3)
        assert callback.events == whole_fit(3)
        assert {context.max_subtasks for context in callback.contexts} == {3, 0}
        assert all(given["estimator"] is clf for given in callback.given)
        assert {context.root_uuid for context in callback.contexts} == {
            callback.contexts[0].root_uuid
        }

    def test_the_number_of_epochs_is_known_before_the_first_one(self):
        callback = Recording(stop_at=0)
        clf = recorded(callback, max_iter="auto", batch_size=25)
        assert clf.n_iter_ == 1
        assert callback.contexts[0].max_subtasks == 320 // 4

    def test_several_callbacks_and_calls(self):
        callbacks = Recording(), Asking()
        clf = small().set_callbacks(*callbacks).fit(X, Y).fit(X, Y)
        assert [callback.events for callback in callbacks] == [whole_fit(2) * 2] * 2
        clf.set_callbacks().fit(X, Y)
        assert len(callbacks[0].events) == 2 * len(whole_fit(2))

    def test_a_warm_start_counts_its_own_epochs(self):
        callback = Asking()
        clf = small(warm_start=True, max_iter=3).fit(X, Y)
        clf.set_callbacks(callback).set_params(max_iter=2).fit(X, Y)
        assert callback.events == whole_fit(2)
        assert [fitted.n_iter_ for fitted in callback.fitted()] == [1, 2, 2]

    def test_partial_fit_calls_none(self):
        callback = Recording()
        small().set_callbacks(callback).partial_fit(X, Y)
        assert callback.events == []


@needs_callbacks
class TestArguments:
    def test_the_data_is_what_fit_was_given(self):
        callback = Asking()
        features, labels = X.tolist(), sp.csr_array(Y)
        small().set_callbacks(callback).fit(features, labels, sample_weight=WEIGHT)
        hooks = callback.given[1:-1]
        assert all(given["X"] is features and given["y"] is labels for given in hooks)
        assert all(given["metadata"]["sample_weight"] is WEIGHT for given in hooks)
        assert all(list(given["metadata"]) == ["sample_weight"] for given in hooks)

    def test_without_weights_there_is_no_metadata(self):
        callback = Asking()
        recorded(callback, VALIDATION)
        assert {given["metadata"] for given in callback.given[1:-1]} == {None}

    @pytest.mark.parametrize(
        "given", [{}, VALIDATION, {"sample_weight": WEIGHT}], ids=["", "validation", "weights"]
    )
    def test_the_fitted_estimator_is_that_of_a_fit_that_ends_there(self, given):
        callback = Asking()
        clf = recorded(callback, given, max_iter=3, **CONSTANT)
        *epochs, whole = callback.fitted()
        for n_epochs, fitted in enumerate(epochs, start=1):
            assert_same_training(fitted, small(max_iter=n_epochs, **CONSTANT).fit(X, Y, **given))
        assert_same_training(whole, clf)
        begins = [
            given
            for (hook, *_), given in zip(callback.events, callback.given, strict=True)
            if hook == "begin"
        ]
        assert [given["fitted_estimator"] for given in begins] == [None] * 4

    @pytest.mark.parametrize(
        "y",
        [
            *(
                sp.csr_array(Y),
                SparseIndicator(sp.csr_array(Y)),
                pd.DataFrame(Y).add_prefix("label "),
            ),
            *(Y[:, 0], Y[:, :3].sum(axis=1).astype(str)),
        ],
        ids=["csr", "indicator", "frame", "binary", "multiclass"],
    )
    def test_it_predicts_whatever_the_form_of_y(self, y):
        callback = Asking()
        features = pd.DataFrame(X).add_prefix("feature ")
        clf = small().set_callbacks(callback).fit(features, y)
        for fitted in callback.fitted():
            assert fitted.predict_proba(features).shape == (len(X), len(clf.label_names_))
            assert list(fitted.label_names_) == list(clf.label_names_)
            assert 0 < fitted.score(features, y) <= 1
            pickle.loads(pickle.dumps(fitted.set_callbacks()))

    def test_it_is_not_the_estimator_in_training(self):
        callback = Asking(stop_at=0)
        clf = recorded(callback)
        assert callback.fitted()[0] is not clf
        assert callback.fitted()[0]._fitted is not clf._fitted


@needs_callbacks
class TestCost:
    @pytest.mark.parametrize(
        "parameters",
        [{}, {"early_stopping": True}, {"ema_decay": None, "dropout": 0.2}],
        ids=["", "validation", "no average"],
    )
    def test_a_callback_changes_no_bit(self, parameters):
        class Predicting(Asking):
            def record(self, hook, estimator, context, **given):
                super().record(hook, estimator, context, **given)
                if given.get("fitted_estimator") is not None:
                    given["fitted_estimator"].predict_proba(X)

        clf = recorded(Predicting(), max_iter=3, **parameters)
        assert_same_training(clf, small(max_iter=3, **parameters).fit(X, Y))

    @pytest.mark.parametrize(
        ("callback", "given", "n_copies"),
        [
            (Recording, {}, 0),
            (Asking, {}, 3),
            (Recording, VALIDATION, 3),
            (Asking, VALIDATION, 3),
        ],
    )
    def test_weights_are_copied_only_for_those_who_ask(
        self, callback, given, n_copies, monkeypatch
    ):
        copies, weights = [], Trainer.weights
        monkeypatch.setattr(Trainer, "weights", lambda self: copies.append(1) or weights(self))
        recorded(callback(), given, max_iter=3)
        assert len(copies) == n_copies

    def test_without_callbacks_nothing_is_made_for_them(self, monkeypatch):
        for module, name in [
            (observation, "Observation"),
            (sys.modules["sk_yt8m.classifier"], "EpochCallbacks"),
            (DeepMultiLabelClassifier, "_init_callback_context"),
        ]:
            monkeypatch.setattr(module, name, None)
        small().fit(X, Y)
        with pytest.raises(TypeError, match="'NoneType' object is not callable"):
            recorded(Recording())


@needs_callbacks
class TestCopies:
    def test_a_clone_has_the_same_callbacks(self):
        callback = Recording()
        clone(small().set_callbacks(callback)).fit(X, Y)
        assert callback.events == whole_fit(2)

    def test_a_fitted_one_is_pickled_and_saved(self, tmp_path):
        clf = recorded(Recording())
        clf.save(tmp_path / "model.safetensors")
        loaded = load(tmp_path / "model.safetensors")
        unpickled = pickle.loads(pickle.dumps(clf.set_callbacks()))
        assert "_callback_fit_ctx" not in vars(clf)
        for same in (loaded, unpickled):
            assert_same_training(same, clf)
            assert not sk_yt8m._sklearn.has_callbacks(same)


class TestOlderVersions:
    @pytest.fixture
    def door(self, monkeypatch):
        """The door to scikit-learn where that has no callbacks."""
        monkeypatch.setitem(sys.modules, "sklearn.callback", None)
        monkeypatch.setattr(sklearn, "__version__", "1.8.0")
        spec = importlib.util.spec_from_file_location("older", sk_yt8m._sklearn.__file__)
        older = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(older)
        return older

    def test_callbacks_are_refused(self, door):
        with pytest.raises(ImportError, match=r"callbacks need scikit-learn 1\.9 .* this is 1\.8"):
            door.CallbackSupportMixin().set_callbacks(Recording())

    def test_nothing_is_called(self, door):
        task = door.CallbackSupportMixin()._init_callback_context(max_subtasks=3)
        subtask = task.call_on_fit_task_begin(estimator=None, X=X).subcontext("part", task_id=0)
        with subtask.propagate_callback_context(None), door.callback_management_context(None):
            assert subtask.call_on_fit_task_end(estimator=None) is False

    @pytest.mark.skipif(HAS_CALLBACKS, reason="scikit-learn has callbacks")
    def test_the_classifiers_say_so(self):
        with pytest.raises(ImportError, match=r"callbacks need scikit-learn 1\.9 or later, this"):
            small().set_callbacks(Recording())
