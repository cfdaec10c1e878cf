"""Lists of tags of every form -> the indicator and the names, and back."""

from enum import Enum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MultiLabelBinarizer

from sk_yt8m import SparseIndicator

TAGS = [["dog", "cat"], [], ["fish"], ["cat", "cat", "fish"]]
NAMES = ["cat", "dog", "fish"]
DENSE = [[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1]]
NUMBERS = [[7, 3], [], [12], [3, 3, 12]]


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


COLUMNS = {
    "list": lambda rows: rows,
    "tuple of tuples": lambda rows: tuple(map(tuple, rows)),
    "sets": lambda rows: [*map(set, rows)],
    "frozensets": lambda rows: [*map(frozenset, rows)],
    "arrays": lambda rows: [np.array(row, dtype=object) for row in rows],
    "plain arrays": lambda rows: [np.array(row, dtype=None if row else "U1") for row in rows],
    "mixed": lambda rows: [set(rows[0]), (), np.array(rows[2]), rows[3]],
    "objects": objects,
    "Series": pd.Series,
    "Series with an index": lambda rows: pd.Series(rows, index=[3, 3, 1, 0]),
    "Series of sets": lambda rows: pd.Series([*map(set, rows)]),
    "Series of pyarrow": lambda rows: pd.Series(pd.array(rows, pd.ArrowDtype(pa.array(rows).type))),
    "one-column DataFrame": lambda rows: pd.DataFrame({"tags": rows}),
    "polars": pl.Series,
    "polars DataFrame": lambda rows: pl.DataFrame({"tags": rows}),
    "ChunkedArray": lambda rows: pa.chunked_array([rows[:1], rows[1:]]),
    "pyarrow array": pa.array,
    "pyarrow Table": lambda rows: pa.table({"tags": rows}),
}


@pytest.mark.parametrize("rows", [TAGS, NUMBERS], ids=["strings", "integers"])
@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_every_column_gives_the_same(column, rows):
    Y = SparseIndicator.from_tags(column(rows))
    np.testing.assert_array_equal(Y.tocsr().toarray(), DENSE)
    assert Y.tocsr().has_canonical_format
    assert Y.dtype == np.uint8
    assert Y.label_names.tolist() == (NAMES if rows is TAGS else [3, 7, 12])
    assert {type(name) for name in Y.label_names.tolist()} == {str if rows is TAGS else int}
    assert Y.to_tags() == [tuple(sorted(set(row))) for row in rows]


@given(
    st.lists(st.lists(st.sampled_from("abcdefg")), min_size=1).filter(any),
    st.permutations("abcdefgh"),
)
def test_it_is_what_multilabel_binarizer_makes(tags, names):
    mlb = MultiLabelBinarizer(sparse_output=True).fit(tags)
    Y = SparseIndicator.from_tags(tags)
    np.testing.assert_array_equal(Y.tocsr().toarray(), mlb.transform(tags).toarray())
    np.testing.assert_array_equal(Y.label_names, mlb.classes_)
    assert Y.to_tags() == mlb.inverse_transform(Y.tocsr())
    mlb = MultiLabelBinarizer(classes=names).fit(tags)
    for given_names in (names, mlb):
        Y = SparseIndicator.from_tags(tags, given_names)
        np.testing.assert_array_equal(Y.tocsr().toarray(), mlb.transform(tags))
        np.testing.assert_array_equal(Y.label_names, mlb.classes_)


class TestLabelNames:
    @pytest.mark.parametrize(
        "names",
        [
            ("fish", "cat", "wolf", "dog"),
            pd.Index(["fish", "cat", "wolf", "dog"]),
            pd.Series(["fish", "cat", "wolf", "dog"], index=[3, 1, 2, 0]),
            np.array(["fish", "cat", "wolf", "dog"]),
            pl.Series(["fish", "cat", "wolf", "dog"]),
            pa.array(["fish", "cat", "wolf", "dog"]),
            (name for name in ["fish", "cat", "wolf", "dog"]),
        ],
        ids=lambda names: type(names).__name__,
    )
    def test_their_order_is_that_of_the_columns(self, names):
        Y = SparseIndicator.from_tags(TAGS, names)
        assert Y.label_names.tolist() == ["fish", "cat", "wolf", "dog"]
        assert Y.label_names.dtype == object
        np.testing.assert_array_equal(
            Y.tocsr().toarray(), np.array(DENSE)[:, [2, 0, 0, 1]] * [1, 1, 0, 1]
        )

    def test_of_another_indicator(self):
        Y = SparseIndicator.from_tags(TAGS)
        assert SparseIndicator.from_tags([["fish"]], Y.label_names).shape == (1, 3)
        assert SparseIndicator.from_tags([], Y.label_names).shape == (0, 3)
        assert SparseIndicator.from_tags([[], []], Y.label_names).to_tags() == [(), ()]

    def test_unknown_tags(self):
        with pytest.raises(ValueError, match=r"row 3 of tags holds the tag 'fish'.*\['cat', 'dog'"):
            SparseIndicator.from_tags([*TAGS[:2], ["dog"], *TAGS[3:]], ["cat", "dog"])
        Y = SparseIndicator.from_tags(TAGS, ["dog", "cat"], unknown="ignore")
        assert Y.to_tags() == [("dog", "cat"), (), (), ("cat",)]
        with pytest.raises(ValueError, match="unknown must be 'error' or 'ignore', got 'drop'"):
            SparseIndicator.from_tags(TAGS, unknown="drop")
        with pytest.raises(ValueError, match="the tag '3', which is not among"):
            SparseIndicator.from_tags([["3"]], [3])

    @pytest.mark.parametrize(
        ("names", "error", "message"),
        [
            ("abc", TypeError, "got 'abc'"),
            ({"cat", "dog", "fish"}, TypeError, "in the order of the columns"),
            (3, TypeError, "sequence of names"),
            (pd.DataFrame({"name": NAMES}), TypeError, "one column of names"),
            (["cat", "dog", "cat"], ValueError, "'cat' is at 0 and at 2"),
            (["cat", None, "fish"], ValueError, "no missing name, but 1 is None"),
            (["cat", float("nan"), "fish"], ValueError, "but 1 is nan"),
            (pd.Index(["cat", pd.NA, "fish"]), ValueError, "but 1 is"),
            (pd.DatetimeIndex(["2026-01-01", None, "2026-01-02"]), ValueError, "but 1 is .*NaT"),
            (["cat", ["dog"], "fish"], TypeError, r"but 1 is \['dog'\]"),
            (np.array([NAMES]), ValueError, r"shape \(1, 3\)"),
            (MultiLabelBinarizer(), ValueError, "MultiLabelBinarizer that is not fitted"),
        ],
    )
    def test_what_is_refused(self, names, error, message):
        with pytest.raises(error, match=message):
            SparseIndicator.from_tags(TAGS, names)
        with pytest.raises(error, match=message):
            SparseIndicator(sp.csr_array(DENSE), names)


