"""Parameters that are set between two calls: refused by name, or in force at once."""

import pickle

import numpy as np
import pytest
from other_values import AT_ONCE, FIXED, OF_FIT, WITHOUT_EFFECT
from small_problem import X, assert_same_weights, small, weights_of
from small_problem import Y as Y_9

from sk_yt8m import DeepMultiLabelClassifier, load

Y = Y_9[:, :4]


def test_every_parameter_is_in_one_group():
    groups = [*FIXED, *AT_ONCE, *OF_FIT, *WITHOUT_EFFECT]
    assert sorted(groups) == sorted(DeepMultiLabelClassifier().get_params())
    other_values = FIXED | AT_ONCE | OF_FIT | WITHOUT_EFFECT
    assert not [name for name, value in small().get_params().items() if value == other_values[name]]


@pytest.mark.parametrize("name", FIXED)
class TestFixed:
    def test_a_second_training_is_refused(self, name):
        clf = small().partial_fit(X, Y)
        expected = clf.predict_proba(X)
        clf.set_params(**{name: FIXED[name]})
        with pytest.raises(ValueError, match=f"{name} was "):
            clf.partial_fit(X, Y)
        clf.set_params(warm_start=True)
        with pytest.raises(ValueError, match=f"{name} was "):
            clf.fit(X, Y)
        np.testing.assert_array_equal(clf.predict_proba(X), expected)

    def test_also_in_another_process_and_from_a_file(self, name, tmp_path):
        clf = small().fit(X, Y).set_params(**{name: FIXED[name]})
        clf.save(tmp_path / "model.safetensors")
        for again in (pickle.loads(pickle.dumps(clf)), load(tmp_path / "model.safetensors")):
            np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
            with pytest.raises(ValueError, match=f"{name} was "):
                again.partial_fit(X, Y)

    def test_a_new_training_takes_it(self, name):
        clf = small().fit(X, Y).set_params(**{name: FIXED[name]}).fit(X, Y)
        assert_same_weights(clf, small(**{name: FIXED[name]}).fit(X, Y))


@pytest.mark.parametrize("name", AT_ONCE)
class TestAtOnce:
    def test_it_changes_the_next_call_with_and_without_a_pickle(self, name):
        calls = [small().partial_fit(X, Y).partial_fit(X, Y) for _ in range(3)]
        as_before, changed, through_a_pickle = calls
        changed.set_params(**{name: AT_ONCE[name]})
        through_a_pickle.set_params(**{name: AT_ONCE[name]})
        through_a_pickle = pickle.loads(pickle.dumps(through_a_pickle))
        for _ in range(2):
            for clf in (as_before, changed, through_a_pickle):
                clf.partial_fit(X, Y)
            assert_same_weights(changed, through_a_pickle)
        kernels = [weights_of(clf)["output/kernel"] for clf in (as_before, changed)]
        assert not np.array_equal(*kernels)

    def test_it_goes_on_in_a_file(self, name, tmp_path):
        clf = small().partial_fit(X, Y).set_params(**{name: AT_ONCE[name]})
        clf.save(tmp_path / "model.safetensors", include_training_state=True)
        again = load(tmp_path / "model.safetensors")
        assert_same_weights(clf.partial_fit(X, Y), again.partial_fit(X, Y))

    def test_predictions_do_not_change(self, name):
        clf = small().fit(X, Y)
        expected = clf.predict_proba(X)
        clf.set_params(**{name: AT_ONCE[name]})
        np.testing.assert_array_equal(clf.predict_proba(X), expected)


def test_a_moving_average_can_begin_later():
    clf = small(ema_decay=None).partial_fit(X, Y)
    start = weights_of(clf)["output/kernel"]
    clf.set_params(ema_decay=0.999999).partial_fit(X, Y)
    moved = np.abs(weights_of(clf)["output/kernel"] - start).max()
    free = small(ema_decay=None).partial_fit(X, Y).partial_fit(X, Y)
    assert 0 < moved < np.abs(weights_of(free)["output/kernel"] - start).max()


