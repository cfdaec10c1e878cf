"""Writers: what they accept the loaders read back equal; ids have one rule; no half files."""

import errno
import gzip
import os
import re
import stat

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sk_yt8m.datasets import (
    convert,
    load_csv,
    load_parquet,
    load_tfrecords,
    write_csv,
    write_parquet,
    write_tfrecords,
)
from sk_yt8m.datasets._formats.tfrecord import container as _records
from sk_yt8m.datasets._formats.tfrecord.container import write_records
from sk_yt8m.datasets._formats.tfrecord.messages import make_feature, make_record

GOOD_ID = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=64)
ANY_ID = st.one_of(
    st.text(max_size=4),
    st.sampled_from(["é" * 128, "é" * 129, "a" * 256, "a" * 257, "b\0", "\0", "a\0b", "\ud800"]),
    st.sampled_from([None, 1, 1.5, b"a", np.str_("x"), np.str_("y\0"), np.nan]),
)
WIDTHS = [{"a": 2, "b": 1}, {"mean_a": 1, "a": 2}, {"labels": 1, "b": 2}, {"id": 1, "b": 2}]
WIDTHS += [{"segment_scores": 3}, {"video_id": 1, "c": 2}, {"": 3}, {"c": np.int64(3)}, {"é": 3}]


def numbers(dtype):
    if dtype.kind == "f":
        edge = st.sampled_from([0.0, -0.0, 65504.0, 1e-7, float("nan"), float("inf")])
        more = st.sampled_from([1e39, -3.4028235e38, 3.4028236e38, 1e300, 1e-320])
        usual = st.floats(-2, 2, width=16)
        return st.one_of(usual, usual, edge, *([more] if dtype.itemsize > 2 else []))
    return st.integers(0, 1) if dtype.kind == "b" else st.integers(0, 100)


@st.composite
def features(draw, n_rows, width):
    dtype = np.dtype(draw(st.sampled_from(["f2", "f4", "f8", ">f4", "i1", "u8", "?", "c8", "O"])))
    width += draw(st.sampled_from([0, 0, 0, 0, 0, -1, 1]))
    kind = np.dtype("f8") if dtype.kind in "cO" else dtype
    with np.errstate(over="ignore"):
        X = draw(hnp.arrays(kind.newbyteorder("="), (n_rows, width), elements=numbers(kind)))
        return X.astype(dtype)


@st.composite
def frames(draw, n_rows, width):
    shape = st.tuples(st.integers(0, 4), st.just(width))
    arrays = hnp.arrays(np.uint8, shape, elements=st.integers(0, 2), fill=st.just(0))
    return [draw(arrays) for _ in range(n_rows)]


@st.composite
def indicators(draw, n_rows):
    n_rows += draw(st.sampled_from([0, 0, 0, 0, 1]))
    shape = (n_rows, draw(st.integers(0, 4)))
    top = draw(st.sampled_from([1, 1, 1, 2]))
    Y = draw(hnp.arrays(np.int8, shape, elements=st.integers(0, top)))
    kinds = [np.asarray, sp.csr_matrix, sp.coo_array, np.asfortranarray, np.ndarray.tolist]
    return draw(st.sampled_from(kinds))(Y)


