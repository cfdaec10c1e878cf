"""YouTube-8M's records: every layout is read as TensorFlow reads it, whatever is wrong is named."""

import re

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example as corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from sk_yt8m.datasets import load_tfrecords, make_videos, write_tfrecords
from sk_yt8m.datasets._formats.damage import MismatchError
from sk_yt8m.datasets._formats.record_layout import RecordLayout
from sk_yt8m.datasets._formats.tfrecord.container import write_records
from sk_yt8m.datasets._formats.tfrecord.messages import (
    make_feature,
    make_record,
    read_floats,
    read_record,
    read_values,
)
from sk_yt8m.datasets._formats.tfrecord.rows import read_rows

SMALL = {"rgb": 3, "sound": 2}


@pytest.fixture(scope="module")
def tf():
    from sk_yt8m._tensorflow import tf

    return tf


@pytest.fixture(scope="module")
def videos():
    return make_videos(7, return_indicator="sparse", random_state=0)


def feature(tf, values):
    values = list(values)
    if values and isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if values and isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def features(tf, **values):
    return tf.train.Features(feature={key: feature(tf, v) for key, v in values.items()})


def example(tf, **values) -> bytes:
    return tf.train.Example(features=features(tf, **values)).SerializeToString()


def sequence(tf, lists, **values) -> bytes:
    lists = {
        key: tf.train.FeatureList(feature=[feature(tf, [frame]) for frame in frames])
        for key, frames in lists.items()
    }
    return tf.train.SequenceExample(
        context=features(tf, **values), feature_lists=tf.train.FeatureLists(feature_list=lists)
    ).SerializeToString()


def small(**changes):
    """Return what the record of a small video holds."""
    values = {"id": [b"a"], "labels": [1, 3], "rgb": [0.5, 1.5, 2.5], "sound": [3.5, 4.5]}
    values.update(changes)
    return {key: value for key, value in values.items() if value is not None}


def load(path, *contents, name="a.tfrecord", **options):
    write_records(path / name, contents)
    options = {"features": SMALL, "n_labels": 5, "on_error": "skip", **options}
    return load_tfrecords(path / name, **options)


def frames_of(rng, n_frames, width=5):
    return rng.integers(1, 256, (n_frames, width), dtype=np.uint8)


def dequantised(frames):
    return (frames.astype(float) * 4 / 255 + 4 / 512 - 2).mean(axis=0)


# The layouts


def test_round_trip_of_videos(videos, tmp_path):
    ids = [f"vidéo {i}" for i in range(7)]
    for name, options in {"a.tfrecord": {}, "b.tfrecord.gz": {"id_key": "video_id"}}.items():
        write_tfrecords(tmp_path / name, videos.data, videos.target, ids, **options)
        again = load_tfrecords(tmp_path / name, return_indicator="sparse")
        np.testing.assert_array_equal(again.data, videos.data)
        assert again.data.dtype == np.float32
        assert (again.target != videos.target).nnz == 0
        assert again.target.dtype == np.uint8
        assert again.ids.tolist() == ids
        assert again.record.tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert (again.level, again.errors) == ("video", [])


def test_tensorflow_parses_what_is_written(tf, videos, tmp_path):
    path = tmp_path / "a.tfrecord"
    write_tfrecords(path, videos.data, videos.target)
    records = tf.data.TFRecordDataset(str(path)).batch(7).get_single_element()
    parsed = tf.io.parse_example(
        records,
        {
            "id": tf.io.FixedLenFeature([], tf.string),
            "labels": tf.io.VarLenFeature(tf.int64),
            "mean_rgb": tf.io.FixedLenFeature([1024], tf.float32),
            "mean_audio": tf.io.FixedLenFeature([128], tf.float32),
        },
    )
    X = np.hstack([parsed["mean_rgb"], parsed["mean_audio"]])
    np.testing.assert_array_equal(X, videos.data)
    assert [name.decode() for name in parsed["id"].numpy()] == [f"a-{i}" for i in range(7)]
    assert parsed["labels"].values.numpy().tolist() == videos.target.indices.tolist()


