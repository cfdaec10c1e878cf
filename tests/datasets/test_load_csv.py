"""load_csv: order, splits, forms, cache and the real files; write_csv."""

import gzip
import shutil

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sk_yt8m.datasets import load_csv, make_videos, open_store, write_csv


@pytest.fixture(scope="module")
def videos():
    return make_videos(24, random_state=0, return_indicator="sparse")


@pytest.fixture(scope="module")
def folder(videos, tmp_path_factory):
    """Return a folder of shards of two videos, which numeric order and name order sort apart."""
    folder = tmp_path_factory.mktemp("shards")
    names = ["train_2", "train_10", "train_0", "val_3", "val_27", "val_28", "val_56"]
    for i, name in enumerate(names):
        rows = slice(2 * i, 2 * i + 2)
        write_csv(folder / f"{name}.csv", videos.data[rows], videos.target[rows])
    (folder / "vocabulary.csv").write_text("Index,Name\n")
    return folder


def rows(*pairs):
    return np.concatenate([[2 * i, 2 * i + 1] for i in pairs])


@pytest.mark.parametrize(
    ("split", "order"),
    [
        ("train", (2, 0, 1)),
        ("val", (3, 4, 5, 6)),
        ("course-train", (2, 0, 1)),
        ("course-test", (3, 4)),
        ("course-val", (5, 6)),
        (None, (2, 0, 1, 3, 4, 5, 6)),
    ],
)
def test_splits_in_numeric_order(folder, videos, split, order):
    bunch = load_csv(folder, split=split)
    np.testing.assert_array_equal(bunch.data, videos.data[rows(*order)])
    np.testing.assert_array_equal(bunch.target, videos.target[rows(*order)].toarray())
    assert bunch.data.dtype == np.float32
    assert bunch.target.dtype == np.uint8
    np.testing.assert_array_equal(bunch.shard, np.repeat(np.arange(len(order)), 2))
    np.testing.assert_array_equal(bunch.line, np.tile([1, 2], len(order)))
    assert len(bunch.files) == len(order)
    assert bunch.errors == []


def test_forms(folder, videos):
    expected = videos.target[rows(5, 6)]
    X, Y = load_csv(folder, split="course-val", return_X_y=True, return_indicator="sparse")
    assert isinstance(Y, sp.csr_matrix)
    assert abs(Y.astype(int) - expected).nnz == 0
    bunch = load_csv(folder, split="course-val", as_frame=True)
    assert bunch.data.columns[[0, 1023, 1024, 1151]].tolist() == [
        "rgb_0",
        "rgb_1023",
        "audio_0",
        "audio_127",
    ]
    np.testing.assert_array_equal(bunch.data.to_numpy(), X)
    np.testing.assert_array_equal(bunch.target.to_numpy(), expected.toarray())
    assert bunch.frame.shape == (4, 1152 + 3862)
    data, target = load_csv(
        folder, split="course-val", as_frame=True, return_X_y=True, return_indicator="sparse"
    )
    assert isinstance(data, pd.DataFrame)
    assert all(isinstance(dtype, pd.SparseDtype) for dtype in target.dtypes)
    assert (target.sparse.to_coo().tocsr() != expected).nnz == 0


def test_a_file_a_list_and_gzip(folder, videos, tmp_path):
    packed = tmp_path / "train_2.csv.gz"
    packed.write_bytes(gzip.compress((folder / "train_2.csv").read_bytes()))
    for path in (packed, str(packed), [packed], [tmp_path]):
        np.testing.assert_array_equal(load_csv(path).data, videos.data[:2])
    both = load_csv([packed, folder / "val_3.csv"])
    np.testing.assert_array_equal(both.data, videos.data[[0, 1, 6, 7]])


def test_two_processes(folder):
    one, two = load_csv(folder), load_csv(folder, n_jobs=2)
    np.testing.assert_array_equal(one.data, two.data)
    np.testing.assert_array_equal(one.target, two.target)


def test_progress(folder, capsys):
    load_csv(folder, progress=True)
    assert "7/7" in capsys.readouterr().err


def test_what_is_refused(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        load_csv(tmp_path / "nothing.csv")
    with pytest.raises(FileNotFoundError, match=r"holds no CSV file"):
        load_csv(tmp_path)
    with pytest.raises(FileNotFoundError, match="split 'val'"):
        load_csv(folder / "train_0.csv", split="val")
    with pytest.raises(FileNotFoundError, match="an empty list"):
        load_csv([])
    for parameter in ("split", "return_indicator", "on_error"):
        with pytest.raises(ValueError, match=parameter):
            load_csv(folder, **{parameter: "wrong"})
    (tmp_path / "train_5.csv").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="return_indicator"):  # before anything is read
        load_csv(tmp_path, return_indicator="wrong")
    (tmp_path / "train_5.csv").unlink()
    shutil.copy(folder / "train_0.csv", tmp_path / "train_0.csv")
    (tmp_path / "train_0.csv.gz").write_bytes(b"")
    with pytest.raises(ValueError, match="every shard once"):
        load_csv(tmp_path)


