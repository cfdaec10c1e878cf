"""
From lists of tags to named predictions
=======================================

A table with one column of embeddings and one column of lists of tags is all that a multilabel
classifier needs. This example trains :class:`sk_yt8m.DeepMultiLabelClassifier` on such a table,
asks it for the best tags of videos that it has not seen, and saves it to a file. Start here if you
have a table of your own and want names back instead of numbers.
"""

# %%
# The table
# ---------
#
# The package brings a small sample of made-up videos: 1,152 numbers describe each one. We write its
# labels as lists of tags, the form in which most tables have them.

import pandas as pd

from sk_yt8m import DeepMultiLabelClassifier, SparseIndicator, load
from sk_yt8m.datasets import load_sample, load_vocabulary, sample_path

names = load_vocabulary(sample_path() / "vocabulary.csv")["name"]


def as_table(split):
    X, Y = load_sample(split=split, return_indicator="sparse", return_X_y=True)
    return pd.DataFrame(
        {"embedding": list(X), "tags": SparseIndicator(Y, names).to_tags()}
    )


videos, new_videos = as_table("train"), as_table("val")
print(f"{len(videos)} videos to train on, {len(new_videos)} new ones")
videos["tags"].head()

# %%
# Train
# -----
#
# :meth:`sk_yt8m.SparseIndicator.from_tags` turns the lists into a sparse matrix that remembers the
# names of its columns. The column of embeddings is passed to ``fit`` as it is.

Y = SparseIndicator.from_tags(videos["tags"])
clf = DeepMultiLabelClassifier(random_state=0).fit(videos["embedding"], Y)
print(
    f"{len(clf.label_names_)} tags, the first: {', '.join(clf.label_names_[:3])}"
)

# %%
# Predict names
# -------------
#
# :meth:`~sk_yt8m.DeepMultiLabelClassifier.predict_labels` gives the best tags of each video with
# their scores, as lists of pairs or as a table with one row for each tag.

best = clf.predict_labels(new_videos["embedding"], k=5, as_frame=True)
true_tags = new_videos["tags"].map(set)
best["right"] = [
    tag.name in true_tags[tag.id] for tag in best.itertuples(index=False)
]
best.head()

# %%
# How often is the tag of each rank right?

share_right = best.groupby("rank")["right"].mean()
print(share_right.round(2).to_string())

# %%
# The picture
# -----------
#
# **How to read it.** Each panel is one new video. A bar is the score of one of its five best tags:
# blue and filled if the video has the tag, grey if it does not. Blue bars above the grey ones are
# what we want. The title says how many of the video's tags are among the five.
#
# The first six videos with at least three tags are shown, whether the classifier is right or not.

import matplotlib.pyplot as plt

shown = true_tags[true_tags.map(len) >= 3].index[:6]
figure, panels = plt.subplots(2, 3, figsize=(11, 5.4), layout="constrained")
for video, ax in zip(shown, panels.flat, strict=True):
    tags = best[best["id"] == video]
    colors = tags["right"].map({True: "#0072B2", False: "0.8"})
    ax.barh(tags["rank"], tags["score"], color=colors, height=0.82)
    for tag in tags.itertuples(index=False):
        inside = tag.score > 0.6
        ax.text(
            tag.score - 0.02 if inside else tag.score + 0.02,
            tag.rank,
            tag.name,
            va="center",
            ha="right" if inside else "left",
            color="white" if inside and tag.right else "black",
        )
    ax.set(xlim=(0, 1.03), ylim=(5.6, 0.4), yticks=[], xticks=[0, 0.5, 1])
    found = tags["right"].sum()
    ax.set_title(
        f"video {video}: {found} of {len(true_tags[video])} tags found",
        loc="left",
    )
    ax.spines[["top", "right", "left"]].set_visible(False)
for ax in panels[-1]:
    ax.set_xlabel("score")
figure.suptitle(
    "Five best tags:  blue = right,  grey = wrong",
    x=0.01,
    ha="left",
    weight="bold",
)
plt.show()

# %%
# Save and load
# -------------
#
# The file holds the weights and the names, and opening it runs no code. The program that loads it
# needs neither the training table nor the list of tags.

from pathlib import Path
from tempfile import TemporaryDirectory

with TemporaryDirectory() as folder:
    path = Path(folder, "videos.safetensors")
    clf.save(path)
    loaded = load(path)

for name, score in loaded.predict_labels(new_videos["embedding"][:1], k=3)[0]:
    print(f"{score:.2f}  {name}")

# %%
# Tags of other data are brought to the same columns by giving the names of the first:
# ``SparseIndicator.from_tags(tags, loaded.label_names_, unknown="ignore")``. Then ``loaded.score``
# computes GAP@20, as :func:`sk_yt8m.metrics.gap_score` does.

Y_new = SparseIndicator.from_tags(
    new_videos["tags"], loaded.label_names_, unknown="ignore"
)
print(
    f"GAP@20 of the new videos: {loaded.score(new_videos['embedding'], Y_new):.3f}"
)

# %%
# All other forms of ``X`` and ``y``: :ref:`targets`. Other kinds of files: :ref:`saving`.
