"""
A grid search with a sparse y
=============================

Two settings, three values each, three folds: a grid search tells which combination is best, and
whether the difference is larger than the spread between folds. This example runs
:class:`sklearn.model_selection.GridSearchCV` with a sparse ``y`` that is never made dense, scored
by GAP@20 and Hit@1 of one prediction. Use it when the defaults are not good enough for your data.
"""

# %%
# Data
# ----
#
# ``y`` is a scipy CSR matrix, which ``GridSearchCV`` takes as it is. Videos for a last check are
# put aside first: the search must not see them.

from sklearn.model_selection import train_test_split

from sk_yt8m.datasets import make_videos

X, Y = make_videos(
    2400,
    n_features=100,
    n_labels=150,
    noise=1.0,
    return_indicator="sparse",
    return_X_y=True,
    random_state=0,
)
X_train, X_test, Y_train, Y_test = train_test_split(
    X, Y, test_size=600, random_state=0
)
print(
    f"{Y_train.shape[1]} labels, {Y_train.nnz / Y_train.shape[0]:.1f} of them true in a mean row"
)

# %%
# Search
# ------
#
# :func:`sk_yt8m.metrics.make_multimetric_scorer` predicts once for several metrics, ``refit`` names
# the one that decides. A splitter such as ``KFold(3)`` in place of ``cv=3`` matters: for a number
# scikit-learn would inspect the values of ``y`` in a dense copy.

from sklearn.model_selection import GridSearchCV, KFold

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.metrics import make_multimetric_scorer

grid = {"dropout": [0.0, 0.25, 0.5], "learning_rate_init": [0.002, 0.01, 0.05]}
search = GridSearchCV(
    DeepMultiLabelClassifier((100,), max_iter=8, random_state=0),
    grid,
    scoring=make_multimetric_scorer(["gap@20", "hit@1"]),
    refit="gap@20",
    cv=KFold(3),
)
search.fit(X_train, Y_train)

import pandas as pd

results = pd.DataFrame(search.cv_results_)
columns = ["param_dropout", "param_learning_rate_init"]
columns += [
    f"{part}_test_{name}"
    for name in ["gap@20", "hit@1"]
    for part in ["mean", "std"]
]
results.sort_values("rank_test_gap@20")[columns].head().round(3)

# %%
# The picture
# -----------
#
# **How to read it.** Each line is one dropout rate and goes through the means of the folds; the
# small dots are the folds. The height of a group of dots is the luck of the split. The folds are
# the same rows for all settings, so a fold that is hard for one is hard for all: distances between
# lines mean more than the groups suggest, but lines that touch are equally good. The ring marks the
# best mean. If it lies at the edge of the grid, try values beyond it.

import matplotlib.pyplot as plt

colors = dict(
    zip(grid["dropout"], ["#0072B2", "#D55E00", "0.45"], strict=True)
)
folds = [f"split{fold}_test_gap@20" for fold in range(3)]
figure, ax = plt.subplots(figsize=(8, 4.8), layout="constrained")
for dropout, rows in results.groupby("param_dropout"):
    rates = rows["param_learning_rate_init"]
    ax.plot(
        rates, rows["mean_test_gap@20"], color=colors[dropout], linewidth=2.5
    )
    aside = rates * (0.96 + 0.16 * dropout)
    ax.plot(
        aside, rows[folds], "o", color=colors[dropout], markersize=5, alpha=0.7
    )
    ax.annotate(
        f"dropout {dropout}",
        (rates.iloc[0], rows["mean_test_gap@20"].iloc[0]),
        xytext=(-14, 0),
        textcoords="offset points",
        color=colors[dropout],
        weight="bold",
        ha="right",
        va="center",
    )
best = results.loc[search.best_index_]
ax.plot(
    best["param_learning_rate_init"],
    best["mean_test_gap@20"],
    "o",
    markersize=18,
    markerfacecolor="none",
    markeredgecolor="black",
)
ax.annotate(
    f"best mean: {best['mean_test_gap@20']:.3f}",
    (best["param_learning_rate_init"], best["mean_test_gap@20"]),
    xytext=(0, 42),
    textcoords="offset points",
    ha="center",
    arrowprops={"arrowstyle": "-", "color": "0.3", "shrinkB": 9},
)
ax.set_xscale("log")
ax.set_xticks(
    grid["learning_rate_init"],
    [f"{rate:g}" for rate in grid["learning_rate_init"]],
)
ax.minorticks_off()
ax.margins(y=0.2)
ax.set(
    xlim=(0.0007, 0.06),
    xlabel="learning_rate_init",
    ylabel="GAP@20 of the held-out fold",
)
ax.spines[["top", "right"]].set_visible(False)
ax.grid(axis="y", color="0.92")
plt.show()

# %%
# The last check
# --------------
#
# The score of the search is wrong in two ways. The best of nine means is a little lucky, which
# makes it too high. And each fold has trained on two thirds of the rows, which makes it too low: at
# its end the search trains the best setting again, on all of them. The videos that were put aside
# give a figure that is free of both.

from sk_yt8m.metrics import gap_scorer

print(f"best of the grid: {search.best_params_}")
print(f"GAP@20 of the folds: {search.best_score_:.3f}")
print(
    f"GAP@20 of the videos put aside: {gap_scorer(search.best_estimator_, X_test, Y_test):.3f}"
)

# %%
# ``cross_val_score``, ``cross_validate`` and ``learning_curve`` refuse a scipy sparse ``y``.
# Wrapped in a :class:`sk_yt8m.SparseIndicator`, the same matrix is accepted there, too, and is not
# made dense. A name from :func:`sk_yt8m.metrics.scorer_names` gives a scorer of one metric:

from sklearn.model_selection import cross_val_score

from sk_yt8m import SparseIndicator
from sk_yt8m.metrics import get_scorer

scores = cross_val_score(
    search.best_estimator_,
    X_train,
    SparseIndicator(Y_train),
    scoring=get_scorer("gap@20"),
    cv=KFold(3),
)
print("the folds of the best setting:", scores.round(3))

# %%
# To give validation data or weights to the networks of a search, see :ref:`routing`.
