"""Which files a path stands for, in which order, through every way in; and their splits."""

import gzip
import itertools
import re

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from sk_yt8m.cli import main
from sk_yt8m.datasets import (
    convert,
    load_csv,
    load_parquet,
    load_tfrecords,
    open_store,
    write_csv,
    write_parquet,
    write_tfrecords,
)
from sk_yt8m.datasets._fetch.yt8m import _choose
from sk_yt8m.datasets._formats.find_files import find_data_files, find_files

ENDS = {"csv": ["csv", "csv.gz"], "tfrecord": ["tfrecord", "tfrecord.gz"], "parquet": ["parquet"]}
LOADERS = {"csv": load_csv, "tfrecord": load_tfrecords, "parquet": load_parquet}
#: In the order wanted; numbers count as numbers, wherever they stand.
STEMS = [
    "Part_3",
    "part2_7",
    "part2_007b1",
    "part02_8",
    "part2_10",
    "part10_7",
    "train_2",
    "train_02",
    "train_10",
    "train_10_1",
    "train_206",
    "val-00002-of-10",
    "val-00010-of-10",
]
Y = np.eye(1, 3862)


def write(kind, path, row):
    X = np.full((1, 1152), row, dtype=np.float32)
    if kind == "csv":
        write_csv(path, X, Y)
    elif kind == "tfrecord":
        write_tfrecords(path, X, Y, [f"id {row}"])
    else:
        write_parquet(path, X, Y, [f"id {row}"])


def natural(name):
    """Return the key of the order wanted, in the slowest and most obvious way."""
    name = name.removesuffix(".gz")
    runs = [list(group) for _, group in itertools.groupby(name, key=str.isdigit)]
    if name[:1].isdigit():
        runs.insert(0, [])
    runs = ["".join(run) for run in runs]
    key = [(runs[i], int((runs[i + 1 : i + 2] or ["0"])[0])) for i in range(0, len(runs), 2)]
    return key, name


@pytest.mark.parametrize("kind", ENDS)
def test_one_order_through_every_way_in(kind, tmp_path):
    names = [f"{stem}.{end}" for stem, end in zip(STEMS, itertools.cycle(ENDS[kind]), strict=False)]
    folder = tmp_path / "files"
    folder.mkdir()
    for row in np.random.default_rng(0).permutation(len(names)):
        write(kind, folder / names[row], int(row))
    in_order = [str(folder / name) for name in sorted(names, key=natural)]
    ways = {
        "load": LOADERS[kind](folder, return_indicator="sparse").files,
        "convert": [s["name"] for s in convert(folder, tmp_path / "store").manifest["sources"]],
        "find": find_data_files(folder)[1],
    }
    pattern = f"{folder}/*"
    ways["load a pattern"] = LOADERS[kind](pattern, return_indicator="sparse").files
    ways["convert a pattern"] = [
        s["name"] for s in convert(pattern, tmp_path / "pattern").manifest["sources"]
    ]
    if kind == "tfrecord":
        ways["download"] = [folder / name for name in _choose(dict.fromkeys(names, ""), None, None)]
    result = CliRunner().invoke(main, ["convert", str(folder), str(tmp_path / "cli")])
    assert result.exit_code == 0, result.output
    ways["cli"] = [s["name"] for s in open_store(tmp_path / "cli").manifest["sources"]]
    for way, files in ways.items():
        assert list(map(str, files)) == in_order, way
    rows = LOADERS[kind](folder, return_indicator="sparse").data[:, 0]
    np.testing.assert_array_equal(rows, open_store(tmp_path / "cli").X[:, 0])
    np.testing.assert_array_equal(
        rows, [names.index(name[len(str(folder)) + 1 :]) for name in in_order]
    )


STEM = st.text("aAbB_-. 0123456789", min_size=1, max_size=9).filter(lambda s: s[0] not in ". ")