def test_damage_is_listed(folder, videos, tmp_path):
    content = (folder / "train_0.csv").read_bytes()
    (tmp_path / "train_0.csv").write_bytes(content[:-10])
    shutil.copy(folder / "val_3.csv", tmp_path)
    with pytest.raises(ValueError, match=r"train_0\.csv, line 2.*5014 fields"):
        load_csv(tmp_path)
    bunch = load_csv(tmp_path, on_error="skip")
    np.testing.assert_array_equal(bunch.data, videos.data[[4, 6, 7]])
    (problem,) = bunch.errors
    assert (problem.file, problem.place) == (str(tmp_path / "train_0.csv"), "line 2")


class TestCache:
    @pytest.fixture
    def copy(self, folder, tmp_path):
        shutil.copytree(folder, tmp_path / "csv")
        return tmp_path / "csv"

    @pytest.fixture
    def parses(self, monkeypatch):
        from sk_yt8m.datasets import _load_csv as _load
        from sk_yt8m.datasets._convert import sources as _sources

        calls = []
        read = _load.read_csv_blocks
        for module in (_load, _sources):
            monkeypatch.setattr(
                module, "read_csv_blocks", lambda *a, **k: calls.append(a[0].name) or read(*a, **k)
            )
        return calls

    def test_the_second_load_parses_nothing(self, copy, tmp_path, parses):
        plain = load_csv(copy)
        parses.clear()
        first = load_csv(copy, cache_dir=tmp_path / "cache")
        assert len(parses) == 7
        second = load_csv(copy, cache_dir=tmp_path / "cache")
        assert len(parses) == 7
        assert isinstance(second.data, np.memmap)
        for bunch in (first, second):
            np.testing.assert_array_equal(bunch.data, plain.data)
            np.testing.assert_array_equal(bunch.target, plain.target)
            np.testing.assert_array_equal(bunch.shard, plain.shard)
            np.testing.assert_array_equal(bunch.line, plain.line)

    def test_changed_files_are_parsed_again(self, copy, videos, tmp_path, parses):
        load_csv(copy, cache_dir=tmp_path / "cache")
        write_csv(copy / "train_0.csv", videos.data[20:22], videos.target[20:22])
        again = load_csv(copy, split="train", cache_dir=tmp_path / "cache")
        np.testing.assert_array_equal(again.data[:2], videos.data[20:22])
        assert len(parses) == 7 + 3

    @pytest.mark.parametrize("damage", ["cut", "gone", "nonsense", "other shape", "other version"])
    def test_a_damaged_cache_is_built_again(self, copy, tmp_path, parses, damage):
        expected = load_csv(copy, cache_dir=tmp_path / "cache").data.copy()
        (store,) = (tmp_path / "cache").iterdir()
        features, manifest = store / "features.npy", store / "manifest.json"
        if damage == "cut":
            features.write_bytes(features.read_bytes()[:-100])
        elif damage == "gone":
            features.unlink()
        elif damage == "nonsense":
            manifest.write_text("{")
        elif damage == "other shape":
            np.save(features, expected[:-1])
        else:
            manifest.write_text(manifest.read_text().replace('"version": 4', '"version": 99'))
        np.testing.assert_array_equal(load_csv(copy, cache_dir=tmp_path / "cache").data, expected)
        assert len(parses) == 14

    @pytest.mark.parametrize("name", ["label_indices", "label_indptr", "source", "record"])
    def test_wrong_values_in_the_cache_are_noticed(self, copy, tmp_path, parses, name):
        expected = load_csv(copy)
        parses.clear()
        load_csv(copy, cache_dir=tmp_path / "cache")
        (store,) = (tmp_path / "cache").iterdir()
        array = np.load(store / f"{name}.npy")
        array[1] += 1
        np.save(store / f"{name}.npy", array)
        again = load_csv(copy, cache_dir=tmp_path / "cache")
        assert len(parses) == 14
        for key in ("data", "target", "shard", "line"):
            np.testing.assert_array_equal(again[key], expected[key])

    def test_two_writers_of_one_cache(self, copy, tmp_path, parses):
        """The second reads the files itself, and leaves the cache to the first."""
        from sk_yt8m.datasets._store.work_folder import locked, work_folder

        first = load_csv(copy, cache_dir=tmp_path / "other")
        (store,) = (tmp_path / "other").iterdir()
        with locked(work_folder(tmp_path / "cache" / store.name)):
            second = load_csv(copy, cache_dir=tmp_path / "cache")
            np.testing.assert_array_equal(second.data, first.data)
            assert not (tmp_path / "cache" / store.name).exists()
        load_csv(copy, cache_dir=tmp_path / "cache")
        assert [f.name for f in (tmp_path / "cache").iterdir()] == [store.name]
        assert len(parses) == 3 * 7

    def test_it_is_a_store(self, copy, tmp_path):
        loaded = load_csv(copy, cache_dir=tmp_path / "cache")
        (path,) = (tmp_path / "cache").iterdir()
        store = open_store(path)
        store.verify()
        np.testing.assert_array_equal(store.X, loaded.data)

    def test_errors_are_remembered(self, copy, tmp_path):
        (copy / "train_0.csv").write_bytes(b"nonsense\n")
        options = {"on_error": "skip", "cache_dir": tmp_path / "cache"}
        first, second = load_csv(copy, **options), load_csv(copy, **options)
        assert first.errors == second.errors
        assert first.errors[0].actual == "0 and then 'nonsense'"
        with pytest.raises(ValueError, match="nonsense"):
            load_csv(copy, cache_dir=tmp_path / "cache")

    def test_a_failed_write_leaves_no_cache(self, copy, tmp_path):
        def fail(*_args, **_kwargs):
            raise OSError("disk full")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sk_yt8m.datasets._store.array_file.ArrayFile.append", fail)
            with pytest.raises(OSError, match="disk full"):
                load_csv(copy, cache_dir=tmp_path / "cache")
        assert not list((tmp_path / "cache").glob("[!.]*"))
        expected = load_csv(copy).data
        np.testing.assert_array_equal(load_csv(copy, cache_dir=tmp_path / "cache").data, expected)
        assert not list((tmp_path / "cache").glob(".*"))


