"""Speed of `load_csv` beside pandas and numpy on the same files, and of a second load.

    python examples/benchmarks/read_csv.py                  # made-up shards
    python examples/benchmarks/read_csv.py --data FOLDER    # the course's CSV files

All readers take the same bytes, from the page cache, on one core. numpy.loadtxt and pandas read
all columns as numbers and do not check the layout.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from _record import add_options, write

from sk_yt8m.datasets import load_csv, make_videos, write_csv


def seconds(read: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        read()
        times.append(time.perf_counter() - start)
    return min(times)


def made_up(folder: Path, n_shards: int) -> Path:
    """Write shards of 200 made-up videos."""
    for number in range(n_shards):
        X, Y = make_videos(200, random_state=number, return_X_y=True)
        write_csv(folder / f"train_{number}.csv", X, Y)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the course's CSV files")
    parser.add_argument("--shards", type=int, default=8, help="shards for the comparison (8)")
    add_options(parser)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = args.data or made_up(Path(temporary), args.shards)
        files = load_csv(folder, split="course-train").files[: args.shards]
        size = sum(file.stat().st_size for file in files) / 1e6
        readers = {
            "load_csv": lambda: load_csv(files, return_indicator="sparse"),
            "numpy.loadtxt": lambda: [
                np.loadtxt(file, delimiter=",", usecols=range(5014), dtype=np.float32)
                for file in files
            ],
            "pandas.read_csv": lambda: [pd.read_csv(file, header=None) for file in files],
        }
        times = {name: seconds(read) for name, read in readers.items()}
        print(f"{len(files)} shards, {size:.0f} MB, one core")
        rows = []
        for name, taken in times.items():
            ratio = taken / times["load_csv"]
            print(f"{name:18}{size / taken:8.0f} MB/s   {ratio:5.1f} x the time of load_csv")
            rows.append({"reader": name, "MB/s": size / taken, "time of load_csv": ratio})

        cache = Path(temporary) / "cache"
        options = {"split": "course-train", "cache_dir": cache, "return_indicator": "sparse"}
        start = time.perf_counter()
        bunch = load_csv(folder, **options)
        first = time.perf_counter() - start
        again = seconds(lambda: load_csv(folder, **options))
        total = sum(file.stat().st_size for file in bunch.files) / 1e6
        print(f"all of train: {bunch.data.shape[0]} videos, {total:.0f} MB of CSV in {first:.1f} s")
        print(f"  = {total / first:.0f} MB/s; from the cache {again:.3f} s")
        whole = {"videos": bunch.data.shape[0], "MB": total, "seconds": first, "again": again}
        write(args, {"readers": rows, "whole": [whole]}, packages=["pandas"])


if __name__ == "__main__":
    main()
