"""Conversions in shards, and one store of many: what a conversion in one piece makes."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sk_yt8m.datasets import (
    StoreError,
    convert,
    make_videos,
    open_store,
    write_csv,
    write_parquet,
    write_tfrecords,
)
from sk_yt8m.datasets._convert import convert as _convert
from sk_yt8m.datasets._convert.shard import files_of_shard, rows_of_shard

N_FILES, N_ROWS = 6, 20


def content(store):
    return {file.name: file.read_bytes() for file in store.path.iterdir()}


def write_files(folder, kind, *, repeated=True):
    """Write files of different sizes, with ids that are repeated in a file and in others."""
    folder.mkdir()
    X, Y = make_videos(N_FILES * N_ROWS, return_X_y=True, random_state=0)
    ids = [f"vidéo {row}" for row in range(len(X))]
    if repeated:
        for row, other in ((30, 1), (70, 1), (71, 31), (95, 65), (96, 1), (110, 97)):
            ids[row] = ids[other]
        ids[97] = ids[110] = "it's\n\"x"
    for number in range(N_FILES):
        rows = slice(number * N_ROWS, (number + 1) * N_ROWS - 3 * (number % 2))
        name = folder / f"{'train' if number % 3 else 'val'}_{number + 8}.{kind}"
        if kind == "csv":
            write_csv(name, X[rows], Y[rows])
        elif kind == "parquet":
            write_parquet(name, X[rows], Y[rows], ids[rows])
        else:
            write_tfrecords(name, X[rows], Y[rows], ids[rows])
            if repeated and number == 4:  # a file with ids twice, and of other files
                other = (folder / "train_9.tfrecord").read_bytes()
                name.write_bytes(name.read_bytes() + other + other)
    return folder


@pytest.fixture(scope="module", params=["csv", "parquet", "tfrecord"])
def files(request, tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("files") / "files", request.param)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("records") / "files", "tfrecord", repeated=False)


def shards_of(source, folder, n, **options):
    return [convert(source, folder / f"part-{i}", shard=(i, n), **options) for i in range(n)]


class TestWhichFiles:
    @given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.data())
    def test_each_file_once_in_order(self, sizes, data):
        n = data.draw(st.integers(1, len(sizes)))
        parts = [files_of_shard(sizes, (i, n)) for i in range(n)]
        assert [number for part in parts for number in part] == list(range(len(sizes)))
        assert all(parts)

    @given(st.lists(st.integers(1, 10), min_size=20, max_size=60), st.integers(1, 5))
    def test_parts_are_of_the_same_size_but_for_a_file(self, sizes, n):
        parts = [sum(sizes[j] for j in files_of_shard(sizes, (i, n))) for i in range(n)]
        assert max(abs(part - sum(sizes) / n) for part in parts) <= max(sizes)

    @given(st.integers(1, 1000), st.data())
    def test_rows(self, n_rows, data):
        n = data.draw(st.integers(1, n_rows))
        parts = [rows_of_shard(n_rows, (np.int64(i), np.int32(n))) for i in range(n)]
        assert [row for part in parts for row in part] == list(range(n_rows))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("n", [1, 2, 3, N_FILES])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_one_store_of_shards_is_that_of_one_piece(files, tmp_path, n, dtype):
    """To the byte, manifest and damage included."""
    whole = convert(files, tmp_path / "whole", dtype=dtype, on_error="skip")
    parts = shards_of(files, tmp_path, n, dtype=dtype, on_error="skip", n_jobs=n % 2 + 1)
    assert sum(len(part) for part in parts) >= len(whole)
    one = convert(parts, tmp_path / "one", dtype=dtype, on_error="skip")
    assert content(one) == content(whole)
    one.verify()


def test_shards_in_float32_are_rounded_as_files_are(files, tmp_path):
    whole = convert(files, tmp_path / "whole", dtype="float16", on_error="skip")
    shards_of(files, tmp_path, 3, on_error="skip")
    one = convert(f"{tmp_path}/part-*", tmp_path / "one", dtype="float16", on_error="skip")
    assert content(one) == content(whole)


def test_only_files_of_a_split_are_divided(files, tmp_path):
    whole = convert(files, tmp_path / "whole", split="train", on_error="skip")
    parts = shards_of(files, tmp_path, 2, split="train", on_error="skip")
    one = convert([str(part.path) for part in parts], tmp_path / "one", on_error="skip")
    assert content(one) == content(whole)


def test_a_repeated_id_is_the_error_of_one_piece(tmp_path):
    folder = write_files(tmp_path / "files", "tfrecord")
    parts = shards_of(folder, tmp_path, 3, on_error="skip")
    messages = []
    for source in (folder, parts):
        with pytest.raises(ValueError, match="the id of") as error:
            convert(source, tmp_path / "one")
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    assert "train_9.tfrecord" in messages[1]
    assert not (tmp_path / "one").exists()


def test_damage_of_a_shard_is_an_error_unless_it_is_skipped(records, tmp_path):
    folder = shutil.copytree(records, tmp_path / "files")
    last = max(folder.iterdir())
    last.write_bytes(last.read_bytes()[:-5])
    parts = shards_of(folder, tmp_path, 2, on_error="skip")
    with pytest.raises(ValueError, match=last.name):
        convert(parts, tmp_path / "one")
    one = convert(parts, tmp_path / "one", on_error="skip")
    assert content(one) == content(convert(folder, tmp_path / "whole", on_error="skip"))


def test_segments(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    rng = np.random.default_rng(0)
    segments = [[(0, 1, 1), (5, 1, 0)], [(0, 2, 1), (5, 2, 1), (10, 2, 1)]]
    for number in range(4):
        write_tfrecords(
            folder / f"train{number}.tfrecord",
            [rng.integers(0, 255, (20, 1152), np.uint8) for _ in segments],
            np.eye(2, 3862, 1),
            # The last file has the ids of the first.
            [f"v{number % 3}-0", f"v{number % 3}-1"],
            level="frame",
            segments=segments,
        )
    options = {"level": "segment", "on_error": "skip"}
    whole = convert(folder, tmp_path / "whole", **options)
    parts = shards_of(folder, tmp_path, 2, **options)
    one = convert(parts, tmp_path / "one", on_error="skip")
    assert content(one) == content(whole)
    assert len(one) == 15
    assert len(one.manifest["damage"]) == 2
    assert one.start.tolist() == [0, 5, 0, 5, 10] * 3


@pytest.mark.parametrize("with_ids", [True, False])
def test_arrays(tmp_path, with_ids, monkeypatch):
    """Rows, ids and records are those of one piece; sources are blocks of the shards."""
    from sk_yt8m.datasets._convert import find_sources

    X, Y = make_videos(50, n_features=10, n_labels=7, return_X_y=True, random_state=0)
    source = (X, Y, [f"v{row}" for row in range(50)]) if with_ids else (X, Y)
    monkeypatch.setattr(find_sources, "_BLOCK_BYTES", 4 * 10 * 8)  # 8 rows
    whole = convert(source, tmp_path / "whole")
    parts = shards_of(source, tmp_path, 3)
    assert [len(part) for part in parts] == [16, 17, 17]
    one = convert(parts, tmp_path / "one")
    for name in ("features", "record", "label_indices", "label_indptr", *["ids"] * with_ids):
        assert content(one)[f"{name}.npy"] == content(whole)[f"{name}.npy"]
    one.verify()
    with pytest.raises(ValueError, match="n <= 50 rows"):
        convert(source, tmp_path / "x", shard=(0, 51))


@pytest.mark.parametrize(
    ("shard", "message"),
    [
        ((2, 2), "0 <= i < n"),
        ((-1, 2), "0 <= i < n"),
        ((0, 0), "0 <= i < n"),
        ((0.0, 2), "two integers"),
        (("0", "2"), "two integers"),
        ((0, 1, 2), "two integers"),
        ((0, N_FILES + 1), rf"n <= {N_FILES} files, got \(0, {N_FILES + 1}\)"),
        ("0/2", "shard"),
        (1, "shard"),
    ],
)
def test_wrong_shards(records, tmp_path, shard, message):
    with pytest.raises(ValueError, match=message):
        convert(records, tmp_path / "x", shard=shard)
    assert list(tmp_path.iterdir()) == []


class TestStoresThatDoNotFit:
    @pytest.fixture
    def parts(self, records, tmp_path):
        return shards_of(records, tmp_path, 3)

    @pytest.mark.parametrize("order", [(0, 2), (1, 0, 2), (0, 1), (1,), (0, 1, 2, 0)])
    def test_missing_or_in_another_order(self, parts, tmp_path, order):
        with pytest.raises(ValueError, match=r"all shards of a conversion|every store once"):
            convert([parts[number] for number in order], tmp_path / "one")

    def test_natural_order_of_a_pattern(self, tmp_path):
        X, Y = make_videos(24, n_features=4, n_labels=3, return_X_y=True, random_state=0)
        shards_of((X, Y), tmp_path, 12)
        one = convert(str(tmp_path / "part-*"), tmp_path / "one")
        np.testing.assert_array_equal(one.X, X)

    def test_the_same_store_or_file_twice(self, parts, records, tmp_path):
        (tmp_path / "link").symlink_to(parts[0].path)
        whole = convert(records, tmp_path / "whole")
        for source, message in (
            ([whole, whole.path], "every store once"),
            ([parts[0].path, tmp_path / "link"], "every store once"),
            (
                [*parts, whole],
                r"every file once, got .*train_9.tfrecord in both .*part-0 and .*whole",
            ),
        ):
            with pytest.raises(ValueError, match=message):
                convert(source, tmp_path / "one")

    def test_of_another_kind(self, tmp_path):
        X, Y = make_videos(9, n_features=4, n_labels=3, return_X_y=True, random_state=0)
        first = convert((X, Y), tmp_path / "first")
        for name, source, options, message in (
            ("a", (X + 1, Y), {"dtype": "float16"}, "dtype is 'float32' in .*first and 'float16'"),
            ("b", (X[:, :3], Y), {}, "features"),
            ("c", (X, Y[:, :2]), {}, r"n_labels is 3 in .*first and 2 in .*c"),
            ("d", (X + 1, Y, list("abcdefghi")), {}, "ids is False in .*first and True in .*d"),
        ):
            other = convert(source, tmp_path / name, **options)
            with pytest.raises(ValueError, match=message):
                convert([first, other], tmp_path / "one")

    def test_other_formats(self, records, tmp_path):
        folder = write_files(tmp_path / "csv", "csv")
        first = convert(folder, tmp_path / "first")
        other = convert(records, tmp_path / "other")
        with pytest.raises(
            ValueError, match=r"format is 'csv' in .*first and 'tfrecord' in .*other"
        ):
            convert([first, other], tmp_path / "one")
        with pytest.raises(ValueError, match="stores or files and not both"):
            convert([first.path, folder], tmp_path / "one")

    def test_float16_gives_no_float32(self, records, tmp_path):
        part = convert(records, tmp_path / "part", dtype="float16")
        with pytest.raises(ValueError, match='dtype must be "float16"'):
            convert(part, tmp_path / "one")
        assert content(convert(part, tmp_path / "one", dtype="float16")) == content(part)

    @pytest.mark.parametrize(
        "options",
        [
            {"split": "train"},
            {"n_labels": 3862},
            {"features": ["mean_rgb"]},
            {"level": "video"},
            {"id_column": "x"},
            {"shard": (0, 2)},
        ],
    )
    def test_options_that_stores_tell_themselves(self, parts, tmp_path, options):
        with pytest.raises(ValueError, match=f"{next(iter(options))} (must be None|is for)"):
            convert(parts, tmp_path / "one", **options)

    def test_a_part_is_not_replaced(self, parts, tmp_path):
        before = content(parts[0])
        with pytest.raises(ValueError, match="must not be one of those"):
            convert(parts, parts[0].path, overwrite=True)
        assert content(open_store(parts[0].path)) == before

    @pytest.mark.parametrize("name", ["features", "record", "offset", "ids", "label_indices"])
    def test_a_changed_byte_is_found(self, parts, tmp_path, name):
        path = parts[1].path / f"{name}.npy"
        data = bytearray(path.read_bytes())
        data[-3] ^= 1
        path.write_bytes(data)
        with pytest.raises(StoreError, match=str(parts[1].path)):
            convert([part.path for part in parts], tmp_path / "one")
        assert not (tmp_path / "one").exists()

    def test_a_part_that_was_replaced_meanwhile(self, parts, tmp_path, records):
        opened = [*parts]
        shutil.rmtree(parts[1].path)
        convert(records, parts[1].path)
        with pytest.raises(StoreError, match="got another one"):
            convert(opened, tmp_path / "one")


def test_a_folder_of_files_with_a_manifest_is_no_store(records, tmp_path):
    folder = shutil.copytree(records, tmp_path / "files")
    (folder / "manifest.json").write_text('{"files": 6}')
    assert content(convert(folder, tmp_path / "x")).keys() >= {"features.npy"}


def test_many_stores_need_few_open_files(tmp_path):
    """An open array is an open file, of which a process may have 1024."""
    X, Y = make_videos(60, n_features=2, n_labels=2, return_X_y=True, random_state=0)
    shards_of((X, Y), tmp_path, 30)
    code = (
        "import resource; from sk_yt8m.datasets import convert; "
        f"import sklearn.utils.parallel; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); "
        f"print(len(convert({str(tmp_path / 'part-*')!r}, {str(tmp_path / 'one')!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "60", done.stderr


def test_a_kill_is_resumed(records, tmp_path, monkeypatch):
    """After a kill -9 in the fourth source, three of six are not copied again."""
    parts = shards_of(records, tmp_path, 2)
    whole = convert(records, tmp_path / "whole")
    child = os.fork()
    if child == 0:
        calls = []
        read_source = _convert.read_source

        def killed(*args):
            calls.append(1)
            if len(calls) == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            return read_source(*args)

        _convert.read_source = killed
        convert(parts, tmp_path / "one")
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert not (tmp_path / "one").exists()
    names, read_source = [], _convert.read_source
    monkeypatch.setattr(
        _convert, "read_source", lambda one, *a: names.append(one.name) or read_source(one, *a)
    )
    one = convert(parts, tmp_path / "one")
    assert [Path(name).stem for name in names] == ["train_13", "val_8", "val_11"]
    assert content(one) == content(whole)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_course_in_two_shards(course_dir, tmp_path):
    """Real rows: the files at hand, converted in two shards."""
    folder = course_dir / "csv"
    source = sorted(folder.glob("*.csv.gz"))
    whole = convert(source, tmp_path / "whole", dtype="float16")
    parts = shards_of(source, tmp_path, 2, dtype="float16")
    assert content(convert(parts, tmp_path / "one", dtype="float16")) == content(whole)
