"""Make the embedded sample in `dataset/` again: made-up videos and an invented vocabulary.

python examples/make_sample.py FOLDER
"""

import argparse
import csv
import gzip
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from sk_yt8m.datasets import make_videos, write_csv

N_LABELS, N_USED = 3862, 80
SHARDS = {"train_0": 400, "train_1": 400, "train_2": 400, "val_28": 150, "val_29": 150}
FIRST = (
    "Amber Brass Cedar Dusk Ember Granite Indigo Juniper Lantern Maple Nimbus Opal Paper Saffron"
)
SECOND = "archery ballet baking boats bridges camping castles ceramics chess choirs clocks comets"
THIRD = (
    "at dawn|at home|by the sea|for two|in colour|in spring|of the north|on ice|on wheels|outdoors"
)


def write_vocabulary(path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [
        f"{first} {second} {third}".strip()
        for third in ["", *THIRD.split("|"), *(f"no. {i}" for i in range(2, 15))]
        for second in SECOND.split()
        for first in FIRST.split()
    ]
    header = "Index TrainVideoCount KnowledgeGraphId Name WikiUrl Vertical1 Vertical2 Vertical3"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*header.split(), "WikiDescription"])
        # As in the real one, rows are not in the order of Index and some names are empty.
        for label in rng.permutation(N_LABELS):
            name = "" if label % 71 == 70 and label >= N_USED else names[label]
            about = f"Invented label, {label}" if label < N_USED else ""
            out.writerow(
                [label, 1000 - label // 4, f"/x/{label:04d}", name, "", "Made up", "", "", about]
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    videos = make_videos(
        sum(SHARDS.values()),
        n_labels=N_USED,
        n_topics=12,
        noise=0.7,
        return_indicator="sparse",
        random_state=8,
    )
    X = videos.data.round(1)
    Y = sp.csr_matrix(
        (videos.target.data, videos.target.indices, videos.target.indptr),
        shape=(len(X), N_LABELS),
    )
    start = 0
    for name, n_videos in SHARDS.items():
        rows = slice(start, start + n_videos)
        plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
        write_csv(plain, X[rows], Y[rows])
        # Without a time stamp the file is the same every time.
        with packed.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
            out.write(plain.read_bytes())
        plain.unlink()
        start += n_videos
    write_vocabulary(folder / "vocabulary.csv")
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    print(f"{folder}: {start} videos, {size:.1f} MB")


if __name__ == "__main__":
    main()
