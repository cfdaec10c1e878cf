"""Stores: what goes in comes out, opened at once, in part, and with every damage named."""

import json
import pickle
import re
import shutil
import warnings
import zlib

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from sk_yt8m.datasets import (
    StoreError,
    convert,
    load_csv,
    load_parquet,
    load_tfrecords,
    make_videos,
    open_store,
    sample_path,
    write_csv,
    write_parquet,
    write_tfrecords,
)

N_SHARDS, N_ROWS = 12, 30


@pytest.fixture(scope="module")
def videos():
    return make_videos(N_SHARDS * N_ROWS, return_indicator="sparse", random_state=0)


@pytest.fixture(scope="module")
def folders(videos, tmp_path_factory):
    """Return a folder of each format, with names whose natural order is not that of text."""
    root = tmp_path_factory.mktemp("all formats")
    made = {name: root / name for name in ("csv", "tfrecord", "parquet", "csv.gz", "tfrecord.gz")}
    for folder in made.values():
        folder.mkdir()
    for number in range(N_SHARDS):
        rows = slice(number * N_ROWS, (number + 1) * N_ROWS)
        X, Y = videos.data[rows], videos.target[rows]
        ids = [f"vidéo {row}" for row in range(rows.start, rows.stop)]
        split = "train" if number % 3 else "validate"
        write_tfrecords(made["tfrecord"] / f"{split}{number}.tfrecord", X, Y, ids)
        write_parquet(made["parquet"] / f"{split}{number}.parquet", X, Y, ids)
        if number < 3:
            write_csv(made["csv"] / f"train_{number + 9}.csv", X, Y)
            write_csv(made["csv.gz"] / f"val_{number + 26}.csv.gz", X, Y)
            write_tfrecords(made["tfrecord.gz"] / f"test {number}.tfrecord.gz", X, Y, ids)
    shutil.copy(sample_path() / "vocabulary.csv", made["csv"])
    return made


@pytest.fixture(scope="module")
def parquet_store(folders, tmp_path_factory):
    return convert(folders["parquet"], tmp_path_factory.mktemp("parquet") / "store").path


@pytest.fixture(scope="module")
def record_store(folders, tmp_path_factory):
    return convert(folders["tfrecord"], tmp_path_factory.mktemp("records") / "store").path


LOADERS = {
    "csv": (load_csv, "line"),
    "csv.gz": (load_csv, "line"),
    "tfrecord": (load_tfrecords, "record"),
    "tfrecord.gz": (None, "record"),
    "parquet": (load_parquet, "row"),
}


def assert_same(store, loaded, place):
    np.testing.assert_array_equal(store.X, loaded.data)
    assert (loaded.target != store.Y).nnz == 0
    np.testing.assert_array_equal(store.source, loaded.shard)
    np.testing.assert_array_equal(store.record, loaded[place])
    if store.ids is not None:
        np.testing.assert_array_equal(store.ids, loaded.ids)
    assert [one["name"] for one in store.manifest["sources"]] == list(map(str, loaded.files))
    store.verify()


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "tfrecord", "tfrecord.gz", "parquet"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_equals_what_the_loader_gives(folders, tmp_path, kind, n_jobs):
    store = convert(folders[kind], tmp_path / "a store", n_jobs=n_jobs)
    load, place = LOADERS[kind]
    path = folders[kind] if load else str(folders[kind] / "*.gz")
    loaded = (load or load_tfrecords)(path, return_indicator="sparse")
    assert_same(store, loaded, place)
    assert (store.ids is None) == kind.startswith("csv")
    assert isinstance(store.X, np.memmap)
    assert store.X.dtype == np.float32
    assert not store.X.flags.writeable
    assert isinstance(store.Y, sp.csr_matrix)
    assert store.Y.dtype == np.uint8
    assert store.Y.shape[1] == 3862
    assert store.Y.has_canonical_format


