"""What several machines cost: one fit, searches and many videos; and a model of real networks.

    python examples/benchmarks/scale_out.py [--course FOLDER] [--parts fit,searches,videos]

Two processes on this machine stand for two hosts, and share its cores: their speed is no speed-up,
it shows what communication costs. The last table of the first part is computed, not measured.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _record import add_options, write

HERE = Path(__file__).resolve().parent
LAUNCH = HERE.parent / "distributed" / "launch.py"
N_ROWS, N_FEATURES, N_LABELS = 4096, 1152, 3862
#: Weights of the default network, whose gradients are sent.
N_WEIGHTS = 1152 * 2000 + 2000 * 3200 + 3200 * 3862
BATCH_SIZE, EPOCHS = 512, 4
#: Of a host without a GPU, in the computed table.
HOST_CORES = 32


def data():
    from sk_yt8m.datasets import make_videos

    return make_videos(N_ROWS, return_X_y=True, random_state=0)


def milliseconds_a_step(X, Y):
    """Return the median time of a step of the epochs after the first, in which is compiled."""
    from sk_yt8m import DeepMultiLabelClassifier

    clf = DeepMultiLabelClassifier(
        batch_size=BATCH_SIZE, max_iter=EPOCHS, random_state=0, precision="float32"
    )
    ends = clf.fit(X, Y).epoch_times_
    seconds = [end - start for start, end in itertools.pairwise(ends)]
    return 1000 * statistics.median(seconds) / (N_ROWS // BATCH_SIZE)


def all_reduce_milliseconds(strategy, dtype, bytes_per_pack, repeats=7):
    """Return the median time of a sum over the processes."""
    import tensorflow as tf

    options = tf.distribute.experimental.CommunicationOptions(bytes_per_pack=bytes_per_pack)

    # As many packs as the gradients of the three matrices are, of about equal size.
    shapes = [(1152, 2000), (2000, 3200), (3200, 3862)]

    def all_reduce():
        values = [tf.zeros(shape, dtype) for shape in shapes]
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, values, options)

    summed = tf.function(lambda: strategy.run(all_reduce))
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        summed()[0].numpy()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:])


def two_processes(out):
    """Measure as one of two processes; the first one writes what it found."""
    from sk_yt8m.distributed import config_context, multi_worker_strategy

    strategy = multi_worker_strategy(timeout=120)
    X, Y = data()
    found = {}
    with strategy.scope():
        for dtype, pack in (("float32", 0), ("float32", 8_000_000), ("bfloat16", 8_000_000)):
            packs = "packs of 8 MB" if pack else "one pack"
            found[f"sum of the gradients, {dtype}, {packs}"] = all_reduce_milliseconds(
                strategy, dtype, pack
            )
        for dtype in ("float32", "bfloat16"):
            with config_context(gradient_dtype=dtype):
                found[f"step, gradients in {dtype}"] = milliseconds_a_step(X, Y)
    if strategy.cluster_resolver.task_id == 0:
        Path(out).write_text(json.dumps(found))


def one_process(out):
    """Measure a step without a strategy, and with one of one device."""
    import tensorflow as tf

    X, Y = data()
    found = {"step": milliseconds_a_step(X, Y)}
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        found["step, MirroredStrategy of one device"] = milliseconds_a_step(X, Y)
    Path(out).write_text(json.dumps(found))


def measured(*command):
    """Run a command that writes its figures; return them."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "found.json")
        subprocess.run([*command, out], check=True, stderr=subprocess.DEVNULL)
        return json.loads(Path(out).read_text())


def speed(step_ms, n, gb_per_s, bytes_per_weight):
    """Return how many times as many rows a second n devices train as one, by the model.

    A step is computed, then its gradients are summed by a ring at the full speed of the network.
    """
    sent_ms = 2 * (n - 1) / n * N_WEIGHTS * bytes_per_weight / (gb_per_s * 1e6)
    return n * step_ms / (step_ms + sent_ms)


def print_model(one_step_ms):
    """Print the computed table, for GPUs and for hosts with the processor of this machine."""
    print("\nComputed, not measured: how many times as many rows a second as one device trains.")
    print("A GPU does 300e12 operations/s and needs 0.3 ms for the optimiser; a host without one")
    print(f"has {HOST_CORES} cores as fast as the {os.cpu_count()} here. Gradients are summed")
    print("after each step, at the network's full speed. By rows of a step and device:")
    networks = [
        ("8 GPUs, NVLink, 300 GB/s", 8, 300),
        ("4 hosts, 200 Gb/s", 4, 25),
        ("4 hosts, 25 Gb/s", 4, 3.125),
    ]
    sizes = BATCH_SIZE, 2048, 8192
    print(f"{'':32}{'gradients':>10}" + "".join(f"{size:>8}" for size in sizes))
    rows = []
    for name, n, gb_per_s in networks:
        gpu = [6 * N_WEIGHTS * rows / 300e9 + 0.3 for rows in sizes]
        cpu_ms_a_row = one_step_ms / BATCH_SIZE * os.cpu_count() / HOST_CORES
        cpu = [cpu_ms_a_row * rows for rows in sizes]
        kinds = [("", gpu)] if n == 8 else [(", a GPU each", gpu), (", no GPU", cpu)]
        for kind, steps in kinds:
            for dtype, size in (("float32", 4), ("bfloat16", 2)):
                speeds = [speed(ms, n, gb_per_s, size) for ms in steps]
                print(f"{name + kind:32}{dtype:>10}" + "".join(f"{one:8.2f}" for one in speeds))
                by_size = dict(zip(map(str, sizes), speeds, strict=True))
                rows.append({"devices": f"{name}{kind}, {dtype}", **by_size})
    return rows


def fit(args):
    """Print what one fit on several machines sends and how long that takes."""
    mb = 4 * N_WEIGHTS / 1e6
    print(f"A step sends the gradients of {N_WEIGHTS / 1e6:.1f} million weights: {mb:.0f} MB in")
    print(f"float32, {mb / 2:.0f} in bfloat16, whatever the batch. {BATCH_SIZE} rows a step:")
    print(f"{'':61}{'ms':>6}")
    this = [sys.executable, __file__]
    one = measured(*this, "--one")
    two = measured(sys.executable, str(LAUNCH), "-n", "2", *this, "--two")
    rows = []
    for processes, found in (("one process", one), ("two processes", two)):
        for name, ms in found.items():
            print(f"{processes}: {name:46}{ms:6.0f}", flush=True)
            rows.append({"what": f"{processes}: {name}", "ms": ms})
    write(args, {"fit": rows, "model": print_model(one["step"])}, seeds=[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--course", help="folder with train.npz; by default videos are made up")
    parser.add_argument("--parts", default="fit,searches,videos", help="of these three (all)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--two", help=argparse.SUPPRESS)
    add_options(parser)
    args = parser.parse_args()
    if args.one:
        return one_process(args.one)
    if args.two:
        return two_processes(args.two)
    others = {"searches": ["search_engines.py"], "videos": ["many_videos.py"]}
    if args.course:
        others["videos"] += ["--course", args.course]
    for part in args.parts.split(","):
        print(f"\n== {part}", flush=True)
        if part == "fit":
            fit(args)
        else:
            script, *options = others[part]
            subprocess.run([sys.executable, str(HERE / script), *options], check=True)
    return None


if __name__ == "__main__":
    main()
