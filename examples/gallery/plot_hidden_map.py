"""
A map of what the network has learned
=====================================

The last hidden layer of a trained network describes every video anew, in a way that suits the
labels. This example draws a map of that description beside a map of the features themselves. Use
it to see which labels the network keeps apart and which it mixes up, and as a first look before
you search for similar videos (:class:`sk_yt8m.DeepNeighborsClassifier` does, by these
activations).
"""

# %%
# Features and hidden activations
# -------------------------------
#
# The videos are made up, and the features say more than the labels do: twelve things such as light
# and volume change all of them and have nothing to do with any label. The network learns from most
# of the videos; the maps are of the others, which it has not seen.
#
# :meth:`~sk_yt8m.DeepMultiLabelClassifier.hidden_activations` returns a row for each video and a
# column for each unit of the last hidden layer.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_vocabulary, make_videos, sample_path

X, Y = make_videos(
    5000,
    n_features=288,
    n_labels=60,
    n_topics=60,
    mean_labels=1.3,
    noise=1,
    return_X_y=True,
    random_state=0,
)
rng = np.random.default_rng(0)
circumstances = rng.normal(size=(len(X), 12)) @ rng.normal(
    size=(12, X.shape[1])
)
X = X + X.std() * circumstances / circumstances.std()
names = load_vocabulary(sample_path() / "vocabulary.csv")["name"].tolist()[
    ::15
]

X_train, X_map, Y_train, Y_map = train_test_split(
    X, Y, test_size=700, random_state=0
)
clf = DeepMultiLabelClassifier((200,), max_iter=10, random_state=0).fit(
    X_train, Y_train
)

descriptions = {
    "features": StandardScaler().fit(X_train).transform(X_map),
    "hidden activations": clf.hidden_activations(X_map),
}

# %%
# Do neighbours share labels?
# ---------------------------
#
# A figure first, because a map in two dimensions can deceive: the share of videos that have a
# label in common with their nearest neighbour.

for title, rows in descriptions.items():
    neighbour = (
        NearestNeighbors(n_neighbors=1)
        .fit(rows)
        .kneighbors(return_distance=False)[:, 0]
    )
    shared = (Y_map & Y_map[neighbour]).any(axis=1).mean()
    print(
        f"{title:20}{rows.shape[1]} columns, {shared:.0%} share a label with their neighbour"
    )

# %%
# Draw both maps
# --------------
#
# t-SNE places videos close to each other that are close in the original space.
#
# **How to read the picture.** A dot is a video. The six most frequent labels have colours, and
# their names are written where most of their videos are; grey dots have other labels. On the left
# the colours are mixed: videos are close that were made in similar circumstances. On the right
# each colour has a place of its own, so the network has learned what the labels are and to ignore
# the rest. Where two coloured groups touch, the network is likely to mix up their labels. The axes
# have no meaning, nor have distances between groups that are far apart.

colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#333333"]
frequent = np.argsort(Y_map.sum(axis=0))[::-1][: len(colours)]

fig, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
for ax, (title, rows) in zip(axes, descriptions.items(), strict=True):
    small = PCA(n_components=30, random_state=0).fit_transform(rows)
    places = TSNE(method="exact", max_iter=500, random_state=0).fit_transform(
        small
    )
    ax.plot(*places.T, "o", color="#d9d9d9", markersize=4)
    for label, colour in zip(frequent, colours, strict=True):
        own = places[Y_map[:, label] == 1]
        ax.plot(*own.T, "o", color=colour, markersize=5)
        if title == "hidden activations":
            x, y = np.median(own, axis=0)
            text = ax.text(
                x,
                y,
                names[label],
                size=13,
                weight="bold",
                ha="center",
                va="center",
            )
            text.set(
                color=colour,
                path_effects=[withStroke(linewidth=4, foreground="white")],
            )
    ax.margins(0.12)
    ax.set_title(title, loc="left", fontsize=14)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_color("#cccccc")
plt.show()
