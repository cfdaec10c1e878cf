"""
Train on more rows than fit into memory
=======================================

Arrays have to be in memory before a training can start. A store does not: it is a folder on the
disk, made once by :func:`sk_yt8m.datasets.convert`, which ``fit`` reads a block at a time. This
example measures the memory that a training takes from arrays and from a store, with more and more
rows. Use a store when the features are larger than the memory, or when many trainings start on the
same data: opening it takes milliseconds.

The memory is read from ``/proc``, so this script needs Linux. Stores work on every system.
"""

# %%
# Make a store
# ------------
#
# :func:`~sk_yt8m.datasets.convert` takes the files of YouTube-8M, arrays and memory maps. Here the
# features are made up, and written in parts to a memory-mapped file: this process does not hold
# them either.

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scipy.sparse as sp

from sk_yt8m.datasets import convert

n_rows, n_features, n_labels = 120_000, 1024, 50
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)

rng = np.random.default_rng(0)
X = np.lib.format.open_memmap(
    folder / "X.npy", mode="w+", dtype=np.float32, shape=(n_rows, n_features)
)
for start in range(0, n_rows, 10_000):
    X[start : start + 10_000] = rng.standard_normal(
        (10_000, n_features), dtype=np.float32
    )
rows, labels = np.arange(n_rows), rng.integers(0, n_labels, n_rows)
Y = sp.csr_matrix(
    (np.ones(n_rows, dtype=np.uint8), (rows, labels)), shape=(n_rows, n_labels)
)

store = convert((X, Y), folder / "store")
print(
    store.X.shape,
    store.X.dtype,
    f"{store.X.nbytes / 2**20:.0f} MB on the disk",
)

# %%
# Two trainings of each size
# --------------------------
#
# The script below runs in a process of its own, once for arrays and once for the store. It first
# trains on a few rows, so that imports and compilation are not counted. Then it trains for an
# epoch on more and more rows of the store, which :meth:`sk_yt8m.datasets.Store.take` gives as
# memory maps; for arrays it copies them into memory before. A thread reads the process's memory
# every few milliseconds and keeps the peak.
#
# What counts is anonymous memory (``RssAnon``): what the process has allocated. Pages of the store
# that happen to be in memory do not count, because the system takes them back when it needs room.

script = """
import json, sys, threading
import numpy as np
from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import open_store

def allocated():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024

def peak_of(train):
    seen, done = [allocated()], threading.Event()
    def watch():
        while not done.wait(0.005):
            seen.append(allocated())
    thread = threading.Thread(target=watch)
    thread.start()
    train()
    done.set()
    thread.join()
    return max(seen)

def train(n_rows):
    X, Y, _ = store.take(slice(n_rows))
    if kind == "arrays":
        X, Y = np.array(X), Y.copy()
    clf.fit(X, Y)

kind, folder, *sizes = sys.argv[1:]
store = open_store(folder)
clf = DeepMultiLabelClassifier((16,), batch_size=1024, max_iter=1, random_state=0)
train(2000)
before = allocated()
print(json.dumps([peak_of(lambda: train(int(size))) - before for size in sizes]))
"""
sizes = [40_000, 80_000, 120_000]


def peaks(kind):
    """Return the peak memory of trainings in another process, in MB above what it had before."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            script,
            kind,
            folder / "store",
            *map(str, sizes),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


measured = {kind: peaks(kind) for kind in ("arrays", "store")}
temporary.cleanup()

megabytes = [size * n_features * 4 / 2**20 for size in sizes]
for size, features, *memory in zip(
    sizes, megabytes, *measured.values(), strict=True
):
    print(
        f"{size:6,} rows, {features:4.0f} MB of features:"
        f" {memory[0]:4.0f} MB from arrays, {memory[1]:4.0f} MB from the store"
    )

# %%
# Look at both
# ------------
#
# **How to read the picture.** The further right, the more features the training reads; the higher,
# the more memory it takes. The dotted line is the size of the features themselves. From arrays the
# memory grows along with it. From the store the line is nearly level: there are only the network
# and the blocks that are being read, however many rows follow.

blue, orange, grey = "#0072B2", "#D55E00", "#666666"
fig, ax = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
ax.plot([0, megabytes[-1]], [0, megabytes[-1]], ":", color=grey)
for kind, colour in (("arrays", orange), ("store", blue)):
    ax.plot(
        megabytes,
        measured[kind],
        "o-",
        color=colour,
        linewidth=2.5,
        markersize=9,
    )
    last = measured[kind][-1]
    ax.text(
        490,
        last,
        f"{kind}\n{last:.0f} MB",
        color=colour,
        fontsize=13,
        va="center",
    )
ax.text(300, 280, "size of the features", color=grey, va="top")
ax.set(
    xlabel="size of the features, MB", ylabel="peak memory of the training, MB"
)
ax.set(xlim=(0, 580), ylim=(0, 1.1 * max(measured["arrays"])))
ax.spines[["top", "right"]].set_visible(False)
plt.show()
