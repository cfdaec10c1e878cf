"""
GAP after each epoch of each fold
=================================

How many epochs are enough, and do the folds agree? scikit-learn's callbacks answer while the folds
are trained: they are told of every epoch of :class:`sk_yt8m.DeepMultiLabelClassifier`, and
:class:`sklearn.callback.ScoringMonitor` keeps the scores. Use this when a cross-validated score is
disappointing and you want to see whether training was too short, or too long. It needs scikit-learn
1.9.
"""

# %%
# Training rows
# -------------
#
# Set on the classifier, the monitor follows it into each fold of a cross-validation. It scores the
# rows that the network is trained on, and each fold is a run of its own.

from sklearn.callback import ScoringMonitor
from sklearn.model_selection import KFold, cross_val_score

from sk_yt8m import DeepMultiLabelClassifier, SparseIndicator
from sk_yt8m.datasets import make_videos
from sk_yt8m.metrics import gap_scorer

X, Y = make_videos(
    1500,
    n_features=100,
    n_labels=100,
    noise=1.0,
    return_indicator="sparse",
    return_X_y=True,
    random_state=0,
)
Y = SparseIndicator(Y)
folds = KFold(4)

clf = DeepMultiLabelClassifier((200,), max_iter=20, random_state=0)
monitor = ScoringMonitor(scoring=gap_scorer)
clf.set_callbacks(monitor)
held_out = cross_val_score(clf, X, Y, scoring=gap_scorer, cv=folds)

runs = monitor.get_logs(select="all")
for fold, (run, score) in enumerate(zip(runs, held_out, strict=True)):
    scores = run.data_as_pandas
    at_the_end = scores.loc[scores["task_name"] == "epoch", "score"].iloc[-1]
    print(
        f"fold {fold}: {at_the_end:.3f} on its training rows, {score:.3f} on the held-out rows"
    )

# %%
# Held-out rows
# -------------
#
# The score of the rows that are held out is what we care about. A monitor does not know them, but a
# function that scores can: it gets the classifier as it is after the epoch, and returns a dict with
# as many scores as we like. We write the folds as a loop, and train two networks in each: the
# default recipe, with dropout and a learning rate that falls to zero, and a plain one without
# either.


def monitor_of(held_out):
    def scores(clf, X_train, Y_train):
        return {
            "training rows": gap_scorer(clf, X_train, Y_train),
            "held-out rows": gap_scorer(clf, X[held_out], Y[held_out]),
        }

    return ScoringMonitor(scoring=scores)


plain = DeepMultiLabelClassifier(
    (200,),
    max_iter=20,
    dropout=0,
    input_dropout=0,
    learning_rate="constant",
    random_state=0,
)
networks = {
    "The default recipe": clf,
    "No dropout, constant learning rate": plain,
}
curves = {}
for name, network in networks.items():
    for fold, (train, held_out) in enumerate(folds.split(X)):
        monitor = monitor_of(held_out)
        network.set_callbacks(monitor).fit(X[train], Y[train])
        scores = monitor.get_logs().data_as_pandas
        epochs = scores[scores["task_name"] == "epoch"]
        curves[name, fold] = epochs[
            ["training rows", "held-out rows"]
        ].reset_index(drop=True)

# %%
# The picture
# -----------
#
# **How to read it.** Each thin line is one fold. Grey is the GAP@20 of the rows that the network is
# trained on, blue that of the rows that are held out; a dot marks the best epoch of a fold. The
# distance between grey and blue is what the network has learned by heart. Dots before the right
# edge mean that the training was longer than needed. Blue lines that are far apart mean that one
# split alone would not be a reliable test.
#
# The plain network learns its training rows sooner and better, and then stands still on the others.
# The lines of the default recipe flatten because its learning rate does: to see whether more epochs
# help, compare with a larger ``max_iter``.

import matplotlib.pyplot as plt

colors = {"training rows": "0.6", "held-out rows": "#0072B2"}
figure, panels = plt.subplots(
    1, 2, figsize=(11, 4.6), sharey=True, layout="constrained"
)
for ax, name in zip(panels, networks, strict=True):
    for fold in range(folds.n_splits):
        scores = curves[name, fold]
        scores.index += 1
        for rows, color in colors.items():
            ax.plot(scores[rows], color=color, linewidth=1.5)
        best = scores["held-out rows"].idxmax()
        ax.plot(best, scores.loc[best, "held-out rows"], "o", color="#0072B2")
    for rows, color in colors.items():
        last = [
            curves[name, fold][rows].iloc[-1] for fold in range(folds.n_splits)
        ]
        ax.text(
            20.4,
            sum(last) / len(last),
            rows.replace(" ", "\n"),
            color=color,
            va="center",
        )
    ax.set(xlim=(1, 23.5), xlabel="epoch", xticks=[1, 5, 10, 15, 20])
    ax.set_title(name, loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.92")
panels[0].set(ylabel="GAP@20", ylim=(0, 1.02))
plt.show()

# %%
# The figures of the held-out rows, as means of the folds:

import pandas as pd

held_out_curves = pd.DataFrame(
    {key: scores["held-out rows"] for key, scores in curves.items()}
)
summary = pd.DataFrame(
    {
        "best epoch": held_out_curves.idxmax(),
        "best GAP@20": held_out_curves.max(),
        "GAP@20 at the end": held_out_curves.iloc[-1],
    }
)
summary.groupby(level=0).mean().round(3)

# %%
# A callback can do more: show progress (:class:`sklearn.callback.ProgressBar`), or end a training
# when the time is up or a goal is reached. Any object with four methods is one. More about them:
# :ref:`callbacks`.
