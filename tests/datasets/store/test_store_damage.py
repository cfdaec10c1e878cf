"""Damaged parts of a conversion are made again; damaged headers and full disks are named."""

import errno
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest

from sk_yt8m._files import atomic_write as _write
from sk_yt8m.datasets import (
    StoreError,
    convert,
    load_csv,
    make_videos,
    open_store,
    sample_path,
    write_parquet,
    write_tfrecords,
)
from sk_yt8m.datasets._store import convert as _convert
from sk_yt8m.datasets._store import format as _store
from sk_yt8m.datasets._store import parts as _shards

FEATURES = {"height": 3, "width": 4}
OPTIONS = {"features": FEATURES, "n_labels": 5, "on_error": "skip"}
N_FILES, N_ROWS = 4, 20


@pytest.fixture
def shards(tmp_path):
    """Return a folder of four files; an id of the first comes again in the third."""
    folder = tmp_path / "shards"
    folder.mkdir()
    X, Y = make_videos(N_FILES * N_ROWS, n_features=7, n_labels=5, return_X_y=True, random_state=0)
    for number in range(N_FILES):
        rows = slice(number * N_ROWS, (number + 1) * N_ROWS)
        ids = [f"{row}" for row in range(rows.start, rows.stop)]
        if number == 2:
            ids[5] = "3"
        path = folder / f"train{number}.tfrecord"
        write_tfrecords(path, X[rows], Y[rows], ids, features=FEATURES)
    return folder, np.delete(X, 45, axis=0)


