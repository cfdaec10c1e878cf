"""Parquet files: round trips, files of pyarrow's and pandas' own, and damage named by row."""

import os
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from sk_yt8m.datasets import load_parquet, make_videos, write_parquet


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("parquet")


def table(**columns):
    sound = {"id": ["a", "b", "c"], "labels": [[0], [], [3, 1]], "features": [[0.5, 1]] * 3}
    return pa.table({k: v for k, v in (sound | columns).items() if v is not None})


def load(path, content, name="a.parquet", **options):
    try:
        pq.write_table(content, path / name)
    except pa.ArrowNotImplementedError as error:  # Older versions write no lists of nulls.
        pytest.skip(str(error))
    return load_parquet(path / name, **{"n_labels": 4, "on_error": "skip", **options})


def test_round_trip_of_videos(tmp_path):
    videos = make_videos(5000, n_labels=3862, return_indicator="sparse", random_state=0)
    ids = [f"vidéo {i}" for i in range(5000)]
    path = tmp_path / "videos.parquet"
    write_parquet(path, videos.data, videos.target, ids)
    again = load_parquet(path, return_indicator="sparse")
    np.testing.assert_array_equal(again.data, videos.data)
    assert again.data.dtype == np.float32
    assert (again.target != videos.target).nnz == 0
    assert again.target.dtype == np.uint8
    assert again.ids.tolist() == ids
    assert again.row.tolist() == list(range(1, 5001))
    assert again.errors == []
    # pandas sees what the layout promises.
    frame = pd.read_parquet(path)
    assert list(frame.columns) == ["id", "labels", "mean_rgb", "mean_audio"]
    assert frame.mean_audio[4999].tolist() == videos.data[4999, 1024:].tolist()
    assert frame.labels[7].tolist() == videos.target[7].indices.tolist()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_round_trip_at_any_width(folder, data):
    n_rows, width, n_labels = (data.draw(st.integers(low, 9)) for low in (0, 1, 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    X = rng.normal(size=(n_rows, width)).astype(np.float32)
    Y = (rng.random((n_rows, n_labels)) < 0.4).astype(int)
    kind = data.draw(st.sampled_from([np.asarray, sp.csr_matrix, sp.csc_array]))
    write_parquet(folder / "any.parquet", X, kind(Y))
    again = load_parquet(folder / "any.parquet")
    np.testing.assert_array_equal(again.data, X)
    np.testing.assert_array_equal(again.target, Y)
    assert again.ids is None


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32])
def test_other_number_types_are_written_as_float32(tmp_path, dtype):
    X = np.array([[1, 2], [3, 4]], dtype=dtype)
    write_parquet(tmp_path / "a.parquet", X, [[1], [0]])
    assert load_parquet(tmp_path / "a.parquet").data.tolist() == [[1, 2], [3, 4]]


LISTS = {
    "float32": pa.list_(pa.float32()),
    "float64": pa.large_list(pa.float64()),
    "float16": pa.list_(pa.float16(), 2),
    "int8": pa.list_(pa.int8(), 2),
}


@pytest.mark.parametrize("kind", LISTS.values(), ids=LISTS)
def test_lists_of_every_kind(tmp_path, kind):
    values = [[1, 2], [3, 4], [5, 6]]
    if pa.types.is_float16(kind.value_type):
        values = [[np.float16(number) for number in row] for row in values]
    features = pa.array(values, kind)
    labels = pa.array([[2], [], [1, 1, 0]], pa.large_list(pa.uint16()))
    loaded = load(tmp_path, table(features=features, labels=labels, id=[7, 8, 9]))
    assert loaded.data.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert loaded.target.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [1, 1, 0, 0]]
    assert loaded.ids.tolist() == ["7", "8", "9"]
    assert loaded.errors == []


