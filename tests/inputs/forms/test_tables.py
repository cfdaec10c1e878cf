"""Tables and columns of polars and pyarrow, as X and as y."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from small_problem import X, small
from small_problem import Y as Y_9

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier
from sk_yt8m._inputs.forms.tables import as_pandas, column_names, is_missing
from sk_yt8m._inputs.targets import encode_targets

Y = Y_9[:, :4].astype(np.int64)
FEATURES, LABELS = [*"uvwxyz"], ["cat", "dog", "fish", "bird"]

TABLES = {
    "pandas": lambda array, columns: pd.DataFrame(array, columns=columns),
    "polars": lambda array, columns: pl.DataFrame(array, schema=columns),
    "Table": lambda array, columns: pa.Table.from_pandas(pd.DataFrame(array, columns=columns)),
    "RecordBatch": lambda array, columns: pa.RecordBatch.from_pandas(
        pd.DataFrame(array, columns=columns)
    ),
}
ESTIMATORS = {
    "network": small,
    "average": lambda: AveragingClassifier([("a", small()), ("b", small(random_state=1))]),
    "neighbors": lambda: DeepNeighborsClassifier(small(), n_neighbors=3),
}
every_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
every_estimator = pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)


@every_table
@every_estimator
def test_names_of_features_and_labels(table, make):
    features, labels = table(X, FEATURES), table(Y, LABELS)
    clf, expected = make().fit(features, labels), make().fit(X, Y)
    assert clf.feature_names_in_.tolist() == FEATURES
    assert clf.label_names_.tolist() == LABELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        probabilities = clf.predict_proba(features)
        assert clf.score(features, labels) == clf.score(pd.DataFrame(X, columns=FEATURES), labels)
    # scikit-learn reads tables of polars and pyarrow as float64.
    np.testing.assert_allclose(probabilities, expected.predict_proba(X), rtol=1e-5)
    with pytest.raises(ValueError, match="feature names should match"):
        clf.predict(table(X, FEATURES[::-1]))
    with pytest.raises(ValueError, match="column 0 is 'bird'"):
        clf.score(features, table(Y, LABELS[::-1]))


@every_table
def test_training_in_parts_and_validation_data(table):
    features, labels = table(X, FEATURES), table(Y, LABELS)
    clf = small().partial_fit(features, labels).partial_fit(features, labels)
    assert clf.label_names_.tolist() == LABELS
    with pytest.raises(ValueError, match="y_val: The label names of y"):
        small().fit(features, labels, X_val=features, y_val=table(Y, LABELS[::-1]))
    with pytest.raises(ValueError, match="feature names should match"):
        small().fit(features, labels, X_val=table(X, FEATURES[::-1]), y_val=labels)


@every_table
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_one_column(table):
    """One column of X is one feature, one column of y holds classes."""
    features, labels = table(X[:, :1], ["u"]), table(Y[:, :1], ["cat"])
    clf = small().fit(features, labels)
    assert clf.feature_names_in_.tolist() == ["u"]
    assert clf.classes_.tolist() == [0, 1]
    assert (
        clf.predict(features).tolist() == small().fit(X[:, :1], Y[:, 0]).predict(X[:, :1]).tolist()
    )


COLUMNS = {
    "Series": pl.Series,
    "ChunkedArray": lambda values: pa.chunked_array([values[:3], values[3:]]),
    "array": pa.array,
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("classes", [["no", "yes"], [0, 1], [False, True]], ids=str)
@every_estimator
def test_a_column_of_classes(column, classes, make):
    values = [classes[one] for one in Y[:, 0]]
    clf = make().fit(X, column(values))
    assert clf.classes_.tolist() == classes
    assert clf.score(X, column(values)) == make().fit(X, values).score(X, values)


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("values", [["a", "b"], [0, 1], [0.0, 1.0], [False, True]], ids=str)
def test_null_classes(column, values):
    with pytest.raises(ValueError, match=r"y contains NaN .* in row 2: expected classes"):
        encode_targets(column([*values, None, *values]))


@pytest.mark.parametrize("table", [pl.DataFrame, pa.table, pd.DataFrame])
@pytest.mark.parametrize("values", [[0, 1, None], [True, False, None]], ids=str)
def test_null_labels_and_features(fitted, table, values):
    columns = table({"cat": [1, 0, 1], "dog": values})
    with pytest.raises(ValueError, match=r"row 2, column 1 holds (nan|None)$"):
        encode_targets(columns)
    columns = table(dict.fromkeys(FEATURES, values))
    with pytest.raises(ValueError, match="X contains NaN in row 2, column 0"):
        fitted.predict(columns)


def test_columns_that_are_called_as_methods_are():
    names = ["column_names", "schema", "dtypes", "tags"]
    assert encode_targets(pd.DataFrame(Y, columns=names))[1].names.tolist() == names
    assert column_names(pd.DataFrame(Y, columns=names)).tolist() == names
    frame = pd.DataFrame(Y, columns=names)
    assert as_pandas(frame) is frame


@pytest.mark.parametrize(
    "value",
    [None, np.nan, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT")],
    ids=repr,
)
def test_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "", [], np.zeros(2), (None,), np.float32(1), False], ids=repr)
def test_not_missing(value):
    assert not is_missing(value)