@pytest.mark.parametrize("id_key", ["id", "video_id"])
def test_examples_of_tensorflow_in_any_form(tf, id_key, tmp_path):
    values = small(id=None) | {id_key: [b"a"]}
    frames = {"rgb": [b"\1\2\3"], "sound": [b"\1\2"]}
    for content in (
        example(tf, **values),
        example(tf, other=[b"x" * 500], **values),
        sequence(tf, {}, **values),  # as Google's extractor writes it
        sequence(tf, frames, **values),
    ):
        both = load(tmp_path, content)
        assert both.data.tolist() == [[0.5, 1.5, 2.5, 3.5, 4.5]]
        assert both.target.tolist() == [[0, 1, 0, 1, 0]]
        assert (both.ids.tolist(), both.level, both.errors) == (["a"], "video", [])


def test_version_1_has_other_features(tf, tmp_path):
    content = example(tf, video_id=[b"a"], labels=[4715], mean_inc3=[float(i) for i in range(1024)])
    old = load(tmp_path, content, features=["mean_inc3"], n_labels=4716)
    assert old.data.tolist() == [list(range(1024))]
    assert old.target[0].nonzero()[0].tolist() == [4715]


def test_features_come_in_the_order_asked_for(tf, tmp_path):
    content = example(tf, **small())
    assert load(tmp_path, content, features={"sound": 2}).data.tolist() == [[3.5, 4.5]]
    turned = load(tmp_path, content, features={"sound": 2, "rgb": 3}).data.tolist()
    assert turned == [[3.5, 4.5, 0.5, 1.5, 2.5]]


def test_unpacked_numbers_are_read(tf):
    # The form of protobuf's version 2: a tag before every number.
    packed = tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, 2.5])).SerializeToString()
    numbers = np.array([1.5, 2.5], dtype="<f4").tobytes()
    unpacked = b"\x12\x0a\x0d" + numbers[:4] + b"\x0d" + numbers[4:]
    for form in (packed, unpacked):
        assert read_floats(form, 2) == read_floats(form, 3) == numbers
        assert list(tf.train.Feature.FromString(form).float_list.value) == [1.5, 2.5]
    integers = b"\x1a\x04\x08\x05\x08\x07"
    assert read_values(integers, "int64") == [5, 7]
    assert list(tf.train.Feature.FromString(integers).int64_list.value) == [5, 7]


def test_messages_that_protobuf_would_read_otherwise_or_not_at_all(tf):
    record = make_record({b"rgb": make_feature("bytes", [b"abcd"])}, {})
    assert set(read_record(record)[0]) == {b"rgb"}
    entry = record[2:]
    twice = bytes([record[0], 2 * len(entry)]) + entry + entry
    with pytest.raises(MismatchError, match=r"every key once, got b'rgb' twice"):
        read_record(twice)
    # An entry with two keys; a value that is there twice; a field that no entry has.
    for more in (b"\x0a\x03rgb", b"\x12\x00", b"\x1a\x00"):
        size = len(entry) - 2 + len(more)
        content = bytes([record[0], size + 2, entry[0], size]) + entry[2:] + more
        with pytest.raises(MismatchError, match="bytes that do not belong to one"):
            read_record(content)
    # The entry is longer than its map, and its last 4 bytes are a field of their own.
    longer = bytes([record[0], len(entry) - 4]) + entry[:-4] + b"\x78\x80\x80\1"
    odd = b"\x12\x07\x0a\x05abcde"
    with pytest.raises(MismatchError, match="got bytes that protobuf cannot parse"):
        read_record(longer)
    with pytest.raises(MismatchError, match="one list of float, got bytes that protobuf"):
        read_floats(odd, 1)
    for content in (longer, make_record({b"rgb": odd}, {})):
        with pytest.raises(Exception, match="parsing"):
            tf.train.Example.FromString(content)


@pytest.mark.parametrize("n_bytes", [0, 1, 123, 124, 125, 126, 127, 128, 256, 20000])
def test_strings_of_any_length(tf, n_bytes):
    content = bytes(range(256)) * 100
    feature = make_feature("bytes", [content[:n_bytes]])
    assert read_values(feature, "bytes") == [content[:n_bytes]]
    assert list(tf.train.Feature.FromString(feature).bytes_list.value) == [content[:n_bytes]]
    for cut in range(1, min(len(feature), 9)):
        with pytest.raises(MismatchError, match="one list of bytes, got"):
            read_values(feature[:-cut], "bytes")