def test_parallel_is_serial_to_the_bit(folders, tmp_path):
    def content(n_jobs):
        store = convert(folders["tfrecord"], tmp_path / str(n_jobs), n_jobs=n_jobs)
        return {file.name: file.read_bytes() for file in store.path.iterdir()}

    serial, parallel = content(1), content(3)
    assert len(serial) == 8
    assert serial == parallel


def test_files_patterns_and_lists(folders, tmp_path):
    folder = folders["tfrecord"]
    whole = convert(folder / "train1.tfrecord", tmp_path / "one")
    assert len(whole) == N_ROWS
    pattern = convert(str(folder / "train*.tfrecord"), tmp_path / "pattern")
    assert len(pattern) == 8 * N_ROWS
    several = convert([folder / "train10.tfrecord", folder / "train2.tfrecord"], tmp_path / "two")
    np.testing.assert_array_equal(several.X[N_ROWS:], pattern.X[N_ROWS : 2 * N_ROWS])
    csv = convert(str(folders["csv"] / "train_*.csv"), tmp_path / "csv")
    assert [s["name"][-12:] for s in csv.manifest["sources"]] == [
        "/train_9.csv",
        "train_10.csv",
        "train_11.csv",
    ]


def test_splits(folders, tmp_path):
    store = convert(folders["tfrecord"], tmp_path / "all")
    files = np.array([one["name"] for one in store.manifest["sources"]])
    of_file = np.where(np.char.find(files, "train") >= 0, "train", "val")
    np.testing.assert_array_equal(store.split, of_file[store.source])
    train = convert(folders["tfrecord"], tmp_path / "train", split="train")
    np.testing.assert_array_equal(train.X, store.X[store.rows(split="train")])
    csv = convert(folders["csv.gz"], tmp_path / "csv")
    assert csv.split.tolist() == ["val"] * 90
    assert csv.rows(split="course-test").tolist() == list(range(60))
    assert len(convert(folders["csv.gz"], tmp_path / "csv val", split="course-val")) == 30
    X, Y = np.ones((4, 2)), np.ones((4, 1))
    assert convert((X, Y), tmp_path / "arrays", split="dev").split.tolist() == ["dev"] * 4
    with pytest.raises(ValueError, match=r"split must be one of \['train', 'val', 'test'\]"):
        convert(folders["tfrecord"], tmp_path / "none", split="dev")
    with pytest.raises(FileNotFoundError, match="no TFRecord file of the split 'test'"):
        convert(folders["tfrecord"], tmp_path / "none", split="test")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_arrays_of_any_width(tmp_path_factory, data):
    n_rows, width, n_labels = (data.draw(st.integers(low, 9)) for low in (0, 1, 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    X = rng.normal(size=(n_rows, width)).astype(data.draw(st.sampled_from(["f2", "f4", "f8"])))
    Y = (rng.random((n_rows, n_labels)) < 0.4).astype(int)
    kind = data.draw(st.sampled_from([np.asarray, sp.csr_matrix, sp.csc_array, np.asfortranarray]))
    ids = data.draw(st.sampled_from([None, [f"{row}é" for row in range(n_rows)]]))
    dtype = data.draw(st.sampled_from(["float32", "float16"]))
    path = tmp_path_factory.mktemp("any") / "store"
    store = convert((X, kind(Y), ids), path, dtype=dtype)
    np.testing.assert_array_equal(store.X, X.astype(np.float32).astype(dtype))
    assert store.X.dtype == dtype
    np.testing.assert_array_equal(store.Y.toarray(), Y)
    assert store.ids is None if ids is None else store.ids.tolist() == ids
    store.verify()
    assert store.rows().tolist() == list(range(n_rows))


def test_arrays_in_several_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("sk_yt8m.datasets._convert.find_sources._BLOCK_BYTES", 4 * 7 * 10)
    X, Y = make_videos(35, n_features=7, n_labels=3, return_X_y=True, random_state=0)
    np.save(tmp_path / "X.npy", X)
    store = convert((np.load(tmp_path / "X.npy", mmap_mode="r"), Y), tmp_path / "store")
    assert [one["n_rows"] for one in store.manifest["sources"]] == [10, 10, 10, 5]
    np.testing.assert_array_equal(store.X, X)
    np.testing.assert_array_equal(store.Y.toarray(), Y)
    assert store.record.tolist() == list(range(1, 36))


def test_files_of_any_width(tmp_path):
    X, Y = make_videos(20, n_features=7, n_labels=3, return_X_y=True, random_state=0)
    widths = {"height": 3, "width": 4}
    write_tfrecords(tmp_path / "a.tfrecord", X, Y, features=widths)
    write_parquet(tmp_path / "a.parquet", X, Y)
    lines = [
        ",".join([*map(str, labels), *map(str, features)]) + ",\n"
        for labels, features in zip(Y.tolist(), X, strict=True)
    ]
    (tmp_path / "a.csv").write_text("".join(lines))
    sized = {"features": widths, "n_labels": 3}
    for name, options in (("a.tfrecord", sized), ("a.parquet", {}), ("a.csv", sized)):
        store = convert(tmp_path / name, tmp_path / f"store of {name}", **options)
        np.testing.assert_array_equal(store.X, X)
        np.testing.assert_array_equal(store.Y.toarray(), Y)


def test_segments(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 20, 1152), dtype=np.uint8)
    segments = [[[0, 2, 1], [5, 3, 0]], [], [[10, 1, 1], [10, 2, 0]]]
    path = tmp_path / "validate0.tfrecord"
    write_tfrecords(path, frames, np.eye(3, 5), level="frame", segments=segments)
    store = convert(path, tmp_path / "store", n_labels=5)
    loaded = load_tfrecords(path, n_labels=5, return_indicator="sparse")
    assert loaded.level == "segment"
    assert_same(store, loaded, "record")
    assert store.start.tolist() == loaded.start.tolist() == [0, 5, 10]
    np.testing.assert_array_equal(store.rated.toarray(), loaded.rated.toarray())
    frame = convert(path, tmp_path / "frames", n_labels=5, level="frame", n_frames=2)
    assert frame.start is None
    assert frame.rated is None
    other = load_tfrecords(path, n_labels=5, level="frame", n_frames=2, return_indicator="sparse")
    assert_same(frame, other, "record")


class TestFloat16:
    def test_half_the_size_and_rounded(self, folders, videos, tmp_path):
        full = convert(folders["csv"], tmp_path / "full")
        half = convert(folders["csv"], tmp_path / "half", dtype="float16")
        np.testing.assert_array_equal(half.X, full.X.astype(np.float16))
        sizes = [(s.path / "features.npy").stat().st_size - 128 for s in (full, half)]
        assert sizes[0] == 2 * sizes[1] == 4 * 90 * 1152

    def test_what_does_not_fit(self, tmp_path):
        X = np.ones((6, 7), dtype=np.float32)
        X[4, 5] = -65520
        write_parquet(tmp_path / "a.parquet", X, np.ones((6, 1)))
        expected = (
            r"a\.parquet, record 5, feature 5: expected a number from -65504 to 65504.*-65520"
        )
        for on_error in ("raise", "skip"):
            with pytest.raises(ValueError, match=expected):
                convert(tmp_path / "a.parquet", tmp_path / "s", dtype="float16", on_error=on_error)
        assert not (tmp_path / "s").exists()
        X[4, 5] = -65504
        store = convert((X, np.ones((6, 1))), tmp_path / "fits", dtype="float16")
        assert store.X[4, 5] == -65504


class TestDamagedSources:
    @pytest.fixture
    def folder(self, tmp_path):
        folder = tmp_path / "shards"
        folder.mkdir()
        X, Y = make_videos(40, n_features=7, n_labels=5, return_X_y=True, random_state=0)
        for number in range(4):
            rows = slice(10 * number, 10 * number + 10)
            ids = [f"{number}-{row}" for row in range(10)]
            if number == 2:
                ids[3:5] = ["0-7", "1-0"]
            path = folder / f"train{number}.tfrecord"
            write_tfrecords(path, X[rows], Y[rows], ids, features={"all": 7})
        return folder

    OPTIONS = {"features": {"all": 7}, "n_labels": 5}  # noqa: RUF012

    def test_repeated_ids(self, folder, tmp_path):
        expected = r"train2\.tfrecord, record 4 at byte \d+, key 'id'.*'0-7'.*train0.*record 8"
        with pytest.raises(ValueError, match=expected):
            convert(folder, tmp_path / "s", **self.OPTIONS)
        assert not (tmp_path / "s").exists()
        store = convert(folder, tmp_path / "s", on_error="skip", **self.OPTIONS)
        loaded = load_tfrecords(folder, on_error="skip", return_indicator="sparse", **self.OPTIONS)
        assert len(store) == 38
        assert_same(store, loaded, "record")
        assert store.manifest["damage"] == [one._asdict() for one in loaded.errors]

    def test_repeated_ids_in_parquet_and_arrays(self, tmp_path):
        X, Y = np.ones((3, 2)), np.ones((3, 1))
        for name in "ab":
            write_parquet(tmp_path / f"{name}.parquet", X, Y, ids=["x", name, f"{name}{name}"])
        expected = r"b\.parquet, row 1, column 'id'.*'x', the id of .*a\.parquet, row 1$"
        with pytest.raises(ValueError, match=expected):
            convert(tmp_path, tmp_path / "s")
        store = convert(tmp_path, tmp_path / "s", on_error="skip")
        assert store.ids.tolist() == ["x", "a", "aa", "b", "bb"]
        (problem,) = store.manifest["damage"]
        assert problem["place"] == "row 1, column 'id'"
        assert [problem] == [
            one._asdict() for one in load_parquet(tmp_path, on_error="skip").errors
        ]
        with pytest.raises(ValueError, match=r"the arrays, row 3, column 'ids'.*'u'"):
            convert((X, Y, ["u", "v", "u"]), tmp_path / "t")

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_the_first_damaged_file_is_named(self, folder, tmp_path, n_jobs):
        for number in (1, 3):
            file = folder / f"train{number}.tfrecord"
            file.write_bytes(file.read_bytes()[:-1])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ValueError, match=r"train1\.tfrecord, record 10"):
                convert(folder, tmp_path / "s", n_jobs=n_jobs, **self.OPTIONS)
        store = convert(folder, tmp_path / "s", n_jobs=n_jobs, on_error="skip", **self.OPTIONS)
        loaded = load_tfrecords(folder, on_error="skip", return_indicator="sparse", **self.OPTIONS)
        assert_same(store, loaded, "record")
        assert sorted(d["file"] for d in store.manifest["damage"]) == [
            str(folder / f"train{number}.tfrecord") for number in (1, 2, 2, 3)
        ]

    def test_nothing_sound_at_all(self, folder, tmp_path):
        for file in folder.iterdir():
            file.write_bytes(b"")
        with pytest.raises(ValueError, match=r"train0\.tfrecord: expected records, got an empty"):
            convert(folder, tmp_path / "s", **self.OPTIONS)
        store = convert(folder, tmp_path / "s", on_error="skip", **self.OPTIONS)
        assert store.X.shape == (0, 7)
        assert store.Y.shape == (0, 5)
        assert len(store.manifest["damage"]) == 4
        assert store.rows(labels=1).tolist() == []
        store.verify()

    def test_damaged_csv(self, folders, tmp_path):
        file = tmp_path / "train_0.csv"
        file.write_bytes((folders["csv"] / "train_9.csv").read_bytes()[:-10])
        with pytest.raises(ValueError, match=r"train_0\.csv, line 30: expected 5014 fields"):
            convert(file, tmp_path / "s")
        store = convert(file, tmp_path / "s", on_error="skip")
        assert len(store) == 29
        assert store.manifest["damage"][0]["place"] == "line 30"


