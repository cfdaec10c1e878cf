"""From TFRecords to a trained model at YouTube-8M's size, with memory measured and capped.

    python examples/benchmarks/scale.py                                 # 1,000,000 videos, float16
    python examples/benchmarks/scale.py --n-videos 3888919              # the training split of 2018
    python examples/benchmarks/scale.py --n-videos 20000 --max-memory 1500

TFRecords of made-up videos are written first: one block of videos over and over, each time with
other noise, so that GAP@20 here says that the labels are those of the rows and nothing about
quality. Then come converting them into a store, opening it, verifying it, one training pass of
the default recipe, and the best 20 labels with GAP@20 of all videos, each in a process of its own.
The page cache is asked to drop a stage's files before it begins, so that they come from the disk.

Memory is what the stage and its worker processes hold for themselves at the peak (RssAnon, read
every 10 ms), above what the imports took; workers, if any, are counted whole. Pages of mapped files
are not in it: the kernel takes them back when it needs the room. With --max-memory a stage that
asks for more memory than that fails (RLIMIT_DATA, which also counts what is asked for and never
used, in each process for itself). Bytes are those that came from the disk.

Last, the same rows are trained on from the store and from memory: the time of two epochs without
set-up.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from _record import add_options, write

BLOCK = 10_000
SHARD = 1_000
EVALUATED = 16_384


def write_shards(folder: Path, n_videos: int) -> None:
    """Write TFRecords of made-up videos."""
    from sk_yt8m.datasets import make_videos, write_tfrecords

    n_block = min(BLOCK, n_videos)
    videos = make_videos(n_block, return_indicator="sparse", random_state=0)
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.05, size=2 * n_block * 8).astype(np.float32)
    folder.mkdir()
    for number, start in enumerate(range(0, n_videos, SHARD)):
        rows = np.arange(start, min(start + SHARD, n_videos))
        X = videos.data[rows % n_block]
        shift = rng.integers(0, noise.size - X.shape[1], len(X))
        X += noise[shift[:, np.newaxis] + np.arange(X.shape[1])]
        ids = [f"{row:07x}" for row in rows]
        write_tfrecords(folder / f"train{number}.tfrecord", X, videos.target[rows % n_block], ids)


def convert_shards(folder: Path, dtype: str, n_jobs: int) -> Callable[[], Any]:
    from sk_yt8m.datasets import convert

    return lambda: len(convert(folder / "tfrecords", folder / "store", dtype=dtype, n_jobs=n_jobs))


def opened(folder: Path) -> Callable[[], Any]:
    from sk_yt8m.datasets import open_store

    return lambda: open_store(folder / "store", return_X_y=True)[1].nnz


def verified(folder: Path) -> Callable[[], Any]:
    from sk_yt8m.datasets import open_store

    return lambda: open_store(folder / "store").verify()


def trained(folder: Path) -> Callable[[], Any]:
    import sk_yt8m._training.trainer  # noqa: F401
    from sk_yt8m import DeepMultiLabelClassifier
    from sk_yt8m.datasets import open_store

    def train() -> None:
        X, Y = open_store(folder / "store", return_X_y=True)
        clf = DeepMultiLabelClassifier(max_iter=1, random_state=0).fit(X, Y)
        clf.save(folder / "model.safetensors")

    return train


def evaluated(folder: Path) -> Callable[[], Any]:
    import sk_yt8m
    import sk_yt8m._training.trainer
    from sk_yt8m.datasets import open_store
    from sk_yt8m.metrics import StreamingEvaluator

    def evaluate() -> float:
        X, Y = open_store(folder / "store", return_X_y=True)
        clf = sk_yt8m.load(folder / "model.safetensors")
        evaluator = StreamingEvaluator(["gap@20"])
        for start in range(0, len(X), EVALUATED):
            rows = slice(start, start + EVALUATED)
            evaluator.update(Y[rows], clf.predict_top_k(X[rows], k=20))
        return evaluator.result()["gap@20"]

    return evaluate


def seconds_an_epoch(folder: Path, n_rows: int, *, in_memory: bool) -> float:
    """Return the time of an epoch without set-up."""
    import sk_yt8m._training.trainer  # noqa: F401
    from sk_yt8m import DeepMultiLabelClassifier
    from sk_yt8m.datasets import open_store

    X, Y, _ = open_store(folder / "store").take(slice(0, n_rows))
    if in_memory:
        X = np.array(X)
    times = {}
    for epochs in (1, 3):
        clf = DeepMultiLabelClassifier(max_iter=epochs, random_state=0)
        start = time.perf_counter()
        clf.fit(X, Y)
        times[epochs] = time.perf_counter() - start
    return (times[3] - times[1]) / 2


def _kb(process: str, field: str) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def _children(process: str) -> Iterator[str]:
    for task in Path(f"/proc/{process}/task").glob("*"):
        try:
            found = (task / "children").read_text().split()
        except OSError:
            continue
        for child in found:
            yield child
            yield from _children(child)


def _disk_bytes(process: str) -> int:
    try:
        lines = Path(f"/proc/{process}/io").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


class Watch:
    """Peak memory and bytes read of this process and its workers, looked at every 10 ms."""

    def __init__(self) -> None:
        self.peak_kb = 0
        self.read: dict[str, int] = {}
        self.done = threading.Event()

    def look(self) -> None:
        """Look once."""
        processes = ["self", *_children("self")]
        self.peak_kb = max(self.peak_kb, sum(_kb(one, "RssAnon") for one in processes))
        for one in processes:
            # A worker that has ended says nothing any more.
            self.read[one] = max(self.read.get(one, 0), _disk_bytes(one))

    def run(self) -> None:
        """Look until done."""
        while not self.done.wait(0.01):
            self.look()


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch the body of a ``with`` statement."""
    watch = Watch()
    watch.look()
    before = watch.peak_kb, watch.read["self"]
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.look()
        watch.done.set()
        thread.join()
        watch.peak_kb -= before[0]
        watch.read["self"] -= before[1]