def test_lists_that_are_there_twice_or_of_another_kind():
    ints, floats = make_feature("int64", [1]), make_feature("float", [1.5])
    for feature, actual in (
        (ints + ints, "2 lists"),
        (ints + floats, "a list of float"),
        (floats, "a list of float"),
        (ints + b"\x20\x01", "other fields"),  # field 4
        (b"\x18\x01", "0 lists"),  # a number as field 3
        (b"\x1a\x05\x0d\x00\x00\x00\x00", "other fields"),  # 4 bytes in a list of int64
    ):
        with pytest.raises(MismatchError, match=f"one list of int64, got {actual}"):
            read_values(feature, "int64")
    assert read_values(b"", "int64") == read_values(make_feature("int64", []), "int64") == []


def test_labels_are_a_set(tf, tmp_path):
    content = example(tf, **small(labels=[3, 1, 3]))
    target = load(tmp_path, content, return_indicator="sparse").target
    assert target.indices.tolist() == [1, 3]
    assert target.data.tolist() == [1, 1]


def test_frames_are_dequantised_and_averaged(tf, tmp_path):
    rng = np.random.default_rng(0)
    frames = [frames_of(rng, n) for n in (9, 1, 300)]
    contents = [
        sequence(
            tf,
            {"rgb": [f.tobytes() for f in x[:, :3]], "sound": [f.tobytes() for f in x[:, 3:]]},
            id=[b"%d" % i],
            labels=[i],
        )
        for i, x in enumerate(frames)
    ]
    loaded = load(tmp_path, *contents)
    assert (loaded.level, loaded.errors) == ("frame", [])
    np.testing.assert_allclose(loaded.data, [dequantised(x) for x in frames], rtol=1e-6, atol=1e-7)
    first = load(tmp_path, *contents, n_frames=4, frame_choice="first").data
    np.testing.assert_allclose(first, [dequantised(x[:4]) for x in frames], rtol=1e-6, atol=1e-7)
    even = load(tmp_path, *contents, n_frames=3).data
    chosen = [[1, 4, 7], [0], [50, 150, 250]]
    expected = [dequantised(x[c]) for x, c in zip(frames, chosen, strict=True)]
    np.testing.assert_allclose(even, expected, rtol=1e-6, atol=1e-7)


def test_padding_is_no_frame(tf, tmp_path):
    frames = np.array([[1, 2, 3, 4, 5], [0, 0, 0, 0, 0], [0, 0, 0, 0, 9]], dtype=np.uint8)
    for padding, pad in ((3, bytes), (2, lambda _: b""), (0, bytes)):
        rgb = [f.tobytes() for f in frames[:, :3]] + [pad(3)] * padding
        sound = [f.tobytes() for f in frames[:, 3:]] + [pad(2)] * padding
        content = sequence(tf, {"rgb": rgb, "sound": sound}, id=[b"a"], labels=[])
        loaded = load(tmp_path, content)
        assert loaded.errors == []
        np.testing.assert_allclose(loaded.data[0], dequantised(frames), rtol=1e-6)