@pytest.fixture
def stopped(shards, tmp_path, monkeypatch):
    """Return the folder of the parts of a conversion that was stopped before they were joined."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_convert, "_join", stop)
        with pytest.raises(KeyboardInterrupt):
            convert(shards[0], tmp_path / "store", **OPTIONS)
    (folder,) = (f for f in (tmp_path / ".store.partial").iterdir() if f.is_dir())
    return folder


@pytest.fixture
def reads(monkeypatch):
    names, read_shard = [], _convert.read_shard

    def counted(source, *args):
        names.append(source.path.name)
        return read_shard(source, *args)

    monkeypatch.setattr(_convert, "read_shard", counted)
    return names


def flipped(place):
    def damage(path):
        content = bytearray(path.read_bytes())
        content[int(place * (len(content) - 1))] ^= 0x10
        path.write_bytes(content)

    return damage


def cut(part):
    return lambda path: path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])


def as_folder(path):
    path.unlink()
    path.mkdir()


DAMAGE = {
    "header": flipped(0),
    "near the header": flipped(0.02),
    "middle": flipped(0.5),
    "last byte": flipped(1),
    "zero length": cut(0),
    "half": cut(0.5),
    "last byte missing": cut(0.999),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "missing": lambda path: path.unlink(),
    "a folder": as_folder,
}


class TestParts:
    @pytest.mark.parametrize("end", ["features", "npz", "json"])
    @pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
    def test_a_damaged_part_is_made_again(self, shards, stopped, tmp_path, reads, end, damage):
        damage(sorted(stopped.glob(f"*.{end}"))[1])
        store = convert(shards[0], tmp_path / "store", **OPTIONS)
        assert len(reads) == 1
        np.testing.assert_array_equal(store.X, shards[1])
        store.verify()
        assert not (tmp_path / ".store.partial").exists()

    @pytest.mark.parametrize("end", ["features", "npz", "json"])
    def test_every_byte(self, shards, stopped, end):
        from sk_yt8m.datasets._store.find_sources import find_sources

        (source, *_), _ = find_sources(
            sorted(shards[0].iterdir())[:1],
            None,
            FEATURES,
            5,
            level="auto",
            n_frames=None,
            frame_choice="even",
            missing_labels="raise",
            label_column="labels",
            id_column="id",
        )
        path = stopped / f"{source.key}.{end}"
        sound = path.read_bytes()
        for place in range(len(sound)):
            damaged = bytearray(sound)
            damaged[place] ^= 1 << place % 8
            path.write_bytes(damaged)
            assert _shards.finished_shard(source, stopped, True) is None, place
        path.write_bytes(sound)
        assert _shards.finished_shard(source, stopped, True) is not None

    def test_all_parts_of_all_files(self, shards, stopped, tmp_path, reads):
        for path in stopped.iterdir():
            flipped(0.5)(path)
        store = convert(shards[0], tmp_path / "store", **OPTIONS)
        assert len(reads) == N_FILES
        np.testing.assert_array_equal(store.X, shards[1])

    def test_parts_of_arrays(self, tmp_path, monkeypatch):
        def stop(*_, **__):
            raise KeyboardInterrupt

        X, Y = make_videos(30, n_features=7, n_labels=5, return_X_y=True, random_state=0)
        for end in ("features", "npz", "json"):
            with monkeypatch.context() as patch:
                patch.setattr(_convert, "_join", stop)
                with pytest.raises(KeyboardInterrupt):
                    convert((X, Y), tmp_path / end)
            (part,) = tmp_path.glob(f".{end}.partial/*/*.{end}")
            flipped(0.5)(part)
            np.testing.assert_array_equal(convert((X, Y), tmp_path / end).X, X)

    @pytest.mark.parametrize("end", ["features", "npz"])
    @pytest.mark.parametrize("damage", ["middle", "half", "longer"])
    def test_damage_while_they_are_joined(self, shards, tmp_path, reads, monkeypatch, end, damage):
        join = _convert._join

        def damaged(sources, facts, folder, *args, **options):
            DAMAGE[damage](sorted(folder.glob(f"*.{end}"))[1])
            join(sources, facts, folder, *args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(_convert, "_join", damaged)
            expected = rf"partial/.*\.{end}: expected what was read from .*: convert again"
            with pytest.raises(StoreError, match=expected):
                convert(shards[0], tmp_path / "store", **OPTIONS)
        assert not (tmp_path / "store").exists()
        reads.clear()
        np.testing.assert_array_equal(
            convert(shards[0], tmp_path / "store", **OPTIONS).X, shards[1]
        )
        assert len(reads) == 1

    def test_damage_in_the_half_made_store(self, shards, stopped, tmp_path, reads):
        (stopped / "store").mkdir()
        (stopped / "store" / "features.npy").write_bytes(b"half")
        (stopped / "store" / "manifest.json").write_bytes(b"{")
        store = convert(shards[0], tmp_path / "store", **OPTIONS)
        assert reads == []
        store.verify()


ARRAYS = "features ids label_indices label_indptr label_values record source".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    X, Y = make_videos(9, n_features=3, n_labels=4, return_X_y=True, random_state=0)
    return convert((X, Y, list("abcdefghi")), tmp_path_factory.mktemp("stores") / "store").path


@pytest.fixture
def path(made, tmp_path):
    """Return a store that may be damaged."""
    return shutil.copytree(made, tmp_path / "store")


@pytest.mark.parametrize("name", ARRAYS)
class TestArraysOfAStore:
    def refused(self, path, name, content=None):
        file = path / f"{name}.npy"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(StoreError, match=rf"store/{name}\.npy: expected") as error:
            open_store(path)
        return error

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_every_byte_of_the_header(self, path, name):
        sound = (path / f"{name}.npy").read_bytes()
        n_bytes = 10 + int.from_bytes(sound[8:10], "little")
        for place in range(n_bytes):
            for bits in (1 << place % 8, 0xFF):
                damaged = bytearray(sound)
                damaged[place] ^= bits
                self.refused(path, name, damaged)

    def test_every_length(self, path, name):
        sound = (path / f"{name}.npy").read_bytes()
        for length in [*range(0, len(sound), 3), len(sound) - 1, len(sound) + 1, len(sound) + 64]:
            self.refused(path, name, (sound + bytes(64))[:length])

    CHANGES = {  # noqa: RUF012
        "byte order": lambda a: a.astype(a.dtype.newbyteorder(">")),
        "dtype": lambda a: a.astype("U3" if a.dtype.kind == "U" else "i2"),
        "shorter": lambda a: a[:-1],
        "longer": lambda a: np.concatenate([a, a[:1]]),
        "shape": lambda a: a.reshape(a.shape[::-1] if a.ndim > 1 else (1, -1)),
        "void": lambda a: a.view(f"V{a.dtype.itemsize}"),
        "object": lambda a: a.astype(object),
        "scalar": lambda a: np.array(5),
        "Fortran order": np.asfortranarray,
    }

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_another_array(self, path, name, change):
        file = path / f"{name}.npy"
        sound = file.read_bytes()
        np.save(file, change(np.load(file)), allow_pickle=True)
        if file.read_bytes() == sound:  # One column, or one byte an item: nothing has changed.
            open_store(path).verify()
        else:
            self.refused(path, name)

    @pytest.mark.parametrize("content", [b"PK\x03\x04", b"\x80\x04.", b"text", b"\x93NUMPY" * 99])
    def test_other_files(self, path, name, content):
        self.refused(path, name, content)

    def test_a_folder(self, path, name):
        as_folder(path / f"{name}.npy")
        self.refused(path, name)

    def test_numpy_reads_them(self, path, name):
        array = np.load(path / f"{name}.npy", mmap_mode="r")
        assert array.offset % 64 == 0
        assert array.flags.c_contiguous


class TestCaches:
    def test_a_damaged_cache_is_read_again(self, tmp_path):
        expected = load_csv(sample_path(), split="val", cache_dir=tmp_path).data
        (cache,) = tmp_path.iterdir()
        for name in ("features", "label_indices", "line"):
            flipped(0)(cache / f"{name}.npy")
            again = load_csv(sample_path(), split="val", cache_dir=tmp_path)
            np.testing.assert_array_equal(again.data, expected)


class TestFullDisk:
    """/dev/full fails as a full disk does: when the buffer is written, with no path."""

    def fill(self, monkeypatch, module, is_full):
        def opened(path, mode="r", *args, **options):
            is_written = "w" in mode and is_full(Path(path))
            return open("/dev/full" if is_written else path, mode, *args, **options)

        monkeypatch.setattr(module, "open", opened, raising=False)

    def full(self, *_):
        return open("/dev/full", "wb")

    def check(self, error, path):
        assert error.value.errno == errno.ENOSPC
        assert str(path) in str(error.value)
        assert str(path) == error.value.filename

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_of_a_part(self, shards, tmp_path, monkeypatch, number):
        opened = []

        def is_full(path):
            opened.append(path)
            return len(opened) == number + 1

        self.fill(monkeypatch, _shards, is_full)
        with pytest.raises(OSError, match="No space left") as error:
            convert(shards[0], tmp_path / "store", **OPTIONS)
        self.check(error, opened[number])
        assert ".store.partial" in error.value.filename
        monkeypatch.undo()
        convert(shards[0], tmp_path / "store", **OPTIONS).verify()

    @pytest.mark.parametrize("name", [*(f"{a}.npy" for a in ARRAYS), "manifest.json"])
    def test_of_the_store(self, shards, tmp_path, monkeypatch, reads, name):
        self.fill(monkeypatch, _store, lambda path: path.name == name)
        with pytest.raises(OSError, match="No space left") as error:
            convert(shards[0], tmp_path / "store", **OPTIONS)
        (work,) = (f for f in (tmp_path / ".store.partial").iterdir() if f.is_dir())
        self.check(error, work / "store" / name)
        assert not (tmp_path / "store").exists()
        monkeypatch.undo()
        reads.clear()
        convert(shards[0], tmp_path / "store", **OPTIONS).verify()
        assert reads == []

    @pytest.mark.parametrize("name", ["features.npy", "line.npy", "manifest.json"])
    def test_of_a_cache(self, tmp_path, monkeypatch, name):
        self.fill(monkeypatch, _store, lambda path: path.name == name)
        with pytest.raises(OSError, match="No space left") as error:
            load_csv(sample_path(), split="val", cache_dir=tmp_path)
        assert error.value.filename.startswith(str(tmp_path))
        assert error.value.filename.endswith(name)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz", "a.parquet"])
    @pytest.mark.parametrize("n_rows", [1, 500])
    def test_of_a_writer(self, tmp_path, monkeypatch, name, n_rows):
        X, Y = make_videos(n_rows, n_features=7, n_labels=5, return_X_y=True, random_state=0)
        monkeypatch.setattr(_write.os, "fdopen", self.full)
        path = tmp_path / name
        write = write_parquet if name.endswith("parquet") else write_tfrecords
        with pytest.raises(OSError, match="No space left") as error:
            write(path, X, Y, features=FEATURES)
        self.check(error, path)
        assert list(tmp_path.iterdir()) == []

    def test_a_source_that_cannot_be_read(self, shards, tmp_path, monkeypatch):
        """A lost disk is that of the source, and not that of the part."""
        from sk_yt8m.datasets._store import sources as _sources

        def fail(*_):
            yield from ()
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(_sources, "read_tfrecord_blocks", fail)
        with pytest.raises(OSError, match="Input/output error") as error:
            convert(shards[0], tmp_path / "store", **OPTIONS)
        assert error.value.filename == str(shards[0] / "train0.tfrecord")

    def test_of_a_download(self, tmp_path, monkeypatch):
        from sk_yt8m.datasets._fetch import download_plan as _plan
        from sk_yt8m.datasets._fetch import http as _http

        monkeypatch.setattr(_write.os, "fdopen", self.full)
        monkeypatch.setattr(_http, "_stream", lambda url: iter([b"{}"]))
        file = _http.RemoteFile("train0.tfrecord", "http://nowhere/train0.tfrecord", "md5:00")
        with pytest.raises(OSError, match="No space left") as error:
            _http.download([file], tmp_path, n_retries=0)
        self.check(error, tmp_path / file.name)
        monkeypatch.setattr(_plan, "parse_plan", lambda *_: {})
        with pytest.raises(OSError, match="No space left") as error:
            _plan.fetch_plan(
                "http://nowhere", tmp_path / "plan", download_if_missing=True, n_retries=0, delay=0
            )
        self.check(error, tmp_path / "plan")
        assert list(tmp_path.iterdir()) == []

    def test_of_a_model_file(self, tmp_path, monkeypatch):
        monkeypatch.setattr(_write.os, "fdopen", self.full)
        with pytest.raises(OSError, match="No space left") as error:
            _write.write_atomically(tmp_path / "m.safetensors", b"x" * 10**6)
        self.check(error, tmp_path / "m.safetensors")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("limit", [100, 1_000, 3_000])
    def test_of_all_files(self, shards, tmp_path, limit):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(OSError, match="File too large") as error:
                convert(shards[0], tmp_path / "store", **OPTIONS)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert error.value.filename.startswith(str(tmp_path / ".store.partial"))
        convert(shards[0], tmp_path / "store", **OPTIONS).verify()