def test_columns_by_name(tmp_path):
    content = table(features=None, size=[1.0, 2.0, 3.0], shape=[[4, 5], [6, 7], [8, 9]])
    assert load(tmp_path, content, features=["shape", "size"]).data.tolist() == [
        [4, 5, 1],
        [6, 7, 2],
        [8, 9, 3],
    ]
    renamed = content.rename_columns(["name", "tags", "size", "shape"])
    options = {"features": {"size": 1}, "label_column": "tags", "id_column": "name"}
    loaded = load(tmp_path, renamed, **options)
    assert loaded.data.tolist() == [[1], [2], [3]]
    assert loaded.ids.tolist() == ["a", "b", "c"]
    assert loaded.target.tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 1]]


@pytest.mark.parametrize(
    ("columns", "row", "column", "expected", "actual"),
    [
        ({"labels": [[0], [4], []]}, 2, "labels", "labels from 0 to 3", "4"),
        ({"labels": [[0], [1], [-1, 2]]}, 3, "labels", "labels from 0 to 3", "-1"),
        ({"labels": [[0], None, [1]]}, 2, "labels", "a list of labels", "nothing"),
        ({"labels": [[0], [1, None], [1]]}, 2, "labels", "labels from 0 to 3", "a missing one"),
        ({"features": [[1.0, 2.0], [1.0], [1.0, 2.0]]}, 2, "features", "2 numbers", "1"),
        ({"features": [[1.0, 2.0], None, [1.0, 2.0]]}, 2, "features", "2 numbers", "nothing"),
        ({"features": [None, [1.0, 2.0], [1.0, 2.0]]}, 1, "features", "2 numbers", "nothing"),
        (
            {"features": pa.array([[1.0, 2.0], None, [1.0, 2.0]], pa.list_(pa.float32(), 2))},
            2,
            "features",
            "2 numbers",
            "nothing",
        ),
        (
            {"features": [[1.0, 2.0], [3.0, 4.0], [1.0, None]]},
            3,
            "features",
            "finite numbers",
            "none at index 1",
        ),
        (
            {"features": [[1.0, 2.0], [np.nan, 2.0], [1.0, 2.0]]},
            2,
            "features",
            "finite numbers",
            "nan at index 0",
        ),
        (
            {"features": [[1.0, 2.0], [1.0, 1e39], [1.0, 2.0]]},
            2,
            "features",
            "finite numbers",
            "inf at index 1",
        ),
        ({"id": ["a", None, "c"]}, 2, "id", "an id of 1 to 256 bytes", "0 bytes"),
        ({"id": ["a", "b", ""]}, 3, "id", "an id of 1 to 256 bytes", "0 bytes"),
    ],
)
def test_a_damaged_row_is_named_and_the_others_are_kept(
    tmp_path, columns, row, column, expected, actual
):
    content = table(**columns)
    loaded = load(tmp_path, content)
    path = tmp_path / "a.parquet"
    assert loaded.errors == [(str(path), f"row {row}, column {column!r}", expected, actual)]
    others = [number for number in (1, 2, 3) if number != row]
    assert loaded.row.tolist() == others
    values = content.take([number - 1 for number in others]).to_pydict()
    assert loaded.data.tolist() == values["features"]
    assert [y.nonzero()[0].tolist() for y in loaded.target] == [sorted(y) for y in values["labels"]]
    assert loaded.ids.tolist() == values["id"]
    message = re.escape(f"{path}, row {row}, column {column!r}: expected {expected}, got {actual}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        load(tmp_path, content, on_error="raise")


def test_ids_that_come_twice(tmp_path):
    pq.write_table(table(), tmp_path / "1.parquet")
    pq.write_table(table(id=["d", "b", "d"]), tmp_path / "2.parquet")
    loaded = load_parquet(tmp_path, n_labels=4, on_error="skip")
    assert loaded.ids.tolist() == ["a", "b", "c", "d"]
    assert loaded.shard.tolist() == [0, 0, 0, 1]
    second = str(tmp_path / "2.parquet")
    expected = "an id that no earlier record has"
    assert loaded.errors == [
        (second, "row 2, column 'id'", expected, f"'b', the id of {tmp_path / '1.parquet'}, row 2"),
        (second, "row 3, column 'id'", expected, f"'d', the id of {second}, row 1"),
    ]


@pytest.mark.parametrize(
    ("columns", "column", "expected", "actual"),
    [
        ({"labels": None}, "labels", "this column", "'id', 'features'"),
        ({"labels": [0, 1, 2]}, "labels", "lists of integers", "int64"),
        ({"labels": [["x"]] * 3}, "labels", "lists of integers", "list<"),
        ({"features": ["x"] * 3}, "features", "numbers or lists of numbers", "string"),
        ({"id": [[1]] * 3}, "id", "strings or integers", "list<"),
    ],
)
def test_columns_of_other_types_damage_the_file(tmp_path, columns, column, expected, actual):
    (damage,) = load(tmp_path, table(**columns), features={"features": 2}).errors
    assert (damage.place, damage.expected) == (f"column {column!r}", expected)
    assert actual in damage.actual


def test_a_column_that_is_there_twice_damages_the_file(tmp_path):
    features = pa.array([[0.5, 1]])
    for names in (["labels", "features", "features"], ["labels", "features", "labels"]):
        lists = [pa.array([[1]]) if name == "labels" else features for name in names]
        content = pa.table(lists, names=names)
        for widths in ({"features": 2}, ["features"], None):
            (damage,) = load(tmp_path, content, features=widths).errors
            assert damage.place == f"column {names[2]!r}"
            assert damage.expected == "one column of this name"


def test_a_flipped_bit_in_the_footer_names_the_file(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path, [[0.5, 1.5]], [[1, 0]], ids=["a"])
    whole = path.read_bytes()
    for place in range(len(whole) - int.from_bytes(whole[-8:-4], "little") - 8, len(whole)):
        for bit in (0x01, 0x80):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            message = ""
            try:
                load_parquet(path, n_labels=2, features={"features": 2})
            except ValueError as error:
                message = str(error)
            assert not message or str(path) in message


def test_a_name_that_is_not_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xff_0.parquet")
    write_parquet(path, [[0.5, 1.5]], [[1, 0]], ids=["a"])
    assert load_parquet(path).ids.tolist() == ["a"]


def test_a_cut_at_any_byte_is_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path, [[0.5, 1.5]], [[1, 0]])
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"a\.parquet: expected a Parquet file, got"):
            load_parquet(path, n_labels=2)