def test_segments(tf, tmp_path):
    rng = np.random.default_rng(1)
    frames = frames_of(rng, 12)
    path = tmp_path / "a.tfrecord"
    ratings = [(5, 2, 1.0), (0, 1, 0.0), (5, 4, 0.0), (10, 2, 1.0), (5, 0, 1.0)]
    Y = np.zeros((1, 5), dtype=int)
    write_tfrecords(path, [frames], Y, ["a"], level="frame", features=SMALL, segments=[ratings])
    loaded = load_tfrecords(path, features=SMALL, n_labels=5)
    assert loaded.level == "segment"
    assert loaded.ids.tolist() == ["a"] * 3
    assert loaded.start.tolist() == [0, 5, 10]
    assert loaded.record.tolist() == [1, 1, 1]
    assert loaded.target.tolist() == [[0, 0, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 1, 0, 0]]
    assert loaded.rated.tolist() == [[0, 1, 0, 0, 0], [1, 0, 1, 0, 1], [0, 0, 1, 0, 0]]
    expected = [dequantised(frames[s : s + 5]) for s in (0, 5, 10)]
    np.testing.assert_allclose(loaded.data, expected, rtol=1e-6, atol=1e-7)
    whole = load_tfrecords(path, features=SMALL, n_labels=5, level="frame")
    np.testing.assert_allclose(whole.data, [dequantised(frames)], rtol=1e-6, atol=1e-7)
    assert "start" not in whole
    # TensorFlow's own parser sees the same.
    (record,) = tf.data.TFRecordDataset(str(path))
    parsed = tf.train.SequenceExample.FromString(record.numpy())
    context = parsed.context.feature
    assert list(context["segment_start_times"].int64_list.value) == [5, 0, 5, 10, 5]
    assert list(context["segment_scores"].float_list.value) == [1, 0, 0, 1, 1]
    seen = [f.bytes_list.value[0] for f in parsed.feature_lists.feature_list["rgb"].feature]
    assert seen == [f.tobytes() for f in frames[:, :3]]


# Damage


