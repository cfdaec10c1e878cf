"""Lists of tags given as y: one text, wherever they are given."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from small_problem import X, Y, small

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, SparseIndicator
from sk_yt8m._inputs.targets import encode_targets
from sk_yt8m.metrics import evaluation_report, gap_score, get_scorer

TAGS = [["cat", "dog"][: 1 + row % 2] for row in range(100)]
PAIRS = [["cat", "dog"], ["fish", "dog"]] * 50


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


FORMS = {
    "ragged lists": TAGS,
    "rectangular lists": PAIRS,
    "tuples": [*map(tuple, TAGS)],
    "tuple of lists": tuple(TAGS),
    "sets": [*map(set, TAGS)],
    "frozensets": [*map(frozenset, PAIRS)],
    "arrays": [*map(np.array, TAGS)],
    "a missing row": [None, *TAGS[1:]],
    "an empty row": [[], *TAGS[1:]],
    "objects": objects(TAGS),
    "objects of equal length": objects(PAIRS),
    "column of objects": objects(TAGS)[:, np.newaxis],
    "array of strings": np.array(PAIRS),
    "array of objects": np.array(PAIRS, dtype=object),
    "numbers": [[1, 2], [3]] * 50,
    "Series": pd.Series(TAGS),
    "Series of equal length": pd.Series(PAIRS),
    "Series of numbers": pd.Series([[0, 1], [1, 1]] * 50),
    "DataFrame": pd.DataFrame({"tags": TAGS}),
    "DataFrame of two columns": pd.DataFrame({"id": range(100), "tags": TAGS}),
    "DataFrame of strings": pd.DataFrame(PAIRS),
    "polars": pl.Series(TAGS),
    "polars Array": pl.Series(PAIRS, dtype=pl.Array(pl.String, 2)),
    "polars DataFrame": pl.DataFrame({"tags": TAGS}),
    "polars strings": pl.DataFrame(PAIRS, orient="row"),
    "ChunkedArray": pa.chunked_array([TAGS]),
    "pyarrow array": pa.array(TAGS),
    "Table": pa.table({"tags": TAGS}),
}
every_form = pytest.mark.parametrize("form", FORMS)


def text(name, *, at=r"[\w\[\]'.()]*"):
    call = rf"SparseIndicator.from_tags\({name}{at}"
    return (
        rf"{name} holds .* in row [01]: expected an indicator matrix of 0 and 1, or one class in "
        rf"each row. For lists of tags, write {call}\), or for .* {call}, clf.label_names_\)"
    )


@every_form
def test_training(form):
    y = FORMS[form]
    for make in (small, lambda: AveragingClassifier([("a", small())]), DeepNeighborsClassifier):
        with pytest.raises(ValueError, match=f"^{text('y')}"):
            make().fit(X, y)
    with pytest.raises(ValueError, match=f"^{text('y')}"):
        small().partial_fit(X, y)


@every_form
def test_more_data(fitted, trained, form):
    y = FORMS[form]
    calls = [
        lambda: fitted.score(X, y),
        lambda: trained.partial_fit(X, y),
        lambda: small().fit(X, Y[:, 0]).score(X, y),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"^{text('y')}"):
            call()
    with pytest.raises(ValueError, match=r"^y_val holds .*from_tags\(y_val.*, y.label_names\)"):
        small().fit(X, Y, X_val=X, y_val=y)


@every_form
def test_metrics(fitted, form):
    y = FORMS[form]
    calls = [
        lambda: get_scorer("gap@20")(fitted, X, y),
        lambda: get_scorer("map")(fitted, X, y),
        lambda: gap_score(y, np.ones((100, 3))),
        lambda: evaluation_report(y, np.ones((100, 3))),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"^{text('y_true')}"):
            call()


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"a missing row"}))
def test_what_the_error_says_works(form):
    y = FORMS[form]
    with pytest.raises(ValueError, match=r"SparseIndicator\.from_tags") as raised:
        encode_targets(y)
    line = str(raised.value).split("write ")[1].split(", or for")[0]
    Y = eval(line, {"SparseIndicator": SparseIndicator, "y": y})
    assert Y.shape[0] == 100
    assert {*Y.label_names} <= {"cat", "dog", "fish", 0, 1, 2, 3}


def test_rows_of_zeros_and_ones_in_a_column():
    y = pd.Series([*Y])
    with pytest.raises(ValueError, match=r"For rows of 0 and 1, write np.stack\(y\)$"):
        encode_targets(y)
    np.testing.assert_array_equal(encode_targets(np.stack(y))[0].toarray(), Y)


def test_lists_of_numbers_of_equal_length():
    with pytest.raises(ValueError, match=r"row 0, column 1 holds 2. For lists of tags, write"):
        encode_targets([[1, 2], [3, 4]])


@pytest.mark.parametrize("lazy", [pl.LazyFrame({"a": [0, 1], "b": [1, 1]})])
def test_lazy_frames(fitted, lazy):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in (fitted.score, fitted.partial_fit, fitted.fit):
            with pytest.raises(TypeError, match=r"y is a LazyFrame.*y.collect\(\)"):
                call(X, lazy)
        with pytest.raises(TypeError, match=r"X is a LazyFrame.*X.collect\(\)"):
            fitted.predict(lazy)


class TestJoinedTags:
    @pytest.mark.parametrize("separator", [",", ";", "|"])
    @pytest.mark.parametrize("form", [list, np.array, pd.Series, pl.Series])
    def test_a_warning_says_how_to_split_them(self, separator, form):
        y = form([separator.join(tags) for tags in PAIRS[:3]])
        message = rf"hold '\{separator}', such as 'cat\{separator}dog': they are taken as 2 classes"
        with pytest.warns(UserWarning, match=message) as record:
            _, target = encode_targets(y)
        assert f"SparseIndicator.from_tags(y.str.split({separator!r}))" in str(record[0].message)
        assert target.kind == "binary"

    @pytest.mark.parametrize(
        "y",
        [
            ["cat", "dog", "cat,dog", "fish"],
            ["Arts, Crafts", "Pets, Animals", "Arts, Crafts"],
            ["a-b", "a-c"],
            [1, 2, 3],
        ],
        ids=str,
    )
    def test_other_classes(self, y):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            encode_targets(y)

    def test_once_and_not_of_later_data(self):
        y = ["cat,dog", "cat,fish"] * 50
        with pytest.warns(UserWarning, match="they are taken as 2 classes") as record:
            clf = small().fit(X, y, X_val=X, y_val=y)
        assert len(record) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clf.score(X, y)
            clf.partial_fit(X, y)
