"""
Quality against seconds, beside MLPClassifier
=============================================

With hundreds of labels, is it worth leaving scikit-learn's own network? This example trains
:class:`sk_yt8m.DeepMultiLabelClassifier` and :class:`sklearn.neural_network.MLPClassifier` on the
same videos, with the same layers, and draws GAP@20 of held-out videos against the seconds of
training. The same lines of code answer the question for your own data and machine.
"""

# %%
# The problem
# -----------
#
# Made-up videos with 300 labels. The held-out videos only draw the curves: no setting is chosen by
# them.

from sk_yt8m.datasets import make_videos

X, Y = make_videos(
    4000,
    n_features=100,
    n_labels=300,
    return_indicator="sparse",
    return_X_y=True,
    random_state=0,
)
X_train, Y_train, X_test, Y_test = X[:2000], Y[:2000], X[2000:], Y[2000:]

# %%
# DeepMultiLabelClassifier
# ------------------------
#
# TensorFlow starts once in a program. A first small training takes this out of the comparison; what
# it takes is printed below (next to nothing where TensorFlow runs already).
#
# With ``X_val`` and ``y_val`` the classifier scores the held-out videos after each epoch, and the
# seconds include this scoring. Two variants: the default recipe, and one without dropout, which
# suits short trainings.

import time

import numpy as np

from sk_yt8m import DeepMultiLabelClassifier

start = time.perf_counter()
DeepMultiLabelClassifier((8,), max_iter=1).fit(X_train[:100], Y_train[:100])
print(f"first small training: {time.perf_counter() - start:.1f} s")

layers = (400, 640)
shared = {"batch_size": 64, "random_state": 0}
deep_networks = {
    "Deep, defaults": DeepMultiLabelClassifier(layers, **shared),
    "Deep, no dropout": DeepMultiLabelClassifier(
        layers, dropout=0, input_dropout=0, **shared
    ),
}
curves = {}
for name, clf in deep_networks.items():
    start = time.perf_counter()
    clf.fit(X_train, Y_train, X_val=X_test, y_val=Y_test)
    until_first_step = time.perf_counter() - start - clf.epoch_times_[-1]
    curves[name] = (
        np.add(clf.epoch_times_, until_first_step),
        clf.validation_scores_,
    )
limit = 2 * curves["Deep, defaults"][0][-1]

# %%
# MLPClassifier
# -------------
#
# One call of ``partial_fit`` is one epoch. We stop the clock while we score, and end the training
# when it has had twice the time of the default recipe. Two variants: scikit-learn's defaults, and
# the batch size and learning rate of the networks above. Both get standardised features, which the
# networks above make themselves.

from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from sk_yt8m.metrics import gap_score

scaler = StandardScaler().fit(X_train)
Z_train, Z_test = scaler.transform(X_train), scaler.transform(X_test)
# With more than 256 labels in uint8, LabelBinarizer of scikit-learn 1.9 confuses columns.
Y_int = Y_train.toarray().astype(int)


def train_in_time(clf, limit):
    """Return the seconds and GAP@20 after each epoch."""
    seconds, gaps = [0.0], []
    while seconds[-1] < limit:
        start = time.perf_counter()
        clf.partial_fit(Z_train, Y_int, classes=np.arange(Y_int.shape[1]))
        seconds.append(seconds[-1] + time.perf_counter() - start)
        gaps.append(gap_score(Y_test, clf.predict_proba(Z_test)))
    return seconds[1:], gaps


mlp_networks = {
    "MLP, defaults": MLPClassifier(layers, random_state=0),
    "MLP, same steps": MLPClassifier(
        layers, learning_rate_init=0.002, **shared
    ),
}
for name, clf in mlp_networks.items():
    curves[name] = train_in_time(clf, limit)

for name, (seconds, gaps) in curves.items():
    print(
        f"{name:17} {len(gaps):3} epochs  {seconds[-1]:5.1f} s  best GAP@20 {max(gaps):.3f}"
    )

# %%
# The picture
# -----------
#
# **How to read it.** Each dot is an epoch: further left is sooner, higher is better. Take the
# seconds that you have and look which curve is highest there, or the quality that you need and look
# which curve reaches it first. Blue is this package, orange is scikit-learn; the defaults of both
# are dashed. scikit-learn has twice the time, to show where its curves are going.

import matplotlib.pyplot as plt

colors = dict(
    zip(curves, ["#0072B2", "#0072B2", "#D55E00", "#D55E00"], strict=True)
)
longest = max(seconds[-1] for seconds, _ in curves.values())
figure, ax = plt.subplots(figsize=(8.5, 5), layout="constrained")
height = 1.0
for name in sorted(curves, key=lambda name: -curves[name][1][-1]):
    seconds, gaps = curves[name]
    style = {
        "color": colors[name],
        "linestyle": "--" if "defaults" in name else "-",
    }
    ax.plot(seconds, gaps, marker="o", markersize=4, linewidth=2, **style)
    height = min(gaps[-1], height - 0.055)
    ax.plot(
        [seconds[-1], 1.05 * longest],
        [gaps[-1], height],
        color="0.75",
        linewidth=0.8,
        zorder=0,
    )
    ax.text(
        1.06 * longest,
        height,
        name,
        color=colors[name],
        weight="bold",
        va="center",
    )
ax.set(xlim=(0, 1.36 * longest), ylim=(0, 1), xlabel="seconds of training")
ax.set_ylabel("GAP@20 of held-out videos")
ax.spines[["top", "right"]].set_visible(False)
ax.grid(axis="y", color="0.92")
plt.show()

# %%
# What is equal, and what is not
# ------------------------------
#
# Equal: the videos, the layers, the activation, an optimiser of the Adam family, and the machine.
# "Same steps" also has the batch size and the learning rate of
# :class:`~sk_yt8m.DeepMultiLabelClassifier`.
#
# Different: that one normalises hidden layers, decays weights, averages them over steps, lowers its
# learning rate to zero, and starts from the frequencies of the labels. It has a planned end, and a
# curve that still rises there may ask for more epochs. MLPClassifier would go on to 200 epochs, or
# until its loss stands still, and may rise further than this picture shows.
#
# Do not read too much into a small difference at the right edge: these are made-up videos, and one
# seed. The default recipe, with its strong dropout, is made for large data and many epochs. With
# thousands of labels, wide layers, or hardware that multiplies bfloat16, the distances are others;
# with few labels and little data MLPClassifier is done before TensorFlow has started. Seconds vary
# with the machine and with what else runs on it, so compare those of one run only.
#
# All differences between the two classifiers: :ref:`mlp_classifier`.