RATING = st.tuples(
    st.sampled_from([0, 1, 2, 5, 1.5]),
    st.integers(0, 4),
    st.sampled_from([0, 1, 0.5, 0.5000000001, 1e-50, 1.1, float("nan")]),
)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_whatever_write_tfrecords_accepts_is_read_back_equal(tmp_path_factory, data):
    n_rows = data.draw(st.integers(0, 4))
    level = data.draw(st.sampled_from(["video", "frame"]))
    widths = data.draw(st.sampled_from(WIDTHS))
    X = data.draw((features if level == "video" else frames)(n_rows, 3))
    Y = data.draw(indicators(n_rows))
    ids = data.draw(
        st.one_of(
            st.none(),
            st.lists(GOOD_ID, min_size=n_rows, max_size=n_rows, unique=True),
            st.lists(ANY_ID, min_size=n_rows, max_size=n_rows),
        )
    )
    options = {"level": level, "features": widths}
    options["id_key"] = data.draw(st.sampled_from(["id", "video_id"]))
    if data.draw(st.booleans()):
        options["segments"] = [data.draw(st.lists(RATING, max_size=3)) for _ in range(n_rows)]
    path = tmp_path_factory.mktemp("any") / f"a.tfrecord{data.draw(st.sampled_from(['', '.gz']))}"
    try:
        write_tfrecords(path, X, Y, ids, **options)
    except ValueError:
        assert list(path.parent.iterdir()) == []
        return
    Y = Y.toarray() if sp.issparse(Y) else np.asarray(Y)
    reading = {"features": widths, "n_labels": Y.shape[1]}
    again = load_tfrecords(path, **reading, level="auto" if "segments" not in options else "frame")
    assert again.level == level
    if level == "video":
        np.testing.assert_array_equal(again.data.view("u4"), X.astype("f4").view("u4"))
    else:
        means = [(x.astype(float) * 4 / 255 + 4 / 512 - 2).mean(axis=0) for x in map(unpadded, X)]
        np.testing.assert_allclose(again.data, means, rtol=1e-6)
    np.testing.assert_array_equal(again.target, Y)
    assert again.ids.tolist() == (list(ids) if ids else [f"a-{row}" for row in range(n_rows)])
    if "segments" in options:
        rated = load_tfrecords(path, **reading)
        assert rated.level == "segment"
        found = [
            (again.ids.tolist().index(rated.ids[row]), rated.start[row], label, bool(target[label]))
            for row, target in enumerate(rated.target)
            for label in np.flatnonzero(rated.rated[row])
        ]
        expected = {
            (video, start, label, np.float32(score) > 0.5)
            for video, ratings in enumerate(options["segments"])
            for start, label, score in ratings
        }
        assert set(found) == expected


def unpadded(frames):
    return frames[: np.flatnonzero(frames.any(axis=1)).max() + 1]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_write_parquet_accepts_is_read_back_equal(tmp_path_factory, data):
    n_rows = data.draw(st.integers(0, 4))
    widths = data.draw(st.sampled_from([*WIDTHS, None]))
    X = data.draw(features(n_rows, 3))
    Y = data.draw(indicators(n_rows))
    lists = st.lists(st.one_of(GOOD_ID, GOOD_ID, ANY_ID), min_size=n_rows, max_size=n_rows)
    ids = data.draw(st.one_of(st.none(), lists))
    path = tmp_path_factory.mktemp("any") / "a.parquet"
    try:
        write_parquet(path, X, Y, ids, features=widths)
    except ValueError:
        assert list(path.parent.iterdir()) == []
        return
    again = load_parquet(path, features=widths)
    np.testing.assert_array_equal(again.data.view("u4"), X.astype("f4").view("u4"))
    np.testing.assert_array_equal(again.target, Y.toarray() if sp.issparse(Y) else Y)
    assert (None if ids is None else list(ids)) == (
        None if again.ids is None else again.ids.tolist()
    )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_write_csv_accepts_is_read_back_equal(tmp_path_factory, data):
    n_rows = data.draw(st.integers(0, 3))
    kind = np.dtype(data.draw(st.sampled_from(["f2", "f4", "f8", "i8"])))
    X = np.zeros((n_rows, 1152), kind)
    Y = np.zeros((n_rows, 3862), dtype=np.int8)
    for _ in range(n_rows and data.draw(st.integers(0, 4))):
        X[data.draw(st.integers(0, n_rows - 1)), data.draw(st.integers(0, 1151))] = data.draw(
            numbers(kind)
        )
        place = data.draw(st.integers(0, n_rows - 1)), data.draw(st.integers(0, 3861))
        Y[place] = data.draw(st.sampled_from([0, 1, 1, 1, 2]))
    path = tmp_path_factory.mktemp("any") / data.draw(st.sampled_from(["a_1.csv", "a_1.csv.gz"]))
    try:
        write_csv(path, X, data.draw(st.sampled_from([np.asarray, sp.csc_matrix]))(Y))
    except ValueError:
        assert list(path.parent.iterdir()) == []
        return
    again = load_csv(path)
    np.testing.assert_array_equal(again.data.view("u4"), X.astype("f4").view("u4"))
    np.testing.assert_array_equal(again.target, Y)


