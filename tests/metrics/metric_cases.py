"""What the tests of all metrics have in common: the metrics, made-up data and its forms."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import reference
from hypothesis import strategies as st

from sk_yt8m import metrics


@dataclass(frozen=True)
class Case:
    """A metric, its slow twin, and how many labels of a top k it needs (None for all)."""

    score: Any
    twin: Any
    k: int | None


def with_own_propensities(metric, **options):
    """Return the metric with the propensities of y_true, which follow any order of the labels."""

    def score(y_true, y_score, sample_weight=None, rated=None):
        propensities = metrics.label_propensities(y_true, sample_weight=sample_weight)
        given = {"propensities": propensities, "sample_weight": sample_weight, "rated": rated}
        return metric(y_true, y_score, **given, **options)

    return score


def twin_with_own_propensities(twin, **options):
    def score(y_true, y_score, weights=None, chance=None):
        chance = chance or reference.propensities(y_true, weights=weights)
        return twin(y_true, y_score, chance=chance, weights=weights, **options)

    return score


CASES = {
    "gap@3": Case(partial(metrics.gap_score, k=3), partial(reference.gap, k=3), 3),
    "gap@20": Case(metrics.gap_score, reference.gap, 20),
    "hit@1": Case(metrics.hit_at_k_score, reference.hit_at_k, 1),
    "hit@4": Case(partial(metrics.hit_at_k_score, k=4), partial(reference.hit_at_k, k=4), 4),
    "perr": Case(
        metrics.precision_at_equal_recall_rate_score,
        reference.precision_at_equal_recall_rate,
        None,
    ),
    "map": Case(metrics.mean_average_precision_score, reference.mean_average_precision, None),
    "map@3": Case(
        partial(metrics.mean_average_precision_score, k=3),
        partial(reference.mean_average_precision, k=3),
        3,
    ),
    "map with absent labels": Case(
        partial(metrics.mean_average_precision_score, absent_labels="zero"),
        partial(reference.mean_average_precision, absent="zero"),
        None,
    ),
    "precision@1": Case(metrics.precision_at_k_score, reference.precision_at_k, 1),
    "precision@4": Case(
        partial(metrics.precision_at_k_score, k=4), partial(reference.precision_at_k, k=4), 4
    ),
    "recall@3": Case(
        partial(metrics.recall_at_k_score, k=3), partial(reference.recall_at_k, k=3), 3
    ),
    "recall@20": Case(metrics.recall_at_k_score, reference.recall_at_k, 20),
    "ndcg@4": Case(partial(metrics.ndcg_at_k_score, k=4), partial(reference.ndcg_at_k, k=4), 4),
    "ndcg@20": Case(metrics.ndcg_at_k_score, reference.ndcg_at_k, 20),
    "psp@2": Case(
        with_own_propensities(metrics.psp_at_k_score, k=2),
        twin_with_own_propensities(reference.psp_at_k, k=2),
        2,
    ),
    "psp@5": Case(
        with_own_propensities(metrics.psp_at_k_score),
        twin_with_own_propensities(reference.psp_at_k),
        5,
    ),
    "psndcg@2": Case(
        with_own_propensities(metrics.psndcg_at_k_score, k=2),
        twin_with_own_propensities(reference.psndcg_at_k, k=2),
        2,
    ),
    "psndcg@5": Case(
        with_own_propensities(metrics.psndcg_at_k_score),
        twin_with_own_propensities(reference.psndcg_at_k),
        5,
    ),
    "mrr": Case(metrics.mean_reciprocal_rank_score, reference.mean_reciprocal_rank, None),
    "mrr@3": Case(
        partial(metrics.mean_reciprocal_rank_score, k=3),
        partial(reference.mean_reciprocal_rank, k=3),
        3,
    ),
    "lrr": Case(metrics.label_reciprocal_rank_score, reference.label_reciprocal_rank, None),
}


FUNCTIONS = {
    "gap": metrics.gap_score,
    "hit": metrics.hit_at_k_score,
    "precision": metrics.precision_at_k_score,
    "recall": metrics.recall_at_k_score,
    "ndcg": metrics.ndcg_at_k_score,
    "psp": metrics.psp_at_k_score,
    "psndcg": metrics.psndcg_at_k_score,
    "map": metrics.mean_average_precision_score,
    "perr": metrics.precision_at_equal_recall_rate_score,
    "mrr": metrics.mean_reciprocal_rank_score,
    "lrr": metrics.label_reciprocal_rank_score,
}
PROPENSITIES = np.linspace(0.1, 1, 30)


def value_of(name, y_true, scores, propensities=PROPENSITIES, **options):
    """Return the metric of a name such as "hit@7", by its public function."""
    family, _, k = name.partition("@")
    if k:
        options["k"] = int(k)
    if family in ("psp", "psndcg"):
        options["propensities"] = propensities
    return FUNCTIONS[family](y_true, scores, **options)


def make_data(n_samples=40, n_labels=30, *, ties=False, seed=0):
    """Return y_true (uint8) and float32 scores, without ties unless asked for."""
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n_samples, n_labels)) < 0.1).astype(np.uint8)
    y_true[0] = 0
    if ties:
        scores = rng.integers(-3, 4, y_true.shape) / 4
    else:
        scores = rng.permutation(y_true.size).reshape(y_true.shape) / y_true.size - 0.3
    return y_true, scores.astype(np.float32)


def top_k_of(scores, k):
    """Return the (indices, scores) of the k best labels of each row."""
    scores = np.asarray(scores)
    indices = np.array([reference.ranking(row)[:k] for row in scores.tolist()])
    return indices, np.take_along_axis(scores, indices, axis=1)


@st.composite
def problems(draw, max_rows=7, max_labels=14, dtype=np.float32):
    """Draw y_true and scores from a few values, so that ties abound."""
    n_rows = draw(st.integers(1, max_rows))
    n_labels = draw(st.integers(1, max_labels))
    cells = n_rows * n_labels
    bits = draw(st.lists(st.integers(0, 1), min_size=cells, max_size=cells))
    values = st.sampled_from([-np.inf, -2.0, -0.5, -0.0, 0.0, 0.25, 0.5, 1.0, 3.0, np.inf])
    scores = draw(st.lists(values, min_size=cells, max_size=cells))
    shape = (n_rows, n_labels)
    return np.reshape(bits, shape).astype(np.uint8), np.reshape(scores, shape).astype(dtype)
