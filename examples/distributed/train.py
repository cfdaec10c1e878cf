"""Train on the sample data in all processes that TF_CONFIG names; see launch.py."""

import argparse

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.datasets import load_sample
from sk_yt8m.distributed import multi_worker_strategy

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--checkpoints", help="folder for checkpoints")
parser.add_argument("--model", help="file for the model")
given = parser.parse_args()

# Before anything else of TensorFlow.
strategy = multi_worker_strategy(timeout=120)

X, Y = load_sample(return_X_y=True)
clf = DeepMultiLabelClassifier(
    (64,), max_iter=3, random_state=0, verbose=True, checkpoint_dir=given.checkpoints
)
with strategy.scope():
    clf.fit(X, Y)

# All processes have the same classifier; one of them writes it.
if strategy.cluster_resolver.task_id == 0 and given.model:
    clf.save(given.model)