class TestWriteCsv:
    def test_bad_input(self, videos, tmp_path):
        X, Y = videos.data[:2], videos.target[:2]
        with pytest.raises(ValueError, match=r"X must have shape \(n_videos, 1152\)"):
            write_csv(tmp_path / "a.csv", X[:, 1:], Y)
        with pytest.raises(ValueError, match=r"Y must have shape \(2, 3862\)"):
            write_csv(tmp_path / "a.csv", X, Y[:, 1:])
        bad = X.copy()
        bad[1, 5] = np.nan
        with pytest.raises(ValueError, match="row 1, column 5 is nan"):
            write_csv(tmp_path / "a.csv", bad, Y)
        with pytest.raises(ValueError, match="row 1, column 7 is 2"):
            write_csv(tmp_path / "a.csv", X, np.where(np.arange(3862) == 7, [[1], [2]], 0))
        assert not (tmp_path / "a.csv").exists()

    def test_every_form_of_labels(self, videos, tmp_path):
        X, Y = videos.data[:2], videos.target[:2]
        dense = Y.toarray()
        forms = [dense, dense.astype(bool), dense.tolist(), pd.DataFrame(dense), Y.tocoo()]
        for form in [*forms, pd.DataFrame.sparse.from_spmatrix(Y)]:
            write_csv(tmp_path / "a_0.csv", pd.DataFrame(X), form)
            np.testing.assert_array_equal(load_csv(tmp_path / "a_0.csv").target, dense)


@pytest.mark.parametrize("name", ["train_0", "train_1", "train_2", "train_205", "val_28", "val_56"])
def test_the_real_files(course_dir, name):
    part, number = name.split("_")
    bunch = load_csv(course_dir / "csv" / f"{name}.csv.gz", return_indicator="sparse")
    expected = np.load(course_dir / f"{part}.npz")
    rows = np.flatnonzero(expected["shard"] == int(number))
    np.testing.assert_array_equal(bunch.data.astype(np.float16), expected["features"][rows])
    offsets = expected["label_offsets"]
    np.testing.assert_array_equal(np.diff(bunch.target.indptr), np.diff(offsets)[rows])
    labels = expected["label_ids"][offsets[rows[0]] : offsets[rows[-1] + 1]]
    np.testing.assert_array_equal(bunch.target.indices, labels)
    with gzip.open(course_dir / "csv" / f"{name}.csv.gz", "rt") as file:
        for row, text in zip(bunch.data, file, strict=True):
            assert ",".join(map(str, row)) == text.rstrip("\n").rstrip(",").split(",", 3862)[-1]
