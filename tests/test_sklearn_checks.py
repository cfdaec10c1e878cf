"""scikit-learn's own checks of an estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_yt8m import DeepMultiLabelClassifier

WEIGHTS_ARE_NOT_COPIES = (
    "a row of weight 2 is one row of a minibatch, two copies of it fall into two batches"
)


def expected_failures(estimator: DeepMultiLabelClassifier) -> dict[str, str]:
    return {
        "check_sample_weight_equivalence_on_dense_data": WEIGHTS_ARE_NOT_COPIES,
        "check_sample_weight_equivalence_on_sparse_data": WEIGHTS_ARE_NOT_COPIES,
    }


@parametrize_with_checks(
    [DeepMultiLabelClassifier(hidden_layer_sizes=(50,), random_state=0)],
    expected_failed_checks=expected_failures,
    xfail_strict=True,
)
def test_small_network(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [DeepMultiLabelClassifier()],
    expected_failed_checks=expected_failures,
    xfail_strict=True,
)
def test_default_parameters(estimator, check):
    check(estimator)
