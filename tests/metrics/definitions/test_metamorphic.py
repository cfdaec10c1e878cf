"""Changes of the input that must change nothing, or change it in a known way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_cases import CASES, problems

from sk_yt8m.metrics import average_precision_per_label, label_propensities

every_metric = pytest.mark.parametrize("name", CASES)


@st.composite
def without_ties(draw):
    """Draw true labels and scores in which no score comes twice."""
    y_true, _ = draw(problems())
    order = draw(st.permutations(range(y_true.size)))
    return y_true, np.reshape(order, y_true.shape) / y_true.size - 0.4


@every_metric
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_order_of_rows_changes_no_bit(name, data):
    y_true, scores = data.draw(problems())
    rows = data.draw(st.permutations(range(len(y_true))))
    weight = data.draw(st.sampled_from([None, np.resize([0.1, 0.7, 3.3], len(y_true))]))
    shuffled = None if weight is None else weight[rows]
    value = CASES[name].score(y_true, scores, sample_weight=weight)
    assert CASES[name].score(y_true[rows], scores[rows], sample_weight=shuffled) == value


@every_metric
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_order_of_labels_changes_nothing(name, data):
    y_true, scores = data.draw(without_ties())
    columns = data.draw(st.permutations(range(y_true.shape[1])))
    value = CASES[name].score(y_true[:, columns], scores[:, columns])
    assert value == pytest.approx(CASES[name].score(y_true, scores), abs=1e-12)


@every_metric
@settings(max_examples=40, deadline=None)
@given(data=st.data(), scale=st.sampled_from([1e-3, 1.0, 64.0]), shift=st.integers(-50, 50))
def test_increasing_functions_of_the_scores_change_no_bit(name, data, scale, shift):
    y_true, scores = data.draw(without_ties())
    value = CASES[name].score(y_true, scores)
    assert CASES[name].score(y_true, np.arctan(scores)) == value
    assert CASES[name].score(y_true, scale * scores + shift) == value


@every_metric
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_repeated_rows_are_weights(name, data):
    y_true, scores = data.draw(problems())
    counts = st.lists(st.integers(0, 3), min_size=len(y_true), max_size=len(y_true))
    times = data.draw(counts.filter(any))
    rows = np.repeat(np.arange(len(y_true)), times)
    weighted = CASES[name].score(y_true, scores, sample_weight=times)
    assert weighted == pytest.approx(CASES[name].score(y_true[rows], scores[rows]), abs=1e-12)


@every_metric
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_values_lie_between_0_and_1(name, data):
    y_true, scores = data.draw(problems())
    assert 0 <= CASES[name].score(y_true, scores) <= 1


OF_SAMPLES = [name for name in CASES if not name.startswith(("gap", "map", "ps"))]


@pytest.mark.parametrize("name", OF_SAMPLES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_true_label_raised_to_the_top_never_lowers_a_mean_of_samples(name, data):
    y_true, scores = data.draw(without_ties())
    y_true[0, 0] = 1
    rows, labels = np.nonzero(y_true)
    at = data.draw(st.integers(0, len(rows) - 1))
    raised = scores.copy()
    raised[rows[at], labels[at]] = 10
    assert CASES[name].score(y_true, raised) >= CASES[name].score(y_true, scores) - 1e-12


@settings(max_examples=60, deadline=None)
@given(problems(), st.data())
def test_average_precision_of_a_label_is_its_own_affair(problem, data):
    y_true, scores = problem
    columns = data.draw(st.permutations(range(y_true.shape[1])))
    whole = average_precision_per_label(y_true, scores)
    np.testing.assert_array_equal(
        average_precision_per_label(y_true[:, columns], scores[:, columns]), whole[columns]
    )
    np.testing.assert_array_equal(
        average_precision_per_label(y_true[:, :1], scores[:, :1]), whole[:1]
    )


@settings(max_examples=60, deadline=None)
@given(problems())
def test_propensities_rise_with_frequency(problem):
    y_true, _ = problem
    order = np.argsort(y_true.sum(axis=0), kind="stable")
    propensities = label_propensities(y_true)[order]
    assert (np.diff(propensities) >= 0).all()
    assert (propensities > 0).all()
    assert (propensities <= 1).all()
