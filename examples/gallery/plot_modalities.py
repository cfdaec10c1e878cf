"""
Which labels are seen, which are heard?
=======================================

The features of a video are a block of columns for the picture and one for the sound. This example
measures how much a network needs each block for each label: it shuffles the rows of one block and
looks how far the average precision falls. The method works for any groups of columns. Take it when
the importance of single columns says nothing, because there are hundreds of them that repeat each
other.
"""

# %%
# Videos with known answers
# -------------------------
#
# To show that the measure finds the truth, the data must have one. Here some labels change only
# the picture, some only the sound, and some both; the two numbers of a label say how clearly. (In
# YouTube-8M, and in :func:`sk_yt8m.datasets.load_sample`, the picture is in the first 1,024
# columns and the sound in the last 128.)

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.metrics import average_precision_per_label

clearness = pd.DataFrame(
    {
        "beach": (4.2, 0), "snow": (2.8, 0), "painting": (2.3, 0), "fashion": (1.8, 0),
        "guitar": (0, 4.2), "thunder": (0, 2.8), "speech": (0, 2.3), "radio": (0, 1.8),
        "concert": (2.5, 3.3), "fireworks": (3.2, 2.5), "football": (2.8, 2.8), "dog": (1.9, 1.9),
        "cooking": (2.7, 1.3), "train": (1.3, 2.8),
    },
    index=["picture", "sound"],
).T  # fmt: skip
names = clearness.index

rng = np.random.default_rng(0)
Y = pd.DataFrame(rng.random((6000, len(names))) < 0.1, columns=names).astype(
    int
)


def make_block(shift, n_columns):
    """Return noise in which each label shifts its videos in a direction of its own."""
    directions = np.linalg.qr(rng.normal(size=(n_columns, len(names))))[0].T
    noise = rng.normal(size=(len(Y), n_columns))
    return Y.to_numpy() * shift.to_numpy() @ directions + noise


picture, sound = (
    make_block(clearness["picture"], 128),
    make_block(clearness["sound"], 32),
)
X = np.hstack([picture, sound]).astype(np.float32)
blocks = {"picture": slice(0, 128), "sound": slice(128, 160)}

# %%
# Shuffle a block
# ---------------
#
# The network is trained once, on both blocks and half of the videos. In the other half every video
# then gets the picture of another one and keeps its sound, and after that the reverse. All columns
# of a block move together, so that a picture stays a picture. The fall of the average precision of
# each label (:func:`sk_yt8m.metrics.average_precision_per_label`) is the mean of five shuffles.

X_train, X_test, Y_train, Y_test = train_test_split(
    X, Y, train_size=0.5, random_state=0
)
clf = DeepMultiLabelClassifier((200,), max_iter=10, random_state=0).fit(
    X_train, Y_train
)
intact = average_precision_per_label(Y_test, clf.predict_proba(X_test))

fall = pd.DataFrame(0.0, index=names, columns=list(blocks))
n_repeats = 5
for name, columns in blocks.items():
    for _ in range(n_repeats):
        shuffled = X_test.copy()
        shuffled[:, columns] = rng.permutation(X_test[:, columns])
        precision = average_precision_per_label(
            Y_test, clf.predict_proba(shuffled)
        )
        fall[name] += (intact - precision) / n_repeats
fall.assign(intact=intact).round(2)

# %%
# Look at all labels
# ------------------
#
# **How to read the picture.** A dot is a label. The further right, the more the network loses
# without the picture; the further up, the more without the sound. So labels along the lower edge
# are seen, labels along the left edge are heard, and those in the middle need both. The colours
# say how the data were made, which the measure does not know.

blue, orange, green = "#0072B2", "#D55E00", "#009E73"
fig, ax = plt.subplots(figsize=(7, 6), layout="constrained")
for name, (x, y) in fall.iterrows():
    is_seen, is_heard = clearness.loc[name] > 0
    colour = green if is_seen and is_heard else blue if is_seen else orange
    ax.plot(x, y, "o", color=colour, markersize=10)
    ax.annotate(
        name,
        (x, y),
        xytext=(6, 6),
        textcoords="offset points",
        color=colour,
        fontsize=11,
    )
ax.text(0.42, 0.08, "only seen", color=blue, fontsize=14, fontweight="bold")
ax.text(0.07, 0.49, "only heard", color=orange, fontsize=14, fontweight="bold")
ax.text(0.6, 0.55, "both", color=green, fontsize=14, fontweight="bold")
ax.axhline(0, color="#cccccc", zorder=0)
ax.axvline(0, color="#cccccc", zorder=0)
ax.set(xlim=(-0.05, 1), ylim=(-0.05, 1))
ax.set_xlabel("fall of average precision with shuffled pictures")
ax.set_ylabel("fall of average precision with shuffled sounds")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# A small fall does not prove that a block knows nothing of a label. Where picture and sound show
# the same, the network can do without either of them, and both falls are small. To learn what a
# block knows by itself, train a second network on it alone.
