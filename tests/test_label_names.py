"""Columns of y have names, which are compared wherever y comes a second time."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp
from faults import kill
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_problem import X, small
from small_problem import Y as Y_9

from sk_yt8m import (
    AveragingClassifier,
    DeepNeighborsClassifier,
    SparseIndicator,
    load,
)
from sk_yt8m.metrics import LabelAveragePrecisionDisplay, get_scorer

Y = Y_9[:, :4].astype(np.int64)
NAMES = ["cat", "dog", "fish", "bird"]
FRAME = pd.DataFrame(Y, columns=NAMES)
SWAPPED = FRAME[["dog", "cat", "fish", "bird"]]
RENAMED = FRAME.rename(columns={"dog": "wolf"})

OTHERS = {
    "another order": (SWAPPED, "same order as they were in fit: column 0 is 'dog'"),
    "another name": (RENAMED, "unseen at fit time:\n- wolf\nLabel names seen at fit time, yet now"),
    "sparse": (SWAPPED.astype(pd.SparseDtype("int64", 0)), "same order"),
    "boolean": (SWAPPED.astype("boolean"), "same order"),
}


ESTIMATORS = {
    "network": small,
    "average": lambda: AveragingClassifier([("a", small()), ("b", small(random_state=1))]),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=3),
}


def saved(clf, folder):
    clf.save(folder / "model.safetensors")
    return load(folder / "model.safetensors")


@pytest.mark.parametrize("other", OTHERS)
class TestOtherNames:
    @pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
    def test_score(self, make, other):
        y, message = OTHERS[other]
        clf = make().fit(X, FRAME)
        with pytest.raises(ValueError, match=message):
            clf.score(X, y)

    @pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
    def test_validation_data(self, make, other):
        y, message = OTHERS[other]
        with pytest.raises(ValueError, match=message) as raised:
            make().fit(X, FRAME, X_val=X, y_val=y)
        assert "y_val" in str(raised.value)

    def test_partial_fit(self, other):
        y, message = OTHERS[other]
        clf = small().partial_fit(X, FRAME)
        with pytest.raises(ValueError, match=message):
            clf.partial_fit(X, y)

    def test_warm_start(self, other):
        y, message = OTHERS[other]
        clf = small(warm_start=True).fit(X, FRAME)
        with pytest.raises(ValueError, match=message):
            clf.fit(X, y)

    @pytest.mark.parametrize("again", ["pickle", "file"])
    def test_after_a_round_trip(self, other, again, tmp_path):
        y, message = OTHERS[other]
        clf = small().fit(X, FRAME)
        clf = saved(clf, tmp_path) if again == "file" else pickle.loads(pickle.dumps(clf))
        for call in (clf.score, clf.partial_fit):
            with pytest.raises(ValueError, match=message):
                call(X, y)

    @pytest.mark.parametrize("name", ["gap@20", "map", "hit@1"])
    def test_scorers(self, other, name):
        y, message = OTHERS[other]
        clf = make_pipeline(StandardScaler(), small()).fit(X, FRAME)
        with pytest.raises(ValueError, match=message):
            get_scorer(name)(clf, X, y)

    def test_displays(self, other):
        y, message = OTHERS[other]
        clf = small().fit(X, FRAME)
        with pytest.raises(ValueError, match=message):
            LabelAveragePrecisionDisplay.from_estimator(clf, X, y)


def test_more_or_fewer_labels():
    clf = small().fit(X, FRAME)
    with pytest.raises(ValueError, match="y has 3 labels: expected the 4 of training"):
        clf.score(X, Y[:, :3])


def test_columns_of_an_array_in_another_order():
    clf = small().fit(X, Y)
    with pytest.raises(ValueError, match="column 0 is 1, expected 0"):
        clf.score(X, pd.DataFrame(Y)[[1, 0, 2, 3]])


def second_uses(first):
    """Return what takes a second target after the first, each with a classifier of its own."""
    return [
        lambda y: small().fit(X, first).score(X, y),
        lambda y: small().partial_fit(X, first).partial_fit(X, y),
        lambda y: small(warm_start=True).fit(X, first).fit(X, y),
        lambda y: small().fit(X, first, X_val=X, y_val=y),
        lambda y: AveragingClassifier([("a", small())]).fit(X, first).score(X, y),
    ]


NUMBERED = {
    "array": Y,
    "numbers": pd.DataFrame(Y),
    "CSR": sp.csr_array(Y),
    "SparseIndicator": SparseIndicator(sp.csr_array(Y)),
}


@pytest.mark.parametrize("numbered", NUMBERED.values(), ids=NUMBERED)
def test_what_has_no_names_goes_by_place_with_a_warning(numbered):
    for use in second_uses(FRAME):
        with pytest.warns(UserWarning, match="y does not have label names, but .* with"):
            use(numbered)
    for use in second_uses(numbered):
        with pytest.warns(UserWarning, match="y has label names, but .* without"):
            use(FRAME)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            use(Y)
    clf = small().fit(X, FRAME)
    with pytest.warns(UserWarning, match="does not have label names"):
        assert clf.score(X, numbered) == clf.score(X, FRAME)
    with pytest.warns(UserWarning, match="does not have label names"):
        clf.set_params(warm_start=True).fit(X, numbered)
    assert clf.label_names_.tolist() == NAMES


NAMED = {
    "strings": NAMES,
    "numbers": [7, 3, 5, 1],
    "places": [2, 0, 3, 1],
    "both": ["cat", 3, "fish", 1],
    "dates": pd.date_range("2026-01-01", periods=4),
    "twice": ["cat", "dog", "dog", "bird"],
}


@pytest.mark.parametrize("names", NAMED.values(), ids=NAMED)
def test_names_of_every_type(names, tmp_path):
    frame = pd.DataFrame(Y, columns=names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for use in second_uses(frame):
            use(frame)
        saved(small().fit(X, frame), tmp_path).score(X, frame)
    for use in [*second_uses(frame), saved(small().fit(X, frame), tmp_path).partial_fit]:
        if use.__name__ == "partial_fit":
            use = lambda y, partial_fit=use: partial_fit(X, y)  # noqa: E731
        with pytest.raises(ValueError, match="same order as they were in fit"):
            use(frame.iloc[:, [1, 0, 2, 3]])


@pytest.mark.parametrize(
    ("names", "others", "message"),
    [
        ("numbers", [7, 3, 5, 2], r"unseen at fit time:\n- 2\n.*missing:\n- 1\n"),
        ("numbers", ["7", "3", "5", "1"], r"unseen at fit time:\n- '7'.*missing:\n- 7"),
        ("numbers", [0, 1, 2, 3], r"unseen at fit time:\n- 0"),
        ("strings", [3, 1, 0, 2], r"unseen at fit time:\n- 3"),
        ("places", [0, 1, 2, 3], "same order"),
        ("places", ["2", "0", "3", "1"], r"unseen at fit time:\n- '2'"),
        ("twice", ["cat", "dog", "bird", "bird"], "column 2 is 'bird'"),
        ("strings", ["cat", "dog", "fish"], r"missing:\n- bird"),
    ],
)
def test_names_of_another_type(names, others, message):
    second = pd.DataFrame(Y[:, : len(others)], columns=others)
    for use in second_uses(pd.DataFrame(Y, columns=NAMED[names])):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            use(second)


@pytest.mark.parametrize("numbered", [Y, pd.DataFrame(Y)], ids=["array", "DataFrame"])
def test_numbers_are_compared_with_places(numbered):
    for use in second_uses(numbered):
        with pytest.raises(ValueError, match="same order as they were in fit"):
            use(pd.DataFrame(Y)[[1, 0, 2, 3]])
        with pytest.raises(ValueError, match=r"unseen at fit time:\n- 4"):
            use(pd.DataFrame(Y, columns=range(1, 5)))


def test_a_checkpoint_is_of_labels_of_these_names(tmp_path):
    clf = small(max_iter=4, checkpoint_dir=tmp_path)
    kill(2, clf, X, FRAME)
    for other in (["a", "b", "c", "d"], NAMES[::-1], [7, 3, 5, 1], range(4)):
        with pytest.raises(ValueError, match="label names of y"):
            clf.fit(X, pd.DataFrame(Y, columns=other))
    assert clf.fit(X, FRAME).label_names_.tolist() == NAMES


def test_tables_of_pyarrow():
    table, expected = pa.Table.from_pandas(FRAME), small().fit(X, FRAME)
    clf = small().fit(X, table)
    assert clf.label_names_.tolist() == NAMES
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    assert clf.score(X, table) == expected.score(X, FRAME)
    for use in second_uses(table):
        with pytest.raises(ValueError, match="same order"):
            use(table.select(NAMES[::-1]))


@pytest.mark.parametrize("classes", [["cat", "dog", "fish", "wolf"], [1, 2, 3, 4], [0, 1]])
def test_classes_of_a_multilabel_target_are_its_labels(classes):
    clf = small()
    for labels in (None, NAMES, range(4)):
        with pytest.raises(ValueError, match="are not the labels of y"):
            clf.partial_fit(X, FRAME, classes=classes)
        clf.partial_fit(X, FRAME, classes=labels)


def test_names_of_several_levels():
    frame = FRAME.set_axis(pd.MultiIndex.from_product([["a", "b"], [1, 2]]), axis=1)
    clf = small().fit(X, frame)
    clf.score(X, frame)
    with pytest.raises(ValueError, match=r"column 0 is \('a', 2\)"):
        clf.score(X, frame[[("a", 2), ("a", 1), ("b", 1), ("b", 2)]])


@pytest.mark.parametrize("call", ["partial_fit", "warm start"])
@pytest.mark.parametrize("again", ["same", "pickle", "file"])
class TestNamesOfOneCall:
    """Of several calls on the same labels, one with names is enough."""

    def trained(self, calls, call, again, folder):
        clf = small(warm_start=True)
        for y in calls:
            clf = clf.partial_fit(X, y) if call == "partial_fit" else clf.fit(X, y)
        if again == "file":
            return saved(clf, folder)
        return pickle.loads(pickle.dumps(clf)) if again == "pickle" else clf

    @pytest.mark.parametrize("calls", [(FRAME, Y), (Y, FRAME), (Y, FRAME, sp.csr_array(Y))])
    def test_they_are_kept(self, calls, call, again, tmp_path):
        clf = self.trained(calls, call, again, tmp_path)
        assert clf.label_names_.tolist() == NAMES
        for method in (clf.score, clf.partial_fit, clf.fit):
            with pytest.raises(ValueError, match="column 0 is 'dog'"):
                method(X, SWAPPED)

    def test_they_change_no_weights(self, call, again, tmp_path):
        named = self.trained((Y, FRAME, Y), call, again, tmp_path)
        plain = self.trained((Y, Y, Y), call, again, tmp_path)
        assert plain.label_names_.tolist() == [0, 1, 2, 3]
        np.testing.assert_array_equal(named.predict_proba(X), plain.predict_proba(X))