def limit_memory(megabytes: int | None) -> None:
    """Let this process and its workers ask for so much memory from now on."""
    if megabytes is not None:
        most = 1024 * _kb("self", "VmData") + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def drop_from_cache(folder: Path) -> None:
    """Ask the kernel to forget the files of a folder."""
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def run_stage(name: str, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Run one stage in this process."""
    if name in ("store", "memory"):
        return {"seconds": seconds_an_epoch(folder, args.ratio_rows, in_memory=name == "memory")}
    stages = {
        "convert": lambda: convert_shards(folder, args.dtype, args.n_jobs),
        "open": lambda: opened(folder),
        "verify": lambda: verified(folder),
        "train, 1 epoch": lambda: trained(folder),
        "top 20 and GAP": lambda: evaluated(folder),
    }
    # Imports come first, and are not counted.
    stage = stages[name]()
    drop_from_cache(folder)
    limit_memory(args.max_memory)
    with watched() as watch:
        start = time.perf_counter()
        result = stage()
        seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "MB": watch.peak_kb / 1024,
        "read": sum(watch.read.values()) / 2**20,
        "result": result,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-videos", type=int, default=1_000_000, help="videos (1,000,000)")
    parser.add_argument("--max-memory", type=int, help="MB above the imports that a stage may take")
    parser.add_argument("--dtype", default="float16", help="float16 (default) or float32")
    parser.add_argument("--n-jobs", type=int, default=2, help="processes that convert (2)")
    parser.add_argument("--ratio-rows", type=int, default=100_000, help="rows to compare on")
    parser.add_argument("--folder", type=Path, help="where to put everything (a temporary folder)")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    add_options(parser)
    args = parser.parse_args()
    if args.stage:
        print(json.dumps(run_stage(args.stage, args.folder, args)))
        return

    args.ratio_rows = min(args.ratio_rows, args.n_videos)
    with tempfile.TemporaryDirectory(dir=args.folder) as temporary:
        folder = Path(temporary)

        def stage(name: str) -> dict[str, Any]:
            command = [sys.executable, __file__, *sys.argv[1:], "--folder", temporary]
            command += ["--stage", name, "--ratio-rows", str(args.ratio_rows)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
                raise SystemExit(f"{name} failed with status {done.returncode}, said last: {said}")
            return json.loads(done.stdout.splitlines()[-1])

        start = time.perf_counter()
        write_shards(folder / "tfrecords", args.n_videos)
        size = sum(file.stat().st_size for file in (folder / "tfrecords").iterdir())
        print(f"{args.n_videos:,} videos, {size / 2**20:,.0f} MB of TFRecords, ", end="")
        print(f"written in {time.perf_counter() - start:.0f} s\n")
        print(f"{'':16}{'seconds':>9}{'videos/s':>11}{'peak MB':>9}{'MB read':>10}")
        rows = []
        for name in ("convert", "open", "verify", "train, 1 epoch", "top 20 and GAP"):
            result = stage(name)
            speed = args.n_videos / result["seconds"]
            print(
                f"{name:16}{result['seconds']:9.2f}{speed:11,.0f}"
                f"{result['MB']:9,.0f}{result['read']:10,.0f}",
                flush=True,
            )
            row = {"stage": name, "seconds": result["seconds"], "videos/s": speed}
            rows.append({**row, "peak MB": result["MB"], "MB read": result["read"]})
        print(f"GAP@20 {result['result']:.4f}")
        store = sum(file.stat().st_size for file in (folder / "store").iterdir())
        print(f"store: {store / 2**20:,.0f} MB\n")

        speeds = {name: args.ratio_rows / stage(name)["seconds"] for name in ("memory", "store")}
        for name, speed in speeds.items():
            print(f"training from {name:8}{speed:9,.0f} videos/s")
        print(f"ratio{speeds['store'] / speeds['memory']:26.2f}")
    sources = [{"from": name, "videos/s": speed} for name, speed in speeds.items()]
    write(args, {"stages": rows, "sources": sources}, seeds=[0])


if __name__ == "__main__":
    main()
