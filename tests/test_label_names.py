"""Columns of y have names, which are compared wherever y comes a second time."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_yt8m import (
    AveragingClassifier,
    DeepMultiLabelClassifier,
    DeepNeighborsClassifier,
    SparseIndicator,
    load,
)
from sk_yt8m.metrics import LabelAveragePrecisionDisplay, gap_scorer, get_scorer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)).astype(np.float32)
Y = (X[:, :4] > 0).astype(np.int64)
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


def small(**parameters) -> DeepMultiLabelClassifier:
    defaults = {"max_iter": 2, "random_state": 0, "precision": "float32"}
    return DeepMultiLabelClassifier((8,), **(defaults | parameters))


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


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FRAME, FRAME),
        (FRAME, Y),
        (FRAME, sp.csr_array(Y)),
        (FRAME, SparseIndicator(sp.csr_array(Y))),
        (FRAME, pd.DataFrame(Y)),
        (Y, FRAME),
        (sp.csr_array(Y), FRAME),
    ],
    ids=["same", "array", "sparse", "indicator", "numbers", "names later", "after sparse"],
)
def test_what_has_no_names_goes_by_place(first, second):
    clf = small().partial_fit(X, first)
    expected = clf.score(X, Y)
    assert clf.score(X, second) == expected
    assert gap_scorer(clf, X, second) == pytest.approx(expected, abs=1e-12)
    clf.partial_fit(X, second)


def test_names_of_several_levels():
    frame = FRAME.set_axis(pd.MultiIndex.from_product([["a", "b"], [1, 2]]), axis=1)
    clf = small().fit(X, frame)
    clf.score(X, frame)
    with pytest.raises(ValueError, match=r"column 0 is \('a', 2\)"):
        clf.score(X, frame[[("a", 2), ("a", 1), ("b", 1), ("b", 2)]])
