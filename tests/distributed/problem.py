"""A small problem and classifier, the same in all processes."""

import numpy as np

from sk_yt8m import DeepMultiLabelClassifier

N_ROWS = 240


def rows():
    """Return features, indicator and weights of some rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 20)).astype(np.float32)
    Y = (X @ rng.normal(size=(20, 7)) > 1.5).astype(np.uint8)
    return X, Y, rng.uniform(0.5, 2.0, N_ROWS)


def learner(**parameters):
    """Return a classifier of few units, whose batches divide by 2, 3 and 4."""
    given = {
        "hidden_layer_sizes": (16, 12),
        "max_iter": 4,
        "batch_size": 48,
        "random_state": 0,
        "precision": "float32",
    }
    return DeepMultiLabelClassifier(**(given | parameters))


def largest_difference(weights, others):
    """Return the largest difference of weights, relative to the largest weight of its array."""
    assert weights.keys() == others.keys()
    return max(
        np.abs(weights[name] - others[name]).max() / max(np.abs(others[name]).max(), 1e-3)
        for name in weights
    )