class Kind(str, Enum):  # noqa: UP042
    CAT = "cat"
    DOG = "dog"


def test_subclasses_of_strings_become_strings():
    names = SparseIndicator.from_tags([[Kind.DOG], [np.str_("cat")]]).label_names.tolist()
    assert names == ["cat", "dog"]
    assert [type(name) for name in names] == [str, str]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT], ids=str)
@pytest.mark.parametrize("form", [list, pd.Series, objects])
def test_missing_rows(missing, form):
    message = "row 2 of tags is missing .*write an empty list, or else leave it out"
    with pytest.raises(ValueError, match=message):
        SparseIndicator.from_tags(form([["a"], ["b"], missing]))


@pytest.mark.parametrize("form", [pl.Series, pa.array, lambda rows: pa.chunked_array([rows])])
def test_nulls(form):
    with pytest.raises(ValueError, match="row 1 of tags is missing"):
        SparseIndicator.from_tags(form([["a"], None, ["b"]]))
    with pytest.raises(ValueError, match="row 1 of tags holds None, of type NoneType"):
        SparseIndicator.from_tags(form([["a"], [None], ["b"]]))


@pytest.mark.parametrize(
    "column",
    [["cat,dog", "cat"], pd.Series(["cat,dog"]), pl.Series(["cat,dog"]), np.array(["cat,dog"])],
    ids=lambda column: type(column).__name__,
)
def test_strings_are_not_split_into_characters(column):
    message = r"row 0 of tags is the string 'cat,dog'.*characters.*tags.str.split\(\",\"\)"
    with pytest.raises(ValueError, match=message):
        SparseIndicator.from_tags(column)
    assert SparseIndicator.from_tags(pd.Series(["cat,dog"]).str.split(",")).to_tags() == [
        ("cat", "dog")
    ]


@pytest.mark.parametrize(
    ("tags", "error", "message"),
    [
        ("cat", TypeError, "got str 'cat'"),
        ({"a": 1}, TypeError, "got dict"),
        (None, TypeError, "got NoneType"),
        (sp.csr_array(DENSE), TypeError, "got csr_array"),
        (np.eye(3), TypeError, r"array of numbers of shape \(3, 3\)"),
        (pd.DataFrame({"id": [1], "tags": [["a"]]}), TypeError, r"columns \['id', 'tags'\]"),
        (pl.LazyFrame({"tags": [["a"]]}), TypeError, r"tags.collect\(\)"),
        ([1, 2], ValueError, "row 0 of tags is 1, of type int"),
        ([["a"], {"a": 0.9}], ValueError, "row 1 of tags is {'a': 0.9}, of type dict"),
        ([["a"], [b"c"]], ValueError, "row 1 of tags holds b'c', of type bytes"),
        ([["a"], [], [["b"]]], ValueError, r"row 2 of tags holds \['b'\], of type list"),
        ([["a", 1]], ValueError, "row 0 of tags holds 1, of type int.*all strings, or all int"),
        ([[1], ["a"]], ValueError, "row 1 of tags holds 'a', of type str"),
        ([[1.0]], ValueError, "holds 1.0, of type float"),
        ([[True]], ValueError, "holds True, of type bool"),
        ([[], []], ValueError, "no row of tags holds a tag"),
        ([], ValueError, "no row of tags holds a tag"),
        ([["a"], ["b", ""]], ValueError, "row 1 of tags holds an empty string"),
    ],
)
def test_what_is_refused(tags, error, message):
    with pytest.raises(error, match=message):
        SparseIndicator.from_tags(tags)


def test_rows_of_a_matrix_of_strings():
    assert SparseIndicator.from_tags(np.array([["b", "a"], ["a", "c"]])).to_tags() == [
        ("a", "b"),
        ("a", "c"),
    ]


def test_of_many_rows_nothing_dense_is_made():
    """The dense matrix would take 160 GB."""
    tags = [[f"{row}"] for row in range(400_000)]
    Y = SparseIndicator.from_tags(tags)
    assert Y.shape == (400_000, 400_000)
    assert Y[[17, 399_999]].to_tags() == [("17",), ("399999",)]
