"""scikit-learn's own checks of an estimator."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_yt8m import (
    AveragingClassifier,
    DeepMultiLabelClassifier,
    DeepNeighborsClassifier,
    NormalizedModalitiesClassifier,
)

WEIGHTS_ARE_NOT_COPIES = (
    AssertionError,
    "fitting with `sample_weight` is not equivalent to fitting with removed or repeated data",
)
#: The exception that a check must end with; `test_why_weights_are_not_copies` has the reasons.
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": WEIGHTS_ARE_NOT_COPIES,
    "check_sample_weight_equivalence_on_sparse_data": WEIGHTS_ARE_NOT_COPIES,
}


def network(seed: int = 0) -> DeepMultiLabelClassifier:
    """Return the one network of all checks: what they compile, they share."""
    return DeepMultiLabelClassifier(hidden_layer_sizes=(20,), max_iter=30, random_state=seed)


def run(estimator, check):
    if check.func.__name__ not in EXPECTED_FAILURES:
        check(estimator)
        return
    kind, message = EXPECTED_FAILURES[check.func.__name__]
    with pytest.raises(kind, match=message):
        check(estimator)


@parametrize_with_checks([network()])
def test_small_network(estimator, check):
    run(estimator, check)


@pytest.mark.slow
@parametrize_with_checks([DeepMultiLabelClassifier()])
def test_default_parameters(estimator, check):
    run(estimator, check)


@parametrize_with_checks([DeepNeighborsClassifier(network())])
def test_neighbors(estimator, check):
    run(estimator, check)


@parametrize_with_checks(
    [
        NormalizedModalitiesClassifier(network()),
        NormalizedModalitiesClassifier(LogisticRegression()),
    ]
)
def test_normalized(estimator, check):
    run(estimator, check)


@parametrize_with_checks(
    [
        AveragingClassifier([("one", network()), ("two", network(1))], weights=[1, 2]),
        AveragingClassifier([("linear", LogisticRegression()), ("out", "drop")]),
        AveragingClassifier([("scaled", make_pipeline(StandardScaler(), LogisticRegression()))]),
        AveragingClassifier([("trees", RandomForestClassifier(9, max_depth=3, random_state=0))]),
    ]
)
def test_average(estimator, check):
    run(estimator, check)


@pytest.mark.parametrize(
    ("parameters", "equal"),
    [
        ({}, True),
        # Each copy has a mask of its own.
        ({"dropout": 0.5}, False),
        ({"input_dropout": 0.2}, False),
        # Each copy counts in the statistics of a batch, a row of weight 2 counts once.
        ({"batch_normalization": True}, False),
        # Copies fall into several batches.
        ({"batch_size": 4}, False),
    ],
    ids=str,
)
def test_why_weights_are_not_copies(parameters, equal):
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(15, 30)), rng.integers(0, 3, size=15)
    weight = rng.integers(1, 5, size=15)
    plain = {
        "dropout": 0.0,
        "input_dropout": 0.0,
        "batch_normalization": False,
        "standardize": False,
        "output_bias_init": "zeros",
        "batch_size": 1000,
    }
    clf = network().set_params(**{**plain, **parameters})
    weighted = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    copies = clf.fit(X.repeat(weight, axis=0), y.repeat(weight)).predict_proba(X)
    assert (np.abs(weighted - copies).max() < 1e-3) == equal
