"""The slow twins against cases worked by hand."""

import pytest
import reference

# Pool of the top 2: .9 true, .8 false, .7 true, .5 false; label 2 of row 1 is outside.
Y = [[1, 0, 0], [0, 1, 1]]
S = [[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]]


def test_gap_counts_positives_outside_the_top_k_in_its_denominator():
    assert reference.gap(Y, S, k=2) == pytest.approx((1 / 1 + 2 / 3) / 3)
    # Of all 6: .9 true, .8, .7 true, .5, .2 true, .1
    assert reference.gap(Y, S, k=20) == pytest.approx((1 / 1 + 2 / 3 + 3 / 5) / 3)


def test_gap_takes_precision_after_the_whole_group_of_equal_scores():
    # One group of a hit and a miss, whatever their order, then a hit.
    assert reference.gap([[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.1]], k=2) == pytest.approx(
        (1 * 1 / 3 + 1 * 2 / 4) / 2
    )


def test_gap_is_zero_without_positives_and_feels_videos_without_labels():
    assert reference.gap([[0, 0]], [[0.5, 0.1]]) == 0.0
    with_decoy = reference.gap([[1, 0], [0, 0]], [[0.5, 0.1], [0.9, 0.8]], k=1)
    assert with_decoy == pytest.approx(1 / 2)


def test_gap_weighs_rows():
    # Weight 2 on row 1: .9 w1 true, .8 w2 false, .7 w2 true, .5; P = 1 + 2 * 2.
    expected = (1 * 1 / 1 + 2 * 3 / 5) / 5
    assert reference.gap(Y, S, k=2, weights=[1, 2]) == pytest.approx(expected)


def test_hit_at_k():
    assert reference.hit_at_k(Y, S, k=1) == 0.5
    assert reference.hit_at_k(Y, S, k=2) == 1.0
    assert reference.hit_at_k([[0, 1]], [[0.5, 0.5]], k=1) == 0.0
    assert reference.hit_at_k([[1, 0]], [[0.5, 0.5]], k=1) == 1.0
    assert reference.hit_at_k([[0, 0]], [[0.5, 0.4]], k=2) == 0.0
    assert reference.hit_at_k(Y, S, k=1, weights=[3, 1]) == 0.75


def test_perr():
    assert reference.precision_at_equal_recall_rate(Y, S) == (1 + 1 / 2) / 2
    assert reference.precision_at_equal_recall_rate([*Y, [0, 0, 0]], [*S, S[0]]) == 1.5 / 3
    negative = [[score - 5 for score in row] for row in S]
    assert reference.precision_at_equal_recall_rate(Y, negative) == 0.75


def test_map():
    y_true, scores = [[1, 0, 0], [0, 1, 0]], [[0.3, 0.5, 0.1], [0.8, 0.7, 0.2]]
    # Label 0: .8 false, .3 true. Label 1: .7 true. Label 2 has no positive.
    assert reference.mean_average_precision(y_true, scores) == (1 / 2 + 1) / 2
    assert reference.mean_average_precision(y_true, scores, absent="zero") == (1 / 2 + 1) / 3
    # The top 1 are label 1 of row 0 and label 0 of row 1: no list holds its positive.
    assert reference.mean_average_precision(y_true, scores, k=1) == 0.0
    assert reference.mean_average_precision([[0, 0]], [[0.3, 0.1]]) == 0.0


def test_label_reciprocal_rank():
    assert reference.label_reciprocal_rank(Y, S) == (1 + (1 / 2 + 1 / 3) / 2) / 2
    assert reference.label_reciprocal_rank([[0, 1]], [[0.5, 0.5]]) == 1 / 2
    assert reference.label_reciprocal_rank([[0, 0]], [[0.5, 0.4]]) == 0.0
    assert reference.label_reciprocal_rank([[1, 1, 0]], [[0.9, 0.8, 0.1]]) == 0.75


def test_mean_reciprocal_rank_is_that_of_the_best_true_label():
    assert reference.mean_reciprocal_rank(Y, S) == (1 + 1 / 2) / 2
    assert reference.mean_reciprocal_rank(Y, S, k=1) == 1 / 2
    assert reference.mean_reciprocal_rank(Y, S, weights=[1, 3]) == (1 + 3 / 2) / 4
    assert reference.mean_reciprocal_rank([[0, 1]], [[0.5, 0.5]]) == 1 / 2
    assert reference.mean_reciprocal_rank([[1, 1, 0]], [[0.9, 0.8, 0.1]]) == 1.0
    assert reference.mean_reciprocal_rank([[1, 0], [0, 0]], [[0.5, 0.4]] * 2) == 1 / 2