@pytest.mark.parametrize(
    ("changes", "key", "expected", "actual"),
    [
        ({"labels": [-1]}, "labels", "labels from 0 to 4", "-1"),
        ({"labels": [1, 99999]}, "labels", "labels from 0 to 4", "99999"),
        ({"labels": [5]}, "labels", "labels from 0 to 4", "5"),
        ({"labels": [1.5]}, "labels", "one list of int64", "a list of float"),
        ({"labels": None}, "labels", "this key", "'id', 'rgb', 'sound'"),
        ({"rgb": None}, "rgb", "this key", "'id', 'labels', 'sound'"),
        ({"rgb": [0.5] * 4}, "rgb", "3 numbers", "4"),
        ({"rgb": []}, "rgb", "one list of float", "a list of int64"),
        ({"sound": [1, 2]}, "sound", "one list of float", "a list of int64"),
        ({"sound": [1.0, np.nan]}, "sound", "finite numbers", "nan at index 1"),
        ({"rgb": [1.0, np.inf, 2.0]}, "rgb", "finite numbers", "inf at index 1"),
        ({"id": None}, "id", "this key", "'labels', 'rgb', 'sound'"),
        ({"id": [b"a", b"b"]}, "id", "one id", "2"),
        ({"id": [b""]}, "id", "an id of 1 to 256 bytes", "0 bytes"),
        ({"id": [b"\xff\xfe"]}, "id", "an id in UTF-8", r"b'\xff\xfe'"),
        ({"id": [7]}, "id", "one list of bytes", "a list of int64"),
    ],
)
def test_damage_is_named_and_the_rest_is_kept(tf, tmp_path, changes, key, expected, actual):
    contents = [
        example(tf, **small(id=[b"before"])),
        example(tf, **small(**changes)),
        example(tf, **small(id=[b"after"], labels=[])),
    ]
    loaded = load(tmp_path, *contents, level="video")
    path, offset = str(tmp_path / "a.tfrecord"), 16 + len(contents[0])
    place = f"record 2 at byte {offset}, key {key!r}"
    assert loaded.errors == [(path, place, expected, actual)]
    assert loaded.ids.tolist() == ["before", "after"]
    assert loaded.record.tolist() == [1, 3]
    assert loaded.target.tolist() == [[0, 1, 0, 1, 0], [0, 0, 0, 0, 0]]
    message = re.escape(f"{path}, {place}: expected {expected}, got {actual}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        load(tmp_path, *contents, level="video", on_error="raise")


FRAMES = {"rgb": [b"abc"] * 2, "sound": [b"de"] * 2}
RATED = {"segment_labels": [1, 2], "segment_start_times": [0, 1], "segment_scores": [1.0, 0.0]}


@pytest.mark.parametrize(
    ("lists", "changes", "key", "expected", "actual"),
    [
        ({"rgb": [b"abc", b"ab"]}, {}, "rgb", "3 bytes a frame", "2 in frame 2"),
        ({"rgb": [b"", b"abc"]}, {}, "rgb", "3 bytes a frame", "0 in frame 1"),
        ({"rgb": [b"abcd"] * 2}, {}, "rgb", "3 bytes a frame", "4 in frame 1"),
        ({"rgb": [1, 2]}, {}, "rgb", "one list of bytes", "a list of int64"),
        ({"sound": [b"de"]}, {}, "sound", "2 frames as in 'rgb'", "1"),
        ({"rgb": [bytes(3)] * 2, "sound": [bytes(2)] * 2}, {}, "rgb", "at least one frame", "none"),
        ({"rgb": [], "sound": []}, {}, "rgb", "at least one frame", "none"),
        ({"rgb": None}, {}, "rgb", "this key", "'sound'"),
        ({}, {"segment_labels": [1, 5]}, "segment_labels", "labels from 0 to 4", "5"),
        ({}, {"segment_labels": None}, "segment_labels", "this key", "'id', 'segment_scores'"),
        ({}, {"segment_start_times": [0, 2]}, "segment_start_times", "from 0 to 1", "2"),
        ({}, {"segment_start_times": [-5, 1]}, "segment_start_times", "from 0 to 1", "-5"),
        ({}, {"segment_start_times": [1]}, "segment_start_times", "2 values", "1"),
        ({}, {"segment_scores": [1.0]}, "segment_scores", "2 values", "1"),
        ({}, {"segment_scores": [1.0, 1.5]}, "segment_scores", "scores from 0 to 1", "1.5"),
        ({}, {"segment_scores": [1.0, np.nan]}, "segment_scores", "scores from 0 to 1", "nan"),
        (
            {},
            {"segment_labels": [1, 1], "segment_start_times": [0, 0]},
            "segment_scores",
            "either right or wrong",
            "label 1",
        ),
    ],
)
def test_damage_of_frames_and_segments(tf, tmp_path, lists, changes, key, expected, actual):
    def record(name, lists, rated):
        lists = {k: v for k, v in (FRAMES | lists).items() if v is not None}
        rated = {k: v for k, v in (RATED | rated).items() if v is not None}
        return sequence(tf, lists, id=[name], **rated)

    contents = [record(b"a", {}, {}), record(b"b", lists, changes), record(b"c", {}, {})]
    loaded = load(tmp_path, *contents, level="segment")
    assert loaded.ids.tolist() == ["a", "a", "c", "c"]
    (damage,) = loaded.errors
    assert damage.place == f"record 2 at byte {16 + len(contents[0])}, key {key!r}"
    assert expected in damage.expected
    assert actual in damage.actual


def test_ids_that_come_twice(tf, tmp_path):
    one, two = (example(tf, **small(labels=[label])) for label in (1, 2))
    other = example(tf, **small(id=[b"b"]))
    write_records(tmp_path / "1.tfrecord", [one])
    write_records(tmp_path / "2.tfrecord", [two, other, two])
    options = {"features": SMALL, "n_labels": 5}
    loaded = load_tfrecords(tmp_path, on_error="skip", **options)
    assert loaded.ids.tolist() == ["a", "b"]
    assert loaded.target.tolist() == [[0, 1, 0, 0, 0], [0, 1, 0, 1, 0]]
    assert loaded.shard.tolist() == [0, 1]
    first = f"'a', the id of {tmp_path / '1.tfrecord'}, record 1"
    third = 2 * 16 + len(two) + len(other)
    places = [f"record {place}, key 'id'" for place in ("1 at byte 0", f"3 at byte {third}")]
    expected = [(str(tmp_path / "2.tfrecord"), place, first) for place in places]
    assert [(d.file, d.place, d.actual) for d in loaded.errors] == expected
    with pytest.raises(ValueError, match=r"2\.tfrecord, record 1 at byte 0, key 'id': .*'a'"):
        load_tfrecords(tmp_path, **options)


def test_labels_may_be_missing_on_request(tf, tmp_path):
    content = example(tf, **small(labels=None))
    assert load(tmp_path, content, missing_labels="empty").target.tolist() == [[0] * 5]


@settings(max_examples=150)
@given(st.binary(max_size=60))
def test_garbage_with_a_sound_checksum_is_damage(tmp_path_factory, garbage):
    folder = tmp_path_factory.getbasetemp()
    loaded = load(folder, garbage, name="garbage.tfrecord", level="video")
    assert len(loaded.data) == 0
    assert [d.place.split(", ")[0] for d in loaded.errors] == ["record 1 at byte 0"]


LONG = make_feature("bytes", [b"x" * 200, b""])
RECORD = make_record(
    {
        b"long": LONG,
        b"labels": make_feature("int64", [1, 300, -7]),
        b"rgb": make_feature("float", [0.5, 1.5, 2.5]),
        b"id": make_feature("bytes", [b"a"]),
    },
    {},
)
EDITS = st.tuples(st.integers(0, len(RECORD)), st.integers(0, 3), st.binary(max_size=3))


@settings(max_examples=400)
@given(st.lists(EDITS, max_size=3))
@corpus([(RECORD.index(LONG), 1, b"\0")])  # a list of field 0
@corpus([(RECORD.index(b"id") + 2, 1, b"\x1a")])  # an entry with a field besides key and value
def test_the_parser_accepts_nothing_that_protobuf_refuses_or_reads_otherwise(tf, edits):
    record = bytearray(RECORD)
    for start, size, new in edits:
        record[start : start + size] = new
    content = bytes(record)
    try:
        context, _ = read_record(content)
    except MismatchError:
        return
    try:
        theirs = tf.train.Example.FromString(content).features.feature
    except Exception:  # protobuf's class for it differs between its implementations
        # A feature is parsed when it is asked for.
        assert any(not _is_text(key) or not _readable(context[key]) for key in context)
        return
    assert {key.decode() for key in context} == set(theirs)
    for key, feature in context.items():
        kind = theirs[key.decode()].WhichOneof("kind")
        if kind is None:
            continue
        try:
            ours = read_values(feature, kind.removesuffix("_list"))
        except MismatchError:
            continue
        np.testing.assert_array_equal(ours, list(getattr(theirs[key.decode()], kind).value))


def _readable(feature) -> bool:
    for kind in ("bytes", "int64", "float"):
        try:
            read_values(feature, kind)
        except MismatchError:
            continue
        return True
    return False


def _is_text(key: bytes) -> bool:
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True


@settings(max_examples=300)
@given(st.data())
def test_rows_of_damaged_records_are_errors_or_sound(tf, data):
    record = bytearray(example(tf, **small()))
    for _ in range(data.draw(st.integers(1, 3))):
        record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    layout = RecordLayout("video", tuple(SMALL.items()), n_labels=5)
    try:
        (row,) = read_rows(bytes(record), layout)
    except MismatchError:
        return
    assert [len(part) for part in row.features] == [12, 8]
    assert set(row.labels) <= set(range(5))
    assert 1 <= len(row.video) <= 256


# Files, and what goes around them


@pytest.fixture
def shards(videos, tmp_path):
    for number in (0, 2, 10):
        for split in ("train", "validate"):
            rows = slice(0, 3) if split == "train" else slice(3, 5)
            path = tmp_path / f"{split}{number}.tfrecord"
            write_tfrecords(path, videos.data[rows], videos.target[rows])
    (tmp_path / "notes.txt").write_text("no videos")
    return tmp_path


def names(bunch):
    return [file.name for file in bunch.files]


def test_files_splits_patterns_and_shards(shards):
    train = load_tfrecords(shards, split="train")
    assert names(train) == ["train0.tfrecord", "train2.tfrecord", "train10.tfrecord"]
    assert train.shard.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert train.ids[[0, 3, 8]].tolist() == ["train0-0", "train2-0", "train10-2"]
    assert names(load_tfrecords(shards, split="train", shard=(1, 2))) == ["train2.tfrecord"]
    pattern = load_tfrecords(f"{shards}/validate*.tfrecord", shard=(0, 2))
    assert names(pattern) == ["validate0.tfrecord", "validate10.tfrecord"]
    both = [shards / "train2.tfrecord", str(shards / "train0.tfrecord")]
    assert load_tfrecords(both).files == [shards / "train2.tfrecord", shards / "train0.tfrecord"]


def test_the_parts_of_all_shards_are_the_whole(shards):
    parts = [load_tfrecords(shards, shard=(i, 4)).ids for i in range(4)]
    assert sorted(np.concatenate(parts).tolist()) == sorted(load_tfrecords(shards).ids.tolist())


def test_many_processes_and_few_videos(shards, videos):
    one = load_tfrecords(shards, split="train")
    many = load_tfrecords(shards, split="train", n_jobs=2)
    np.testing.assert_array_equal(one.data, many.data)
    assert one.ids.tolist() == many.ids.tolist()
    for n in (1, 3, 4, 9, 100):
        few = load_tfrecords(shards, split="train", max_videos=n)
        assert few.ids.tolist() == one.ids[:n].tolist()
        np.testing.assert_array_equal(few.data, one.data[:n])


def test_the_first_videos_are_sound_ones(tf, tmp_path):
    contents = [example(tf, **small(id=[b"%d" % i])) for i in range(4)]
    contents[1] = example(tf, **small(rgb=[np.nan] * 3))
    contents[0] = b"garbage"
    assert load(tmp_path, *contents, level="video", max_videos=1).ids.tolist() == ["2"]
    assert load(tmp_path, *contents, level="video", max_videos=2).ids.tolist() == ["2", "3"]


def test_the_first_videos_have_all_their_segments(tmp_path):
    frames = np.full((2, 20, 5), 9, dtype=np.uint8)
    segments = [[(0, 1, 1), (5, 1, 0)], [(0, 2, 1), (5, 2, 1), (10, 2, 1)]]
    path = tmp_path / "a.tfrecord"
    Y = np.zeros((2, 5), dtype=int)
    write_tfrecords(path, frames, Y, level="frame", features=SMALL, segments=segments)
    options = {"features": SMALL, "n_labels": 5, "level": "segment"}
    assert load_tfrecords(path, max_videos=1, **options).ids.tolist() == ["a-0"] * 2
    assert load_tfrecords(path, max_videos=2, **options).ids.tolist() == ["a-0"] * 2 + ["a-1"] * 3


def test_damage_in_some_files_is_listed_in_their_order(shards):
    damaged = shards / "train2.tfrecord"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    (shards / "train10.tfrecord").write_bytes(b"")
    loaded = load_tfrecords(shards, split="train", on_error="skip", n_jobs=2)
    assert [(d.file, d.place.split(" at ")[0]) for d in loaded.errors] == [
        (str(damaged), "record 3"),
        (str(shards / "train10.tfrecord"), ""),
    ]
    assert loaded.ids.tolist() == ["train0-0", "train0-1", "train0-2", "train2-0", "train2-1"]
    with pytest.raises(ValueError, match=r"train2\.tfrecord, record 3 at byte"):
        load_tfrecords(shards, split="train", n_jobs=2)


def test_forms_of_the_result(shards, capfd):
    X, Y = load_tfrecords(shards, split="train", return_X_y=True, return_indicator="sparse")
    assert sp.issparse(Y)
    assert X.shape == (9, 1152)
    frame = load_tfrecords(shards, split="train", as_frame=True, progress=True).frame
    assert frame.shape == (9, 1152 + 3862)
    assert "reading TFRecords" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"level": "clip"}, ValueError, "'level' parameter of load_tfrecords must be"),
        ({"on_error": "ignore"}, ValueError, "'on_error' parameter of load_tfrecords must be"),
        ({"return_indicator": "list"}, ValueError, "'return_indicator' parameter"),
        ({"frame_choice": "last"}, ValueError, "'frame_choice' parameter"),
        ({"missing_labels": "zero"}, ValueError, "'missing_labels' parameter"),
        ({"split": "dev"}, ValueError, "split must be one of"),
        ({"split": "test"}, FileNotFoundError, "no TFRecord file of the split 'test'"),
        ({"shard": (2, 2)}, ValueError, r"shard must be \(i, n\) with 0 <= i < n"),
        ({"shard": 3}, ValueError, r"shard must be \(i, n\)"),
        ({"shard": (0, 99)}, ValueError, "n <= 6 files"),
        ({"max_videos": 0}, ValueError, "max_videos"),
        ({"n_labels": 0}, ValueError, "n_labels"),
        ({"n_frames": 3}, ValueError, "n_frames must be None for records of video level"),
        ({"features": "mean_rgb"}, ValueError, "features must be names or a dict"),
        ({"features": ["rgb"]}, ValueError, "features must be of"),
        ({"features": ["mean_rgb", "mean_rgb"]}, ValueError, "features must differ"),
        ({"features": {"rgb": 0}}, ValueError, "widths of at least 1"),
    ],
)
def test_bad_arguments(shards, options, error, message):
    with pytest.raises(error, match=message):
        load_tfrecords(shards, **options)


