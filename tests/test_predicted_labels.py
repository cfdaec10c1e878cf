"""The best labels by their names: lists of pairs and tables."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from small_problem import X, small
from small_problem import Y as Y_9

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, load

NAMES = ["cat", "dog", "fish", "bird"]
FRAME = pd.DataFrame(Y_9[:, :4], columns=NAMES)
CLASSES = np.array(["ant", "bee", "cow"])[Y_9[:, :2].sum(axis=1)]
#: More rows than the blocks of any classifier.
MANY = np.tile(X, (11, 1)) + np.repeat(np.arange(11) / 5, len(X))[:, None].astype(np.float32)

ESTIMATORS = {
    "network": small,
    "average": lambda: AveragingClassifier([("a", small()), ("b", small(random_state=1))]),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=3),
}
TARGETS = {
    "names": (FRAME, NAMES),
    "numbers": (Y_9[:, :4], [0, 1, 2, 3]),
    "sparse": (sp.csr_array(Y_9[:, :4]), [0, 1, 2, 3]),
    "binary": (Y_9[:, 0] + 5, [5, 6]),
    "multiclass": (CLASSES, ["ant", "bee", "cow"]),
}


@pytest.fixture(scope="module")
def classifiers():
    """Return a function that fits each classifier once to each target."""
    fitted = {}

    def fit(estimator, target="names"):
        if (estimator, target) not in fitted:
            fitted[estimator, target] = ESTIMATORS[estimator]().fit(X, TARGETS[target][0])
        return fitted[estimator, target]

    return fit


def expected_pairs(probabilities, names, k, threshold):
    """The definition, row by row."""
    threshold = np.broadcast_to(-np.inf if threshold is None else threshold, len(names))
    rows = []
    for row in probabilities.tolist():
        best = sorted(range(len(row)), key=lambda label: (-row[label], label))[:k]
        rows.append([(names[one], row[one]) for one in best if row[one] >= threshold[one]])
    return rows


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_pairs_are_the_best_probabilities_with_their_names(classifiers, estimator, target):
    clf, names = classifiers(estimator, target), TARGETS[target][1]
    probabilities = clf.predict_proba(MANY)
    middle = float(np.median(probabilities))
    own = np.quantile(probabilities, np.linspace(0.1, 0.9, len(names)))
    for k in (1, np.int64(2), 5, 100, None):
        for threshold in (None, 0, middle, np.float32(middle), own, own.tolist(), pd.Series(own)):
            if k is None and threshold is None:
                continue
            if isinstance(threshold, pd.Series):
                threshold.index = names
            given = clf.predict_labels(MANY, k=k, threshold=threshold)
            assert given == expected_pairs(probabilities, names, k, threshold)
    assert clf.predict_labels(MANY) == expected_pairs(probabilities, names, 5, None)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_names_and_scores_are_plain_values(classifiers, estimator, target):
    for row in classifiers(estimator, target).predict_labels(X[:3], k=2):
        for name, score in row:
            assert type(name) in (int, str)
            assert type(score) is float


def test_names_of_objects_are_plain_values_too():
    frame = FRAME.set_axis(
        pd.Index([np.int64(3), "dog", np.str_("fish"), 7.5], dtype=object), axis=1
    )
    rows = small().fit(X, frame).predict_labels(X[:1], k=4)
    assert {type(name) for name, _ in rows[0]} == {int, str, float}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_threshold_selects_scores_that_equal_it(classifiers, estimator):
    clf = classifiers(estimator)
    probabilities = clf.predict_proba(X)
    cut = probabilities[3, 1]
    for k in (4, None):
        rows = clf.predict_labels(X, k=k, threshold=cut)
        assert sum(map(len, rows)) == np.count_nonzero(probabilities >= cut)
        above = clf.predict_labels(X, k=k, threshold=np.nextafter(np.float64(cut), 2))
        assert sum(map(len, above)) == np.count_nonzero(probabilities > cut)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_infinite_thresholds(classifiers, estimator):
    clf = classifiers(estimator)
    assert clf.predict_labels(X[:3], k=None, threshold=np.inf) == [[], [], []]
    without_dog = clf.predict_labels(X, k=None, threshold=[-np.inf, np.inf, 0, 0])
    assert {name for row in without_dog for name, _ in row} == {"cat", "fish", "bird"}
    assert clf.predict_labels(X, k=None, threshold=-np.inf, as_frame=True).shape == (400, 5)
    empty = clf.predict_labels(X, k=None, threshold=np.inf, as_frame=True)
    assert empty.shape == (0, 5)
    assert empty["score"].dtype == np.float32


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_tables_hold_the_same_labels(classifiers, estimator, target):
    clf, names = classifiers(estimator, target), TARGETS[target][1]
    for k, threshold in ((3, None), (2, 0.4), (None, 0.4)):
        table = clf.predict_labels(MANY, k=k, threshold=threshold, as_frame=True)
        rows = clf.predict_labels(MANY, k=k, threshold=threshold)
        assert table.columns.tolist() == ["id", "rank", "label", "name", "score"]
        flat = [
            (row, rank, names.index(name), name, score)
            for row, pairs in enumerate(rows)
            for rank, (name, score) in enumerate(pairs, start=1)
        ]
        assert list(table.itertuples(index=False, name=None)) == flat
        assert table.index.equals(pd.RangeIndex(len(flat)))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_ids_are_the_index_of_a_frame(classifiers, estimator):
    clf = ESTIMATORS[estimator]().fit(pd.DataFrame(X, columns=list("abcdef")), FRAME)
    index = pd.Index([f"video {row}" for row in range(len(X))], name="id")
    rows = pd.DataFrame(X, columns=list("abcdef"), index=index)
    table = clf.predict_labels(rows, k=2, as_frame=True)
    assert table["id"].tolist() == index.repeat(2).tolist()
    assert clf.predict_labels(rows, k=2) == classifiers(estimator).predict_labels(X, k=2)
    best = clf.predict_top_k(rows.iloc[::-1], k=3, as_frame=True)
    assert best["id"].tolist() == index[::-1].repeat(3).tolist()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_top_k_as_a_table(classifiers, estimator, target):
    clf = classifiers(estimator, target)
    table = clf.predict_top_k(X, k=2, as_frame=True)
    indices, scores = clf.predict_top_k(X, k=2)
    assert table["label"].tolist() == indices.ravel().tolist()
    assert table["score"].tolist() == scores.ravel().tolist()
    pd.testing.assert_frame_equal(table, clf.predict_labels(X, k=2, as_frame=True))
    everything = clf.predict_top_k(X[:2], k=50, as_frame=True)
    assert everything["rank"].max() == len(clf.label_names_)


def test_sparse_and_listed_features(classifiers):
    clf = classifiers("network")
    expected = clf.predict_labels(X[:5], k=2)
    assert clf.predict_labels(sp.csr_array(X[:5]), k=2) == expected
    # Wider dtypes are standardised in float64.
    wide = clf.predict_labels(X[:5].astype(np.float64), k=2)
    assert clf.predict_labels(X[:5].tolist(), k=2) == wide
    assert [[name for name, _ in row] for row in wide] == [
        [name for name, _ in row] for row in expected
    ]


def test_after_a_pickle_and_a_file(classifiers, tmp_path):
    clf = classifiers("network")
    expected = clf.predict_labels(X, k=None, threshold=0.5)
    assert pickle.loads(pickle.dumps(clf)).predict_labels(X, k=None, threshold=0.5) == expected
    clf.save(tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert again.predict_labels(X, k=None, threshold=0.5) == expected


def test_a_text_classifier_of_rows_in_a_series():
    class Lengths(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            return super().fit(X.str.len().to_numpy()[:, None], y)

        def predict_proba(self, X):
            return super().predict_proba(X.str.len().to_numpy()[:, None])

    texts = pd.Series(["a", "bb", "ccc", "dddd"], index=list("wxyz"))
    y = np.array(["short", "short", "long", "long"])
    table = (
        AveragingClassifier([("one", Lengths()), ("two", Lengths())])
        .fit(texts, y)
        .predict_labels(texts, k=1, as_frame=True)
    )
    assert table["id"].tolist() == list("wxyz")
    assert table["name"].tolist() == y.tolist()


class TestErrors:
    @pytest.mark.parametrize("k", [0, -1, 2.0, "3", True])
    def test_k(self, classifiers, k):
        with pytest.raises(ValueError, match="k must be an integer of at least 1, got"):
            classifiers("network").predict_labels(X, k=k)

    def test_neither_k_nor_threshold(self, classifiers):
        with pytest.raises(ValueError, match="with k=None give a threshold"):
            classifiers("network").predict_labels(X, k=None)

    @pytest.mark.parametrize("k", [2, None])
    @pytest.mark.parametrize(
        ("threshold", "message"),
        [
            ([0.5] * 3, r"an array of 4 numbers, one for each label; got shape \(3,\)"),
            ([[0.5] * 4], r"got shape \(1, 4\)"),
            (np.zeros((100, 4)), r"got shape \(100, 4\)"),
            (True, "got True"),
            ("high", "threshold must hold real numbers"),
            (np.nan, "threshold must not be NaN, got one"),
            ([0.1, 0.2, np.nan, 0.3], "got one at label 2"),
            (pd.Series([0.5] * 4, index=["dog", "cat", "fish", "bird"]), "column 0 is 'dog'"),
        ],
    )
    def test_threshold(self, classifiers, k, threshold, message):
        with pytest.raises(ValueError, match=message):
            classifiers("network").predict_labels(X, k=k, threshold=threshold)

    def test_masked_threshold(self, classifiers):
        with pytest.raises(TypeError, match="threshold must not be a masked array"):
            classifiers("network").predict_labels(X, threshold=np.ma.masked_less([0.5] * 4, 1))

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_not_fitted(self, estimator):
        with pytest.raises(NotFittedError):
            ESTIMATORS[estimator]().predict_labels(X)

    @pytest.mark.parametrize("k", [2, None])
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_no_rows(self, classifiers, estimator, k):
        with pytest.raises(ValueError, match=r"0 rows|0 sample"):
            classifiers(estimator).predict_labels(X[:0], k=k, threshold=0.5)

    @pytest.mark.parametrize("k", [2, None])
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_a_row_that_is_not_finite(self, classifiers, estimator, k):
        rows = MANY.copy()
        rows[1050, 2] = np.nan
        with pytest.raises(ValueError, match="row 1050, column 2"):
            classifiers(estimator).predict_labels(rows, k=k, threshold=0.5)
