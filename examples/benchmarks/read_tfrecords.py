"""Records a CPU second of `load_tfrecords` beside TensorFlow's own parsing of the same files.

    python examples/benchmarks/read_tfrecords.py                  # made-up shards, written first
    python examples/benchmarks/read_tfrecords.py --data FOLDER    # video-level TFRecords

All readers take the same bytes, from the page cache, and give float32 features, labels and ids.
CPU seconds are those of all threads of the process. TensorFlow checks the checksums and the
number of values; `load_tfrecords` also checks labels, ids and that numbers are finite.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _record import add_options, write

from sk_yt8m.datasets import load_tfrecords, make_videos, write_tfrecords


def cpu_seconds(read: Callable[[], object], repeats: int) -> float:
    """Return the fewest CPU seconds of several runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        read()
        times.append(time.process_time() - start)
    return min(times)


def made_up(folder: Path, n_shards: int, n_videos: int) -> Path:
    """Write shards of made-up videos."""
    videos = make_videos(n_videos, return_indicator="sparse", random_state=0)
    for number in range(n_shards):
        write_tfrecords(folder / f"train{number}.tfrecord", videos.data, videos.target)
    return folder


def made_up_frames(path: Path, n_videos: int) -> Path:
    """Write videos of 230 random frames."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (n_videos, 230, 1152), dtype=np.uint8)
    write_tfrecords(path, frames, np.eye(n_videos, 3862, dtype=np.uint8), level="frame")
    return path


def with_tensorflow(files: list[Path], *, batched: bool) -> Callable[[], object]:
    """Return a reader that parses with TensorFlow, 1,024 records at a time or one by one."""
    from sk_yt8m._tensorflow import tf

    features = {
        "id": tf.io.FixedLenFeature([], tf.string),
        "labels": tf.io.VarLenFeature(tf.int64),
        "mean_rgb": tf.io.FixedLenFeature([1024], tf.float32),
        "mean_audio": tf.io.FixedLenFeature([128], tf.float32),
    }

    def read() -> list[np.ndarray]:
        records = tf.data.TFRecordDataset([str(file) for file in files])
        if batched:
            parsed = records.batch(1024).map(lambda batch: tf.io.parse_example(batch, features))
        else:
            parsed = records.map(lambda one: tf.io.parse_single_example(one, features)).batch(1024)
        return [np.hstack([one["mean_rgb"], one["mean_audio"]]) for one in parsed]

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of video-level TFRecords")
    parser.add_argument("--shards", type=int, default=20, help="made-up shards (20)")
    parser.add_argument("--videos", type=int, default=1000, help="videos in each of them (1000)")
    parser.add_argument("--frames", type=int, default=100, help="frame-level videos (100)")
    parser.add_argument("--repeats", type=int, default=5, help="runs, of which the best counts (5)")
    add_options(parser)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        folder = args.data or made_up(Path(temporary), args.shards, args.videos)
        videos = load_tfrecords(folder, return_indicator="sparse")
        n_records = len(videos.ids)
        size = sum(file.stat().st_size for file in videos.files)
        readers = {
            "load_tfrecords": lambda: load_tfrecords(folder, return_indicator="sparse"),
            "tf.data, batched": with_tensorflow(videos.files, batched=True),
            "tf.data, one by one": with_tensorflow(videos.files, batched=False),
        }
        print(
            f"{n_records} records in {len(videos.files)} files, {size / n_records:.0f} bytes each"
        )
        rows = []
        for name, read in readers.items():
            taken = cpu_seconds(read, args.repeats)
            print(f"{name:22}{n_records / taken:8.0f} records/CPU s{size / taken / 1e6:8.0f} MB/s")
            speed = {"records/CPU s": n_records / taken, "MB/CPU s": size / taken / 1e6}
            rows.append({"reader": name, **speed})

        path = made_up_frames(Path(temporary) / "frames.tfrecord", args.frames)
        taken = cpu_seconds(lambda: load_tfrecords(path), args.repeats)
        n_frames = 230 * args.frames
        print(
            f"frame level{args.frames / taken:19.0f} videos/CPU s{n_frames / taken:8.0f} frames/s"
        )
        frames = {"videos/CPU s": args.frames / taken, "frames/CPU s": n_frames / taken}
        write(args, {"readers": rows, "frames": [frames]}, seeds=[0])


if __name__ == "__main__":
    main()