def test_bad_paths(shards, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file matches it"):
        load_tfrecords(tmp_path / "missing*.tfrecord")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no TFRecord file"):
        load_tfrecords(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="an empty list"):
        load_tfrecords([])
    with pytest.raises(ValueError, match="every file once"):
        load_tfrecords([shards / "train0.tfrecord"] * 2)


def test_stored_zeros_are_no_labels(tmp_path):
    Y = sp.csr_matrix(([0, 1], [0, 2], [0, 2]), shape=(1, 5))
    write_tfrecords(tmp_path / "a.tfrecord", [[1, 2, 3, 4, 5]], Y, features=SMALL)
    loaded = load_tfrecords(tmp_path, features=SMALL, n_labels=5)
    assert loaded.target.tolist() == [[0, 0, 1, 0, 0]]
    assert Y.nnz == 2


@pytest.mark.parametrize(
    ("X", "Y", "options", "message"),
    [
        (
            [[1, 2, 3, 4, 5]],
            sp.csr_matrix(([1, 1], [2, 2], [0, 2]), shape=(1, 5)),
            {},
            "every cell once",
        ),
        ([[1, 2, 3]], [[1]], {}, r"X must have shape \(n_videos, 5\), got \(1, 3\)"),
        ([[1, 2, 3, 4, np.nan]], [[1]], {}, "row 0, column 4 is nan"),
        ([[1, 2, 3, 4, 1e39]], [[1]], {}, "row 0, column 4 is 1e"),
        ([list("abcde")], [[1]], {}, "X must hold numbers"),
        ([[1, 2, 3, 4, 5]], [[2]], {}, "row 0, column 0 is 2"),
        ([[1, 2, 3, 4, 5]], [[1], [0]], {}, r"Y must have shape \(1, n_labels\)"),
        ([[1, 2, 3, 4, 5]], [[1]], {"ids": ["a", "b"]}, "ids must be one for each of 1"),
        ([[1, 2, 3, 4, 5]] * 2, [[1]] * 2, {"ids": ["a", "a"]}, "'a' in rows 0 and 1"),
        ([[1, 2, 3, 4, 5]], [[1]], {"ids": [""]}, "1 to 256 bytes"),
        ([[1, 2, 3, 4, 5]], [[1]], {"ids": [7]}, "got 7 in row 0"),
        ([[1, 2, 3, 4, 5]], [[1]], {"level": "segment"}, "level must be"),
        ([[1, 2, 3, 4, 5]], [[1]], {"id_key": "name"}, "id_key must be"),
        ([[1, 2, 3, 4, 5]], [[1]], {"segments": [[]]}, "None at video level"),
        ([np.ones((2, 5))], [[1]], {"level": "frame"}, "float64 of shape"),
        ([np.ones((0, 5), np.uint8)], [[1]], {"level": "frame"}, "video 0 has none"),
        (
            [np.ones((2, 5), np.uint8)],
            [[1]],
            {"level": "frame", "segments": [[(2, 0, 1)]]},
            "video 0 has 2, 0, 1",
        ),
    ],
)
def test_the_writer_takes_nothing_that_the_loader_would_refuse(tmp_path, X, Y, options, message):
    with pytest.raises(ValueError, match=message):
        write_tfrecords(tmp_path / "a.tfrecord", X, Y, features=SMALL, **options)
    assert list(tmp_path.iterdir()) == []
