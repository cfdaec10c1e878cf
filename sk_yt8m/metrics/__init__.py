"""Metrics of large-scale multilabel classification, and scorers for them.

Every metric takes ``(y_true, y_score)``: an indicator matrix, dense or sparse, and scores, dense or
the top k that a classifier's ``predict_top_k`` gives.
"""

from sk_yt8m.metrics._definitions.gap import gap_score
from sk_yt8m.metrics._definitions.hit import hit_at_k_score
from sk_yt8m.metrics._definitions.label_reciprocal_rank import label_reciprocal_rank_score
from sk_yt8m.metrics._definitions.mean_average_precision import (
    average_precision_per_label,
    mean_average_precision_score,
)
from sk_yt8m.metrics._definitions.mean_reciprocal_rank import mean_reciprocal_rank_score
from sk_yt8m.metrics._definitions.ndcg import ndcg_at_k_score
from sk_yt8m.metrics._definitions.perr import precision_at_equal_recall_rate_score
from sk_yt8m.metrics._definitions.precision_recall import precision_at_k_score, recall_at_k_score
from sk_yt8m.metrics._definitions.propensity import (
    label_propensities,
    psndcg_at_k_score,
    psp_at_k_score,
)
from sk_yt8m.metrics._displays.hit_at_k import HitAtKDisplay
from sk_yt8m.metrics._displays.label_average_precision import LabelAveragePrecisionDisplay
from sk_yt8m.metrics._displays.pooled_precision_recall import PooledPrecisionRecallDisplay
from sk_yt8m.metrics._displays.training_curve import TrainingCurveDisplay
from sk_yt8m.metrics._report.report import evaluation_report
from sk_yt8m.metrics._report.result import EvaluationReport
from sk_yt8m.metrics._scoring.scorers import (
    gap_scorer,
    get_scorer,
    hit_at_1_scorer,
    hit_at_5_scorer,
    hit_at_20_scorer,
    make_multimetric_scorer,
    make_top_k_scorer,
    scorer_names,
)
from sk_yt8m.metrics._scoring.streaming import StreamingEvaluator

__all__ = [
    "EvaluationReport",
    "HitAtKDisplay",
    "LabelAveragePrecisionDisplay",
    "PooledPrecisionRecallDisplay",
    "StreamingEvaluator",
    "TrainingCurveDisplay",
    "average_precision_per_label",
    "evaluation_report",
    "gap_score",
    "gap_scorer",
    "get_scorer",
    "hit_at_1_scorer",
    "hit_at_5_scorer",
    "hit_at_20_scorer",
    "hit_at_k_score",
    "label_propensities",
    "label_reciprocal_rank_score",
    "make_multimetric_scorer",
    "make_top_k_scorer",
    "mean_average_precision_score",
    "mean_reciprocal_rank_score",
    "ndcg_at_k_score",
    "precision_at_equal_recall_rate_score",
    "precision_at_k_score",
    "psndcg_at_k_score",
    "psp_at_k_score",
    "recall_at_k_score",
    "scorer_names",
]
