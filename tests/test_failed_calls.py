"""A call that fails leaves the classifier as it was, and what it used is not used again."""

import copy
import pickle

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from sk_yt8m import (
    AveragingClassifier,
    DeepMultiLabelClassifier,
    DeepNeighborsClassifier,
    load,
)
from sk_yt8m._training.compiled_steps import StepLoop

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 6)).astype(np.float32)
Y = (X[:, :4] > 0.3).astype(np.uint8)
#: Data of another width, so that every attribute would change.
WIDE = pd.DataFrame(RNG.normal(size=(80, 9)), columns=[f"x{i}" for i in range(9)])
LABELS = pd.DataFrame((WIDE.to_numpy()[:, :5] > 0).astype(int), columns=list("abcde"))
NAN = WIDE.copy()
NAN.iloc[77, 3] = np.nan
ONES = np.ones(80)

BAD = {
    "NaN in X": (NAN, LABELS, {}),
    "too few labels": (WIDE, LABELS[:50], {}),
    "no indicator": (WIDE, LABELS * 2, {}),
    "no y": (WIDE, None, {}),
    "negative weight": (WIDE, LABELS, {"sample_weight": -ONES}),
    "NaN weight": (WIDE, LABELS, {"sample_weight": np.full(80, np.nan)}),
    "no weight": (WIDE, LABELS, {"sample_weight": 0 * ONES}),
    "too few weights": (WIDE, LABELS, {"sample_weight": ONES[:9]}),
}
BAD_VALIDATION = {
    "other features": {"X_val": X, "y_val": LABELS},
    "other labels": {"X_val": WIDE, "y_val": Y},
    "NaN in X_val": {"X_val": NAN, "y_val": LABELS},
    "no y_val": {"X_val": WIDE},
    "weights alone": {"sample_weight_val": ONES},
}


def small(**parameters) -> DeepMultiLabelClassifier:
    defaults = {"max_iter": 2, "random_state": 0, "precision": "float32"}
    return DeepMultiLabelClassifier(**({"hidden_layer_sizes": (8,)} | defaults | parameters))


def snapshot(clf) -> bytes:
    """Return all that makes the classifier, weights and the state of its training included."""
    return pickle.dumps(copy.deepcopy(clf).__getstate__())


def fails(call, *args, error=(ValueError, TypeError), **kwargs):
    with pytest.raises(error):
        call(*args, **kwargs)


ESTIMATORS = {
    "network": small,
    "average": lambda: AveragingClassifier([("a", small()), ("b", small(random_state=1))]),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=3),
}


@pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
class TestBadInput:
    def test_a_refit(self, make):
        clf = make().fit(X, Y)
        expected, before = clf.predict_proba(X), snapshot(clf)
        for x, y, options in BAD.values():
            fails(clf.fit, x, y, **options)
            assert snapshot(clf) == before
        for options in BAD_VALIDATION.values():
            fails(clf.fit, WIDE, LABELS, **options)
            assert snapshot(clf) == before
        np.testing.assert_array_equal(clf.predict_proba(X), expected)
        assert clf.n_features_in_ == 6

    @pytest.mark.parametrize("bad", BAD)
    def test_a_first_fit(self, make, bad):
        x, y, options = BAD[bad]
        clf = make()
        before = set(vars(clf))
        fails(clf.fit, x, y, **options)
        assert set(vars(clf)) == before


class TestPartialFit:
    @pytest.mark.parametrize("bad", BAD)
    def test_bad_input(self, bad):
        x, y, options = BAD[bad]
        clf = small()
        fails(clf.partial_fit, x, y, **options)
        assert not hasattr(clf, "n_features_in_")
        clf.partial_fit(X, Y).partial_fit(X, Y)
        before = snapshot(clf)
        fails(clf.partial_fit, x, y, **options)
        assert snapshot(clf) == before

    @pytest.mark.parametrize("looked", [False, True], ids=["at once", "after a prediction"])
    @pytest.mark.parametrize("fitted", ["partial_fit", "fit"])
    def test_divergence_keeps_the_last_good_weights(self, looked, fitted):
        clf, other = small(), small()
        for one in (clf, other):
            getattr(one, fitted)(X, Y)
            one.partial_fit(X, Y)
        if looked:
            clf.predict_proba(X)
        before = snapshot(clf)
        clf.set_params(learning_rate_init=1e30)
        fails(clf.partial_fit, X, Y, error=FloatingPointError)
        clf.set_params(learning_rate_init=other.learning_rate_init)
        assert snapshot(clf) == before
        # The moments of the optimiser are the good ones, too.
        clf.partial_fit(X, Y)
        other.partial_fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), other.predict_proba(X))

    def test_features_that_make_it_diverge(self):
        clf = small(standardize=False, ema_decay=None).partial_fit(X, Y)
        before = snapshot(clf)
        fails(clf.partial_fit, X * np.float32(1e30), Y, error=FloatingPointError)
        assert snapshot(clf) == before

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
    def test_an_error_in_a_step(self, monkeypatch, error):
        clf, other = small().partial_fit(X, Y), small().partial_fit(X, Y)
        before = snapshot(clf)
        interrupt(monkeypatch, error)
        fails(clf.partial_fit, X, Y, error=error)
        monkeypatch.undo()
        assert snapshot(clf) == before
        clf.partial_fit(X, Y)
        other.partial_fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), other.predict_proba(X))


