"""The metrics against their slow twins, the starter code's algorithm and scikit-learn."""

import tracemalloc

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_cases import CASES, make_data, problems, top_k_of
from scipy.sparse import csr_array
from sklearn.metrics import (
    average_precision_score,
    coverage_error,
    label_ranking_average_precision_score,
    ndcg_score,
    top_k_accuracy_score,
)

from sk_yt8m.metrics import (
    average_precision_per_label,
    gap_score,
    hit_at_k_score,
    label_propensities,
    label_reciprocal_rank_score,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    ndcg_at_k_score,
    precision_at_equal_recall_rate_score,
    precision_at_k_score,
    psndcg_at_k_score,
    psp_at_k_score,
    recall_at_k_score,
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
    assert mean_average_precision_score(y_true, scores, k=k) == pytest.approx(
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


def test_reciprocal_ranks_of_single_labels_are_label_ranking_average_precision():
    y_true, scores = make_data()
    y_true[:] = 0
    y_true[np.arange(len(y_true)), np.arange(len(y_true)) % y_true.shape[1]] = 1
    expected = label_ranking_average_precision_score(y_true, scores)
    assert label_reciprocal_rank_score(y_true, scores) == pytest.approx(expected, abs=1e-12)
    assert mean_reciprocal_rank_score(y_true, scores) == pytest.approx(expected, abs=1e-12)


def test_groups_of_the_reciprocal_rank():
    y_true, scores = make_data()
    groups = [f"val_{row % 7}" for row in range(len(y_true))]
    weights = [row % 3 for row in range(len(y_true))]
    expected = reference.label_reciprocal_rank(y_true.tolist(), scores.tolist(), groups, weights)
    actual = label_reciprocal_rank_score(y_true, scores, groups=groups, sample_weight=weights)
    assert actual == pytest.approx(expected, abs=1e-12)
    assert actual != pytest.approx(label_reciprocal_rank_score(y_true, scores), abs=1e-6)


def test_no_positive_at_all():
    y_true, scores = np.zeros((3, 4), dtype=bool), np.eye(3, 4, dtype=np.float32)
    assert gap_score(y_true, scores) == 0.0
    assert gap_score(y_true, scores, sample_weight=[1, 2, 3]) == 0.0
    assert hit_at_k_score(y_true, scores, k=4) == 0.0
    assert precision_at_equal_recall_rate_score(y_true, scores) == 0.0
    assert mean_average_precision_score(y_true, scores) == 0.0
    assert mean_average_precision_score(y_true, scores, absent_labels="zero") == 0.0
    assert mean_reciprocal_rank_score(y_true, scores) == 0.0
    assert label_reciprocal_rank_score(y_true, scores) == 0.0


def test_a_sample_without_labels_adds_its_misses_to_the_pool():
    assert gap_score([[1, 0], [0, 0]], [[0.5, 0.1], [0.9, 0.8]], k=1) == 0.5


def test_the_sign_of_a_score_means_nothing():
    y_true, scores = make_data()
    for case in CASES.values():
        assert case.score(y_true, scores - 7) == case.score(y_true, scores * 4 + 3)


def test_ndcg_is_that_of_scikit_learn_without_ties():
    y_true, scores = make_data()
    for k in (1, 5, 30):
        expected = ndcg_score(y_true, scores, k=k)
        assert ndcg_at_k_score(y_true, scores, k=k) == pytest.approx(expected, abs=1e-12)
    weight = np.arange(len(y_true))
    expected = ndcg_score(y_true, scores, k=5, sample_weight=weight)
    actual = ndcg_at_k_score(y_true, scores, k=5, sample_weight=weight)
    assert actual == pytest.approx(expected, abs=1e-12)


def test_hits_and_recall_of_single_labels_are_top_k_accuracy():
    _, scores = make_data()
    label = np.arange(len(scores)) % scores.shape[1]
    y_true = np.eye(scores.shape[1], dtype=int)[label]
    for k in (1, 4):
        expected = top_k_accuracy_score(label, scores, k=k, labels=np.arange(scores.shape[1]))
        assert hit_at_k_score(y_true, scores, k=k) == pytest.approx(expected)
        assert recall_at_k_score(y_true, scores, k=k) == pytest.approx(expected)
        assert precision_at_k_score(y_true, scores, k=k) == pytest.approx(expected / k)


def test_all_true_labels_are_found_at_the_coverage():
    y_true, scores = make_data()
    for truth, row in zip(y_true[1:9, None], scores[1:9, None], strict=True):
        if truth.any():
            coverage = int(coverage_error(truth, row))
            assert recall_at_k_score(truth, row, k=coverage) == 1.0
            if coverage > 1:
                assert recall_at_k_score(truth, row, k=coverage - 1) < 1.0


def test_average_precision_per_label_is_that_of_scikit_learn():
    y_true, scores = make_data(ties=True)
    y_true[1] = 1
    y_true[:, 3] = 0
    actual = average_precision_per_label(csr_array(y_true), scores)
    assert np.flatnonzero(np.isnan(actual)).tolist() == [3]
    present = np.arange(30) != 3
    expected = average_precision_score(y_true[:, present], scores[:, present], average=None)
    np.testing.assert_allclose(actual[present], expected, atol=1e-12)
    assert mean_average_precision_score(y_true, scores) == pytest.approx(np.nanmean(actual))


def test_weighted_gap_is_weighted_average_precision_of_scikit_learn():
    y_true, scores = make_data(ties=True)
    weight = np.random.default_rng(0).random(len(y_true))
    for dtype in (np.float32, np.float64):
        expected = average_precision_score(
            y_true.ravel(), scores.ravel(), sample_weight=np.repeat(weight, 30)
        )
        actual = gap_score(y_true, scores.astype(dtype), k=30, sample_weight=weight)
        assert actual == pytest.approx(expected, abs=1e-12)


def test_scores_of_all_signs_and_infinities_in_the_weighted_list():
    scores = np.array([[np.inf, 1.0, 0.0, -0.0, -1.0, -np.inf]])
    y_true = np.array([[0, 1, 1, 0, 0, 1]])
    # Thresholds inf, 1, 0 (a hit and a miss), -1, -inf: precision 1/2, 2/4 and 3/6.
    for dtype in (np.float16, np.float32, np.float64):
        assert gap_score(y_true, scores.astype(dtype), sample_weight=[0.3]) == pytest.approx(0.5)


def test_propensities_against_the_twin_and_their_parameters():
    y_true, _ = make_data()
    weights = [row % 3 for row in range(40)]
    np.testing.assert_allclose(label_propensities(y_true), reference.propensities(y_true.tolist()))
    np.testing.assert_allclose(
        label_propensities(csr_array(y_true), a=0.6, b=2.6, sample_weight=weights),
        reference.propensities(y_true.tolist(), 0.6, 2.6, weights),
    )


def test_propensities_of_1_are_a_precision_of_all_that_is_possible():
    y_true, scores = make_data()
    ones = np.ones(30)
    possible = np.minimum(y_true.sum(axis=1), 5).sum()
    found = 40 * 5 * precision_at_k_score(y_true, scores, k=5)
    actual = psp_at_k_score(y_true, scores, k=5, propensities=ones)
    assert actual == pytest.approx(found / possible)


def test_one_rare_hit_is_worth_more():
    y_true = np.array([[1, 1]])
    propensities = [0.8, 0.2]
    assert psp_at_k_score(y_true, [[0.9, 0.1]], k=1, propensities=propensities) == 0.25
    assert psp_at_k_score(y_true, [[0.1, 0.9]], k=1, propensities=propensities) == 1.0
    log2_3 = np.log2(3)
    actual = psndcg_at_k_score(y_true, [[0.9, 0.1]], k=2, propensities=propensities)
    assert actual == pytest.approx((1.25 + 5 / log2_3) / (5 + 1.25 / log2_3))


@pytest.mark.parametrize("metric", [psp_at_k_score, psndcg_at_k_score])
@pytest.mark.parametrize(
    ("propensities", "message"),
    [
        (None, "must be given for psp and psndcg: those of the training set"),
        (np.ones(29), r"must have shape \(30,\), one value for each label; got \(29,\)"),
        (np.r_[np.ones(29), 0], r"must lie in \(0, 1\]; label 29 has 0.0"),
        (np.r_[1.5, np.ones(29)], r"label 0 has 1.5"),
        (np.r_[np.ones(7), np.nan, np.ones(22)], r"label 7 has nan"),
    ],
)
def test_propensities_that_are_none(metric, propensities, message):
    y_true, scores = make_data()
    with pytest.raises(ValueError, match=message):
        metric(y_true, scores, propensities=propensities)


def test_parameters_of_propensities_that_are_negative():
    with pytest.raises(ValueError, match="b must be a finite number of at least 0, got -1"):
        label_propensities([[1, 0]], b=-1)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("mrr", "lrr")])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_no_path_makes_a_second_dense_copy(name, dtype):
    rng = np.random.default_rng(0)
    y_true = rng.random((20_000, 1200), dtype=np.float32) < 0.003
    scores = rng.random(y_true.shape, dtype=np.float32).astype(dtype)
    tracemalloc.start()
    CASES[name].score(y_true, scores)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.9 * y_true.size * 4


@pytest.mark.parametrize("name", CASES)
def test_positives_of_weight_0_alone_are_none(name):
    y_true, scores = np.array([[0, 0], [1, 0]]), np.array([[0.2, 0.1], [0.9, 0.8]])
    assert CASES[name].score(y_true, scores, sample_weight=[1, 0]) == 0.0