def test_a_flipped_bit_in_the_data_never_passes_unseen(tmp_path):
    path = tmp_path / "a.parquet"
    X = np.random.default_rng(0).normal(size=(9000, 3)).astype(np.float32)
    write_parquet(path, X, np.eye(2)[np.arange(9000) % 2])
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    path.write_bytes(damaged)
    with pytest.raises(
        ValueError, match=r"a\.parquet: expected valid rows from \d+ in row group 1"
    ):
        load_parquet(path)
    loaded = load_parquet(path, on_error="skip")
    # The groups of rows before and after the damaged one are kept.
    assert loaded.row.tolist() == [*range(1, 4097), *range(8193, 9001)]
    np.testing.assert_array_equal(loaded.data, X[loaded.row - 1])
    assert len(loaded.errors) == 1


@pytest.mark.parametrize("share", [0.1, 0.3, 0.45, 0.6, 0.95])
def test_damage_in_a_large_row_group_keeps_what_comes_before(tmp_path, share):
    n_rows, n_group = 20000, 10000
    X = np.random.default_rng(0).normal(size=(n_rows, 8)).astype(np.float32)
    content = pa.table(
        {
            "id": list(map(str, range(n_rows))),
            "labels": [[row % 3] for row in range(n_rows)],
            "features": pa.FixedSizeListArray.from_arrays(X.ravel(), 8),
        }
    )
    options = {"write_page_checksum": True, "use_dictionary": False, "data_page_size": 20000}
    path = tmp_path / "a.parquet"
    pq.write_table(content, path, row_group_size=n_group, compression="none", **options)
    damaged = bytearray(path.read_bytes())
    damaged[int(share * len(damaged))] ^= 4
    path.write_bytes(damaged)
    loaded = load_parquet(path, n_labels=3, on_error="skip")
    np.testing.assert_array_equal(loaded.data, X[loaded.row - 1])
    assert loaded.ids.tolist() == [str(row - 1) for row in loaded.row]
    (problem,) = loaded.errors
    group = int(share > 0.5)
    first_lost = int(problem.expected.split()[3])
    end = (group + 1) * n_group
    assert loaded.row.tolist() == [*range(1, first_lost), *range(end + 1, n_rows + 1)]
    assert problem.expected == f"valid rows from {first_lost} in row group {group}"


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PAR1" * 9])
def test_other_files_are_named(tmp_path, content):
    pq.write_table(table(), tmp_path / "b.parquet")
    (tmp_path / "a.parquet").write_bytes(content)
    loaded = load_parquet(tmp_path, n_labels=4, on_error="skip")
    assert loaded.ids.tolist() == ["a", "b", "c"]
    assert [(d.file, d.expected) for d in loaded.errors] == [
        (str(tmp_path / "a.parquet"), "a Parquet file")
    ]
    with pytest.raises(ValueError, match=r"a\.parquet: expected a Parquet file"):
        load_parquet(tmp_path, n_labels=4)