def test_pairs_that_were_not_rated_are_not_there():
    rated = [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    truth, scores, weights = reference.of_rated([*Y, [1, 1, 1]], [*S, S[0]], rated, [5, 6, 7])
    assert truth == [[1, 0, 0], [0, 1, 0]]
    assert scores == [[0.9, None, 0.1], [None, 0.7, None]]
    assert weights == [5, 6]
    assert reference.ranking(scores[0]) == [0, 2]
    # .9 true, .7 true, .1 false: the rated pairs in one list.
    assert reference.gap(truth, scores, k=2) == 1.0
    assert reference.precision_at_k(truth, scores, k=2) == (1 / 2 + 1 / 1) / 2
    assert reference.mean_average_precision(truth, scores) == 1.0


def test_label_reciprocal_rank_of_groups_counts_each_group_once():
    y_true, scores = [[1, 0], [0, 1], [0, 1]], [[0.9, 0.1]] * 3
    assert reference.label_reciprocal_rank(y_true, scores) == 2 / 3
    assert reference.label_reciprocal_rank(y_true, scores, groups=[0, 1, 1]) == 3 / 4
    weighted = reference.label_reciprocal_rank(y_true, scores, groups=[0, 0, 1], weights=[3, 1, 0])
    assert weighted == (3 * 1 + 1 / 2) / 4


def test_starter_code_walk():
    assert reference.starter_code_gap(Y, S, k=2) == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert reference.starter_code_map(Y, S, k=2) == pytest.approx((1 + 1 + 0) / 3)


def test_precision_and_recall():
    assert reference.precision_at_k(Y, S, k=2) == (1 / 2 + 1 / 2) / 2
    assert reference.recall_at_k(Y, S, k=2) == (1 + 1 / 2) / 2
    assert reference.precision_at_k([[1, 0]], [[0.9, 0.1]], k=5) == 1 / 2  # of two labels
    assert reference.recall_at_k([[0, 0]], [[0.9, 0.1]], k=1) == 0.0


def test_ndcg():
    # Row 0: its one label first. Row 1: second and third of the places, ideal first and second.
    log2_3 = 1.584962500721156
    second, third = 1 / log2_3, 1 / 2
    row_1 = (second + third) / (1 + second)
    assert reference.ndcg_at_k(Y, S, k=3) == pytest.approx((1 + row_1) / 2)
    assert reference.ndcg_at_k(Y, S, k=1) == 1 / 2
    assert reference.ndcg_at_k([[0, 0]], [[0.5, 0.4]], k=2) == 0.0


def test_propensities():
    # Ten samples: C = (ln 10 - 1) * 2.5 ** 0.55 = 2.15612.
    # 11.5 ** -0.55 = 0.26099, 1.5 ** -0.55 = 0.80009.
    values = reference.propensities([[1, 0]] * 10)
    assert values == pytest.approx([1 / (1 + 2.15612 * 0.26099), 1 / (1 + 2.15612 * 0.80009)], 1e-4)
    assert reference.propensities([[1, 0], [0, 0]]) == [1.0, 1.0]  # ln 2 < 1


def test_propensity_scored_metrics_are_ratios_of_sums():
    # Every label is worth 1, so that 1 + 1 of 1 + 2 possible hits are reached.
    ones = [1.0, 1.0, 1.0]
    assert reference.psp_at_k(Y, S, k=2, chance=ones) == pytest.approx(2 / 3)
    log2_3 = 1.584962500721156
    assert reference.psndcg_at_k(Y, S, k=2, chance=ones) == pytest.approx(
        (1 + (1 / log2_3) / (1 + 1 / log2_3)) / 2
    )
    assert reference.psp_at_k([[0, 0]], [[0.5, 0.4]], k=2, chance=ones[:2]) == 0.0
    # Label 1 is worth 5, label 2 is worth 2: the hit of 5 out of 1 + 5 + 2.
    assert reference.psp_at_k(Y, S, k=2, chance=[1, 0.2, 0.5]) == pytest.approx(6 / 8)
