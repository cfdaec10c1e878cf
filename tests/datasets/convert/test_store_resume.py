"""Conversions that are killed, resume, find changed files, or run at the same time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from killed_conversions import PLACES

from sk_yt8m.datasets import convert, make_videos, open_store, write_tfrecords
from sk_yt8m.datasets._convert import convert as _convert
from sk_yt8m.datasets._convert.append import StoreWriter
from sk_yt8m.datasets._convert.journal import Journal

FEATURES = {"height": 3, "width": 4}
OPTIONS = {"features": FEATURES, "n_labels": 5}


def write_shards(folder, n_shards=6, n_rows=40):
    folder.mkdir()
    X, Y = make_videos(n_shards * n_rows, n_features=7, n_labels=5, return_X_y=True, random_state=0)
    for number in range(n_shards):
        rows = slice(number * n_rows, (number + 1) * n_rows)
        path = folder / f"train{number}.tfrecord"
        write_tfrecords(path, X[rows], Y[rows], features=FEATURES)
    return X, Y


@pytest.fixture
def shards(tmp_path):
    return tmp_path / "shards", write_shards(tmp_path / "shards")


@pytest.fixture
def reads(monkeypatch):
    """Return the list of the files that are read from now on."""
    names, read_source = [], _convert.read_source

    def counted(source, *args):
        names.append(source.path.name)
        return read_source(source, *args)

    monkeypatch.setattr(_convert, "read_source", counted)
    return names


def content(store):
    return {file.name: file.read_bytes() for file in sorted(store.path.iterdir())}


def test_killed_anywhere(tmp_path):
    """A kill -9 leaves no store, and the same call resumes."""
    folder = tmp_path / "shards"
    folder.mkdir()
    X, Y = make_videos(60, return_X_y=True, random_state=0)
    for number in range(6):
        rows = slice(10 * number, 10 * number + 10)
        write_tfrecords(folder / f"train{number}.tfrecord", X[rows], Y[rows])
    (tmp_path / "stores").mkdir()
    script = Path(__file__).with_name("killed_conversions.py")
    command = [sys.executable, script, folder, tmp_path / "stores"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    names = [f"train{number}.tfrecord" for number in range(6)]
    whole = content(convert(folder, tmp_path / "whole"))
    assert len(results) == len(PLACES) == 13
    for number, (place, result) in enumerate(results.items()):
        assert result["signal"] == signal.SIGKILL, place
        assert not result["opened"], place
        n_left = PLACES[place][2]
        assert result["read"] == names[6 - n_left :], place
        assert result["left"] == ["videos"], place
        assert content(open_store(tmp_path / "stores" / str(number) / "videos")) == whole, place


def test_arrays_with_other_ids_are_read_again(tmp_path, monkeypatch):
    """Ids may hold line breaks: neither these nor where they stand are taken for the same."""
    X, Y = np.ones((2, 3)), np.eye(2, 5)
    with monkeypatch.context() as broken:
        broken.setattr(StoreWriter, "finish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            convert((X, Y, ["a\nb", "c"]), tmp_path / "store")
    store = convert((X, Y, ["a", "b\nc"]), tmp_path / "store")
    assert store.ids.tolist() == ["a", "b\nc"]


def test_names_of_files_and_stores_that_are_not_utf8(tmp_path):
    X, Y = np.ones((2, 7)), np.eye(2, 5)
    path = tmp_path / os.fsdecode(b"a\xff_0.tfrecord")
    write_tfrecords(path, X, Y, ["a", "b"], features=FEATURES)
    store = convert(path, tmp_path / os.fsdecode(b"store\xff"), **OPTIONS)
    store.verify()
    assert store.manifest["sources"][0]["name"] == str(path)
    assert convert(path, store.path, overwrite=True, **OPTIONS).ids.tolist() == ["a", "b"]


def test_killed_with_workers(tmp_path, monkeypatch):
    folder = tmp_path / "shards"
    write_shards(folder, n_shards=60, n_rows=1000)
    code = "import sys; from sk_yt8m.datasets import convert; "
    code += f"convert({str(folder)!r}, {str(tmp_path / 'videos')!r}, n_jobs=2, **{OPTIONS!r})"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    work = tmp_path / ".videos.partial"

    def finished():
        return [entry["key"] for path in work.glob("*/journal") for entry in Journal(path).read()]

    try:
        while len(finished()) < 5:
            assert process.poll() is None, "the conversion ended before it could be killed"
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait()
        time.sleep(0.5)  # a worker may finish its file
        os.killpg(process.pid, signal.SIGKILL)
    assert not (tmp_path / "videos").exists()
    kept = finished()
    assert 5 <= len(kept) < 60
    read = []
    original = _convert.read_source

    def counted(source, *args):
        read.append(source.key)
        return original(source, *args)

    monkeypatch.setattr(_convert, "read_source", counted)
    store = convert(folder, tmp_path / "videos", **OPTIONS)
    assert len(read) >= 1
    assert len({*read, *kept}) == len(read) + len(kept) == 60
    assert not work.exists()
    assert content(store) == content(convert(folder, tmp_path / "whole", **OPTIONS))


class TestGoingOn:
    @pytest.fixture
    def half(self, shards, tmp_path, monkeypatch):
        """Return a folder of six files, of which three have been read."""
        folder, _ = shards
        read_source = _convert.read_source

        def stop(source, *args):
            if source.path.name == "train3.tfrecord":
                raise KeyboardInterrupt
            return read_source(source, *args)

        with monkeypatch.context() as patch:
            patch.setattr(_convert, "read_source", stop)
            with pytest.raises(KeyboardInterrupt):
                convert(folder, tmp_path / "videos", **OPTIONS)
        return folder

    def test_the_rest_is_read(self, half, shards, tmp_path, reads):
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert reads == ["train3.tfrecord", "train4.tfrecord", "train5.tfrecord"]
        np.testing.assert_array_equal(store.X, shards[1][0])
        assert not (tmp_path / ".videos.partial").exists()

    def test_from_a_changed_file_on_all_is_read_again(self, half, shards, tmp_path, reads):
        X, Y = shards[1]
        write_tfrecords(half / "train1.tfrecord", X[:9], Y[:9], features=FEATURES)
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert reads == [f"train{number}.tfrecord" for number in (1, 2, 3, 4, 5)]
        np.testing.assert_array_equal(store.X[40:49], X[:9])
        np.testing.assert_array_equal(store.X[49:], X[80:])

    def test_a_touched_file_is_read_again(self, half, tmp_path, reads):
        os.utime(half / "train2.tfrecord", (1, 1))
        convert(half, tmp_path / "videos", **OPTIONS)
        assert reads == [f"train{number}.tfrecord" for number in (2, 3, 4, 5)]

    def test_rows_of_a_removed_file_are_dropped(self, half, shards, tmp_path, reads):
        (half / "train1.tfrecord").unlink()
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert reads == [f"train{number}.tfrecord" for number in (2, 3, 4, 5)]
        np.testing.assert_array_equal(store.X, np.delete(shards[1][0], slice(40, 80), axis=0))
        store.verify()

    @pytest.mark.parametrize(
        "changed", [{"dtype": "float16"}, {"n_labels": 6}, {"features": {"width": 4}}]
    )
    def test_with_other_options_all_is_read_again(self, half, tmp_path, reads, changed):
        convert(half, tmp_path / "videos", **OPTIONS | changed)
        assert len(reads) == 6

    def test_what_other_options_gave_is_removed(self, half, tmp_path):
        (old,) = (file for file in (tmp_path / ".videos.partial").iterdir() if file.is_dir())
        (half / "train0.tfrecord").write_bytes(b"nonsense")
        with pytest.raises(ValueError, match="train0"):
            convert(half, tmp_path / "videos", **OPTIONS | {"dtype": "float16"})
        assert not old.exists()

    @pytest.mark.parametrize(("name", "n_reads"), [("train9", 4), ("atrain", 7)])
    def test_one_more_file(self, half, shards, tmp_path, reads, name, n_reads):
        X, Y = shards[1]
        ids = [f"new {row}" for row in range(9)]
        write_tfrecords(half / f"{name}.tfrecord", X[:9], Y[:9], ids, features=FEATURES)
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert f"{name}.tfrecord" in reads
        assert len(reads) == n_reads
        assert len(store) == 249
        store.verify()

    def test_ids_that_grow_longer(self, half, shards, tmp_path):
        X, Y = shards[1]
        for number, length in ((3, 3), (4, 200), (5, 7)):
            ids = [f"{number}{row:02}" + "x" * (length - 3) for row in range(40)]
            path = half / f"train{number}.tfrecord"
            write_tfrecords(path, X[:40], Y[:40], ids, features=FEATURES)
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert store.ids.dtype == "<U200"
        assert store.ids[200:].tolist() == ids
        assert content(store) == content(convert(half, tmp_path / "whole", **OPTIONS))
        store.verify()

    def test_an_id_of_what_was_kept(self, half, shards, tmp_path):
        X, Y = shards[1]
        (name,) = (f for f in tmp_path.glob(".videos.partial/*/store/ids.npy"))
        kept = np.memmap(name, dtype=np.load(name).dtype, offset=128, mode="r")
        ids = [f"new {row}" for row in range(39)]
        write_tfrecords(
            half / "train5.tfrecord", X[:40], Y[:40], [*ids, str(kept[70])], features=FEATURES
        )
        expected = r"train5\.tfrecord, record 40 .* got .*train1\.tfrecord, record 31$"
        with pytest.raises(ValueError, match=expected):
            convert(half, tmp_path / "videos", **OPTIONS)

    def test_damage_that_was_skipped_is_not_taken_for_sound(self, shards, tmp_path, monkeypatch):
        folder, _ = shards
        file = folder / "train2.tfrecord"
        file.write_bytes(file.read_bytes()[:-5])

        def stop(*args, **options):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(StoreWriter, "finish", stop)
            with pytest.raises(KeyboardInterrupt):
                convert(folder, tmp_path / "videos", on_error="skip", **OPTIONS)
        with pytest.raises(ValueError, match=r"train2\.tfrecord, record 40"):
            convert(folder, tmp_path / "videos", **OPTIONS)


def test_a_file_that_changes_while_it_is_read(shards, tmp_path, monkeypatch):
    from sk_yt8m.datasets._convert import read_source as _read_source

    folder, _ = shards
    cast = _read_source._cast

    def touch(source, *args):
        os.utime(source.path, (1, 1))
        return cast(source, *args)

    monkeypatch.setattr(_read_source, "_cast", touch)
    with pytest.raises(ValueError, match=r"train0\.tfrecord: expected a file that stays the same"):
        convert(folder, tmp_path / "videos", **OPTIONS)


def test_two_conversions_at_once(shards, tmp_path, monkeypatch):
    folder, _ = shards
    read_source = _convert.read_source

    def meet(*args):
        with pytest.raises(BlockingIOError, match="another process is making this store"):
            convert(folder, tmp_path / "videos", **OPTIONS)
        return read_source(*args)

    monkeypatch.setattr(_convert, "read_source", meet)
    assert len(convert(folder, tmp_path / "videos", **OPTIONS)) == 240


class TestOverwriting:
    @pytest.fixture
    def store(self, tmp_path):
        return convert(([[1.0]], [[1]]), tmp_path / "videos")

    def test_only_when_asked_to(self, store, shards, tmp_path, reads):
        with pytest.raises(FileExistsError, match="is there already: overwrite=True"):
            convert(shards[0], store.path, **OPTIONS)
        assert reads == []
        new = convert(shards[0], store.path, overwrite=True, **OPTIONS)
        assert len(new) == 240
        assert sorted(f.name for f in tmp_path.iterdir()) == ["shards", "videos"]
        # A process that has the old one open continues to read it.
        assert store.X.tolist() == [[1.0]]

    def test_an_error_keeps_the_old_one(self, store, shards):
        (shards[0] / "train4.tfrecord").write_bytes(b"nonsense")
        with pytest.raises(ValueError, match=r"train4\.tfrecord"):
            convert(shards[0], store.path, overwrite=True, **OPTIONS)
        assert open_store(store.path).X.tolist() == [[1.0]]

    def test_a_failed_rename_keeps_the_old_one(self, store, shards, monkeypatch):
        replace = os.replace

        def fail(old, new):
            if Path(new) == store.path and Path(old).name == "store":
                raise OSError("no")
            replace(old, new)

        monkeypatch.setattr(_convert.os, "replace", fail)
        with pytest.raises(OSError, match="no"):
            convert(shards[0], store.path, overwrite=True, **OPTIONS)
        assert open_store(store.path).X.tolist() == [[1.0]]

    def test_other_things_are_never_replaced(self, shards, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.txt").write_text("all my work")
        with pytest.raises(FileExistsError, match="is no store"):
            convert(shards[0], tmp_path / "mine", overwrite=True, **OPTIONS)
        assert (tmp_path / "mine" / "thesis.txt").read_text() == "all my work"
