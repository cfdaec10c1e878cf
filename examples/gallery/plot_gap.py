"""
What GAP is
===========

Global average precision is the headline figure of YouTube-8M. It pools the best labels of all
videos in one list and asks whether the most confident ones are right. This example builds the list
by hand for four videos, compares the result with :func:`sk_yt8m.metrics.gap_score`, and shows why
the scores of different videos must be comparable. Read it before you compare two models by GAP.
"""

# %%
# Four videos
# -----------
#
# Each video has scores for three labels, and we take the two best of each (``k=2``; the usual
# GAP@20 takes 20).

import numpy as np

labels = ["Cat", "Dog", "Car"]
y_true = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1], [1, 0, 0]])
y_score = np.array(
    [[0.9, 0.3, 0.1], [0.6, 0.8, 0.2], [0.7, 0.1, 0.5], [0.40, 0.45, 0.3]]
)

# %%
# The pool: one line for each of the best labels, all videos in one list, highest score first.

import pandas as pd

pool = pd.DataFrame(
    [
        {
            "score": y_score[video, i],
            "video": video,
            "label": labels[i],
            "true": y_true[video, i],
        }
        for video in range(4)
        for i in np.argsort(-y_score[video])[:2]
    ]
)
pool = pool.sort_values("score", ascending=False, ignore_index=True)
pool["precision"] = pool["true"].cumsum() / np.arange(1, len(pool) + 1)
pool["recall"] = pool["true"].cumsum() / y_true.sum()
pool.round(2)

# %%
# The precision of a line is the share of true labels down to this line. GAP is the sum of the
# precisions of the true lines, divided by the number of all true labels, those that were not among
# the best of their video included.

from sk_yt8m.metrics import gap_score

by_hand = pool.loc[pool["true"] == 1, "precision"].sum() / y_true.sum()
print(f"by hand    {by_hand:.4f}")
print(f"gap_score  {gap_score(y_true, y_score, k=2):.4f}")

# %%
# **How to read the picture.** On the left is the pool, best score at the top: blue lines are true,
# grey ones are not. On the right each blue line has become a bar. All bars have the same width, one
# true label of the five, and the height is the precision at that line. The blue area is GAP. Grey
# lines have no bar of their own, but every grey line lowers the bars of the blue lines below it.
# The last place stays empty: *Car* was the third label of video 1 and is not in the pool.

import matplotlib.pyplot as plt

blue, grey = "#0072B2", "0.55"
figure, (left, right) = plt.subplots(
    1, 2, figsize=(11, 4.6), layout="constrained"
)

for place, line in enumerate(pool.itertuples()):
    color = blue if line.true else grey
    left.hlines(place, 0, line.score, color=color, linewidth=9)
    left.text(
        -0.03,
        place,
        f"{line.label}, video {line.video}",
        color=color,
        ha="right",
        va="center",
    )
    left.text(
        line.score + 0.03, place, f"{line.score:.2f}", color=color, va="center"
    )
left.set(
    xlim=(0, 1.05),
    ylim=(7.6, -0.6),
    yticks=[],
    xticks=[0, 0.5, 1],
    xlabel="score",
)
left.set_title("The pool, sorted by score", loc="left")

hits = pool[pool["true"] == 1]
width = 1 / y_true.sum()
right.bar(
    hits["recall"] - width,
    hits["precision"],
    width,
    align="edge",
    color=blue,
    edgecolor="w",
)
for hit in hits.itertuples():
    middle = hit.recall - width / 2
    right.text(
        middle,
        hit.precision - 0.04,
        f"{hit.precision:.2f}",
        color="w",
        ha="center",
        va="top",
    )
    right.text(
        middle,
        0.04,
        f"{hit.label},\nvideo {hit.video}",
        color="w",
        ha="center",
    )
right.text(
    0.9, 0.04, "Car,\nvideo 1:\nnot in\nthe pool", color=grey, ha="center"
)
right.set(xlim=(0, 1), ylim=(0, 1.05), xlabel="recall", ylabel="precision")
right.set_title(f"The area is GAP: {by_hand:.3f}", loc="left")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
left.spines["left"].set_visible(False)
plt.show()

# %%
# A classifier, and scores that cannot be compared
# ------------------------------------------------
#
# Now many videos and the scores of a network. The second set of scores is the first one with each
# row divided by its maximum, as somebody might do to make every video's best label "certain". The
# order of the labels in each video stays the same. The order of the pool does not: a video that the
# network is sure of now stands beside one for which it only guesses.

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import make_videos
from sk_yt8m.metrics import PooledPrecisionRecallDisplay, hit_at_k_score

X, Y = make_videos(
    3000,
    n_features=100,
    n_labels=200,
    noise=1.0,
    return_indicator="sparse",
    return_X_y=True,
    random_state=0,
)
clf = DeepMultiLabelClassifier((200,), random_state=0).fit(X[:2000], Y[:2000])
scores = clf.predict_proba(X[2000:])
Y_test = Y[2000:]
per_video = scores / scores.max(axis=1, keepdims=True)
log_odds = np.log(scores) - np.log1p(-scores)

for name, values in [
    ("scores", scores),
    ("divided per video", per_video),
    ("log-odds", log_odds),
]:
    gap, hit = gap_score(Y_test, values), hit_at_k_score(Y_test, values, k=1)
    print(f"{name:18} GAP@20 {gap:.3f}   Hit@1 {hit:.3f}")

# %%
# Hit@1 looks at each video alone and is the same for all three. GAP falls for the scores that were
# divided per video. The log-odds change all numbers by one increasing function, so the pool keeps
# its order and GAP its value: scores need not be probabilities, but they must mean the same in
# every video. A softmax or a rescaling per video breaks this; one function for all does not.
#
# **How to read the picture.** :class:`sk_yt8m.metrics.PooledPrecisionRecallDisplay` walks down the
# pool from left to right, and the area under a curve is its GAP@20. The blue curve begins with the
# labels that the network is surest of. The orange one begins flat: after the division the best
# label of every video has the score 1, so all of them enter at once, and the precision there is
# Hit@1. Both curves end at the same recall, because both pools hold the same labels in another
# order.

orange = "#D55E00"
figure, ax = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
for name, values, color in [
    ("scores", scores, blue),
    ("divided per video", per_video, orange),
]:
    curve = PooledPrecisionRecallDisplay.from_predictions(
        Y_test, values, ax=ax, color=color, linewidth=2.5
    )
    if color == blue:
        ax.fill_between(
            curve.recall, curve.precision, color=blue, alpha=0.12, linewidth=0
        )
    at = np.searchsorted(curve.recall, 0.45)
    ax.annotate(
        f"{name}\nGAP@20 {curve.gap:.3f}",
        (curve.recall[at], curve.precision[at]),
        xytext=(8, 6) if color == blue else (-8, -10),
        textcoords="offset points",
        color=color,
        weight="bold",
        ha="left" if color == blue else "right",
        va="bottom" if color == blue else "top",
    )
ax.get_legend().remove()
ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# The other metrics, and which question each answers: :ref:`metrics`.