class TestRefused:
    """What the loader would refuse, each with the message that tells it."""

    @pytest.mark.parametrize(
        ("X", "Y", "options", "message"),
        [
            (np.zeros((0, 3)), np.zeros((0, 1)), {}, "X must hold at least one video"),
            (np.zeros((1, 3)), np.zeros((1, 0)), {}, "Y must have at least one label"),
            (np.ma.masked_equal([[1, 2, 3]], 2), [[1]], {}, "X must not be a masked array"),
            ([[1, 2, 3]], np.ma.masked_equal([[1]], 1), {}, "Y must not be a masked array"),
            ([[1, 2, 3]], [[1]], {"features": {"labels": 3}}, "features must not have .* 'labels'"),
            ([[1, 2, 3]], [[1]], {"features": {"id": 1, "x": 2}}, "features must not have .* 'id'"),
            ([[1, 2, 3]], [[1]], {"features": {1: 3}}, "features must have strings as names"),
            ([[1, 2, 3]], [[1]], {"features": {"x": True, "y": 2}}, "widths of at least 1"),
            (
                [np.zeros((4, 3), np.uint8)],
                [[1]],
                {"level": "frame"},
                "one frame with a value other than 0 for each video, video 0 has none",
            ),
            (
                [np.ones((4, 3), np.uint8)],
                [[1]],
                {"level": "frame", "features": {"mean_x": 1, "x": 2}},
                "different keys of frames",
            ),
            (
                [np.ones((4, 3), np.uint8)],
                [[1]],
                {"level": "frame", "segments": [[(0, 0, 1), (0, 0, 0)]]},
                "video 0.*segment_scores.*either right or wrong",
            ),
            (
                [np.vstack([np.ones((2, 3)), np.zeros((2, 3))]).astype(np.uint8)],
                [[1]],
                {"level": "frame", "segments": [[(2, 0, 1)]]},
                "a second from 0 to 1.*video 0 has 2, 0, 1",
            ),
            (
                [np.ones((4, 3), np.uint8)],
                [[1]],
                {"level": "frame", "segments": [[[0, 0, 1, 1, 0, 1]]]},
                r"shape \(n_ratings, 3\), but that of video 0 has shape \(1, 6\)",
            ),
        ],
    )
    def test_by_write_tfrecords(self, tmp_path, X, Y, options, message):
        with pytest.raises(ValueError, match=message):
            write_tfrecords(tmp_path / "a.tfrecord", X, Y, **{"features": {"x": 3}, **options})
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["id", "labels"])
    def test_names_of_features_by_write_parquet(self, tmp_path, name):
        with pytest.raises(ValueError, match=f"features must not have .* {name!r}"):
            write_parquet(tmp_path / "a.parquet", [[1, 2]], [[1]], features={name: 2})

    def test_an_empty_csv_file(self, tmp_path):
        with pytest.raises(ValueError, match="X must hold at least one video"):
            write_csv(tmp_path / "a_0.csv", np.zeros((0, 1152)), np.zeros((0, 3862)))

    def test_a_record_that_protobuf_could_not_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr(_records, "_LARGEST", 100)
        write_records(tmp_path / "a.tfrecord", [bytes(100)])
        with pytest.raises(ValueError, match="record 2 must have at most 100 bytes, got 101"):
            write_records(tmp_path / "b.tfrecord", [b"", bytes(101)])
        assert [path.name for path in tmp_path.iterdir()] == ["a.tfrecord"]


def test_padding_is_not_written(tmp_path):
    frames = np.zeros((5, 3), dtype=np.uint8)
    frames[[0, 2]] = 7
    write_tfrecords(tmp_path / "a.tfrecord", [frames], [[1]], level="frame", features={"x": 3})
    write_tfrecords(
        tmp_path / "b.tfrecord", [frames[:3]], [[1]], ["a-0"], level="frame", features={"x": 3}
    )
    assert (tmp_path / "a.tfrecord").read_bytes() == (tmp_path / "b.tfrecord").read_bytes()


def test_files_of_one_folder_have_different_ids_by_default(tmp_path):
    names = ["a.0.tfrecord", "a.1.tfrecord.gz", "a.tfrecord-00000-of-00002", "a.tfrecords"]
    for name in [*names, "a.tfrecord-00001-of-00002"]:
        write_tfrecords(tmp_path / name, [[1]], [[1]], features={"x": 1})
    loaded = load_tfrecords(tmp_path, features={"x": 1}, n_labels=1)
    assert sorted(loaded.ids) == [
        "a-0",
        "a-00000-of-00002-0",
        "a-00001-of-00002-0",
        "a.0-0",
        "a.1-0",
    ]


# Ids

BAD_IDS = {
    "empty": ("", "1 to 256 bytes"),
    "257 bytes": ("a" * 257, "1 to 256 bytes"),
    "258 bytes in 129 characters": ("é" * 129, "1 to 256 bytes"),
    "NUL at the end": ("b\0", "NUL"),
    "NUL": ("\0", "NUL"),
    "NUL inside": ("a\0b", "NUL"),
    "half a character": ("a\ud800", "UTF-8"),
}
GOOD_IDS = ["a" * 256, "é" * 128, "😀" * 64, " ", "b", "b ", "\x01", "b\n"]
NOT_STRINGS = [b"a", 7, None, 1.5, np.nan, np.bytes_(b"a"), pd.NA]


