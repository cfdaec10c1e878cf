"""Only stores of ours are replaced, only our files are removed, and readers see one store whole."""

import json
import os
import pickle
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest

from sk_yt8m.datasets import StoreError, convert, load_csv, open_store, sample_path
from sk_yt8m.datasets._convert import convert as _convert
from sk_yt8m.datasets._store import open_folder as _open_folder

X, Y = np.arange(12.0).reshape(4, 3), np.eye(4, 2, dtype=np.uint8)


def content(folder):
    """Return the bytes of all files of a folder, by their names."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class TestOtherFolders:
    """Folders with a manifest.json that is not that of a store."""

    MANIFESTS = {  # noqa: RUF012
        "web application": {"name": "My app", "icons": [], "start_url": "/"},
        "of a version": {"version": 4, "arrays": {}, "about": {}},
        "of a browser extension": {"manifest_version": 3, "version": "2.0"},
        "a list": [1, 2],
        "empty": {},
    }

    @pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
    def test_are_kept(self, tmp_path, manifest):
        folder = tmp_path / "site"
        (folder / "src").mkdir(parents=True)
        (folder / "src" / "app.js").write_text("all my work")
        (folder / "manifest.json").write_text(json.dumps(manifest))
        before = content(folder)
        with pytest.raises(FileExistsError, match="is no store, so overwrite=True does not"):
            convert((X, Y), folder, overwrite=True)
        assert content(folder) == before
        assert [file.name for file in tmp_path.iterdir()] == ["site"]

    @pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
    def test_with_a_manifest_that_is_no_json(self, tmp_path, text):
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "manifest.json").write_bytes(text)
        with pytest.raises(FileExistsError, match="is no store"):
            convert((X, Y), tmp_path / "site", overwrite=True)
        assert (tmp_path / "site" / "manifest.json").read_bytes() == text

    def test_files_links_and_empty_folders_are_kept(self, tmp_path):
        (tmp_path / "empty").mkdir()
        (tmp_path / "file").write_text("mine")
        (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
        before = sorted(tmp_path.iterdir())
        for path in before:
            with pytest.raises(FileExistsError):
                convert((X, Y), path)
            with pytest.raises(FileExistsError, match="is no store"):
                convert((X, Y), path, overwrite=True)
        assert sorted(tmp_path.iterdir()) == before
        assert (tmp_path / "file").read_text() == "mine"


class TestForeignFilesInAStore:
    @pytest.fixture
    def store(self, tmp_path):
        return convert((X, Y), tmp_path / "store").path

    FOREIGN = ("notes.txt", "src/app.js", "ids.npy", ".git/HEAD", "features.npy.bak")

    @pytest.mark.parametrize("name", FOREIGN)
    def test_are_named_before_the_work(self, store, name, monkeypatch):
        path = store / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
        before = content(store)
        monkeypatch.setattr(_convert, "_make", lambda *_, **__: pytest.fail("it was read"))
        with pytest.raises(FileExistsError, match=f"store/{name.split('/')[0]}: move that away"):
            convert((X + 1, Y), store, overwrite=True)
        assert content(store) == before
        assert [file.name for file in store.parent.iterdir()] == ["store"]

    def test_that_come_during_the_work_are_kept(self, store, monkeypatch):
        make = _convert._make

        def late(*args, **options):
            (store / "notes.txt").write_text("mine")
            return make(*args, **options)

        monkeypatch.setattr(_convert, "_make", late)
        with pytest.raises(FileExistsError, match=r"notes\.txt"):
            convert((X + 1, Y), store, overwrite=True)
        assert (store / "notes.txt").read_text() == "mine"
        np.testing.assert_array_equal(open_store(store).X, X)

    def test_that_come_at_the_last_moment_are_kept(self, store, monkeypatch):
        replace = os.replace

        def late(old, new):
            if os.fspath(new) == os.fspath(store):
                (store.parent / ".store.partial" / "old" / "notes.txt").write_text("mine")
            replace(old, new)

        monkeypatch.setattr(_convert.os, "replace", late)
        convert((X + 1, Y), store, overwrite=True)
        (notes,) = store.parent.rglob("notes.txt")
        assert notes.read_text() == "mine"
        monkeypatch.undo()
        with pytest.raises(FileExistsError, match=r"old/notes\.txt: move that away"):
            convert((X + 2, Y), store, overwrite=True)
        np.testing.assert_array_equal(open_store(store).X, X + 1)

    @pytest.mark.parametrize("name", ["features", "source"])
    def test_a_folder_or_a_link_in_the_place_of_an_array(self, store, tmp_path, name):
        path = store / f"{name}.npy"
        path.rename(tmp_path / "mine.npy")
        path.symlink_to(tmp_path / "mine.npy")
        with pytest.raises(FileExistsError, match=rf"{name}\.npy: move that away"):
            convert((X + 1, Y), store, overwrite=True)
        path.unlink()
        path.mkdir()
        with pytest.raises(FileExistsError, match=rf"{name}\.npy: move that away"):
            convert((X + 1, Y), store, overwrite=True)

    def test_damaged_stores_of_ours_are_replaced(self, store):
        (store / "features.npy").write_bytes(b"")
        (store / "source.npy").unlink()
        convert((X + 1, Y), store, overwrite=True).verify()

    def test_stores_of_an_earlier_version_are_replaced(self, store):
        path = store / "manifest.json"
        manifest = json.loads(path.read_text())
        del manifest["manifest_crc32"]
        manifest["version"] = 3
        crc32 = zlib.crc32(json.dumps(manifest, sort_keys=True).encode())
        path.write_text(json.dumps({**manifest, "manifest_crc32": crc32}))
        with pytest.raises(StoreError, match="expected version 4, got 3: convert again"):
            open_store(store)
        convert((X + 1, Y), store, overwrite=True).verify()

    def test_a_link_stays(self, store, tmp_path):
        (tmp_path / "link").symlink_to(store)
        convert((X + 1, Y), tmp_path / "link", overwrite=True)
        assert (tmp_path / "link").is_symlink()
        for path in (store, tmp_path / "link"):
            np.testing.assert_array_equal(open_store(path).X, X + 1)

    def test_foreign_files_in_a_cache_are_kept(self, tmp_path):
        load_csv(sample_path(), split="val", cache_dir=tmp_path / "cache")
        (cache,) = (tmp_path / "cache").iterdir()
        (cache / "manifest.json").write_text("damaged")
        (cache / "notes.txt").write_text("mine")
        with pytest.raises(FileExistsError, match=r"notes\.txt: move that away"):
            load_csv(sample_path(), split="val", cache_dir=tmp_path / "cache")
        assert (cache / "notes.txt").read_text() == "mine"
        (cache / "notes.txt").unlink()
        load_csv(sample_path(), split="val", cache_dir=tmp_path / "cache")
        assert "version" in json.loads((cache / "manifest.json").read_text())


class TestWorkFolder:
    FOREIGN = (
        "notes.txt",
        "src/app.js",
        "0123456789abcdef01234567/notes.txt",
        "0123456789abcdef01234567/store/notes.txt",
        "0123456789abcdef01234567/journal/notes.txt",
        "old/thesis.txt",
        "lock",
    )

    @pytest.mark.parametrize("name", FOREIGN)
    def test_of_somebody_else(self, tmp_path, name):
        path = tmp_path / ".store.partial" / name
        path.parent.mkdir(parents=True)
        path.write_text("mine")
        before = content(tmp_path)
        with pytest.raises(FileExistsError, match=rf"\.store\.partial/{name}: move that away"):
            convert((X, Y), tmp_path / "store")
        assert content(tmp_path) == before

    def test_that_is_a_file_or_a_link(self, tmp_path):
        work = tmp_path / ".store.partial"
        work.write_text("mine")
        with pytest.raises(FileExistsError, match=r"\.store\.partial must be a folder"):
            convert((X, Y), tmp_path / "store")
        work.unlink()
        (tmp_path / "mine").mkdir()
        work.symlink_to(tmp_path / "mine")
        with pytest.raises(FileExistsError, match=r"\.store\.partial must be a folder"):
            convert((X, Y), tmp_path / "store")
        assert list((tmp_path / "mine").iterdir()) == []

    def test_a_link_in_it_is_not_followed(self, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "features.npy").write_text("mine")
        (tmp_path / ".store.partial").mkdir()
        (tmp_path / ".store.partial" / "old").symlink_to(tmp_path / "mine")
        with pytest.raises(FileExistsError, match="old: move that away"):
            convert((X, Y), tmp_path / "store")
        assert (tmp_path / "mine" / "features.npy").read_text() == "mine"

    def test_files_that_come_during_the_work_are_kept(self, tmp_path, monkeypatch):
        make = _convert._make

        def late(*args, **options):
            (tmp_path / ".store.partial" / "notes.txt").write_text("mine")
            return make(*args, **options)

        monkeypatch.setattr(_convert, "_make", late)
        convert((X, Y), tmp_path / "store").verify()
        assert [f.name for f in (tmp_path / ".store.partial").iterdir()] == ["notes.txt"]

    def test_of_a_conversion_that_was_stopped(self, tmp_path, monkeypatch):
        def stop(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(_convert, "_put", stop)
            with pytest.raises(KeyboardInterrupt):
                convert((X, Y, list("abcd")), tmp_path / "store")
        (folder,) = (f for f in (tmp_path / ".store.partial").iterdir() if f.is_dir())
        (folder / "part-ab1_cdef").write_text("half of a part")
        convert((X, Y), tmp_path / "store", dtype="float16").verify()
        assert [file.name for file in tmp_path.iterdir()] == ["store"]


class TestKilledWhileReplacing:
    """Between the two renames the old store has no name; the next call gives it back."""

    @pytest.fixture
    def path(self, tmp_path):
        path = convert((X, Y), tmp_path / "store").path
        code = (
            "import os, signal, numpy as np; from sk_yt8m.datasets import convert\n"
            "from sk_yt8m.datasets._convert import convert as _convert\n"
            "replace = os.replace\n"
            "def kill(old, new):\n"
            f"    if os.fspath(new) == {str(path)!r}: os.kill(os.getpid(), signal.SIGKILL)\n"
            "    replace(old, new)\n"
            "_convert.os.replace = kill\n"
            f"convert((np.ones((4, 3)), np.eye(4, 2)), {str(path)!r}, overwrite=True)"
        )
        done = subprocess.run([sys.executable, "-c", code], check=False)
        assert done.returncode == -9
        assert not path.exists()
        return path

    def test_the_old_one_comes_back(self, path):
        with pytest.raises(FileExistsError, match="is there already"):
            convert((X + 1, Y), path)
        np.testing.assert_array_equal(open_store(path).X, X)

    def test_the_new_one_takes_its_place(self, path):
        convert((X + 1, Y), path, overwrite=True)
        np.testing.assert_array_equal(open_store(path).X, X + 1)
        assert [file.name for file in path.parent.iterdir()] == ["store"]

    def test_readers_do_not_wait_forever(self, path, monkeypatch):
        monkeypatch.setattr(_open_folder, "_PATIENCE", 0.05)
        with pytest.raises(StoreError, match=r"manifest\.json: expected a manifest"):
            open_store(path)


class TestReadersOfAStoreThatIsReplaced:
    def data(self, number):
        """Return arrays of the same shapes with other content: `number` in each row."""
        X = np.full((200, 30), number, dtype=np.float32)
        Y = np.zeros((200, 4), dtype=np.uint8)
        Y[:, number % 4] = 1
        return X, Y, [f"{number}-{row:03}" for row in range(200)]

    def check(self, store):
        number = int(store.X[0, 0])
        X, Y, ids = self.data(number)
        np.testing.assert_array_equal(store.X, X)
        np.testing.assert_array_equal(store.Y.toarray(), Y)
        assert store.ids.tolist() == ids
        return number

    @pytest.mark.parametrize("as_process", [False, True])
    def test_get_the_old_or_the_new_one(self, tmp_path, as_process):
        path = convert(self.data(0), tmp_path / "store").path
        if as_process:
            code = (
                "import numpy as np; from sk_yt8m.datasets import convert\n"
                "for number in range(1, 40):\n"
                "    X = np.full((200, 30), number); Y = np.zeros((200, 4)); Y[:, number % 4] = 1\n"
                "    ids = [f'{number}-{row:03}' for row in range(200)]\n"
                f"    convert((X, Y, ids), {str(path)!r}, overwrite=True)"
            )
            writer = subprocess.Popen([sys.executable, "-c", code])
            is_alive = lambda: writer.poll() is None  # noqa: E731
        else:
            writer = threading.Thread(
                target=lambda: [convert(self.data(n), path, overwrite=True) for n in range(1, 40)]
            )
            writer.start()
            is_alive = writer.is_alive
        seen = set()
        while is_alive():
            store = open_store(path)
            store.verify()
            seen.add(self.check(store))
        (writer.wait if as_process else writer.join)()
        assert self.check(open_store(path)) == 39
        assert len(seen) > 1

    @pytest.mark.parametrize("when", ["manifest", "features", "label_indices", "source", "last"])
    def test_replaced_between_two_files(self, tmp_path, monkeypatch, when):
        """All of the new one comes, wherever the old one goes."""
        from sk_yt8m.datasets._store import format as _store

        path = convert(self.data(1), tmp_path / "store").path
        replaced = []

        def replace():
            if not replaced:
                replaced.append(True)
                convert(self.data(2), path, overwrite=True)

        if when == "manifest":
            read_manifest = _open_folder.read_manifest

            def slow(folder):
                content = read_manifest(folder)
                replace()
                return content

            monkeypatch.setattr(_open_folder, "read_manifest", slow)
        else:
            open_array = _store._open_array

            def slow(file, *args):
                array = open_array(file, *args)
                if file.stem == when or (when == "last" and file.stem == "ids"):
                    replace()
                return array

            monkeypatch.setattr(_store, "_open_array", slow)
        assert self.check(open_store(path)) == 2

    def test_what_is_open_is_not_taken_for_the_new_one(self, tmp_path):
        store = convert(self.data(1), tmp_path / "store")
        sent = pickle.dumps(store)
        convert(self.data(2), store.path, overwrite=True)
        assert self.check(store) == 1
        store.verify()
        with pytest.raises(StoreError, match="expected the store that was opened, got another"):
            len(pickle.loads(sent))
        open_store(store.path).verify()

    def test_what_is_open_is_verified(self, tmp_path):
        store = convert(self.data(1), tmp_path / "store")
        with open(store.path / "features.npy", "r+b") as file:
            file.seek(-5, os.SEEK_END)
            file.write(b"!")
        convert(self.data(2), store.path, overwrite=True)
        with pytest.raises(StoreError, match="expected rows 0 to 199"):
            store.verify()
        open_store(store.path).verify()

    def test_no_store_is_said_at_once(self, tmp_path, monkeypatch):
        monkeypatch.setattr(_open_folder.time, "sleep", lambda _: pytest.fail("it waits"))
        (tmp_path / ".store.partial").mkdir()
        with pytest.raises(StoreError, match="expected a manifest"):
            open_store(tmp_path / "store")
