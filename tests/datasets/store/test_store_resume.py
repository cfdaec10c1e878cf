"""Conversions that are killed, go on, find changed files, or meet each other."""

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
from sk_yt8m.datasets._store import convert as _convert

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
    names, read_shard = [], _convert.read_shard

    def counted(source, *args):
        names.append(source.path.name)
        return read_shard(source, *args)

    monkeypatch.setattr(_convert, "read_shard", counted)
    return names


def content(store):
    return {file.name: file.read_bytes() for file in sorted(store.path.iterdir())}


def test_killed_anywhere(tmp_path):
    """A kill -9 leaves no store, and the same call goes on where it was."""
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
    assert len(results) == len(PLACES) == 10
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
        broken.setattr(_convert, "write_joined", lambda *_, **__: 1 / 0)
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


def test_killed_with_workers(tmp_path):
    folder = tmp_path / "shards"
    write_shards(folder, n_shards=60, n_rows=1000)
    code = "import sys; from sk_yt8m.datasets import convert; "
    code += f"convert({str(folder)!r}, {str(tmp_path / 'videos')!r}, n_jobs=2, **{OPTIONS!r})"
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    work = tmp_path / ".videos.partial"
    try:
        while len(list(work.glob("*/*.json"))) < 5:
            assert process.poll() is None, "the conversion ended before it could be killed"
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait()
        time.sleep(0.5)  # a worker may finish its file
        os.killpg(process.pid, signal.SIGKILL)
    assert not (tmp_path / "videos").exists()
    finished = {p.stem: p.stat().st_mtime_ns for p in work.glob("*/*.json")}
    assert 5 <= len(finished) < 60
    read = []
    original = _convert.read_shard

    def counted(source, *args):
        read.append(source.key)
        return original(source, *args)

    _convert.read_shard = counted
    try:
        store = convert(folder, tmp_path / "videos", **OPTIONS)
    finally:
        _convert.read_shard = original
    assert len(read) >= 1
    assert not set(read) & finished.keys()
    assert len(read) + len(finished) == 60
    assert content(store) == content(convert(folder, tmp_path / "whole", **OPTIONS))


class TestGoingOn:
    @pytest.fixture
    def half(self, shards, tmp_path, monkeypatch):
        """Return a folder of six files, of which three have been read."""
        folder, _ = shards
        read_shard = _convert.read_shard

        def stop(source, *args):
            if source.path.name == "train3.tfrecord":
                raise KeyboardInterrupt
            return read_shard(source, *args)

        with monkeypatch.context() as patch:
            patch.setattr(_convert, "read_shard", stop)
            with pytest.raises(KeyboardInterrupt):
                convert(folder, tmp_path / "videos", **OPTIONS)
        return folder

    def test_the_rest_is_read(self, half, shards, tmp_path, reads):
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert reads == ["train3.tfrecord", "train4.tfrecord", "train5.tfrecord"]
        np.testing.assert_array_equal(store.X, shards[1][0])
        assert not (tmp_path / ".videos.partial").exists()

    def test_a_changed_file_is_read_again(self, half, shards, tmp_path, reads):
        X, Y = shards[1]
        write_tfrecords(half / "train1.tfrecord", X[:9], Y[:9], features=FEATURES)
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert reads == [f"train{number}.tfrecord" for number in (1, 3, 4, 5)]
        np.testing.assert_array_equal(store.X[40:49], X[:9])

    def test_a_touched_file_is_read_again(self, half, tmp_path, reads):
        os.utime(half / "train0.tfrecord", (1, 1))
        convert(half, tmp_path / "videos", **OPTIONS)
        assert reads[0] == "train0.tfrecord"
        assert len(reads) == 4

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

    def test_one_more_file(self, half, shards, tmp_path, reads):
        X, Y = shards[1]
        write_tfrecords(half / "atrain.tfrecord", X[:9], Y[:9], features=FEATURES)
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert reads[0] == "atrain.tfrecord"
        assert len(reads) == 4
        assert len(store) == 249

    @pytest.mark.parametrize("end", ["features", "npz", "json"])
    def test_a_lost_part_is_read_again(self, half, tmp_path, reads, end):
        (first, *_) = sorted((tmp_path / ".videos.partial").glob(f"*/*.{end}"))
        first.unlink()
        convert(half, tmp_path / "videos", **OPTIONS)
        assert len(reads) == 4

    def test_a_changed_part_is_read_again(self, half, shards, tmp_path, reads):
        (first, *_) = sorted((tmp_path / ".videos.partial").glob("*/*.features"))
        changed = bytearray(first.read_bytes())
        changed[7] ^= 1
        first.write_bytes(changed)
        store = convert(half, tmp_path / "videos", **OPTIONS)
        assert len(reads) == 4
        np.testing.assert_array_equal(store.X, shards[1][0])

    def test_damage_that_was_skipped_is_not_taken_for_sound(self, shards, tmp_path, monkeypatch):
        folder, _ = shards
        file = folder / "train2.tfrecord"
        file.write_bytes(file.read_bytes()[:-5])

        def stop(*args, **options):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(_convert, "_join", stop)
            with pytest.raises(KeyboardInterrupt):
                convert(folder, tmp_path / "videos", on_error="skip", **OPTIONS)
        with pytest.raises(ValueError, match=r"train2\.tfrecord, record 40"):
            convert(folder, tmp_path / "videos", **OPTIONS)


def test_a_file_that_changes_while_it_is_read(shards, tmp_path, monkeypatch):
    from sk_yt8m.datasets._store import parts as _shards

    folder, _ = shards
    cast = _shards._cast

    def touch(source, *args):
        os.utime(source.path, (1, 1))
        return cast(source, *args)

    monkeypatch.setattr(_shards, "_cast", touch)
    with pytest.raises(ValueError, match=r"train0\.tfrecord: expected a file that stays the same"):
        convert(folder, tmp_path / "videos", **OPTIONS)


def test_two_conversions_at_once(shards, tmp_path, monkeypatch):
    folder, _ = shards
    read_shard = _convert.read_shard

    def meet(*args):
        with pytest.raises(BlockingIOError, match="another process is making this store"):
            convert(folder, tmp_path / "videos", **OPTIONS)
        return read_shard(*args)

    monkeypatch.setattr(_convert, "read_shard", meet)
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
        # Who has the old one open goes on reading it.
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