@pytest.mark.parametrize("name", sorted({*OF_FIT, *WITHOUT_EFFECT} - {"early_stopping"}))
def test_what_is_not_for_partial_fit_changes_nothing(name):
    one, other = small().partial_fit(X, Y), small().partial_fit(X, Y)
    one.partial_fit(X, Y)
    other.set_params(**{name: (OF_FIT | WITHOUT_EFFECT)[name]}).partial_fit(X, Y)
    assert_same_weights(one, other)


@pytest.mark.parametrize(
    ("name", "value"), [("dropout", 7), ("n_heads", 0), ("activation", "swish2"), ("tol", -1)]
)
def test_an_invalid_value_is_found_after_a_fit_too(tmp_path, name, value):
    clf = small().partial_fit(X, Y).set_params(**{name: value})
    for call in (lambda: clf.partial_fit(X, Y), lambda: clf.save(tmp_path / "clf.safetensors")):
        with pytest.raises(ValueError, match=f"The '{name}' parameter"):
            call()
    assert not list(tmp_path.iterdir())
    clf.set_params(**{name: getattr(small(), name)})
    assert_same_weights(clf.partial_fit(X, Y), small().partial_fit(X, Y).partial_fit(X, Y))


@pytest.mark.parametrize("decays", [(None, 0.9), (0.9, None), (0.9, None, 0.5)], ids=str)
def test_a_moving_average_begins_and_ends_in_copies_too(tmp_path, decays):
    clf, copied = small(), small()
    for decay in decays:
        clf.set_params(ema_decay=decay).partial_fit(X, Y)
        copied = pickle.loads(pickle.dumps(copied.set_params(ema_decay=decay)))
        copied.partial_fit(X, Y).save(tmp_path / "clf.safetensors", include_training_state=True)
        copied = load(tmp_path / "clf.safetensors")
        assert_same_weights(clf, copied)


def test_early_stopping_is_refused_in_partial_fit():
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        small(early_stopping=True).partial_fit(X, Y)


def test_a_random_state_object_goes_on_in_a_pickle():
    one = small(random_state=np.random.RandomState(3)).partial_fit(X, Y)
    other = pickle.loads(pickle.dumps(one))
    assert_same_weights(one.partial_fit(X, Y), other.partial_fit(X, Y))


class TestClasses:
    y = np.argmax(Y, axis=1)

    @pytest.mark.parametrize("classes", [[0, 1, 2], [0, 1, 2, 3, 4], [4, 5, 6, 7], ["a", "b"]])
    def test_other_classes_are_refused(self, classes):
        clf = small().partial_fit(X, self.y, classes=[0, 1, 2, 3])
        with pytest.raises(ValueError, match=r"classes=.* are not the same as on the last call"):
            clf.partial_fit(X, self.y % 2, classes=classes)

    @pytest.mark.parametrize("classes", [None, [3, 2, 1, 0], np.array([0, 1, 2, 3, 3])])
    def test_the_same_in_another_form(self, classes):
        clf = small().partial_fit(X, self.y, classes=[0, 1, 2, 3])
        clf.partial_fit(X, self.y % 2, classes=classes)

    def test_of_labels(self):
        clf = small().partial_fit(X, Y, classes=range(4))
        with pytest.raises(ValueError, match=r"classes=.* are not the labels of y"):
            clf.partial_fit(X, Y, classes=range(3))
        with pytest.raises(ValueError, match=r"classes=.* are not the labels of y"):
            small().partial_fit(X, Y, classes=range(3))

    def test_a_warm_start_wants_the_same(self):
        clf = small(warm_start=True).fit(X, self.y)
        with pytest.raises(ValueError, match=r"same classes .* got \[0 1 2 3\], `y` has \[0 1\]"):
            clf.fit(X, self.y % 2)