def test_what_is_held_is_not_written_over():
    clf = small(hidden_layer_sizes=(40, 30), batch_size=5).partial_fit(X, Y)
    before, roll_back = clf._trainer.state(), clf._trainer.hold()
    for _ in range(3):
        clf.partial_fit(X, Y)
    assert any((value != before[name]).any() for name, value in clf._trainer.state().items())
    roll_back()
    for name, value in clf._trainer.state().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


@pytest.mark.parametrize("change", [{}, {"dropout": 0.1}, {"ema_decay": None}], ids=str)
@pytest.mark.parametrize("when", ["before the first step", "in the first call"])
def test_an_interrupt_elsewhere(monkeypatch, change, when):
    """Also with parameters that were just changed, for which another loop is taken."""
    clf, other = small(), small()
    if when != "in the first call":
        for one in (clf, other):
            one.partial_fit(X, Y).partial_fit(X, Y)
            one.set_params(**change)
    before = snapshot(clf)
    monkeypatch.setattr(
        "sk_yt8m._training.epoch_loop.pack_batches",
        lambda *args: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    fails(clf.partial_fit, X, Y, error=KeyboardInterrupt)
    monkeypatch.undo()
    assert snapshot(clf) == before
    clf.set_params(**change).partial_fit(X, Y)
    other.set_params(**change).partial_fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), other.predict_proba(X))


def interrupt(monkeypatch, error):
    """Let the next training end with an error after its first step."""
    from sk_yt8m._training.trainer import Trainer

    train = Trainer.train

    def train_then_fail(self, *args):
        train(self, *args)
        raise error

    monkeypatch.setattr(Trainer, "train", train_then_fail)


class TestFit:
    @pytest.mark.parametrize("warm_start", [False, True])
    def test_divergence(self, warm_start):
        clf = small(warm_start=warm_start).fit(X, Y)
        before = snapshot(clf)
        clf.set_params(learning_rate_init=1e30)
        fails(clf.fit, X, Y, error=FloatingPointError)
        clf.set_params(learning_rate_init=small().learning_rate_init)
        assert snapshot(clf) == before

    def test_a_fit_after_partial_fit(self):
        clf, other = small().partial_fit(X, Y), small().partial_fit(X, Y)
        fails(clf.fit, NAN, LABELS)
        clf.partial_fit(X, Y)
        other.partial_fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), other.predict_proba(X))

    def test_an_error_in_a_step(self, monkeypatch):
        clf = small().fit(X, Y)
        before = snapshot(clf)
        interrupt(monkeypatch, MemoryError)
        fails(clf.fit, WIDE, LABELS, error=MemoryError)
        monkeypatch.undo()
        assert snapshot(clf) == before

    def test_checkpoints_are_not_begun_with_bad_input(self, tmp_path):
        fails(small(checkpoint_dir=tmp_path / "run").fit, WIDE, LABELS[:9])
        assert not (tmp_path / "run").exists()


class TestLoops:
    def test_one_that_failed_is_thrown_away(self, monkeypatch):
        built = []
        monkeypatch.setattr(
            "sk_yt8m._training.compiled_steps.StepLoop",
            lambda *args: built.append(1) or StepLoop(*args),
        )
        clf = small(hidden_layer_sizes=(7, 3)).fit(X, Y)
        expected = clf.predict_proba(X)
        interrupt(monkeypatch, MemoryError)
        fails(clf.fit, X, Y, error=MemoryError)
        monkeypatch.undo()
        monkeypatch.setattr(
            "sk_yt8m._training.compiled_steps.StepLoop",
            lambda *args: built.append(1) or StepLoop(*args),
        )
        np.testing.assert_array_equal(clf.fit(X, Y).predict_proba(X), expected)
        assert len(built) == 2

    def test_one_that_diverged_is_used_again(self, monkeypatch):
        built = []
        monkeypatch.setattr(
            "sk_yt8m._training.compiled_steps.StepLoop",
            lambda *args: built.append(1) or StepLoop(*args),
        )
        clf = small(hidden_layer_sizes=(7, 4))
        fails(clf.set_params(learning_rate_init=1e30).fit, X, Y, error=FloatingPointError)
        clf.set_params(learning_rate_init=0.002).fit(X, Y)
        assert len(built) == 1

    @pytest.mark.parametrize(
        "scope",
        [
            lambda: keras.name_scope("outer"),
            lambda: tf.name_scope("outer"),
            lambda: tf.device("/CPU:0"),
            tf.init_scope,
        ],
        ids=["keras", "tensorflow", "device", "init"],
    )
    def test_a_scope_around_the_first_fit(self, scope, tmp_path, request):
        # A width of its own, so that the loop is built in the scope.
        sizes = (5, 2 + len(request.node.callspec.id))
        with scope():
            inside = small(hidden_layer_sizes=sizes).fit(X, Y)
            part = small(hidden_layer_sizes=sizes).partial_fit(X, Y)
        outside = small(hidden_layer_sizes=sizes).fit(X, Y)
        np.testing.assert_array_equal(inside.predict_proba(X), outside.predict_proba(X))
        part.save(tmp_path / "model.safetensors", include_training_state=True)
        again = load(tmp_path / "model.safetensors").partial_fit(X, Y)
        with scope():
            part.partial_fit(X, Y)
        np.testing.assert_array_equal(again.predict_proba(X), part.predict_proba(X))
