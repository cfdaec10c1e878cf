"""
Rare labels, with and without neighbours
========================================

Most labels are rare, and a network sees few videos of each. Its training videos can help directly:
:class:`sk_yt8m.DeepNeighborsClassifier` averages the network's scores with the labels of the most
similar training videos. This example asks for which labels that pays, with the average precision of
every label beside its number of training videos. Read it if your rare labels are found too seldom.
"""

# %%
# Three sets of videos
# --------------------
#
# Rare labels have few test videos, too, so the figure of a single one is mostly chance. We take
# three sets of made-up videos, each with topics and labels of its own, and look at all their labels
# together. Half of the videos of each set are for the test.
#
# Both scores come from one training: ``estimator_`` is the network inside the classifier.

import numpy as np
import pandas as pd

from sk_yt8m import DeepMultiLabelClassifier, DeepNeighborsClassifier
from sk_yt8m.datasets import make_videos
from sk_yt8m.metrics import average_precision_per_label, gap_score

tables = []
for seed in range(3):
    X, Y = make_videos(
        6000,
        n_features=100,
        n_labels=400,
        return_indicator="sparse",
        return_X_y=True,
        random_state=seed,
    )
    X_train, Y_train, X_test, Y_test = X[:3000], Y[:3000], X[3000:], Y[3000:]
    network = DeepMultiLabelClassifier((400, 640), random_state=seed)
    clf = DeepNeighborsClassifier(network).fit(X_train, Y_train)

    scores = {
        "alone": clf.estimator_.predict_proba(X_test),
        "neighbours": clf.predict_proba(X_test),
    }
    table = pd.DataFrame(
        {
            name: average_precision_per_label(Y_test, values)
            for name, values in scores.items()
        }
    )
    table["training videos"] = np.asarray(Y_train.sum(axis=0)).ravel()
    tables.append(table)
    gaps = {
        name: round(gap_score(Y_test, values), 3)
        for name, values in scores.items()
    }
    print(
        f"set {seed}: GAP@20 {gaps['alone']} alone, {gaps['neighbours']} with neighbours"
    )

# %%
# Labels by frequency
# -------------------
#
# Labels without a training video cannot be learned, and those without a test video cannot be
# measured: both are left out. The others go into bands of frequency. The gain of a label is its
# average precision with neighbours minus that of the network alone.

labels = pd.concat(tables).query("`training videos` > 0").dropna()
labels["gain"] = labels["neighbours"] - labels["alone"]
edges = [1, 4, 8, 16, 32, 64, labels["training videos"].max() + 1]
names = ["1-3", "4-7", "8-15", "16-31", "32-63", "64+"]
labels["band"] = pd.cut(
    labels["training videos"], edges, right=False, labels=names
)

bands = labels.groupby("band", observed=True)
summary = bands[["alone", "neighbours"]].median()
summary["mean gain"] = bands["gain"].mean()
summary["standard error"] = bands["gain"].sem()
summary["labels"] = bands.size()
summary.round(3)

# %%
# The picture
# -----------
#
# **How to read it.** On the left each row is a band of labels, rare ones at the top. The grey dot
# is the median average precision of the network alone, the blue one that with neighbours: blue to
# the right of grey is a gain. On the right each grey dot is the gain of one label, at its number of
# training videos; the blue bars are the means of the bands, with two standard errors up and down.
# The dots show how much chance there is in a single label. Where a bar is clear of zero there is
# more to it.

import matplotlib.pyplot as plt

blue, grey = "#0072B2", "0.55"
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.6), width_ratios=[1, 1.25], layout="constrained"
)
places = range(len(summary))
left.hlines(
    places, summary["alone"], summary["neighbours"], color=blue, linewidth=2.5
)
left.plot(summary["alone"], places, "o", color=grey, markersize=9)
left.plot(summary["neighbours"], places, "o", color=blue, markersize=9)
left.set(xlim=(0, 1), ylim=(5.6, -0.9), xlabel="median average precision")
left.set(
    yticks=range(6), yticklabels=names, ylabel="training videos of the label"
)
first = summary.iloc[0]
left.text(first["alone"] - 0.02, -0.5, "alone", color=grey, ha="right")
left.text(first["neighbours"] + 0.02, -0.5, "with neighbours", color=blue)
left.set_title("Average precision", loc="left")
left.grid(axis="x", color="0.92")

right.axhline(0, color="0.3", linewidth=1)
right.plot(
    labels["training videos"], labels["gain"], ".", color="0.75", markersize=5
)
centres = bands["training videos"].median()
right.errorbar(
    centres,
    summary["mean gain"],
    2 * summary["standard error"],
    fmt="_",
    color=blue,
    markersize=22,
    markeredgewidth=4,
    elinewidth=2.5,
)
right.set_xscale("log", base=2)
right.set_xticks([1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
right.xaxis.set_major_formatter("{x:.0f}")
right.set(
    ylim=(-0.42, 0.42), xlabel="training videos of the label", ylabel="gain"
)
right.set_title("Gain of each label, and mean of each band", loc="left")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# What to take from it
# --------------------
#
# Rare labels gain, frequent ones do not: with many examples the network is at least as good as the
# neighbours, and the average may even cost a little. GAP@20 changes less than the average precision
# of rare labels, because most true labels in the pool are frequent ones. To judge rare labels, look
# at them: :func:`sk_yt8m.metrics.average_precision_per_label`, or
# :func:`sk_yt8m.metrics.mean_average_precision_score`, in which all labels count the same.
#
# Neighbours have a price. The classifier keeps the activations of all training rows and compares
# every new row with them. How much they count is ``neighbor_weight``, which may be changed after
# ``fit``: choose it on validation data.
#
# More about neighbours and averages: :ref:`ensembles`.