def array_writers(tmp_path):
    return {
        "write_tfrecords": lambda *a: write_tfrecords(
            tmp_path / "a.tfrecord", *a, features={"x": 1}
        ),
        "write_parquet": lambda *a: write_parquet(tmp_path / "a.parquet", *a),
        "convert": lambda *a: convert(a, tmp_path / "store"),
    }


WRITERS = ["write_tfrecords", "write_parquet", "convert"]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("bad", BAD_IDS)
def test_bad_ids_are_refused_by_every_writer(tmp_path, writer, bad):
    name, expected = BAD_IDS[bad]
    objects = [lambda x: np.array(x, dtype=object), lambda x: pd.Series(x, dtype=object)]
    for kind in (list, tuple, *objects):
        ids = kind(["x", name, "y"])
        with pytest.raises(ValueError, match=rf"(?s)ids must be.*{expected}.* in row 1"):
            array_writers(tmp_path)[writer]([[1], [2], [3]], [[1]] * 3, ids)
    assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", NOT_STRINGS, ids=repr)
def test_ids_that_are_no_strings_are_refused_by_every_writer(tmp_path, writer, name):
    write = array_writers(tmp_path)[writer]
    for kind in (list, lambda x: np.array(x, dtype=object)):
        with pytest.raises(ValueError, match=r"ids must be strings .* in row 1"):
            write([[1], [2], [3]], [[1]] * 3, kind(["x", name, "y"]))
    with pytest.raises(ValueError, match=r"ids must be strings .* in row 0"):
        write([[1]], [[1]], np.array([name]) if name is not pd.NA else [name])


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "ids", ["abc", b"abc", ["a", "b"], [["a"], ["b"], ["c"]], 7, np.array("a")]
)
def test_ids_are_one_for_each_row(tmp_path, writer, ids):
    with pytest.raises(ValueError, match="ids must be"):
        array_writers(tmp_path)[writer]([[1], [2], [3]], [[1]] * 3, ids)


@pytest.mark.parametrize("kind", [list, np.array, lambda x: np.array(x, dtype=object), pd.Series])
def test_good_ids_come_through_everything(tmp_path, kind):
    n = len(GOOD_IDS)
    X, Y, ids = np.ones((n, 1)), np.ones((n, 1)), kind(GOOD_IDS)
    for write in array_writers(tmp_path).values():
        write(X, Y, ids)
    reading = {"features": {"x": 1}, "n_labels": 1}
    assert load_tfrecords(tmp_path / "a.tfrecord", **reading).ids.tolist() == GOOD_IDS
    assert load_parquet(tmp_path / "a.parquet").ids.tolist() == GOOD_IDS
    stores = [
        convert((X, Y, ids), tmp_path / "arrays"),
        convert(tmp_path / "a.tfrecord", tmp_path / "records", **reading),
        convert(tmp_path / "a.parquet", tmp_path / "rows"),
    ]
    for store in stores:
        assert store.ids.tolist() == GOOD_IDS
        assert store.rows(ids=["b "]).tolist() == [GOOD_IDS.index("b ")]
        for name in ("b\0", np.str_("b\0")):
            with pytest.raises(ValueError, match="ids must be without the character NUL"):
                store.rows(ids=[name])


