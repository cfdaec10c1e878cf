"""A column of equal-length arrays is read as the matrix of its rows."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from small_problem import X, Y, small

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, SparseIndicator
from sk_yt8m._inputs.features import check_features
from sk_yt8m.metrics import get_scorer


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = [*rows]
    return array


COLUMNS = {
    "Series": lambda rows: pd.Series([*rows]),
    "Series with an index": lambda rows: pd.Series([*rows], index=np.arange(len(rows))[::-1]),
    "Series of lists": lambda rows: pd.Series(rows.tolist()),
    "Series of tuples": lambda rows: pd.Series([*map(tuple, rows.tolist())]),
    "Series of pyarrow": lambda rows: pd.Series(
        pd.array(rows.tolist(), pd.ArrowDtype(pa.list_(pa.float32())))
    ),
    "objects": objects,
    "column of objects": lambda rows: objects(rows)[:, np.newaxis],
    "one-column DataFrame": lambda rows: pd.DataFrame({"embedding": [*rows]}),
    "polars List": lambda rows: pl.Series(rows.tolist(), dtype=pl.List(pl.Float32)),
    "polars Array": lambda rows: pl.Series(rows, dtype=pl.Array(pl.Float32, rows.shape[1])),
    "polars DataFrame": lambda rows: pl.DataFrame({"embedding": rows.tolist()}),
    "polars DataFrame of Array": lambda rows: pl.DataFrame(
        {"embedding": pl.Series(rows, dtype=pl.Array(pl.Float32, rows.shape[1]))}
    ),
    "ChunkedArray": lambda rows: pa.chunked_array([rows[:3].tolist(), rows[3:].tolist()]),
    "pyarrow array": lambda rows: pa.array(rows.tolist()),
    "fixed size": lambda rows: pa.array(rows.tolist(), pa.list_(pa.float32(), rows.shape[1])),
    "Table": lambda rows: pa.table({"embedding": rows.tolist()}),
}
every_column = pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)

ESTIMATORS = {
    "network": small,
    "average": lambda: AveragingClassifier([("a", small()), ("b", small(random_state=1))]),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=3),
    "pipeline": lambda: make_pipeline(small()),
}


@every_column
def test_the_rows_are_stacked(column):
    clf = small()
    rows = check_features(clf, column(X), reset=True)
    assert rows.shape == X.shape
    np.testing.assert_array_equal(rows.astype(np.float32), X)
    assert clf.n_features_in_ == X.shape[1]
    assert not hasattr(clf, "feature_names_in_")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, np.int64, bool])
def test_the_dtype_is_kept(dtype):
    rows = check_features(small(), pd.Series([*X.astype(dtype)]), reset=True)
    assert rows.dtype == dtype


@pytest.fixture(scope="module", params=ESTIMATORS.values(), ids=ESTIMATORS)
def fitted_one(request):
    return request.param, request.param().fit(X, Y)


@every_column
def test_all_estimators_predict_the_same(fitted_one, column):
    _, clf = fitted_one
    rows = np.vstack([X] * 3)
    # Lists have the numbers of Python, which are wider.
    dtype = check_features(small(), column(rows), reset=True).dtype
    expected = clf.predict_proba(rows.astype(dtype))
    np.testing.assert_array_equal(clf.predict_proba(column(rows)), expected)


def test_everything_takes_a_column(fitted_one):
    make, expected = fitted_one
    column = COLUMNS["Series with an index"](X)
    clf = make().fit(column, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    np.testing.assert_array_equal(clf.predict(column), expected.predict(X))
    assert clf.score(column, Y) == expected.score(X, Y)
    assert get_scorer("hit@2")(clf, column, Y) == get_scorer("hit@2")(clf, X, Y)


def test_partial_fit_and_validation_data():
    column = COLUMNS["Series"](X)
    one = small().partial_fit(column, Y).partial_fit(column, Y)
    other = small().partial_fit(X, Y).partial_fit(X, Y)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    one = small().fit(column, Y, X_val=column, y_val=Y)
    other = small().fit(X, Y, X_val=X, y_val=Y)
    assert one.validation_scores_ == other.validation_scores_


def test_neighbours_with_weights():
    weight = np.arange(len(X)) % 3
    column = COLUMNS["Series"](X)
    one = DeepNeighborsClassifier(small()).fit(column, Y, sample_weight=weight)
    other = DeepNeighborsClassifier(small()).fit(X, Y, sample_weight=weight)
    np.testing.assert_array_equal(one.predict_proba(column), other.predict_proba(X))


@pytest.mark.parametrize(
    "name",
    [
        "Series",
        "objects",
        "polars List",
        pytest.param(
            "ChunkedArray",
            marks=pytest.mark.skipif(
                sklearn.__version__.startswith("1.6."),
                reason="scikit-learn splits arrays of pyarrow since 1.7",
            ),
        ),
    ],
)
def test_cross_validation_and_search(name):
    column = COLUMNS[name](X)
    folds = KFold(3)
    np.testing.assert_array_equal(
        cross_val_score(small(), column, Y, cv=folds), cross_val_score(small(), X, Y, cv=folds)
    )
    search = GridSearchCV(small(), {"dropout": [0.1, 0.5]}, cv=folds).fit(column, Y)
    assert search.predict_proba(column).shape == Y.shape


def test_an_average_of_other_classifiers():
    parts = [("a", small()), ("linear", OneVsRestClassifier(LogisticRegression()))]
    column = COLUMNS["Series"](X)
    clf = AveragingClassifier(parts).fit(column, Y)
    expected = AveragingClassifier(parts).fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(column), expected.predict_proba(X))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, "row 2 of X is missing"),
        (np.nan, "row 2 of X is missing"),
        (pd.NA, "row 2 of X is missing"),
        (X[0, :5], "row 2 of X has 5 values, but row 0 has 6"),
        (X[0, :0], "row 2 of X has 0 values, but row 0 has 6"),
        (X[:2], "row 2 of X is .*of type ndarray: expected an array of numbers"),
        (3.0, "row 2 of X is 3.0, of type float"),
        ("cat", "row 2 of X is 'cat', of type str"),
        ([*"abcdef"], r"row 2 of X is \['a', .*of type list"),
        ([0.0] * 5 + ["1"], "row 2 of X is .*of type list"),
        (np.array([0.0] * 5 + ["1"], dtype=object), "row 2 of X is .*of type ndarray"),
        ({1, 2, 3, 4, 5, 6}, "row 2 of X is {1, .*of type set"),
        ([[1.0], [1.0, 2.0]], r"row 2 of X is \[\[1.0\], .*of type list"),
    ],
)
@pytest.mark.parametrize("form", [pd.Series, objects, lambda rows: pd.DataFrame({"e": rows})])
def test_the_first_wrong_row_is_named(fitted, wrong, message, form):
    rows = [*X]
    rows[2] = rows[7] = wrong
    column = form(rows)
    for call in (fitted.predict_proba, lambda rows: small().fit(rows, Y)):
        with pytest.raises(ValueError, match=message):
            call(column)
    with pytest.raises(ValueError, match=message.replace("X", "X_val")):
        small().fit(X, Y, X_val=column, y_val=Y)


def test_the_first_row_may_be_missing(fitted):
    with pytest.raises(ValueError, match="row 0 of X is missing"):
        fitted.predict_proba(pd.Series([None, *X]))


@pytest.mark.parametrize("form", [pl.Series, pa.array, lambda rows: pa.table({"e": rows})])
def test_nulls(fitted, form):
    rows = X.tolist()
    rows[2] = None
    with pytest.raises(ValueError, match="row 2 of X is missing"):
        fitted.predict_proba(form(rows))
    rows[2] = [0.0, None, 1.0, 2.0, 3.0, 4.0]
    with pytest.raises(ValueError, match="X contains NaN in row 2, column 1"):
        fitted.predict_proba(form(rows))


def test_nulls_of_arrays_and_lists(fitted):
    column = pl.Series([*X[:2].tolist(), None], dtype=pl.Array(pl.Float32, 6))
    with pytest.raises(ValueError, match="X contains NaN in row 2, column 0"):
        fitted.predict_proba(column)
    with pytest.raises(ValueError, match="X contains NaN in row 1, column 1"):
        fitted.predict_proba(pd.Series([[0.0] * 6, [0.0, None, 1.0, 2.0, 3.0, 4.0]]))


@pytest.mark.parametrize("rows", [[[1.0, 2.0], [3.0]], ([1.0, 2.0], np.array([3.0]))])
def test_ragged_lists(fitted, rows):
    with pytest.raises(ValueError, match="row 1 of X has 1 values, but row 0 has 2"):
        fitted.predict_proba(rows)


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame, pa.table])
def test_arrays_beside_other_columns(fitted, form):
    table = form({"length": X[:, 0], "embedding": X.tolist()})
    message = r"the column 'embedding' of X holds an array.*np.stack\(df\['embedding'\]\)"
    for call in (fitted.predict_proba, lambda rows: small().fit(rows, Y)):
        with pytest.raises(ValueError, match=message):
            call(table)


def test_columns_of_tags_are_no_features(fitted):
    with pytest.raises(ValueError, match=r"row 0 of X is \['a'\], of type list: expected numbers"):
        fitted.predict_proba(pd.Series([["a"], ["b"]]))
    table = pd.DataFrame({"length": [1, 2], "tags": [["a"], ["b"]]})
    with pytest.raises(ValueError, match="of type list, in the column 'tags': expected numbers"):
        fitted.predict_proba(table)


@pytest.mark.parametrize(
    "rows", [X[:, 0], X[:, 0].tolist(), X[:, 0].astype(object), pl.Series(X[:, 0])]
)
def test_one_dimensional_numbers_are_refused_as_scikit_learn_does(fitted, rows):
    with pytest.raises(ValueError, match="Reshape your data"):
        fitted.predict_proba(rows)


def test_the_eight_lines(tmp_path):
    import sk_yt8m

    tags = [[f"tag {label}" for label in np.flatnonzero(row)] for row in Y]
    pd.DataFrame({"embedding": [*X], "tags": tags}).to_parquet(tmp_path / "videos.parquet")

    videos = pd.read_parquet(tmp_path / "videos.parquet")
    labels = SparseIndicator.from_tags(videos["tags"])
    clf = small().fit(videos["embedding"], labels)
    clf.save(tmp_path / "videos.safetensors")
    again = sk_yt8m.load(tmp_path / "videos.safetensors")

    assert again.label_names_.tolist() == [f"tag {label}" for label in range(9)]
    np.testing.assert_array_equal(
        again.predict(videos["embedding"]).toarray(), small().fit(X, Y).predict(X)
    )
