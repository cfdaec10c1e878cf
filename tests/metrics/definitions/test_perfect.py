"""A perfect ranking is 1, whatever the weights, and nothing is above 1."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sk_yt8m.metrics import (
    LabelAveragePrecisionDisplay,
    PooledPrecisionRecallDisplay,
    StreamingEvaluator,
    average_precision_per_label,
    evaluation_report,
    gap_score,
    hit_at_k_score,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    ndcg_at_k_score,
    precision_at_equal_recall_rate_score,
    psndcg_at_k_score,
    psp_at_k_score,
    recall_at_k_score,
)

PROPENSITIES = np.linspace(0.03, 0.97, 30)
PERFECT = {
    "gap@20": gap_score,
    "gap@5": lambda *a, **o: gap_score(*a, k=5, **o),
    "hit@1": hit_at_k_score,
    "perr": precision_at_equal_recall_rate_score,
    "map": mean_average_precision_score,
    "map@20": lambda *a, **o: mean_average_precision_score(*a, k=20, **o),
    "mrr": mean_reciprocal_rank_score,
    "recall@20": recall_at_k_score,
    "ndcg@20": ndcg_at_k_score,
    "psp@5": lambda *a, **o: psp_at_k_score(*a, propensities=PROPENSITIES, **o),
    "psndcg@5": lambda *a, **o: psndcg_at_k_score(*a, propensities=PROPENSITIES, **o),
}
WEIGHTS = {
    "uniform": lambda rng, n: rng.random(n),
    "wide": lambda rng, n: 10.0 ** rng.uniform(-12, 12, n),
    "some zero": lambda rng, n: np.where(rng.random(n) < 0.4, 0, rng.random(n)),
    "equal": lambda rng, n: np.full(n, 0.1),
    "huge": lambda rng, n: rng.random(n) * 1.7e308,
    "tiny": lambda rng, n: rng.random(n) * 1e-320,
}


def perfect(rng, n_rows, ties):
    """Return true labels, up to 5 a row, and scores that part them from the others."""
    y_true = rng.random((n_rows, 30)).argsort(axis=1).argsort(axis=1) < rng.integers(
        1, 6, n_rows
    ).reshape(-1, 1)
    # The rarer the label, the higher, which the propensities reward.
    scores = y_true * (2.0 - PROPENSITIES) if not ties else y_true.astype(float)
    return y_true, scores


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", PERFECT)
def test_perfect_rankings_are_1(name, weights):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y_true, scores = perfect(rng, int(rng.integers(1, 400)), ties=False)
        weight = WEIGHTS[weights](rng, len(y_true))
        weight[0] = weight.max()
        assert PERFECT[name](y_true, scores, sample_weight=weight) == 1.0
        if not name.startswith("psndcg"):
            tied = y_true.astype(np.int8)
            assert PERFECT[name](y_true, tied, sample_weight=weight) == 1.0


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", PERFECT)
def test_nothing_is_above_1_or_below_0(name, weights):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y_true, scores = perfect(rng, int(rng.integers(1, 100)), ties=bool(seed % 2))
        wrong = rng.integers(len(y_true)), rng.integers(30)
        scores[wrong] = rng.choice([0.0, 3.0, 1.5])
        weight = WEIGHTS[weights](rng, len(y_true))
        weight[0] = weight.max()
        assert 0 <= PERFECT[name](y_true, scores, sample_weight=weight) <= 1


def test_perfect_rankings_are_1_everywhere():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y_true, scores = perfect(rng, 300, ties=False)
        weight = rng.random(300)
        names = [name for name in PERFECT if name != "map"]
        evaluator = StreamingEvaluator(names, propensities=PROPENSITIES)
        for part in (slice(0, 7), slice(7, 300)):
            evaluator.update(y_true[part], scores[part], weight[part])
        assert set(evaluator.result().values()) == {1.0}
        curve = PooledPrecisionRecallDisplay.from_predictions(y_true, scores, sample_weight=weight)
        assert curve.gap == curve.recall[-1] == 1.0
        assert (np.diff(curve.recall) >= 0).all()
        precisions = average_precision_per_label(y_true, scores, sample_weight=weight)
        assert set(precisions) == {1.0}
        points = LabelAveragePrecisionDisplay.from_predictions(y_true, scores)
        plt.close("all")
        assert set(points.average_precision) == {1.0}
        figures = evaluation_report(
            y_true, scores, metrics=names, propensities=PROPENSITIES, n_resamples=20
        ).figures
        assert (figures["value"] == 1).all()
        assert figures["low"].to_numpy() == pytest.approx(1, abs=1e-12)


def test_weights_of_1_and_equal_weights_are_no_weights():
    rng = np.random.default_rng(0)
    y_true, scores = rng.random((200, 30)) < 0.1, rng.random((200, 30))
    for metric in PERFECT.values():
        expected = metric(y_true, scores)
        for weight in (1, 0.1, 1e-300, 3e200):
            assert metric(y_true, scores, sample_weight=np.full(200, weight)) == expected


def test_a_perfect_prediction_of_two_labels_has_the_mrr_of_1():
    y_true, scores = np.array([[1, 1, 0]]), np.array([[0.9, 0.8, 0.1]])
    assert mean_reciprocal_rank_score(y_true, scores) == 1.0