class TestSubsets:
    @pytest.fixture
    def store(self, parquet_store):
        return open_store(parquet_store)

    def test_rows(self, store):
        ids = store.ids[[300, 7, 100]]
        assert store.rows(ids=ids).tolist() == [7, 100, 300]
        assert store.rows(ids=str(ids[1])).tolist() == [7]
        assert store.rows(ids=[]).tolist() == []
        dense = store.Y.toarray().astype(bool)
        for labels in (3, [3], [0, 11], np.array([], int)):
            expected = np.flatnonzero(dense[:, np.atleast_1d(labels).astype(int)].any(axis=1))
            np.testing.assert_array_equal(store.rows(labels=labels), expected)
        both = store.rows(split="train", labels=0)
        expected = np.flatnonzero(dense[:, 0] & (store.split == "train"))
        assert 0 < expected.size < dense[:, 0].sum()
        np.testing.assert_array_equal(both, expected)
        assert both.dtype == np.int64

    def test_many_chunks(self, store, monkeypatch):
        expected = [store.rows(labels=[0, 5]), store.rows(ids=store.ids[::7])]
        monkeypatch.setattr("sk_yt8m.datasets._store.select_rows._CHUNK", 11)
        for one, again in zip(
            expected, [store.rows(labels=[0, 5]), store.rows(ids=store.ids[::7])], strict=True
        ):
            np.testing.assert_array_equal(one, again)

    def test_take(self, store):
        for rows in (slice(20, 50), range(20, 50), np.arange(20, 50)):
            X, Y, ids = store.take(rows)
            assert np.shares_memory(X, store.X)
            assert np.shares_memory(ids, store.ids)
            np.testing.assert_array_equal(X, store.X[20:50])
            assert (store.Y[20:50] != Y).nnz == 0
        for rows in ([40, 3, 3, 100], [3, 4, 6], [5, 4, 3]):
            X, Y, ids = store.take(rows)
            np.testing.assert_array_equal(X, store.X[rows])
            np.testing.assert_array_equal(Y.toarray(), store.Y.toarray()[rows])
            np.testing.assert_array_equal(ids, store.ids[rows])
        X, Y, ids = store.take([])
        assert (X.shape, Y.shape, ids.shape) == ((0, 1152), (0, 3862), (0,))

    def test_bad_conditions(self, store, tmp_path):
        for condition, message in (
            ({"split": "test"}, r"split must be one of \['train', 'val'\], got 'test'"),
            ({"ids": ["vidéo 1", "nobody", "none"]}, r"no 'nobody' \(2 of 3 are not there\)"),
            ({"labels": [2, 3862]}, "labels must be from 0 to 3861, got 3862"),
            ({"labels": 0.5}, "labels must be integers, got float64"),
        ):
            with pytest.raises(ValueError, match=message):
                store.rows(**condition)
        for rows, message in (
            ([-1], "from 0 to 359, got -1"),
            ([360], "got 360"),
            ([0.5], "integers"),
            (np.ones(360, dtype=bool), "integers, got bool"),
        ):
            with pytest.raises(ValueError, match=message):
                store.take(rows)
        with pytest.raises(ValueError, match="the store has no ids"):
            convert(([[1]], [[1]]), tmp_path / "s").rows(ids=["a"])

    def test_another_process_maps_the_files(self, store):
        sent = pickle.dumps(store)
        assert len(sent) < 1000
        np.testing.assert_array_equal(pickle.loads(sent).X, store.X)


