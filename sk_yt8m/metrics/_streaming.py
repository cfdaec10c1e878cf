"""Metrics of data that comes in batches, shards or folds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._topk import TopK
from sk_yt8m.metrics._checks import check_finite_weight, check_sample_weight
from sk_yt8m.metrics._family import Metric, find_metrics
from sk_yt8m.metrics._scores import check_top_k
from sk_yt8m.metrics._shares import Shares
from sk_yt8m.metrics._true_labels import TrueLabels, check_y_true, concatenate


class StreamingEvaluator:
    """Metrics of any number of samples, a batch at a time.

    It keeps the best labels of each sample and the true ones, about ``8 * k`` bytes a sample, and
    gives the very figures that the metric functions give for all samples at once, whatever the
    batches and their order. Evaluators of shards, folds or worker processes can be pickled and
    merged.

    Parameters
    ----------
    metrics : sequence of str, default=("gap@20", "hit@1", "hit@5", "hit@20", "map@20")
        Names as `scorer_names` lists them, with any number. ``"perr"`` needs as many best labels as
        the samples of the batch have true ones, ``"mrr"`` the scores of all labels of the batch;
        ``"map"`` over all samples needs all scores at once and is refused.
    propensities : array-like of shape (n_labels,), default=None
        For ``"psp@k"`` and ``"psndcg@k"``; None takes those of all samples in the end.

    Attributes
    ----------
    n_samples : int
        Number of samples so far.

    Raises
    ------
    ValueError
        Where a name is not that of a metric, or of one that cannot be had in batches.

    See Also
    --------
    evaluation_report : All headline figures with confidence intervals.

    Notes
    -----
    A state of ``n`` samples holds an int32 and a score for each of the ``k`` best labels, where k
    is the largest number among the metrics, and 4 bytes a true label. `result` needs about as much
    again for a moment.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import StreamingEvaluator
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2], [0.3, 0.2, 0.6]])
    >>> first, second = StreamingEvaluator(["hit@1"]), StreamingEvaluator(["hit@1"])
    >>> first.update(y_true[:2], y_score[:2]).result()
    {'hit@1': 0.5}
    >>> first.merge(second.update(y_true[2:], y_score[2:])).result()
    {'hit@1': 0.6666666666666666}
    """

    def __init__(
        self,
        metrics: Sequence[str] = ("gap@20", "hit@1", "hit@5", "hit@20", "map@20"),
        *,
        propensities: Any = None,
    ) -> None:
        self._metrics = _find_metrics(metrics)
        self._propensities = None if propensities is None else np.array(propensities, dtype=float)
        self._k = max((m.need for m in self._metrics if isinstance(m.need, int)), default=1)
        self._labels: list[TrueLabels] = []
        self._top: list[TopK] = []
        self._weights: list[npt.NDArray[np.float64] | None] = []
        self._shares: list[dict[str, npt.NDArray[np.float64]]] = []

    @property
    def n_samples(self) -> int:
        """Number of samples so far."""
        return sum(labels.n_samples for labels in self._labels)

    def update(self, y_true: Any, y_score: Any, sample_weight: Any = None) -> "StreamingEvaluator":
        """Add samples.

        Parameters
        ----------
        y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
            Indicator of the true labels.
        y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
            Scores, or the best labels of each sample, as many as the metrics need.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample; None counts as 1 where other batches have weights.

        Returns
        -------
        StreamingEvaluator
            The evaluator itself.

        Raises
        ------
        ValueError
            As the metrics raise it; the evaluator then is as it was before.
        """
        labels = check_y_true(y_true)
        self._check_labels(labels, "y_true")
        weight = check_finite_weight(sample_weight, labels.n_samples)
        top = check_top_k(y_score, labels, self._k, f" for k={self._k}")
        shares = {
            metric.name: metric.family.shares(labels, y_score).numerators
            for metric in self._metrics
            if metric.k is None and metric.family.shares is not None
        }
        self._top.append(TopK(top.indices.astype(np.int32), np.array(top.scores)))
        self._labels.append(labels.copy())
        self._weights.append(weight)
        self._shares.append(shares)
        return self

    def merge(self, other: "StreamingEvaluator") -> "StreamingEvaluator":
        """Add the samples of another evaluator, which is left as it is.

        Parameters
        ----------
        other : StreamingEvaluator
            An evaluator of the same metrics.

        Returns
        -------
        StreamingEvaluator
            The evaluator itself.

        Raises
        ------
        ValueError
            Where metrics, propensities or the number of labels differ.
        """
        mine, others = ([m.name for m in one._metrics] for one in (self, other))
        if mine != others:
            raise ValueError(f"other must have the metrics {mine}, it has {others}.")
        if not np.array_equal(_or_empty(self._propensities), _or_empty(other._propensities)):
            raise ValueError("other must have the same propensities.")
        if other._labels:
            self._check_labels(other._labels[0], "other")
        self._labels = self._labels + other._labels
        self._top = self._top + other._top
        self._weights = self._weights + other._weights
        self._shares = self._shares + other._shares
        return self

    def result(self) -> dict[str, float]:
        """Return the figures of all samples so far.

        Returns
        -------
        figures : dict of str to float
            By the names of the metrics.

        Raises
        ------
        ValueError
            Where there is no sample yet, or every weight is 0.
        """
        if not self._labels:
            raise ValueError("there is no sample yet: call update first.")
        self._consolidate()
        (labels,), (top,) = self._labels, self._top
        weight = check_sample_weight(self._weights[0], labels.n_samples)
        figures = {}
        for metric in self._metrics:
            if metric.name in self._shares[0]:
                figures[metric.name] = Shares(self._shares[0][metric.name]).total(weight)
                continue
            options = metric.options
            if metric.family.takes_propensities:
                options["propensities"] = self._propensities
            figures[metric.name] = metric.family.score(labels, top, sample_weight=weight, **options)
        return figures

    def _check_labels(self, labels: TrueLabels, name: str) -> None:
        if not self._labels:
            return
        known = self._labels[0]
        if labels.n_labels != known.n_labels:
            raise ValueError(
                f"{name} must have {known.n_labels} labels, as the samples before; "
                f"got {labels.n_labels}."
            )
        columns = [None if one.columns is None else list(one.columns) for one in (known, labels)]
        if None not in columns and columns[0] != columns[1]:
            raise ValueError(f"{name} must have the column names of the samples before.")

    def _consolidate(self) -> None:
        """Join the batches, so that the next result finds them joined."""
        if len(self._labels) == 1:
            return
        sizes = [labels.n_samples for labels in self._labels]
        if any(weight is not None for weight in self._weights):
            pairs = zip(self._weights, sizes, strict=True)
            joined = np.concatenate(
                [np.ones(n) if weight is None else weight for weight, n in pairs]
            )
            self._weights = [joined]
        else:
            self._weights = [None]
        self._labels = [concatenate(self._labels)]
        indices = np.concatenate([top.indices for top in self._top])
        self._top = [TopK(indices, np.concatenate([top.scores for top in self._top]))]
        names = self._shares[0]
        self._shares = [
            {name: np.concatenate([shares[name] for shares in self._shares]) for name in names}
        ]


def _find_metrics(names: Sequence[str]) -> list[Metric]:
    metrics = find_metrics(names)
    for metric in metrics:
        if metric.k is None and metric.family.shares is None:
            raise ValueError(
                f"{metric.name!r} needs the scores of all labels of all samples at once; in "
                f"batches there is {metric.name}@20, or with any other number."
            )
    return metrics


def _or_empty(propensities: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64]:
    return np.empty(0) if propensities is None else propensities