@settings(max_examples=100, deadline=None)
@given(st.lists(STEM, min_size=1, max_size=8, unique_by=str.lower), st.integers(0, 10))
def test_any_names_have_one_order(tmp_path_factory, stems, last):
    folder = tmp_path_factory.mktemp("names")
    found = {}
    for kind, ends in ENDS.items():
        (folder / kind).mkdir()
        for stem, end in zip(stems, itertools.cycle(ends), strict=False):
            (folder / kind / f"{stem}{last}.{end}").touch()
        found[kind] = find_files(folder / kind, kind)
    orders = {kind: [f.name[: f.name.rindex(f".{kind}")] for f in found[kind]] for kind in ENDS}
    assert orders["csv"] == orders["tfrecord"] == orders["parquet"]
    for kind in ENDS:
        assert find_data_files(folder / kind)[1] == found[kind]
    keys = [natural(f"{name}.csv") for name in orders["csv"]]
    assert keys == sorted(keys)


def test_a_shard_in_two_forms_is_refused_but_not_numbers_alike(tmp_path):
    for name in ("train_2.csv", "train_02.csv", "train_002.csv.gz"):
        write("csv", tmp_path / name, 1)
    assert len(load_csv(tmp_path).data) == len(convert(tmp_path, tmp_path / "store")) == 3
    write("csv", tmp_path / "train_2.csv.gz", 1)
    for read in (load_csv, lambda path: convert(path, tmp_path / "again")):
        with pytest.raises(ValueError, match=r"every shard once, got both .*train_2\.csv and"):
            read(tmp_path)


