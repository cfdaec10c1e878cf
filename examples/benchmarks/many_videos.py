"""Conversion in shards and batch prediction, with one and with two processes, side by side.

python examples/benchmarks/many_videos.py --course FOLDER

Two processes on the cores of one machine share these: their time is no speed-up, but shows what
dividing, merging and the engines cost.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from _record import add_options, write

from sk_yt8m import DeepMultiLabelClassifier, predict_to_parquet
from sk_yt8m.datasets import convert, make_videos, write_csv

CONVERT = """
import sys
from sk_yt8m.datasets import convert

shard = tuple(map(int, sys.argv[3:])) or None
convert(sys.argv[1], sys.argv[2], shard=shard)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--course", type=Path, help="folder with train.npz (made-up videos)")
    parser.add_argument("--videos", type=int, default=8000, help="how many (8000)")
    parser.add_argument("--repeats", type=int, default=3, help="repeats of each (3)")
    parser.add_argument("--engines", default="local,dask,ray", help="of these (local,dask,ray)")
    add_options(parser)
    args = parser.parse_args()
    X, Y = course(args.course, args.videos) if args.course else made_up(args.videos)
    with tempfile.TemporaryDirectory() as folder:
        converted = conversion(X, Y, Path(folder), args.repeats)
        predicted = prediction(X, Y, Path(folder), args.repeats, args.engines.split(","))
    tables = {"conversion": converted, "prediction": predicted}
    write(args, tables, seeds=[0], packages=("distributed", "ray"))


def made_up(n: int) -> tuple[np.ndarray, sp.csr_matrix]:
    made = make_videos(n, return_indicator="sparse", random_state=0)
    return made.data, made.target


def course(folder: Path, n: int) -> tuple[np.ndarray, sp.csr_matrix]:
    with np.load(folder / "train.npz") as data:
        X = data["features"][:n].astype(np.float32)
        ends = data["label_offsets"][: len(X) + 1]
        labels = data["label_ids"][: ends[-1]]
    return X, sp.csr_matrix((np.ones(len(labels), np.uint8), labels, ends), (len(X), 3862))


def run_all(*commands: list[str]) -> None:
    started = [subprocess.Popen([sys.executable, "-c", CONVERT, *command]) for command in commands]
    assert [process.wait() for process in started] == [0] * len(started)


@contextmanager
def timed(what: str, times: dict[str, list[float]]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    times.setdefault(what, []).append(time.perf_counter() - start)


def show(title: str, times: dict[str, list[float]]) -> list[dict[str, object]]:
    print(title)
    rows = []
    for what, took in times.items():
        row = {"what": what, "seconds": float(np.median(took))}
        rows.append({**row, "from": min(took), "to": max(took)})
        print(f"  {what:34s} {np.median(took):6.2f} s   ({min(took):.2f} to {max(took):.2f})")
    return rows


def conversion(X: np.ndarray, Y: sp.csr_matrix, folder: Path, repeats: int) -> list:
    files = folder / "files"
    files.mkdir()
    for number, start in enumerate(range(0, len(X), 200)):
        write_csv(files / f"train_{number}.csv", X[start : start + 200], Y[start : start + 200])
    size = sum(file.stat().st_size for file in files.iterdir())
    times: dict[str, list[float]] = {}
    for repeat in range(repeats):
        to = folder / f"stores-{repeat}"
        to.mkdir()
        parts = [[str(files), str(to / f"part-{i}"), str(i), "2"] for i in range(2)]
        with timed("one process, all files", times):
            run_all([str(files), str(to / "whole")])
        with timed("one process, half of the files", times):
            run_all([str(files), str(to / "half"), "0", "2"])
        with timed("two processes, a half each", times):
            run_all(*parts)
        with timed("one store of the two", times):
            convert([part[1] for part in parts], to / "one")
        same = [
            (to / "one" / file.name).read_bytes() == file.read_bytes()
            for file in (to / "whole").iterdir()
        ]
        assert all(same), "the store of two parts is another one"
    return show(
        f"conversion of {len(X)} videos, {size / 1e6:.0f} MB of CSV; all with Python's start:",
        times,
    )


def prediction(
    X: np.ndarray, Y: sp.csr_matrix, folder: Path, repeats: int, engines: list[str]
) -> list:
    store = convert((X, Y), folder / "store", dtype="float16")
    clf = DeepMultiLabelClassifier(max_iter=1, random_state=0).fit(X[:1000], Y[:1000])
    clf.save(folder / "model.safetensors")
    times: dict[str, list[float]] = {}

    def predict(name: str, **options: object) -> None:
        out = folder / "labels" / f"{name}-{len(times.get(name, []))}"
        with timed(name, times):
            predict_to_parquet(folder / "model.safetensors", store, out, block_size=500, **options)

    for _ in range(repeats + 1):
        predict("this process", engine="local")
    if "dask" in engines:
        from distributed import Client, LocalCluster

        for n in (1, 2):
            with (
                LocalCluster(n, threads_per_worker=1, dashboard_address=None, memory_limit=0) as c,
                Client(c),
            ):
                for _ in range(repeats + 1):
                    predict(f"Dask, {n} workers of a core", engine="dask")
    if "ray" in engines:
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        for n in (1, 2):
            for _ in range(repeats):
                predict(f"Ray, {n} actors on 2 cores", engine="ray", n_workers=n)
        ray.shutdown()
    warm = {name: list(seconds) for name, seconds in times.items()}
    for name, seconds in warm.items():
        if not name.startswith("Ray"):
            del seconds[0]  # loads TensorFlow and compiles
    rows = show(
        f"prediction of {len(X)} videos, top 20, blocks of 500, after the first call:", warm
    )
    print("  (Ray starts new actors, which load TensorFlow, at each call)")
    return rows


if __name__ == "__main__":
    main()
