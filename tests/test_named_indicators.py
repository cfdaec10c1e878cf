"""The names of a SparseIndicator go wherever the column names of a DataFrame go."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from faults import kill
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer, StandardScaler
from small_problem import X, small
from small_problem import Y as Y_9

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, SparseIndicator, load
from sk_yt8m.metrics import (
    LabelAveragePrecisionDisplay,
    StreamingEvaluator,
    evaluation_report,
    gap_score,
    get_scorer,
)

DENSE = Y_9[:, :4].astype(np.int64)
NAMES = ["cat", "dog", "fish", "bird"]
Y = SparseIndicator(sp.csr_array(DENSE), NAMES)
SWAPPED = SparseIndicator(sp.csr_array(DENSE), ["dog", "cat", "fish", "bird"])
FRAME = pd.DataFrame(DENSE, columns=NAMES)
OTHER_ORDER = "same order as they were in fit: column 0 is 'dog', expected 'cat'"

ESTIMATORS = {
    "network": small,
    "average": lambda: AveragingClassifier([("a", small()), ("b", small(random_state=1))]),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=3),
    "pipeline": lambda: make_pipeline(StandardScaler(), small()),
}
every_estimator = pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)


def names_of(clf):
    return (clf[-1] if hasattr(clf, "steps") else clf).label_names_.tolist()


@every_estimator
@pytest.mark.parametrize("again", ["fit", "pickle", "clone"])
def test_fit_and_score(make, again):
    clf = make().fit(X, Y)
    if again == "pickle":
        clf = pickle.loads(pickle.dumps(clf))
    if again == "clone":
        clf = clone(clf).fit(X, Y)
    assert names_of(clf) == NAMES
    assert clf.score(X, Y) == clf.score(X, FRAME)
    with pytest.raises(ValueError, match=OTHER_ORDER):
        clf.score(X, SWAPPED)
    labels = clf.predict(X)
    assert sp.issparse(labels)
    assert labels.format == "csr"


@pytest.mark.parametrize("make", [*ESTIMATORS.values()][:3], ids=[*ESTIMATORS][:3])
def test_validation_data(make):
    assert names_of(make().fit(X, Y, X_val=X, y_val=Y)) == NAMES
    with pytest.raises(ValueError, match=f"The label names of y .*\n.*{OTHER_ORDER}") as raised:
        make().fit(X, Y, X_val=X, y_val=SWAPPED)
    assert str(raised.value).startswith("y_val: ")


def test_further_training():
    for clf in (small().partial_fit(X, Y), small(warm_start=True).fit(X, Y)):
        train = clf.fit if clf.warm_start else clf.partial_fit
        assert names_of(train(X, Y[::-1])) == NAMES
        assert names_of(train(X, FRAME)) == NAMES
        with pytest.raises(ValueError, match=OTHER_ORDER):
            train(X, SWAPPED)
        with pytest.warns(UserWarning, match="y does not have label names"):
            train(X, SparseIndicator(sp.csr_array(DENSE)))
        assert names_of(clf) == NAMES


def test_tags_of_later_batches():
    tags = Y.to_tags()
    clf = small().partial_fit(X[:60], SparseIndicator.from_tags(tags[:60], NAMES))
    clf.partial_fit(X[60:], SparseIndicator.from_tags(tags[60:], clf.label_names_))
    with pytest.raises(ValueError, match="Label names seen at fit time, yet now missing:\n- "):
        clf.partial_fit(X[:2], SparseIndicator.from_tags([["cat"], ["dog"]]))


@pytest.mark.parametrize("state", [False, True])
def test_model_files(state, tmp_path):
    small().partial_fit(X, Y).save(tmp_path / "m.safetensors", include_training_state=state)
    clf = load(tmp_path / "m.safetensors")
    assert clf.label_names_.tolist() == NAMES
    for call in (clf.score, clf.partial_fit):
        with pytest.raises(ValueError, match=OTHER_ORDER):
            call(X, SWAPPED)


def test_names_that_are_integers(tmp_path):
    clf = small().fit(X, SparseIndicator(sp.csr_array(DENSE), [7, 3, 5, 1]))
    clf.save(tmp_path / "m.safetensors")
    clf = load(tmp_path / "m.safetensors")
    assert clf.label_names_.tolist() == [7, 3, 5, 1]
    assert clf.label_names_.dtype == np.int64
    with pytest.raises(ValueError, match="column 0 is 3, expected 7"):
        clf.score(X, SparseIndicator(sp.csr_array(DENSE), [3, 7, 5, 1]))


def test_checkpoints(tmp_path):
    clf = small(max_iter=4, checkpoint_dir=tmp_path)
    kill(2, clf, X, Y)
    with pytest.raises(ValueError, match="label names of y"):
        clf.fit(X, SWAPPED)
    assert clf.fit(X, Y).label_names_.tolist() == NAMES
    np.testing.assert_array_equal(
        clf.predict_proba(X), small(max_iter=4).fit(X, Y).predict_proba(X)
    )


@pytest.mark.parametrize("cv", [KFold(3), 3], ids=["KFold", "number"])
def test_cross_validation_and_search(cv):
    expected = cross_val_score(small(), X, DENSE, cv=cv)
    np.testing.assert_array_equal(cross_val_score(small(), X, Y, cv=cv), expected)
    scorer = get_scorer("gap@20")
    np.testing.assert_array_equal(cross_val_score(small(), X, Y, cv=cv, scoring=scorer), expected)

    class Named(type(small())):
        def score(self, X, y, sample_weight=None):
            assert self.label_names_.tolist() == y.label_names.tolist() == NAMES
            return super().score(X, y, sample_weight)

    named = Named(**small().get_params())
    np.testing.assert_array_equal(
        cross_val_score(named, X, Y, cv=cv, error_score="raise"), expected
    )
    search = GridSearchCV(small(), {"dropout": [0.1, 0.5]}, cv=cv).fit(X, Y)
    assert search.best_estimator_.label_names_.tolist() == NAMES
    with pytest.raises(ValueError, match=OTHER_ORDER):
        search.score(X, SWAPPED)


@pytest.mark.parametrize("sparse", [True, False])
@every_estimator
def test_predictions_are_what_a_binarizer_takes_back(make, sparse):
    tags = Y.to_tags()
    mlb = MultiLabelBinarizer(sparse_output=sparse).fit(tags)
    clf = make().fit(X, SparseIndicator(mlb.transform(tags), mlb))
    labels = clf.predict(X)
    back = mlb.inverse_transform(labels)
    assert any(back)
    assert back == SparseIndicator(labels, mlb).to_tags()
    assert mlb.inverse_transform(clf.predict(X[:3])) == back[:3]
    in_order = DENSE[:, [NAMES.index(name) for name in mlb.classes_]]
    np.testing.assert_array_equal(labels.toarray(), make().fit(X, in_order).predict(X))


class TestMetrics:
    SCORES = np.random.default_rng(0).random((100, 4))

    def test_scorers_and_displays(self):
        clf = make_pipeline(StandardScaler(), small()).fit(X, Y)
        for name in ("gap@20", "map", "hit@1"):
            assert get_scorer(name)(clf, X, Y) == get_scorer(name)(clf, X, FRAME)
            with pytest.raises(ValueError, match=OTHER_ORDER):
                get_scorer(name)(clf, X, SWAPPED)
        with pytest.raises(ValueError, match=OTHER_ORDER):
            LabelAveragePrecisionDisplay.from_estimator(clf, X, SWAPPED)

    @pytest.mark.parametrize(
        "y",
        [
            Y,
            FRAME,
            pl.DataFrame(DENSE, schema=NAMES),
            pa.Table.from_pandas(FRAME),
            pa.RecordBatch.from_pandas(FRAME),
        ],
        ids=lambda y: type(y).__name__,
    )
    def test_the_report_has_the_names(self, y):
        report = evaluation_report(y, self.SCORES, n_resamples=0)
        assert report.labels["name"].tolist() == NAMES

    @pytest.mark.parametrize(
        "scores", [pd.DataFrame, lambda array, columns: pl.DataFrame(array, schema=[*columns])]
    )
    def test_scores_of_other_names(self, scores):
        right, wrong = scores(self.SCORES, columns=NAMES), scores(self.SCORES, columns=NAMES[::-1])
        assert gap_score(Y, right) == gap_score(DENSE, self.SCORES)
        with pytest.raises(ValueError, match="column 0 is 'bird' in y_score and 'cat' in y_true"):
            gap_score(Y, wrong)

    def test_rated_pairs_of_other_names(self):
        rated = SparseIndicator(sp.csr_array(np.ones_like(DENSE)), NAMES)
        assert gap_score(Y, self.SCORES, rated=rated) == gap_score(DENSE, self.SCORES)
        with pytest.raises(ValueError, match="column 0 is 'dog' in rated and 'cat' in y_true"):
            gap_score(Y, self.SCORES, rated=SWAPPED)

    def test_batches_of_other_names(self):
        evaluator = StreamingEvaluator(["hit@1"]).update(Y, self.SCORES)
        with pytest.raises(ValueError, match="column 0 is 'dog' in y_true"):
            evaluator.update(SWAPPED, self.SCORES)
