"""
One training in two processes
=============================

A training can be shared by several GPUs or machines. Each process computes its part of every
batch, and then they add up their gradients. This example starts two processes on this machine and
shows that they train the same network as one process does. You need it before you give a training
to several machines: it shows what the script looks like, and how far the result may differ.
"""

# %%
# One process
# -----------
#
# First the training as usual, for comparison: on 1,500 videos, and with the probabilities of 500
# others. The second one differs in ``random_state`` only; it will give a scale for differences.

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import make_videos

X, Y = make_videos(
    2000, n_features=96, n_labels=50, return_X_y=True, random_state=0
)
one, other = (
    DeepMultiLabelClassifier(
        (64,), max_iter=8, precision="float32", random_state=seed
    ).fit(X[:1500], Y[:1500])
    for seed in (0, 1)
)

# %%
# The script of every process
# ---------------------------
#
# All processes run the same script, with the same data and parameters.
# :func:`sk_yt8m.distributed.multi_worker_strategy` reads the environment variable ``TF_CONFIG``,
# which lists all processes and says which one this is; ``fit`` is called in the scope of the
# strategy. In the end all have the same classifier, and the first one writes its results.

script = """
import sys
import numpy as np
from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import make_videos
from sk_yt8m.distributed import multi_worker_strategy

# Before anything else of TensorFlow.
strategy = multi_worker_strategy(timeout=120)

X, Y = make_videos(2000, n_features=96, n_labels=50, return_X_y=True, random_state=0)
clf = DeepMultiLabelClassifier((64,), max_iter=8, precision="float32", random_state=0)
with strategy.scope():
    clf.fit(X[:1500], Y[:1500])
if strategy.cluster_resolver.task_id == 0:
    np.savez(sys.argv[1], loss=clf.loss_curve_, probabilities=clf.predict_proba(X[1500:]))
"""


# %%
# Two processes
# -------------
#
# Between machines a launcher such as Ray or Kubernetes sets ``TF_CONFIG``. Here it is set by hand,
# with free ports of this machine. When a process fails, or all take too long, the others are
# stopped and what they printed is shown.


def free_ports(n):
    """Return ports of this machine on which nobody listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def run(n, folder, seconds=240):
    """Run the script in n processes and return what the first one wrote."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(n)]
    logs = [folder / f"process_{index}.txt" for index in range(n)]
    processes = []
    try:
        for index, log in enumerate(logs):
            task = {
                "cluster": {"worker": addresses},
                "task": {"type": "worker", "index": index},
            }
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", script, folder / "result.npz"],
                    env={**os.environ, "TF_CONFIG": json.dumps(task)},
                    stdout=log.open("w"),
                    stderr=subprocess.STDOUT,
                )
            )
        deadline = time.monotonic() + seconds
        codes = [None] * n
        while None in codes and not any(codes) and time.monotonic() < deadline:
            time.sleep(0.1)
            codes = [process.poll() for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    if any(code != 0 for code in codes):
        printed = "\n".join(log.read_text() for log in logs)
        raise RuntimeError(
            f"the processes ended with {codes}; they printed:\n{printed}"
        )
    with np.load(folder / "result.npz") as arrays:
        return dict(arrays)


with tempfile.TemporaryDirectory() as folder:
    two = run(2, Path(folder))

# %%
# Compare them
# ------------
#
# The two processes train on the same batches with the same dropout as one. What remains is the
# order in which floating-point numbers are added.

probabilities = one.predict_proba(X[1500:])
by_processes = np.abs(two["probabilities"] - probabilities).ravel()
by_seed = np.abs(other.predict_proba(X[1500:]) - probabilities).ravel()
print(
    f"two processes:        at most {by_processes.max():.1e}, median {np.median(by_processes):.1e}"
)
print(
    f"another random_state: at most {by_seed.max():.1e}, median {np.median(by_seed):.1e}"
)

# %%
# **How to read the picture.** Left: the loss of the training after each epoch. The dots of two
# processes lie on the line of one. Right: how far the probabilities of the 500 videos are from
# those of one process, on a scale on which each long mark is a hundred times the one before. Two
# processes change them by rounding errors (exactly equal ones are in the bar at the left end),
# another ``random_state`` by very much more.

blue, orange, grey = "#0072B2", "#D55E00", "#666666"
fig, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.2), layout="constrained"
)

epochs = np.arange(1, len(one.loss_curve_) + 1)
left.plot(epochs, one.loss_curve_, color="#bbbbbb", linewidth=7)
left.plot(epochs, two["loss"], "o", color=blue, markersize=8)
left.text(
    1.7,
    one.loss_curve_[0],
    "line: one process",
    color=grey,
    fontsize=12,
    va="center",
)
left.text(
    1.7,
    0.92 * one.loss_curve_[0],
    "dots: two processes",
    color=blue,
    fontsize=12,
    va="center",
)
left.set(xlabel="epoch", ylabel="training loss", ylim=0)
left.set_title("Training", loc="left")

bins = np.logspace(-11, 0, 67)
for values, colour, name in (
    (by_processes, blue, "two processes"),
    (by_seed, orange, "another\nrandom_state"),
):
    counts, _, _ = right.hist(np.clip(values, bins[0], 1), bins, color=colour)
    x = np.exp(np.log(values[values > 0]).mean())
    right.text(
        x,
        1.04 * counts[1:].max(),
        name,
        color=colour,
        fontsize=12,
        ha="center",
    )
right.set(
    xscale="log",
    yticks=[],
    xlabel="difference of a probability from one process",
)
right.set_title("Predictions", loc="left")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
