"""
Choose thresholds
=================

A classifier gives a probability for every label. Most applications want a list of labels instead,
and so need a threshold: predict a label if its probability is at least that high. This example
chooses thresholds with :func:`sk_yt8m.metrics.choose_thresholds`, for three aims: the highest F1
of all predictions, the highest F1 of each label, and a precision that you ask for. You need it
when 0.5 finds too few labels, or when too many of the predicted labels are wrong.
"""

# %%
# Three sets of rows
# ------------------
#
# The network learns from the first set, the thresholds come from the second, and both are judged
# on the third. A threshold looks better than it is on the rows that it was chosen on.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import make_videos
from sk_yt8m.metrics import choose_thresholds

X, Y = make_videos(
    6000,
    n_features=288,
    n_labels=120,
    noise=0.9,
    return_X_y=True,
    random_state=0,
)
X_train, X_rest, Y_train, Y_rest = train_test_split(
    X, Y, train_size=3000, random_state=0
)
X_val, X_test, Y_val, Y_test = train_test_split(
    X_rest, Y_rest, train_size=0.5, random_state=0
)

clf = DeepMultiLabelClassifier((200,), max_iter=10, random_state=0)
clf.fit(X_train, Y_train)
scores_val = clf.predict_proba(X_val)
scores_test = clf.predict_proba(X_test)

# %%
# Three aims
# ----------
#
# With ``per_label=True`` there is a threshold for every label. A label with fewer than 10 true
# validation rows (``min_positives``) keeps the common threshold, because its own would come from
# too few examples.

common = choose_thresholds(Y_val, scores_val)
per_label = choose_thresholds(Y_val, scores_val, per_label=True)
precise = choose_thresholds(
    Y_val, scores_val, objective="precision", min_precision=0.9
)

# %%
# The test rows judge them, beside the usual 0.5. *Micro* counts all pairs of a row and a label
# alike; *macro* is the mean of the labels' own F1, in which a rare label weighs as much as a
# frequent one.

rules = {
    "0.5": 0.5,
    "F1": common,
    "F1 of each label": per_label,
    "precision 0.9": precise,
}
judged = pd.DataFrame(
    columns=["precision", "recall", "micro F1", "macro F1"], dtype=float
)
for name, threshold in rules.items():
    predicted = scores_test >= threshold
    judged.loc[name] = [
        precision_score(Y_test, predicted, average="micro"),
        recall_score(Y_test, predicted, average="micro"),
        f1_score(Y_test, predicted, average="micro"),
        f1_score(Y_test, predicted, average="macro", zero_division=0),
    ]
judged.round(3)

# %%
# Thresholds of their own help some labels and hurt others, whose validation rows were few. Take
# them if they win on rows that neither trained the network nor chose the thresholds.

# %%
# Look at all thresholds
# ----------------------
#
# These are precision, recall and F1 of the test rows at every common threshold.

grid = np.linspace(0.01, 0.95, 95)
n_predicted = np.array([(scores_test >= one).sum() for one in grid])
n_right = np.array([Y_test[scores_test >= one].sum() for one in grid])
precision, recall = n_right / n_predicted, n_right / Y_test.sum()
f1 = 2 * n_right / (n_predicted + Y_test.sum())

# %%
# **How to read the picture.** Left: the threshold rises from left to right. Precision, the share
# of predicted labels that are true, rises with it; recall, the share of true labels that are
# predicted, falls; F1 is high where neither is low. The dots are the two thresholds that the
# validation rows gave: one close to the top of F1, the other close to a precision of 0.9. Right:
# each dot is a label. Filled ones have a threshold of their own; hollow ones are too rare, and lie
# on the line of the common threshold.

blue, orange, green, grey = "#0072B2", "#D55E00", "#009E73", "#666666"
fig, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.4), layout="constrained"
)

curves = {
    "precision": (precision, blue),
    "recall": (recall, orange),
    "F1": (f1, green),
}
for name, (values, colour) in curves.items():
    left.plot(grid, values, color=colour, linewidth=2.5)
    left.text(0.965, values[-1], name, color=colour, fontsize=12, va="center")
for threshold, values, colour, aim in (
    (common, f1, green, "highest F1"),
    (precise, precision, blue, "precision 0.9"),
):
    left.axvline(threshold, color=grey, linewidth=1, linestyle=":")
    left.plot(
        threshold,
        np.interp(threshold, grid, values),
        "o",
        color=colour,
        markersize=11,
    )
    left.text(
        threshold + 0.01, 0.02, f"{aim}\nfrom {threshold:.2f} on", color=grey
    )
left.set(xlabel="threshold for all labels", ylabel="on the test rows")
left.set(xlim=(0, 1.15), xticks=np.arange(0, 1.1, 0.2))
left.set_title("One threshold for all labels", loc="left")

n_true = Y_val.sum(axis=0)
own = n_true >= 10
right.axhline(common, color=grey, linewidth=1, linestyle=":", zorder=0)
right.plot(n_true[own], per_label[own], "o", color=green, alpha=0.8)
right.plot(n_true[~own], per_label[~own], "o", color=green, fillstyle="none")
right.text(1, common + 0.02, "common threshold", color=grey)
right.set(
    xlabel="true validation rows of the label", ylabel="threshold of the label"
)
right.set(
    xscale="log",
    xticks=[1, 3, 10, 30, 100, 300],
    xticklabels=[1, 3, 10, 30, 100, 300],
)
right.set_title("A threshold for each label", loc="left")
for ax in (left, right):
    ax.set_ylim(0, 1.02)
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Predict names
# -------------
#
# :meth:`~sk_yt8m.DeepMultiLabelClassifier.predict_labels` takes any of these thresholds. With
# ``k=None`` it gives all labels that reach it; a row in which none does is not in the table.

table = clf.predict_labels(
    X_test[:6], k=None, threshold=precise, as_frame=True
)
table.round(2)
