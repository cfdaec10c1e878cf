"""`hidden_layer_sizes="auto"` in `fit`, `partial_fit` and warm starts, and in files."""

import pickle

import numpy as np
import pytest
from faults import kill
from scipy.sparse import csr_matrix
from sklearn.base import clone
from small_problem import N, X, assert_same_training, assert_same_weights, small
from small_problem import Y as ALL_LABELS

from sk_yt8m import DeepMultiLabelClassifier, load
from sk_yt8m._network import architecture

Y = ALL_LABELS[:, :3]
SMALLEST, MIDDLE, LARGEST = (4, 6), (10, 15), (20, 30)


@pytest.fixture(autouse=True)
def _small_sizes(monkeypatch):
    """Make networks of 2, 5 and 10 times (2, 3) for few rows, all of them, and twice as many."""
    monkeypatch.setattr(architecture, "_UNIT_SIZES", (2, 3))
    monkeypatch.setattr(architecture, "_FEWEST", 2)
    monkeypatch.setattr(architecture, "_MOST", 10)
    monkeypatch.setattr(architecture, "_ROWS_PER_UNIT", N / 5)
    monkeypatch.setattr(architecture, "_OUTPUTS_PER_UNIT", 9)


def auto(**parameters):
    return small(hidden_layer_sizes="auto", max_iter=1, **parameters)


def sizes_of(clf):
    """Return the sizes of a fitted classifier, as told and as used."""
    assert clf.hidden_activations(X).shape == (N, clf.hidden_layer_sizes_[-1])
    assert clf.n_layers_ == len(clf.hidden_layer_sizes_) + 2
    return clf.hidden_layer_sizes_


def twice(array):
    return np.concatenate([array, array])


def test_it_is_the_default():
    assert DeepMultiLabelClassifier().hidden_layer_sizes == "auto"


def test_fit_counts_its_rows():
    clf = auto()
    assert sizes_of(clf.fit(X[:30], Y[:30])) == SMALLEST
    assert sizes_of(clf.fit(X, Y)) == MIDDLE
    assert sizes_of(clf.fit(csr_matrix(twice(X)), csr_matrix(twice(Y)))) == LARGEST
    assert clf.hidden_layer_sizes == "auto"
    assert_same_training(auto().fit(X, Y), small(hidden_layer_sizes=MIDDLE, max_iter=1).fit(X, Y))


def test_fit_counts_its_labels():
    more = (12, 18)
    clf = auto().fit(X, ALL_LABELS)
    assert sizes_of(clf) == more
    assert sizes_of(clf.fit(X, np.arange(N) % 9)) == more
    assert sizes_of(clf.fit(X, np.arange(N) % 2)) == MIDDLE


def test_rows_of_weight_0_do_not_count():
    weight = np.repeat([1.0, 0.0], N)
    clf = auto().fit(twice(X), twice(Y), sample_weight=weight)
    assert sizes_of(clf) == MIDDLE
    assert_same_weights(clf, auto().fit(X, Y))


def test_rows_that_are_held_out_count():
    assert sizes_of(auto(early_stopping=True, validation_fraction=0.4).fit(X, Y)) == MIDDLE
    assert sizes_of(auto().fit(X, Y, X_val=X, y_val=Y)) == MIDDLE


def test_one_row_more_does_not_make_a_warm_start_fail():
    clf = auto(warm_start=True).fit(X, Y)
    assert sizes_of(clf.fit(twice(X), twice(Y))) == MIDDLE
    assert sizes_of(clf.fit(X[:20], Y[:20])) == MIDDLE
    assert sizes_of(clf.set_params(warm_start=False).fit(X[:20], Y[:20])) == SMALLEST


def test_a_warm_start_of_other_sizes_keeps_them():
    clf = small(max_iter=1, warm_start=True).fit(X, Y).set_params(hidden_layer_sizes="auto")
    assert sizes_of(clf.fit(X, Y)) == (8,)
    with pytest.raises(ValueError, match="n_heads must divide the last of hidden_layer_sizes"):
        clf.set_params(n_heads=3).fit(X, Y)


def test_partial_fit_does_not_know_the_rows_that_come():
    clf = auto().partial_fit(X[:20], Y[:20])
    assert sizes_of(clf) == LARGEST
    assert sizes_of(clf.partial_fit(X, Y)) == LARGEST
    assert sizes_of(clf.set_params(warm_start=True).fit(X, Y)) == LARGEST


def test_partial_fit_goes_on_with_the_sizes_of_fit():
    clf = auto().fit(X, Y)
    assert sizes_of(clf.partial_fit(X[:20], Y[:20])) == MIDDLE


def test_the_last_size_is_a_multiple_of_the_heads():
    assert sizes_of(auto(n_heads=4).fit(X, Y)) == (10, 12)
    assert sizes_of(auto(n_heads=4).partial_fit(X, Y)) == (20, 28)


@pytest.mark.parametrize("sizes", ["auto", (5, 4), [5, 4], np.array([5, 4]), 5, ()], ids=str)
def test_files_and_pickles_tell_the_sizes(tmp_path, sizes):
    clf = small(hidden_layer_sizes=sizes, max_iter=1).fit(X, Y)
    expected = MIDDLE if isinstance(sizes, str) else tuple(np.atleast_1d(sizes).astype(int))
    clf.save(tmp_path / "model.safetensors")
    for one in (clf, load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(clf))):
        assert one.hidden_layer_sizes_ == expected
        assert {type(size) for size in one.hidden_layer_sizes_} <= {int}
        assert type(one.hidden_layer_sizes) is type(sizes)
        one.partial_fit(X[:20], Y[:20])
        assert one.hidden_layer_sizes_ == expected


def test_a_file_that_says_auto_trains_anew_by_the_rule(tmp_path):
    auto().fit(X, Y).save(tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert again.hidden_layer_sizes == "auto"
    assert sizes_of(again.fit(twice(X), twice(Y))) == LARGEST


def test_a_clone_and_set_params():
    clf = clone(auto().fit(X, Y))
    assert not hasattr(clf, "hidden_layer_sizes_")
    assert clf.hidden_layer_sizes == "auto"
    assert sizes_of(clf.set_params(hidden_layer_sizes=(7,)).fit(X, Y)) == (7,)
    assert sizes_of(clf.set_params(hidden_layer_sizes="auto").fit(X, Y)) == MIDDLE


def test_a_call_that_fails_leaves_the_sizes():
    clf = auto().fit(X, Y)
    with pytest.raises(ValueError, match="NaN"):
        clf.fit(twice(np.full_like(X, np.nan)), twice(Y))
    assert sizes_of(clf) == MIDDLE


def test_a_checkpoint_of_the_same_sizes_goes_on(tmp_path):
    kill(1, small(hidden_layer_sizes=MIDDLE, max_iter=3, checkpoint_dir=tmp_path), X, Y)
    assert list(tmp_path.iterdir())
    clf = auto(checkpoint_dir=tmp_path).set_params(max_iter=3).fit(X, Y)
    assert_same_training(clf, small(hidden_layer_sizes=MIDDLE, max_iter=3).fit(X, Y))


@pytest.mark.parametrize("value", ["Auto", "AUTO", "", "wide", ("auto",), ["auto", 3], b"auto"])
def test_other_words_are_refused(value):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        auto().set_params(hidden_layer_sizes=value).fit(X, Y)
