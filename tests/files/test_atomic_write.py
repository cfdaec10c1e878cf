"""A write that fails leaves the old file, and no other."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sk_yt8m._files.atomic_write import write_atomically

LARGE = bytes(2**18)


@pytest.fixture
def old(tmp_path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")
    return path


def assert_only_old(path: Path) -> None:
    assert path.read_bytes() == b"old"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_failure_of_any_call(old, monkeypatch, call, error):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(error)) as raised:
        write_atomically(old, b"new")
    monkeypatch.undo()
    if isinstance(error, OSError):
        assert raised.value.filename == str(old)
    assert_only_old(old)


def test_a_write_that_stops_half_way(old, monkeypatch):
    fdopen = os.fdopen

    def half(*arguments):
        file = fdopen(*arguments)

        class Half:
            def __enter__(self):
                return self

            def __exit__(self, *exception):
                file.close()

            def write(self, data):
                file.write(data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")

        return Half()

    monkeypatch.setattr(os, "fdopen", half)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(old, b"new")
    monkeypatch.undo()
    assert_only_old(old)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on a file's size is POSIX only")
def test_a_limit_of_the_system_on_the_size(old):
    """The kernel refuses the rest of a file, as it does on a full disk."""
    import resource
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            write_atomically(old, LARGE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert_only_old(old)
    write_atomically(old, LARGE)
    assert old.read_bytes() == LARGE


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk(small_disk):
    path = small_disk / "model.safetensors"
    write_atomically(path, b"old")
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        write_atomically(path, LARGE)
    assert_only_old(path)


def test_the_order_of_the_calls(old, monkeypatch):
    """Bytes reach the disk before the name changes, and the change after it."""
    calls = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)

        def recorded(*arguments, name=name, original=original):
            what = name
            if name == "fsync":
                folder = stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
                what = "fsync of the folder" if folder else "fsync of the file"
            calls.append((what, old.read_bytes()))
            return original(*arguments)

        monkeypatch.setattr(os, name, recorded)
    write_atomically(old, b"new")
    assert calls == [
        ("fsync of the file", b"old"),
        ("replace", b"old"),
        ("fsync of the folder", b"new"),
    ]


KILLED = f"""
import os, signal, sys
from {write_atomically.__module__} import write_atomically
setattr(os, sys.argv[1], lambda *arguments: os.kill(os.getpid(), signal.SIGKILL))
write_atomically(sys.argv[2], b"new" * 10**6)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX only")
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_kill_leaves_the_old_file(old, call):
    run = subprocess.run([sys.executable, "-c", KILLED, call, old], check=False)
    assert run.returncode == -9
    assert old.read_bytes() == b"old"
    write_atomically(old, b"new")
    assert old.read_bytes() == b"new"


def test_a_link_stays_and_its_target_is_replaced(old, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "link").symlink_to(old)
    write_atomically(folder / "link", b"new")
    assert (folder / "link").is_symlink()
    assert old.read_bytes() == b"new"
    assert [file.name for file in folder.iterdir()] == ["link"]


def test_a_link_to_nothing_yet(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "later")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "later").read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX only")
def test_permissions(tmp_path):
    path = tmp_path / "model.safetensors"
    before = os.umask(0o027)
    try:
        write_atomically(path, b"one")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write_atomically(path, b"two")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.parametrize("name", ["läbel ✓.safetensors", "x" * 255])
def test_names(tmp_path, name):
    write_atomically(tmp_path / name, b"one")
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "no" / "model", b"new")
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path, b"new")
    assert not list(tmp_path.iterdir())
