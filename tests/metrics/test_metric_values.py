"""The metrics against their slow twins, the starter code's algorithm and scikit-learn."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_cases import CASES, make_data, problems, top_k_of
from scipy.sparse import csr_array
from sklearn.metrics import average_precision_score, label_ranking_average_precision_score

from sk_yt8m.metrics import (
    gap_score,
    hit_at_k_score,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    precision_at_equal_recall_rate_score,
)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_agrees_with_the_slow_twin_ties_or_not(name, data):
    case = CASES[name]
    y_true, scores = data.draw(problems())
    expected = case.twin(y_true.tolist(), scores.tolist())
    assert case.score(y_true, scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_agrees_with_the_slow_twin_when_weighted(name, data):
    case = CASES[name]
    y_true, scores = data.draw(problems())
    weights = st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.25])
    weight = data.draw(st.lists(weights, min_size=len(y_true), max_size=len(y_true)).filter(any))
    expected = case.twin(y_true.tolist(), scores.tolist(), weights=weight)
    assert case.score(y_true, scores, sample_weight=weight) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_dense_sparse_and_top_k_are_the_same(name, data):
    case = CASES[name]
    y_true, scores = data.draw(problems())
    k = min(case.k or y_true.shape[1], y_true.shape[1])
    expected = case.score(y_true, scores)
    assert case.score(csr_array(y_true), scores) == expected
    assert case.score(y_true, top_k_of(scores, k)) == expected
    assert case.score(csr_array(y_true), top_k_of(scores, k)) == expected


@settings(max_examples=100, deadline=None)
@given(problems(), st.integers(1, 15))
def test_gap_of_any_k(problem, k):
    y_true, scores = problem
    expected = reference.gap(y_true.tolist(), scores.tolist(), k=k)
    assert gap_score(y_true, scores, k=k) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(problems(), st.data())
def test_gap_feels_no_order_of_rows(problem, data):
    y_true, scores = problem
    rows = data.draw(st.permutations(range(len(y_true))))
    weight = np.arange(1, len(y_true) + 1) / 3
    assert gap_score(y_true[rows], scores[rows]) == gap_score(y_true, scores)
    shuffled = gap_score(y_true[rows], scores[rows], sample_weight=weight[rows])
    assert shuffled == gap_score(y_true, scores, sample_weight=weight)


@settings(max_examples=60, deadline=None)
@given(problems(), st.data())
def test_gap_feels_no_order_of_labels_where_no_tie_is_cut(problem, data):
    y_true, scores = problem
    columns = data.draw(st.permutations(range(y_true.shape[1])))
    k = y_true.shape[1]
    assert gap_score(y_true[:, columns], scores[:, columns], k=k) == gap_score(y_true, scores, k=k)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 20, 50])
def test_agrees_with_the_starter_code_on_data_without_ties(seed, k):
    y_true, scores = make_data(seed=seed)
    lists = y_true.tolist(), scores.tolist()
    assert gap_score(y_true, scores, k=k) == pytest.approx(
        reference.starter_code_gap(*lists, k=k), abs=1e-12
    )
    assert mean_average_precision_score(y_true, scores, top_k=k) == pytest.approx(
        reference.starter_code_map(*lists, k=k), abs=1e-12
    )


@pytest.mark.parametrize("ties", [False, True])
def test_agrees_with_scikit_learn_where_definitions_meet(ties):
    y_true, scores = make_data(ties=ties)
    y_true[1] = 1  # a positive in every label, so that the macro average is defined
    micro = average_precision_score(y_true, scores, average="micro")
    assert gap_score(y_true, scores, k=y_true.shape[1]) == pytest.approx(micro, abs=1e-12)
    macro = average_precision_score(y_true, scores, average="macro")
    assert mean_average_precision_score(y_true, scores) == pytest.approx(macro, abs=1e-12)


def test_mean_reciprocal_rank_of_single_labels_is_label_ranking_average_precision():
    y_true, scores = make_data()
    y_true[:] = 0
    y_true[np.arange(len(y_true)), np.arange(len(y_true)) % y_true.shape[1]] = 1
    expected = label_ranking_average_precision_score(y_true, scores)
    assert mean_reciprocal_rank_score(y_true, scores) == pytest.approx(expected, abs=1e-12)


def test_groups_of_the_reciprocal_rank():
    y_true, scores = make_data()
    groups = [f"val_{row % 7}" for row in range(len(y_true))]
    weights = [row % 3 for row in range(len(y_true))]
    expected = reference.mean_reciprocal_rank(y_true.tolist(), scores.tolist(), groups, weights)
    actual = mean_reciprocal_rank_score(y_true, scores, groups=groups, sample_weight=weights)
    assert actual == pytest.approx(expected, abs=1e-12)
    assert actual != pytest.approx(mean_reciprocal_rank_score(y_true, scores), abs=1e-6)


def test_no_positive_at_all():
    y_true, scores = np.zeros((3, 4), dtype=bool), np.eye(3, 4, dtype=np.float32)
    assert gap_score(y_true, scores) == 0.0
    assert gap_score(y_true, scores, sample_weight=[1, 2, 3]) == 0.0
    assert hit_at_k_score(y_true, scores, k=4) == 0.0
    assert precision_at_equal_recall_rate_score(y_true, scores) == 0.0
    assert mean_average_precision_score(y_true, scores) == 0.0
    assert mean_average_precision_score(y_true, scores, absent_labels="zero") == 0.0
    assert mean_reciprocal_rank_score(y_true, scores) == 0.0


def test_a_sample_without_labels_adds_its_misses_to_the_pool():
    assert gap_score([[1, 0], [0, 0]], [[0.5, 0.1], [0.9, 0.8]], k=1) == 0.5


def test_the_sign_of_a_score_means_nothing():
    y_true, scores = make_data()
    for case in CASES.values():
        assert case.score(y_true, scores - 7) == case.score(y_true, scores * 4 + 3)