@pytest.mark.parametrize("bad", [*BAD_IDS, "not UTF-8"])
def test_bad_ids_are_damage_to_every_loader(tmp_path, bad):
    name, expected = BAD_IDS.get(bad, ("\udcff", "UTF-8"))
    raw = name.encode("utf-8", "surrogateescape" if bad == "not UTF-8" else "surrogatepass")
    names = [b"x", raw, b"y"]
    contents = [
        make_record(
            {
                b"id": make_feature("bytes", [one]),
                b"labels": make_feature("int64", [0]),
                b"x": make_feature("float", [1.0]),
            },
            {},
        )
        for one in names
    ]
    write_records(tmp_path / "a.tfrecord", contents)
    offsets, data = pa.py_buffer(np.cumsum([0, *map(len, names)]).astype("i4")), b"".join(names)
    columns = {
        # pyarrow does not check that strings are UTF-8 here, nor when it writes them.
        "id": pa.StringArray.from_buffers(3, offsets, pa.py_buffer(data)),
        "labels": [[0]] * 3,
        "x": [1.0] * 3,
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    for kind, load in {"tfrecord": load_tfrecords, "parquet": load_parquet}.items():
        path = tmp_path / f"a.{kind}"
        reading = {"features": {"x": 1}, "n_labels": 1}
        loaded = load(path, on_error="skip", **reading)
        assert loaded.ids.tolist() == ["x", "y"]
        (problem,) = loaded.errors
        assert re.match("(record 2 at|row 2,) .*'id'$", problem.place)
        assert expected in problem.expected
        with pytest.raises(ValueError, match=rf"a\.{kind}, (record|row) 2.*id.*{expected}"):
            load(path, **reading)
        with pytest.raises(ValueError, match=rf"a\.{kind}, (record|row) 2.*id.*{expected}"):
            convert(path, tmp_path / kind, **reading)


# Half files


def write_one(path, X):
    n = len(X)
    Y = sp.csr_matrix((n, 3862), dtype=np.uint8)
    ids = [str(row) for row in range(n)]
    if ".csv" in path.name:
        write_csv(path, X, Y)
    elif ".parquet" in path.name:
        write_parquet(path, X, Y, ids)
    else:
        write_tfrecords(path, X, Y, ids)


ENDS = ["csv", "csv.gz", "tfrecord", "tfrecord.gz", "parquet"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("old", [True, False])
def test_an_error_while_writing_leaves_what_was_there(tmp_path, monkeypatch, end, old):
    path = tmp_path / f"a_0.{end}"
    X = np.ones((300, 1152), dtype=np.float32)
    if old:
        write_one(path, X[:2])
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    fdopen = os.fdopen

    def full(*args, **kwargs):
        file = fdopen(*args, **kwargs)
        write = file.write
        n_left = [20_000]

        class Full:
            def __getattr__(self, name):
                return getattr(file, name)

            def write(self, data):
                n_left[0] -= len(data)
                if n_left[0] < 0:
                    raise OSError(errno.ENOSPC, "disk full")
                return write(data)

            def __enter__(self):
                return self

            def __exit__(self, *error):
                file.close()

        return Full()

    monkeypatch.setattr("sk_yt8m._files.atomic_write.os.fdopen", full)
    X = np.random.default_rng(0).normal(size=X.shape)
    with pytest.raises(OSError, match=rf"disk full.*a_0\.{end}"):
        write_one(path, X)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("end", ENDS)
def test_a_bad_last_row_leaves_what_was_there(tmp_path, end):
    path = tmp_path / f"a_0.{end}"
    X = np.ones((3, 1152), dtype=np.float32)
    write_one(path, X)
    before = path.read_bytes()
    X[2, 7] = np.nan
    with pytest.raises(ValueError, match="row 2, column 7 is nan"):
        write_one(path, X)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {path.name: before}


@pytest.mark.parametrize("end", ENDS)
def test_places_where_no_file_can_be(tmp_path, end):
    X = np.ones((1, 1152), dtype=np.float32)
    with pytest.raises(
        FileNotFoundError, match=rf"a_0\.{end} cannot be written: there is no folder"
    ):
        write_one(tmp_path / "none" / f"a_0.{end}", X)
    folder = tmp_path / f"a_0.{end}"
    folder.mkdir()
    with pytest.raises(IsADirectoryError, match=rf"a_0\.{end} is a folder"):
        write_one(folder, X)
    longest = tmp_path / f"{'n' * (254 - len(end))}.{end}"
    write_one(longest, X)
    assert sorted(tmp_path.iterdir()) == [folder, longest]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("link", [False, True])
def test_a_named_pipe_is_refused_and_stays(tmp_path, end, link):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = tmp_path / f"a_0.{end}"
    if link:
        path.symlink_to(pipe)
    else:
        pipe = pipe.rename(path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OSError, match="Not a regular file"):
        write_one(path, np.ones((1, 1152)))
    assert pipe.is_fifo()
    assert path.is_symlink() == link
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("end", ENDS)
def test_a_link_and_the_permissions_of_an_old_file_stay(tmp_path, end):
    target, path = tmp_path / "target", tmp_path / f"a_0.{end}"
    target.touch(mode=0o600)
    path.symlink_to("target")
    write_one(path, np.ones((1, 1152)))
    assert path.is_symlink()
    assert target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_gzipped_csv_file_is_the_same_at_every_time(tmp_path):
    for name in ("a_0.csv.gz", "b_0.csv.gz"):
        write_one(tmp_path / name, np.ones((3, 1152)))
    contents = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    assert gzip.decompress(contents[0]) == gzip.decompress(contents[1])
    assert contents[0][4:8] == bytes(4)  # no time in the header
