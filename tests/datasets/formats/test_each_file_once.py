"""Two paths to one file, in whatever way they lead there, are an error that names both."""

import os

import pytest

from sk_yt8m.datasets import (
    convert,
    load_csv,
    load_parquet,
    load_tfrecords,
    make_videos,
    write_csv,
    write_parquet,
    write_tfrecords,
)

WRITERS = {"csv": write_csv, "csv.gz": write_csv, "tfrecord": write_tfrecords}
WRITERS |= {"tfrecord.gz": write_tfrecords, "parquet": write_parquet}
LOADERS = {"csv": load_csv, "csv.gz": load_csv, "tfrecord": load_tfrecords}
LOADERS |= {"tfrecord.gz": load_tfrecords, "parquet": load_parquet}


def link(make):
    def source(file):
        other = file.parent / "more" / file.name.replace("train_0", "val_30")
        other.parent.mkdir()
        make(file, other)
        return [file, other]

    return source


def link_in_its_folder(make):
    def source(file):
        make(file, file.with_name(file.name.replace("train_0", "val_30")))
        return file.parent

    return source


def folder_by_a_link(file):
    other = file.parent.parent / "link"
    other.symlink_to(file.parent, target_is_directory=True)
    return [file.parent, other]


#: What two paths to a file may look like; the working directory is the parent of its folder.
TWICE = {
    "the same path": lambda file: [file, file],
    "as text and as a path": lambda file: [str(file), file],
    "relative and absolute": lambda file: [file, f"{file.parent.name}/{file.name}"],
    "with a dot": lambda file: [
        f"./{file.parent.name}/{file.name}",
        f"{file.parent.name}/./{file.name}",
    ],
    "by the folder above": lambda file: [file, file.parent / ".." / file.parent.name / file.name],
    "a folder and its file": lambda file: [file.parent, file],
    "a folder twice": lambda file: [file.parent, str(file.parent)],
    "a folder by a link": folder_by_a_link,
    "symbolic link": link(lambda file, other: other.symlink_to(file)),
    "relative link": link(lambda file, other: other.symlink_to(f"../{file.name}")),
    "hard link": link(lambda file, other: os.link(file, other)),
    "a link in its folder": link_in_its_folder(lambda file, other: other.symlink_to(file)),
    "a hard link in its folder": link_in_its_folder(lambda file, other: os.link(file, other)),
}
PATTERNS = {
    "a pattern and its file": lambda file: [f"{file.parent}/*{''.join(file.suffixes)}", file],
    "two patterns": lambda file: [f"{file.parent}/tr*_0*", f"{file.parent}/*ain*_0*"],
    "a pattern through two folders": lambda file: (
        folder_by_a_link(file) and f"{file.parent.parent}/*/train_0*"
    ),
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    X, Y = make_videos(3, return_X_y=True, random_state=0)
    (tmp_path / "files").mkdir()
    monkeypatch.chdir(tmp_path)

    def write(kind):
        path = tmp_path / "files" / f"train_0.{kind}"
        WRITERS[kind](path, X, Y)
        return path

    return write


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("twice", [*TWICE, *PATTERNS])
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_is_an_error(write, tmp_path, kind, twice, on_error):
    file = write(kind)
    source = (TWICE | PATTERNS)[twice](file)
    expected = rf"must name every file once, got .*\.{kind}( twice| and .*\.{kind}, which are one)"
    with pytest.raises(ValueError, match=expected):
        convert(source, tmp_path / "store", on_error=on_error)
    assert not (tmp_path / "store").exists()
    assert not (tmp_path / ".store.partial").exists()
    if twice in TWICE or not kind.startswith("csv"):
        with pytest.raises(ValueError, match=expected):
            LOADERS[kind](source, on_error=on_error)


@pytest.mark.parametrize("kind", WRITERS)
def test_two_copies_are_two_files(write, tmp_path, kind):
    """Whether rows are the same is for the ids to tell."""
    file = write(kind)
    other = file.with_name(f"val_30.{kind}")
    other.write_bytes(file.read_bytes())
    has_ids = kind.startswith("tfrecord")
    loaded = LOADERS[kind](file.parent, on_error="skip" if has_ids else "raise")
    assert len(loaded.files) == 2
    assert len(loaded.data) == (3 if has_ids else 6)


@pytest.mark.parametrize("kind", WRITERS)
def test_one_link_alone_is_fine(write, tmp_path, kind):
    file = write(kind)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / file.name).symlink_to(file)
    assert len(LOADERS[kind](tmp_path / "links").data) == 3
    assert len(convert(tmp_path / "links", tmp_path / "store")) == 3


def test_a_shard_plain_and_packed_by_two_spellings_of_its_folder(write, tmp_path):
    first, second = write("csv"), write("csv.gz")
    assert first.parent == second.parent
    with pytest.raises(ValueError, match="every shard once"):
        load_csv([first, f"files/{second.name}"])
