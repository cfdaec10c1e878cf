"""Damaged parts of a conversion are made again; damaged headers and full disks are named."""

import errno
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

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
from sk_yt8m.datasets._convert import convert as _convert
from sk_yt8m.datasets._convert import journal as _journal
from sk_yt8m.datasets._convert import read_source as _read_source
from sk_yt8m.datasets._convert.append import StoreWriter
from sk_yt8m.datasets._convert.sources import ArraySource
from sk_yt8m.datasets._store import array_file as _array_file

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
    """Return the folder of a conversion that was stopped when all files were appended."""

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(StoreWriter, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            convert(shards[0], tmp_path / "store", **OPTIONS)
    (folder,) = (f for f in (tmp_path / ".store.partial").iterdir() if f.is_dir())
    return folder


@pytest.fixture
def reads(monkeypatch):
    names, read_source = [], _convert.read_source

    def counted(source, *args):
        names.append(source.path.name)
        return read_source(source, *args)

    monkeypatch.setattr(_convert, "read_source", counted)
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


GROWING = "features ids label_indices label_indptr record".split()  # noqa: SIM905


class TestGoingOnAfterDamage:
    """What a stopped conversion has is used only where nothing of it has changed."""

    def check(self, shards, tmp_path):
        store = convert(shards[0], tmp_path / "store", **OPTIONS)
        whole = convert(shards[0], tmp_path / "whole", **OPTIONS)
        for file in whole.path.iterdir():
            assert (store.path / file.name).read_bytes() == file.read_bytes(), file.name
        np.testing.assert_array_equal(store.X, shards[1])
        store.verify()
        assert not (tmp_path / ".store.partial").exists()

    @pytest.mark.parametrize("name", GROWING)
    @pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
    def test_of_an_array(self, shards, stopped, tmp_path, name, damage):
        damage(stopped / "store" / f"{name}.npy")
        self.check(shards, tmp_path)

    @pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
    def test_of_the_journal(self, shards, stopped, tmp_path, damage):
        damage(stopped / "journal")
        self.check(shards, tmp_path)

    def test_only_what_follows_is_read_again(self, shards, stopped, tmp_path, reads):
        features = np.memmap(stopped / "store" / "features.npy", np.uint8, "r+", 128)
        features[30 * 7 * 4] ^= 1
        convert(shards[0], tmp_path / "store", **OPTIONS)
        assert reads == [f"train{number}.tfrecord" for number in (1, 2, 3)]

    def test_of_everything(self, shards, stopped, tmp_path):
        for path in stopped.rglob("*"):
            if path.is_file():
                flipped(0.5)(path)
        self.check(shards, tmp_path)

    def test_leftovers_in_the_half_made_store(self, shards, stopped, tmp_path, reads):
        (stopped / "store" / "source.npy").write_bytes(b"half")
        (stopped / "store" / "manifest.json").write_bytes(b"{")
        (stopped / "part-01234567").write_bytes(b"half")
        with open(stopped / "store" / "features.npy", "ab") as file:
            file.write(b"half appended" * 99)
        store = convert(shards[0], tmp_path / "store", **OPTIONS)
        assert reads == []
        np.testing.assert_array_equal(store.X, shards[1])
        store.verify()
        assert not (tmp_path / ".store.partial").exists()

    def test_every_byte(self, tmp_path):
        """A changed byte of a row, of a list of labels or of the journal is always noticed."""
        X, Y = np.arange(24, dtype=np.float32).reshape(8, 3), np.eye(8, 4, dtype=np.uint8)
        ids, folder = np.array(list("abcdefgh")), tmp_path / ("0" * 24)
        sources = [
            ArraySource(X, sp.csr_matrix(Y), ids, range(start, start + 4), "") for start in (0, 4)
        ]

        def writer():
            return StoreWriter(folder, sources, np.dtype("<f4"), 3, False)

        made = writer()
        made.resume(skip=False)
        for source in sources:
            at = made.features.path, made.features.n_bytes
            rows = _read_source.read_source(source, *at, np.dtype("<f4"), skip=False)
            made.append(rows, skip=False)
        made.close()
        shutil.copytree(folder, tmp_path / "valid")
        valid = {
            path.relative_to(tmp_path / "valid"): path.read_bytes()
            for path in (tmp_path / "valid").rglob("*")
            if path.is_file()
        }
        assert len(valid) == 6
        for name, content in valid.items():
            n_header = 128 if name.suffix == ".npy" else 0
            for place in range(n_header, len(content)):
                for other, sound in valid.items():
                    (folder / other).parent.mkdir(parents=True, exist_ok=True)
                    (folder / other).write_bytes(sound)
                damaged = bytearray(content)
                damaged[place] ^= 1 << place % 8
                (folder / name).write_bytes(damaged)
                again = writer()
                again.resume(skip=False)
                again.close()
                assert again.n_sources < 2, (name, place)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_between_reading_and_appending(self, shards, tmp_path, monkeypatch, n_jobs):
        read_ahead = _convert._read

        def damaged(*args):
            for number, rows in enumerate(read_ahead(*args)):
                if number == 1:
                    with open(rows.path, "r+b") as file:
                        file.seek(rows.start + 100)
                        file.write(b"!")
                yield rows

        with monkeypatch.context() as patch:
            patch.setattr(_convert, "_read", damaged)
            expected = r"partial/.*: expected what was read from .*train1\.tfrecord"
            with pytest.raises(StoreError, match=expected):
                convert(shards[0], tmp_path / "store", n_jobs=n_jobs, **OPTIONS)
        assert not (tmp_path / "store").exists()
        self.check(shards, tmp_path)


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
        for name in ("features", "label_indices", "record"):
            flipped(0)(cache / f"{name}.npy")
            again = load_csv(sample_path(), split="val", cache_dir=tmp_path)
            np.testing.assert_array_equal(again.data, expected)


class TestFullDisk:
    """/dev/full fails as a full disk does: when the buffer is written, with no path."""

    def fill(self, monkeypatch, module, is_full):
        def opened(path, mode="r", *args, **options):
            is_written = mode != "rb" and is_full(Path(path))
            return open("/dev/full" if is_written else path, mode, *args, **options)

        monkeypatch.setattr(module, "open", opened, raising=False)

    def full(self, *_):
        return open("/dev/full", "wb")

    def check(self, error, path):
        assert error.value.errno == errno.ENOSPC
        assert str(path) in str(error.value)
        assert str(path) == error.value.filename

    @pytest.mark.parametrize("name", [*(f"{a}.npy" for a in ARRAYS), "manifest.json", "journal"])
    def test_of_the_store(self, shards, tmp_path, monkeypatch, reads, name):
        if name == "manifest.json":
            monkeypatch.setattr(StoreWriter, "finish", self.with_full_drafts(monkeypatch))
        for module in (_array_file, _journal):
            self.fill(monkeypatch, module, lambda path: path.name == name)
        with pytest.raises(OSError, match="No space left") as error:
            convert(shards[0], tmp_path / "store", **OPTIONS)
        (work,) = (f for f in (tmp_path / ".store.partial").iterdir() if f.is_dir())
        self.check(error, work / name if name == "journal" else work / "store" / name)
        assert not (tmp_path / "store").exists()
        monkeypatch.undo()
        convert(shards[0], tmp_path / "store", **OPTIONS).verify()

    def with_full_drafts(self, monkeypatch):
        finish = StoreWriter.finish

        def changed(*args):
            monkeypatch.setattr(_write.os, "fdopen", self.full)
            finish(*args)

        return changed

    @pytest.mark.parametrize("number", [0, 1, 3])
    def test_while_a_source_is_read(self, shards, tmp_path, monkeypatch, reads, number):
        self.fill(monkeypatch, _read_source, lambda path: len(reads) == number + 1)
        with pytest.raises(OSError, match="No space left") as error:
            convert(shards[0], tmp_path / "store", **OPTIONS)
        (work,) = (f for f in (tmp_path / ".store.partial").iterdir() if f.is_dir())
        self.check(error, work / "store" / "features.npy")
        monkeypatch.setattr(_read_source, "open", open)
        reads.clear()
        convert(shards[0], tmp_path / "store", **OPTIONS).verify()
        assert reads == [f"train{left}.tfrecord" for left in range(number, N_FILES)]

    @pytest.mark.parametrize("name", ["features.npy", "record.npy", "manifest.json"])
    def test_of_a_cache(self, tmp_path, monkeypatch, name):
        if name == "manifest.json":
            monkeypatch.setattr(StoreWriter, "finish", self.with_full_drafts(monkeypatch))
        self.fill(monkeypatch, _array_file, lambda path: path.name == name)
        with pytest.raises(OSError, match="No space left") as error:
            load_csv(sample_path(), split="val", cache_dir=tmp_path)
        assert error.value.filename.startswith(str(tmp_path))
        assert error.value.filename.endswith(name)
        assert not list(tmp_path.glob("[!.]*"))

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
        from sk_yt8m.datasets._convert import sources as _sources

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

    @pytest.mark.parametrize("limit", [100, 1_000, 2_000])
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
