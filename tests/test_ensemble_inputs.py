"""What both ensembles take as X and y, and what they refuse."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from ensemble_parts import Copying
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score

from sk_yt8m import (
    AveragingClassifier,
    DeepMultiLabelClassifier,
    DeepNeighborsClassifier,
    SparseIndicator,
)
from sk_yt8m.metrics import gap_score

rng = np.random.default_rng(0)
# More rows than a block has, and one row alone in the last.
X = rng.normal(size=(513, 6)).astype(np.float32)
X[rng.uniform(size=X.shape) < 0.3] = 0
Y = (X @ rng.normal(size=(6, 5)) > 0.5).astype(np.uint8)


def network(seed: int = 0) -> DeepMultiLabelClassifier:
    return DeepMultiLabelClassifier((16,), max_iter=2, precision="float32", random_state=seed)


ENSEMBLES = {
    "neighbors": DeepNeighborsClassifier(network(), n_neighbors=5),
    "average": AveragingClassifier(
        [("one", network(1)), ("two", DeepNeighborsClassifier(network(2), n_neighbors=5))]
    ),
}


@pytest.fixture(scope="module", params=ENSEMBLES)
def fitted(request):
    return clone(ENSEMBLES[request.param]).fit(X, Y)


def memory_map(rows, folder):
    np.save(folder / "X.npy", rows)
    return np.load(folder / "X.npy", mmap_mode="r")


DENSE = {
    "list": lambda rows, _: rows.tolist(),
    "Fortran order": lambda rows, _: np.asfortranarray(rows),
    "float64": lambda rows, _: rows.astype(np.float64),
    "DataFrame": lambda rows, _: pd.DataFrame(rows),
    "memory map": memory_map,
}
SPARSE = {
    f"{form}_{kind}": lambda rows, _, name=f"{form}_{kind}": getattr(sp, name)(rows)
    for form in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
    for kind in ("matrix", "array")
}
CONTAINERS = {**DENSE, **SPARSE}


class TestContainers:
    @pytest.mark.filterwarnings("ignore:Constructing a DIA matrix")
    @pytest.mark.parametrize("container", CONTAINERS)
    def test_all_predict_the_same(self, fitted, container, tmp_path):
        rows = CONTAINERS[container](X, tmp_path)
        # A list has the numbers of Python, which are wider.
        array = X.astype(np.float64) if container in ("list", "float64") else X
        np.testing.assert_array_equal(fitted.predict_proba(rows), fitted.predict_proba(array))
        np.testing.assert_array_equal(fitted.predict(rows), fitted.predict(array))
        np.testing.assert_array_equal(fitted.predict_top_k(rows)[0], fitted.predict_top_k(array)[0])

    def test_both_precisions_predict_nearly_the_same(self, fitted):
        np.testing.assert_allclose(
            fitted.predict_proba(X.astype(np.float64)), fitted.predict_proba(X), atol=1e-4
        )

    @pytest.mark.parametrize("container", ["list", "DataFrame", "memory map", "coo_array"])
    def test_all_train_the_same(self, fitted, container, tmp_path):
        rows = CONTAINERS[container](X, tmp_path)
        again = clone(fitted).fit(rows, Y)
        np.testing.assert_allclose(again.predict_proba(X), fitted.predict_proba(X), rtol=1e-5)

    @pytest.mark.parametrize("stop", [1, 2, 256, 511, 512, 513])
    def test_the_rows_beside_have_no_influence(self, fitted, stop):
        whole = fitted.predict_proba(X)
        np.testing.assert_array_equal(fitted.predict_proba(X[:stop]), whole[:stop])
        np.testing.assert_array_equal(fitted.predict_proba(X[-stop:]), whole[-stop:])


class TestErrors:
    @pytest.mark.parametrize("row", [0, 511, 512])
    @pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (-np.inf, "infinity")])
    @pytest.mark.parametrize(
        "container", ["list", "float64", "DataFrame", "memory map", "coo_array"]
    )
    def test_the_row_is_that_of_x(self, fitted, container, value, word, row, tmp_path):
        rows = X.copy()
        rows[row, 3] = value
        for method in (fitted.predict_proba, fitted.predict, fitted.predict_top_k):
            with pytest.raises(ValueError, match=f"X contains {word} in row {row}, column 3"):
                method(CONTAINERS[container](rows, tmp_path))

    @pytest.mark.parametrize("row", [0, 511, 512])
    @pytest.mark.parametrize("dtype", ["Float32", "Float64"])
    def test_a_missing_value_of_a_frame(self, fitted, dtype, row):
        frame = pd.DataFrame(X).astype(dtype)
        frame.iloc[row, 3] = pd.NA
        with pytest.raises(ValueError, match=f"X contains NaN in row {row}, column 3"):
            fitted.predict_proba(frame)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (X[:0], "0 rows"),
            (sp.coo_array((0, 6)), "0 rows"),
            ([], "0 rows"),
            (X[0], "Reshape your data|2D array"),
            (X[:, :5], "5 features"),
            (sp.coo_array(X[:, :5]), "5 features"),
            (X[:, :, np.newaxis], "dim 3"),
            ([[1.0] * 6, [1.0] * 5], "row 1 of X has 5 values, but row 0 has 6"),
            ([["a"] * 6], "convert string"),
        ],
    )
    def test_other_shapes(self, fitted, rows, message):
        with pytest.raises(ValueError, match=message):
            fitted.predict_proba(rows)

    @pytest.mark.parametrize("options", [{}, {"sample_weight": np.ones(513)}], ids=str)
    def test_lengths_that_differ(self, fitted, options):
        with pytest.raises(ValueError, match=r"numbers of samples: \[513, 512\]"):
            clone(fitted).fit(X, Y[:-1], **options)

    @pytest.mark.parametrize("rows", [None, 3.0, "text"])
    def test_no_rows_at_all(self, fitted, rows):
        with pytest.raises((TypeError, ValueError)):
            fitted.predict_proba(rows)

    def test_names_of_features(self, fitted):
        frame = pd.DataFrame(X, columns=list("abcdef"))
        clf = clone(fitted).fit(frame, Y)
        assert clf.feature_names_in_.tolist() == list("abcdef")
        np.testing.assert_array_equal(clf.predict_proba(frame), fitted.predict_proba(X))
        for other in (frame[list("abcdfe")], frame.rename(columns={"a": "z"})):
            for method in (clf.predict_proba, clf.predict, clf.predict_top_k):
                with pytest.raises(ValueError, match="feature names should match"):
                    method(other)
        assert not hasattr(clf.fit(X, Y), "feature_names_in_")

    def test_not_fitted(self, fitted):
        clf = clone(fitted)
        for method in (clf.predict_proba, clf.predict, clf.predict_top_k):
            with pytest.raises(NotFittedError):
                method(X)
        with pytest.raises(NotFittedError):
            clf.score(X, Y)
        assert not hasattr(clf, "n_features_in_")

    @pytest.mark.parametrize(
        "y", [Y[:-1], Y * 2, X[:, :2], X[:, 0], np.zeros((513, 0)), None, Y[:0]], ids=str
    )
    def test_bad_targets(self, fitted, y):
        clf = copy.copy(fitted)
        before = dict(vars(clf))
        with pytest.raises(ValueError, match=r"y|samples|label"):
            clf.fit(X, y)
        assert all(vars(clf)[name] is value for name, value in before.items())
        np.testing.assert_array_equal(clf.predict_proba(X), fitted.predict_proba(X))

    def test_a_failed_fit_changes_nothing(self, fitted):
        """Neither one of other features nor one of other labels."""
        clf = copy.copy(fitted)
        before = dict(vars(clf))
        bad = pd.DataFrame(X[:, :3].copy(), columns=list("abc"))
        bad.loc[400, "b"] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            clf.fit(bad, Y[:, :2])
        assert all(vars(clf)[name] is value for name, value in before.items())
        assert vars(clf).keys() == before.keys()
        assert clf.n_features_in_ == 6
        np.testing.assert_array_equal(clf.predict_proba(X), fitted.predict_proba(X))


class TestTargets:
    @pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float32])
    @pytest.mark.parametrize(
        "form", [np.asarray, sp.csr_matrix, sp.coo_array, SparseIndicator, pd.DataFrame]
    )
    def test_predictions_have_the_form_of_one_network(self, fitted, form, dtype):
        y = Y.astype(dtype)
        y = form(sp.csr_array(y) if form is SparseIndicator else y)
        clf = clone(fitted).fit(X, y)
        one, expected = clf.predict(X), network(1).fit(X, y).predict(X)
        assert type(one) is type(expected)
        assert one.dtype == expected.dtype
        dense = one.toarray() if sp.issparse(one) else one
        np.testing.assert_array_equal(dense, fitted.predict_proba(X) > 0.5)

    @pytest.mark.parametrize(
        "classes",
        [[-1, 1], ["no", "yes"], [False, True], [0, 1, 5], ["one", "three", "two"]],
        ids=str,
    )
    def test_classes(self, fitted, classes):
        scores = X @ rng.normal(size=(6, len(classes)))
        y = np.array(classes)[scores.argmax(axis=1)]
        clf = clone(fitted).fit(X, y)
        probabilities = clf.predict_proba(X)
        assert probabilities.shape == (513, len(classes))
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(clf.classes_, classes)
        np.testing.assert_array_equal(clf.predict(X), clf.classes_[probabilities.argmax(axis=1)])
        assert clf.predict(X).dtype == y.dtype
        assert clf.score(X, y) == accuracy_score(y, clf.predict(X))
        assert clf.score(X, y) > 1.2 / len(classes)
        top = clf.predict_top_k(X, k=9)
        np.testing.assert_array_equal(
            top.indices, np.argsort(-probabilities, axis=1, kind="stable")
        )
        assert clf.n_outputs_ == network().fit(X, y).n_outputs_
        again = pickle.loads(pickle.dumps(clf))
        np.testing.assert_array_equal(again.predict(X), clf.predict(X))

    def test_score_is_gap_for_labels(self, fitted):
        weight = rng.uniform(size=513)
        expected = gap_score(Y, fitted.predict_proba(X), sample_weight=weight)
        assert fitted.score(X, Y, weight) == expected

    def test_score_compares_label_names(self, fitted):
        frame = pd.DataFrame(Y, columns=list("vwxyz"))
        clf = clone(fitted).fit(X, frame)
        expected = fitted.score(X, Y)
        for y in (frame, Y, sp.csr_array(Y)):
            assert clf.score(X, y) == expected
        with pytest.raises(ValueError, match="column 0 is 'w', expected 'v'"):
            clf.score(X, frame[list("wvxyz")])
        with pytest.raises(ValueError, match=r"unseen at fit time:\n- a\n"):
            clf.score(X, frame.rename(columns={"v": "a"}))
        assert fitted.score(X, pd.DataFrame(Y)) == fitted.score(X, frame) == expected
        with pytest.raises(ValueError, match="column 3 is 4, expected 3"):
            fitted.score(X, pd.DataFrame(Y)[[0, 1, 2, 4, 3]])

    @pytest.mark.parametrize("n_labels", [1, 4, 6])
    @pytest.mark.parametrize("form", [np.asarray, sp.csr_array, pd.DataFrame])
    def test_score_takes_no_other_number_of_labels(self, fitted, form, n_labels):
        y = np.hstack([Y, Y])[:, :n_labels]
        with pytest.raises(ValueError, match=f"y has {n_labels} labels: expected the 5 of"):
            fitted.score(X, form(y))

    @pytest.mark.parametrize("k", [np.int8(3), np.int64(3), np.uint8(3)])
    def test_k_of_numpy(self, fitted, k):
        np.testing.assert_array_equal(
            fitted.predict_top_k(X, k).indices, fitted.predict_top_k(X, 3).indices
        )


def test_the_neighbours_have_the_classes_of_the_training_rows():
    """One row at a time, its own class comes back."""
    y = np.array(["b", "a", "c"])[np.arange(513) % 3]
    clf = DeepNeighborsClassifier(Copying(), n_neighbors=1, neighbor_weight=1.0)
    rows = rng.normal(size=(513, 6))
    for classes in (y, y == "a"):
        np.testing.assert_array_equal(clf.fit(rows, classes).predict(rows), classes)
