"""A small problem and classifier, the same in all processes."""

import numpy as np

from sk_yt8m import DeepMultiLabelClassifier

N_ROWS = 241


def rows():
    """Return features, indicator and weights of some rows."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 20)).astype(np.float32)
    Y = (X @ rng.normal(size=(20, 7)) > 1.5).astype(np.uint8)
    return X, Y, rng.uniform(0.5, 2.0, N_ROWS)


def learner(**parameters):
    """Return a classifier of few units, with 7 batches of 35 rows, which no replicas divide."""
    given = {
        "hidden_layer_sizes": (16, 12),
        "max_iter": 4,
        "batch_size": 40,
        "random_state": 0,
        "precision": "float32",
    }
    return DeepMultiLabelClassifier(**(given | parameters))


def differences(weights, others):
    """Return two relative differences of weights: of all together, and the largest of one weight.

    The first is a ratio of norms. The second is relative to the largest weight of the same array,
    and can be larger: where a gradient is nothing but rounding, Adam's step has the usual length.
    """
    assert weights.keys() == others.keys()
    changes = {name: weights[name] - others[name] for name in weights}
    squares = [sum(np.sum(np.square(one)) for one in all_.values()) for all_ in (changes, others)]
    largest = max(
        np.abs(change).max() / max(np.abs(others[name]).max(), 1e-3)
        for name, change in changes.items()
    )
    return float(np.sqrt(squares[0] / squares[1])), float(largest)
