"""
Why the notebook's "gap" is not GAP
===================================

The course notebook prints a figure that it calls "gap". Published figures of YouTube-8M are
GAP@20, global average precision, which is something else: the two cannot be compared. This example
computes both for the same predictions, changes the predictions in a way that only one of them
sees, and shows which. Read it before you put a figure of the notebook beside one of a paper.
"""

# %%
# Two definitions
# ---------------
#
# The notebook's figure looks at **one video at a time**. It sorts the labels of the video by their
# scores, and takes the mean of 1 / rank of its true labels; then it averages over videos. Here it
# is :func:`sk_yt8m.metrics.label_reciprocal_rank_score`. (The notebook averages within each CSV
# file first: the parameter ``groups`` does that.)
#
# GAP, :func:`sk_yt8m.metrics.gap_score`, looks at **all videos at once**. The best labels of all
# videos go into one list, sorted by score, and GAP is the average precision of that list. A video
# whose best label is wrong with a high score pushes the right labels of other videos down.
#
# A case to work out by hand: two videos with three labels, and every video has one true label.

import matplotlib.pyplot as plt
import numpy as np

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_sample
from sk_yt8m.metrics import (
    PooledPrecisionRecallDisplay,
    gap_score,
    label_reciprocal_rank_score,
)

y_true = np.array([[1, 0, 0], [0, 1, 0]])
sure_where_right = np.array([[0.9, 0.2, 0.1], [0.4, 0.3, 0.0]])
sure_where_wrong = np.array([[0.3, 0.2, 0.1], [0.9, 0.8, 0.0]])

for scores in (sure_where_right, sure_where_wrong):
    notebook = label_reciprocal_rank_score(y_true, scores)
    print(
        f"notebook's figure {notebook:.3f}   GAP {gap_score(y_true, scores):.3f}"
    )

# %%
# In both tables the first video has its true label at rank 1 and the second at rank 2, so the
# notebook's figure is (1 + 1/2) / 2. GAP falls, because in the second table the two highest scores
# of all belong to the second video, and the very highest is wrong.

# %%
# The same with a trained network
# -------------------------------
#
# Train on the sample. To have videos that are hard, every third validation video is made black and
# silent: its features are 0. For these the network can do no more than give every label a low
# score, which is the right thing to do.
#
# Now divide the scores of each video by the highest of them. The order of the labels within a
# video stays as it was. What is lost is of which videos the network was sure: the best label of
# every video has a score of 1, those of the black ones too.

X, Y = load_sample(split="train", return_X_y=True)
X_val, Y_val = load_sample(split="val", return_X_y=True)
X_val[::3] = 0
clf = DeepMultiLabelClassifier((200,), max_iter=8, random_state=0).fit(X, Y)

scores = clf.predict_proba(X_val)
rescaled = scores / scores.max(axis=1, keepdims=True)
perfect = Y_val.astype(float)
tables = {"as predicted": scores, "rescaled": rescaled, "perfect": perfect}
notebook = [
    label_reciprocal_rank_score(Y_val, table) for table in tables.values()
]
gap = [gap_score(Y_val, table) for table in tables.values()]
for name, first, second in zip(tables, notebook, gap, strict=True):
    print(f"{name:14} notebook's figure {first:.3f}   GAP@20 {second:.3f}")

# %%
# The last line is of perfect scores, 1 for true labels and 0 for all others. GAP is 1 then. The
# notebook's figure is not, because two labels of a video cannot both have rank 1. How high it can
# get depends on how many labels the videos have.

# %%
# Look at both
# ------------
#
# **How to read the picture.** Left: go down the pooled list, from its best score on. Recall rises
# as more of the true labels are found, and GAP is the area under the curve. Rescaling takes the
# orange area away: wrong labels of the black videos now come first in the list. Right: the two
# figures of the three score tables. From the first to the second table the notebook's figure does
# not move and GAP falls; for perfect scores GAP is 1 and the notebook's figure is below.

blue, orange, grey = "#0072B2", "#D55E00", "#666666"
fig, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.4), layout="constrained"
)

before = PooledPrecisionRecallDisplay.from_predictions(
    Y_val, scores, ax=left, color=blue
)
after = PooledPrecisionRecallDisplay.from_predictions(
    Y_val, rescaled, ax=left, color=orange
)
left.get_legend().remove()
left.fill_between(
    before.recall, before.precision, step="pre", color=orange, alpha=0.25
)
left.fill_between(after.recall, after.precision, step="pre", color="white")
left.fill_between(
    after.recall, after.precision, step="pre", color=blue, alpha=0.12
)
left.text(
    0.16,
    0.25,
    f"GAP {gap[1]:.2f}\nrescaled",
    fontsize=12,
    ha="center",
    va="center",
)
left.text(0.4, 0.8, f"GAP {gap[0]:.2f}\nas predicted", fontsize=12)
left.set_title("One list of all videos", loc="left")

for shift, values, colour in ((-0.2, notebook, grey), (0.2, gap, blue)):
    bars = right.bar(np.arange(3) + shift, values, width=0.36, color=colour)
    right.bar_label(bars, fmt="%.2f", padding=2, color=colour, fontsize=12)
right.text(
    -0.2,
    0.02,
    "notebook's figure",
    color="white",
    rotation=90,
    va="bottom",
    ha="center",
)
right.text(
    0.2, 0.02, "GAP@20", color="white", rotation=90, va="bottom", ha="center"
)
right.set(
    xticks=np.arange(3), xticklabels=tables, ylim=(0, 1.1), yticks=[0, 0.5, 1]
)
right.set_title("Two figures of the same scores", loc="left")
for ax in (left, right):
    ax.grid(visible=False)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# So quote GAP@20 to compare with others, and the notebook's figure only to reproduce the notebook.
