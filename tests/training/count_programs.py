"""Prints how many programs XLA has compiled after each of several calls.

Run as ``count_programs.py fit`` or ``partial_fit``, with XLA's programs written to the folder that
the environment names.
"""

import os
import re
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import scipy.sparse as sp
import tensorflow as tf

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m._training import fit, partial_fit
from sk_yt8m._training.steps.fusion import Fusion

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 6)).astype(np.float32)
# Rows with very different numbers of labels: the positives of a batch vary most.
Y = sp.csr_array((rng.random((200, 30)) < rng.random((200, 1)) ** 3).astype(np.int8))
clf = DeepMultiLabelClassifier((8,), batch_size=20, random_state=0)


def n_programs() -> int:
    folder = os.environ["XLA_FLAGS"].removeprefix("--xla_dump_to=")
    return len({re.match(r"module_\d+", path.name)[0] for path in Path(folder).glob("module_*")})


def fits():
    """Fit as on a GPU, where a step is one program."""
    clf.set_params(precision="float32")
    with (
        mock.patch.object(tf.config, "get_visible_devices", return_value=["a pretended GPU"]),
        mock.patch.object(fit, "fusion_of_fit", return_value=Fusion(units=True, updates=True)),
    ):
        for n_epochs in (1, 2, 10):
            clf.set_params(max_iter=n_epochs).fit(X, Y)
            print(n_programs())


def partial_fits():
    """Train on chunks of all lengths, the updates of the weights compiled."""
    fusion = Fusion(units=False, updates=True)
    with mock.patch.object(partial_fit, "fusion_of_partial_fit", return_value=fusion):
        for n_rows in (20, 19, 7, 100, 1):
            clf.partial_fit(X[:n_rows], Y[:n_rows])
            print(n_programs())


if __name__ == "__main__":
    {"fit": fits, "partial_fit": partial_fits}[sys.argv[1]]()