def test_forms_of_the_result(tmp_path, capfd):
    path = tmp_path / "a.parquet"
    write_parquet(path, [[0.5, 1.5]], [[1, 0, 1]])
    X, Y = load_parquet(path, return_X_y=True, return_indicator="sparse")
    assert X.tolist() == [[0.5, 1.5]]
    assert Y.toarray().tolist() == [[1, 0, 1]]
    frame = load_parquet(path, as_frame=True, progress=True).frame
    assert frame.to_numpy().tolist() == [[0.5, 1.5, 1, 0, 1]]
    assert "reading Parquet" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "n_labels must be given"),
        ({"n_labels": 0}, ValueError, "n_labels"),
        ({"on_error": "ignore"}, ValueError, "'on_error' parameter of load_parquet must be"),
        ({"return_indicator": "list"}, ValueError, "'return_indicator' parameter"),
        ({"features": "features"}, ValueError, "features must be names or a dict"),
        ({"features": {"features": 0}}, ValueError, "widths of at least 1"),
    ],
)
def test_bad_arguments(tmp_path, options, error, message):
    pq.write_table(table(), tmp_path / "a.parquet")
    with pytest.raises(error, match=message):
        load_parquet(tmp_path, **options)


@pytest.mark.parametrize(
    ("X", "Y", "options", "message"),
    [
        ([1, 2], [[1]], {}, r"X must have shape \(n_videos, n_features\)"),
        ([[np.inf]], [[1]], {}, "row 0, column 0 is inf"),
        ([[1]], [[2]], {}, "Y must hold 0 and 1"),
        ([[1]], [[1]], {"ids": ["a", "b"]}, "ids must be one for each of 1"),
        ([[1]], [[1]], {"features": {"a": 1, "b": 1}}, r"\(n_videos, 2\), got \(1, 1\)"),
    ],
)
def test_the_writer_takes_nothing_that_the_loader_would_refuse(tmp_path, X, Y, options, message):
    with pytest.raises(ValueError, match=message):
        write_parquet(tmp_path / "a.parquet", X, Y, **options)
    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install sk-yt8m\[parquet\]"):
        load_parquet(tmp_path)
    with pytest.raises(ImportError, match=r"pip install sk-yt8m\[parquet\]"):
        write_parquet(tmp_path / "a.parquet", [[1]], [[1]])