# Splits


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return files as those of the course, and others that are named alike."""
    folder = tmp_path_factory.mktemp("course")
    for row, name in enumerate(NAMES):
        write("csv", folder / name, row)
    (folder / "vocabulary.csv").write_text("Index,Name\n")
    return folder


#: In natural order.
NAMES = [
    "test_0.csv",
    "train2_1.csv",
    "train_0.csv",
    "train_205.csv",
    "train_206.csv",
    "train_2024_1.csv.gz",
    "val_0.csv",
    "val_27.csv",
    "val_28.csv",
    "val_56.csv.gz",
    "val_57.csv",
    "validate_3.csv",
]
IN_SPLIT = {
    "train": [name for name in NAMES if name.startswith("train")],
    "val": [name for name in NAMES if name.startswith("val")],
    "test": ["test_0.csv"],
    "course-train": ["train_0.csv", "train_205.csv"],
    "course-test": ["val_0.csv", "val_27.csv"],
    "course-val": ["val_28.csv", "val_56.csv.gz"],
    None: NAMES,
}


@pytest.mark.parametrize("split", IN_SPLIT)
def test_splits_of_csv_through_every_way_in(course, tmp_path, split):
    expected = IN_SPLIT[split]
    names = lambda files: [str(file).rsplit("/", 1)[-1] for file in files]  # noqa: E731
    assert names(load_csv(course, split=split, return_indicator="sparse").files) == expected
    store = convert(course, tmp_path / "part", split=split)
    assert names(one["name"] for one in store.manifest["sources"]) == expected
    assert names(find_data_files(course, split)[1]) == expected
    options = [] if split is None else ["--split", split]
    args = ["convert", str(course), str(tmp_path / "cli"), *options]
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
    by_cli = open_store(tmp_path / "cli")
    np.testing.assert_array_equal(by_cli.X[:, 0], [NAMES.index(name) for name in expected])
    whole = convert(course, tmp_path / "whole")
    rows = whole.rows(split=split)
    np.testing.assert_array_equal(whole.X[rows, 0], [NAMES.index(name) for name in expected])
    if split in ("train", "val", "test"):
        assert (store.split == split).all()


def test_the_course_s_division_leaves_no_row_of_its_files_out(tmp_path):
    for name in ("train_0.csv", "train_205.csv", "val_0.csv", "val_28.csv"):
        write("csv", tmp_path / name, 1)
    store = convert(tmp_path, tmp_path / "store")
    parts = [store.rows(split=f"course-{name}") for name in ("train", "test", "val")]
    assert sorted(np.concatenate(parts).tolist()) == list(range(4))


def test_unknown_and_missing_splits(course, tmp_path):
    allowed = r"\['train', 'val', 'test', 'course-train', 'course-test', 'course-val'\]"
    for read in (load_csv, lambda path, split: convert(path, tmp_path / "store", split=split)):
        with pytest.raises(ValueError, match=f"split must be one of {allowed} or None, got 'dev'"):
            read(course, split="dev")
        with pytest.raises(FileNotFoundError, match="no CSV file of the split 'course-train'"):
            read(course / "val_28.csv", split="course-train")
    store = convert(course / "val_28.csv", tmp_path / "store")
    known = r"\['course-val', 'val'\]"
    for split in ("train", "course-train", "course-"):
        with pytest.raises(ValueError, match=f"split must be one of {known}, got '{split}'"):
            store.rows(split=split)


@pytest.mark.parametrize("kind", ["tfrecord", "parquet"])
def test_splits_of_other_formats_are_told_by_the_beginning_of_names(kind, tmp_path):
    names = ["Train_1", "test0", "trainAB", "train_206", "validate7"]
    folder = tmp_path / "files"
    folder.mkdir()
    for row, name in enumerate(names):
        write(kind, folder / f"{name}.{kind}", row)
    store = convert(folder, tmp_path / "store", split="train")
    found = [one["name"].rsplit("/", 1)[-1] for one in store.manifest["sources"]]
    assert found == [f"{name}.{kind}" for name in ("Train_1", "trainAB", "train_206")]
    assert set(store.split) == {"train"}
    if kind == "tfrecord":
        files = load_tfrecords(folder, split="train", return_indicator="sparse").files
        assert [file.name for file in files] == found
    whole = convert(folder, tmp_path / "whole")
    assert whole.split.tolist() == ["train", "test", "train", "train", "val"]
    # Two names of one split.
    for split in ("val", "validate"):
        for store in (whole, convert(folder, tmp_path / split, split=split)):
            assert store.X[store.rows(split=split), 0].tolist() == [names.index("validate7")]
    with pytest.raises(ValueError, match=r"split must be one of \['train', 'val', 'test'\]"):
        convert(folder, tmp_path / "none", split="course-train")


@pytest.mark.parametrize("name", ["train.csv", "a.csv.gz", "A_0.CSV", "A_0.csv.GZ", "1_a.csv"])
@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_folder_leaves_no_videos_out_unsaid(tmp_path, name, beside, mark):
    folder = tmp_path / "files"
    folder.mkdir()
    write("csv", folder / "one_0.csv", 0)
    content = mark + (folder / "one_0.csv").read_bytes()
    (folder / name).write_bytes(gzip.compress(content) if name.lower()[-1] == "z" else content)
    if not beside:
        (folder / "one_0.csv").unlink()
    message = rf"{re.escape(name)}: expected a name that ends in a number and \.csv"
    for read in (load_csv, find_data_files, lambda source: convert(source, tmp_path / "store")):
        with pytest.raises(ValueError, match=message):
            read(folder)
    result = CliRunner().invoke(main, ["convert", str(folder), str(tmp_path / "store")])
    assert result.exit_code == 2
    assert f"{name}: expected a name" in result.output


def test_tables_may_lie_beside_csv_files(tmp_path):
    write("csv", tmp_path / "one_0.csv", 0)
    (tmp_path / "labels.csv").write_text("id,rank,label\n0,1,5\n")
    (tmp_path / "plain.csv").write_text("0,Game\n1,Car\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "cut.csv.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "notes.txt").write_text("0,1,")
    (tmp_path / "folder.csv").mkdir()
    for files in (find_files(tmp_path, "csv"), find_data_files(tmp_path)[1]):
        assert files == [tmp_path / "one_0.csv"]


@pytest.mark.parametrize("path", [None, 3, b"a_0.csv", [b"a_0.csv"], [None], [1.5]])
@pytest.mark.parametrize("read", [load_csv, load_tfrecords, load_parquet, find_data_files])
def test_what_is_no_path(read, path):
    with pytest.raises(TypeError, match="expected a path, a pattern or several"):
        read(path)
