"""Convert files, be killed at a chosen place, convert again; print what was read each time.

Run by test_store_resume.py. Each conversion that dies is a forked process of this one.
"""

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from sk_yt8m.datasets import StoreError, convert, open_store
from sk_yt8m.datasets._convert import append as _append
from sk_yt8m.datasets._convert import convert as _convert
from sk_yt8m.datasets._convert import read_source as _read_source
from sk_yt8m.datasets._convert.journal import Journal
from sk_yt8m.datasets._store import array_file as _array_file
from sk_yt8m.datasets._store.array_file import ArrayFile


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at_call(module: object, name: str, number: int, *, after: bool = False) -> None:
    """Make the number-th call of a function, from 1, the last thing that this process does."""
    function, calls = getattr(module, name), []

    def wrapped(*args: object, **options: object) -> object:
        calls.append(name)
        if len(calls) == number and not after:
            kill()
        result = function(*args, **options)
        if len(calls) == number:
            kill()
        return result

    setattr(module, name, wrapped)


#: Name of the place -> what is patched, and how many files are read when resuming.
PLACES = {
    "before the first file": ((_convert, "read_source", 1), {}, 6),
    "before the fourth file": ((_convert, "read_source", 4), {}, 3),
    "inside the third file": ((_read_source, "_cast", 3), {}, 4),
    "while the features of the second file are checked": ((_append, "row_checksums", 2), {}, 5),
    # The first call is for the empty list of labels, and there are four for each file.
    "between the arrays of the second file": ((ArrayFile, "append", 8), {}, 5),
    "while the ids are widened": ((_array_file, "open_atomically", 1), {}, 6),
    "before the second file is in the journal": ((Journal, "append", 2), {}, 5),
    "after the second file is in the journal": ((Journal, "append", 2), {"after": True}, 4),
    "after the last file": ((Journal, "append", 6), {"after": True}, 0),
    "while the arrays are completed": ((ArrayFile, "finish", 3), {}, 0),
    "before the manifest": ((_append, "write_manifest", 1), {}, 0),
    "after the manifest": ((_append, "write_manifest", 1), {"after": True}, 0),
    "before the store has its name": ((_convert, "_put", 1), {}, 0),
}


def run(source: str, store: Path, place: str) -> dict[str, object]:
    patch, options, _ = PLACES[place]
    child = os.fork()
    if child == 0:
        kill_at_call(*patch, **options)
        convert(source, store)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    opened = True
    try:
        open_store(store)
    except StoreError:
        opened = False
    read, read_source = [], _convert.read_source
    _convert.read_source = lambda one, *a: read.append(one.path.name) or read_source(one, *a)
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, _convert, "read_source", read_source)
        convert(source, store).verify()
    return {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "opened": opened,
        "read": read,
        "left": sorted(f.name for f in store.parent.iterdir()),
    }


def main() -> None:
    source, folder = sys.argv[1], Path(sys.argv[2])
    results = {}
    for number, place in enumerate(PLACES):
        (folder / str(number)).mkdir()
        results[place] = run(source, folder / str(number) / "videos", place)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