class TestDamagedStores:
    @pytest.fixture
    def path(self, record_store, tmp_path):
        return shutil.copytree(record_store, tmp_path / "copied store")

    ARRAYS = (
        "features ids label_indices label_indptr label_values record source".split()  # noqa: SIM905
    )

    def test_these_are_all_files(self, path):
        names = {file.name for file in path.iterdir()}
        assert names == {"manifest.json", *(f"{name}.npy" for name in self.ARRAYS)}

    @pytest.mark.parametrize("name", ARRAYS)
    @pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
    def test_a_flipped_bit(self, path, name, place):
        file = path / f"{name}.npy"
        content = bytearray(file.read_bytes())
        content[128 + int(place * (len(content) - 129))] ^= 4
        file.write_bytes(content)
        if name == "label_indptr":
            # These must ascend from 0 to the number of labels, which is found at once.
            with pytest.raises(StoreError, match=r"copied store/label_indptr\.npy: expected where"):
                open_store(path)
        else:
            store = open_store(path)
            with pytest.raises(StoreError, match=rf"copied store/{name}\.npy: expected .*CRC-32"):
                store.verify()

    def test_the_rows_of_changed_features_are_named(self, path):
        features = np.load(path / "features.npy", mmap_mode="r+")
        features[95, 3] += 1
        features.flush()
        expected = r"features\.npy: expected rows 90 to 119, from .*train5\.tfrecord"
        with pytest.raises(StoreError, match=expected):
            open_store(path).verify()

    @pytest.mark.parametrize("name", ARRAYS)
    def test_a_missing_file(self, path, name):
        (path / f"{name}.npy").unlink()
        with pytest.raises(StoreError, match=rf"{name}\.npy: expected an array, got no such file"):
            open_store(path)

    @pytest.mark.parametrize("name", ARRAYS)
    @pytest.mark.parametrize("n_bytes", [-1, -200, 1, 0])
    def test_another_length(self, path, name, n_bytes):
        file = path / f"{name}.npy"
        content = file.read_bytes()
        file.write_bytes(content[:n_bytes] if n_bytes <= 0 else content + b"x" * n_bytes)
        with pytest.raises(StoreError, match=rf"{name}\.npy: expected .*, got"):
            open_store(path)

    @pytest.mark.parametrize("name", ARRAYS)
    def test_another_array(self, path, name):
        np.save(path / f"{name}.npy", np.zeros((3, 3)))
        with pytest.raises(StoreError, match=rf"{name}\.npy: expected .*, got <f8 of shape \(3, 3"):
            open_store(path)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (None, None, "expected a manifest, got no such file"),
            ("{", "[", "expected JSON"),
            ('"version": 4', '"version": 3', "expected version 4, got 3: convert again"),
            ('"n_labels": 3862', '"n_labels": 3863', "CRC-32"),
            ('"split": "train"', '"split": "trail"', "CRC-32"),
        ],
    )
    def test_the_manifest(self, path, old, new, message):
        file = path / "manifest.json"
        if old is None:
            file.unlink()
        else:
            changed = file.read_text().replace(old, new)
            assert changed != file.read_text()
            file.write_text(changed)
        with pytest.raises(StoreError, match=f"manifest.json: .*{message}"):
            open_store(path)

    @pytest.mark.parametrize("text", ["", "null", "[]", "{}", '"version"', '{"version": 2}'])
    def test_other_json(self, path, text):
        (path / "manifest.json").write_text(text)
        with pytest.raises(StoreError, match=r"manifest\.json: expected"):
            open_store(path)

    def test_other_folders(self, folders, tmp_path):
        for other in (tmp_path, tmp_path / "nothing"):
            with pytest.raises(StoreError, match="expected a manifest"):
                open_store(other)

    def test_a_manifest_of_something_else(self, path):
        manifest = json.loads((path / "manifest.json").read_text())
        del manifest["about"]["kind"], manifest["manifest_crc32"]
        crc32 = zlib.crc32(json.dumps(manifest, sort_keys=True).encode())
        (path / "manifest.json").write_text(json.dumps({**manifest, "manifest_crc32": crc32}))
        with pytest.raises(StoreError, match="expected a store from `convert`"):
            open_store(path)


def test_manifest(folders, videos, tmp_path):
    import hashlib

    store = convert(folders["parquet"], tmp_path / "store", dtype="float16")
    manifest = json.loads(json.dumps(store.manifest))
    assert manifest["counts"] == {
        "n_videos": 360,
        "n_features": 1152,
        "n_labels": 3862,
        "n_labelled": videos.target.nnz,
        "n_sources": 12,
    }
    assert manifest["dtypes"]["features"] == "<f2"
    assert manifest["damage"] == []
    for one in manifest["sources"]:
        file = folders["parquet"] / re.split(r"[\\/]", one["name"])[-1]
        assert one["size"] == file.stat().st_size
        assert one["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert one["n_rows"] == N_ROWS


def test_return_X_y(folders, tmp_path):  # noqa: N802
    store = convert(folders["csv"], tmp_path / "store")
    X, Y = open_store(str(store.path), return_X_y=True)
    assert isinstance(X, np.memmap)
    np.testing.assert_array_equal(X, store.X)
    assert (Y != store.Y).nnz == 0
    assert "90 rows, 1152 features in float32, 3862 labels" in repr(store)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float64"}, "dtype"),
        ({"on_error": "warn"}, "on_error"),
        ({"n_labels": 0}, "n_labels"),
        ({"label_column": "l"}, "label_column is for parquet files, got label_column='l' with tfr"),
        ({"level": "no"}, "level"),
        ({"n_frames": 3}, "n_frames must be None for records of video level"),
    ],
)
def test_bad_options(folders, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        convert(folders["tfrecord"], tmp_path / "s", **options)
    assert list(tmp_path.iterdir()) == []


def test_bad_sources(folders, tmp_path):
    with pytest.raises(ValueError, match=r"must be files of one format, got .*csv.* and .*parquet"):
        convert([folders["csv"], folders["parquet"]], tmp_path / "s")
    with pytest.raises(FileNotFoundError, match="holds no CSV, TFRecord or Parquet file"):
        convert(tmp_path, tmp_path / "s")
    with pytest.raises(FileNotFoundError, match="no such file"):
        convert(tmp_path / "nothing*.csv", tmp_path / "s")
    (tmp_path / "notes.txt").write_text("1,2,")
    with pytest.raises(ValueError, match=r"source must be of files named .*got .*notes\.txt"):
        convert(tmp_path / "notes.txt", tmp_path / "s")
    X, Y = np.ones((3, 2)), np.ones((3, 1))
    for source, options, message in (
        ((X, Y[:2]), {}, r"Y must have shape \(3, n_labels\)"),
        ((X * np.nan, Y), {}, "row 0, column 0 is nan"),
        ((X, Y * 2), {}, "Y must hold 0 and 1"),
        ((X, Y, ["a", "b"]), {}, "ids must be one for each of 3 videos, got 2"),
        ((X, Y, ["a", "b", ""]), {}, "strings of 1 to 256 bytes .*, got '' in row 2"),
        ((X, Y), {"n_labels": 1}, "n_labels must be None with arrays"),
        ((X, Y), {"level": "video"}, "level is for tfrecord files"),
    ):
        with pytest.raises(ValueError, match=message):
            convert(source, tmp_path / "s", **options)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_training_reads_it(tmp_path):
    """`fit` on a store is `fit` on the same memory map and labels, to the bit."""
    from sk_yt8m import DeepMultiLabelClassifier

    X, Y = make_videos(200, n_features=20, n_labels=10, return_X_y=True, random_state=0)
    store = convert((X, Y), tmp_path / "s")
    clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(store.X, store.Y)
    assert clf.score(store.X, store.Y) == clf.score(X, Y)
    mapped = np.load(store.path / "features.npy", mmap_mode="r")
    other = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(mapped, Y)
    np.testing.assert_array_equal(clf.predict_proba(store.X), other.predict_proba(X))
