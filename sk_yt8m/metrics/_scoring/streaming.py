"""Metrics of data that comes in batches, shards or folds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._definitions.propensity import MISSING_PROPENSITIES, check_propensities
from sk_yt8m.metrics._definitions.shares import mean_of_samples
from sk_yt8m.metrics._inputs.checks import check_finite_weight, check_sample_weight, read_reals
from sk_yt8m.metrics._inputs.scores import CheckedTopK, check_top_k
from sk_yt8m.metrics._inputs.true_labels import (
    TrueLabels,
    check_same_names,
    check_y_true,
    concatenate,
)
from sk_yt8m.metrics._scoring.family import Metric, find_metrics


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
        the samples of the batch have true ones, ``"lrr"`` the scores of all labels of the batch;
        ``"map"`` over all samples needs all scores at once and is refused.
    propensities : array-like of shape (n_labels,), default=None
        For ``"psp@k"`` and ``"psndcg@k"``, which need them: those of the training set, as
        `label_propensities` gives them.

    Attributes
    ----------
    n_samples : int
        Number of samples so far.

    Raises
    ------
    ValueError
        Where a name is not that of a metric, or of one that cannot be had in batches or needs
        propensities.

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
        if propensities is None and any(m.family.takes_propensities for m in self._metrics):
            raise ValueError(MISSING_PROPENSITIES)
        self._propensities = (
            None if propensities is None else read_reals(propensities, "propensities")
        )
        self._k = max((m.need for m in self._metrics if isinstance(m.need, int)), default=1)
        self._columns: list[Any] | None = None
        self._labels: list[TrueLabels] = []
        self._top: list[CheckedTopK] = []
        self._weights: list[npt.NDArray[np.float64] | None] = []
        self._shares: list[dict[str, npt.NDArray[np.float64]]] = []

    @property
    def n_samples(self) -> int:
        """Number of samples so far."""
        return sum(labels.n_samples for labels in self._labels)

    def update(
        self, y_true: Any, y_score: Any, sample_weight: Any = None, rated: Any = None
    ) -> "StreamingEvaluator":
        """Add samples.

        Parameters
        ----------
        y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
            Indicator of the true labels.
        y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
            Scores, or the best labels of each sample, as many as the metrics need.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample; None counts as 1 where other batches have weights.
        rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
            Indicator of the pairs that were judged, as the metrics take it; for every batch or
            for none.

        Returns
        -------
        StreamingEvaluator
            The evaluator itself.

        Raises
        ------
        ValueError
            As the metrics raise it, and where labels or their column names are not those of the
            batches before; the evaluator then is as it was before.
        """
        labels = check_y_true(y_true, rated)
        weight = check_finite_weight(sample_weight, labels.n_samples)
        top = check_top_k(y_score, labels, self._k, f" for k={self._k}")
        columns, name = labels.columns, "y_true"
        if columns is None and hasattr(y_score, "columns"):
            columns, name = y_score.columns, "y_score"
        self._check_labels(labels, columns, name)
        if self._propensities is not None:
            check_propensities(self._propensities, labels.n_labels)
        shares = {
            metric.name: metric.shares(labels, y_score).numerators
            for metric in self._metrics
            if metric.k is None and metric.shares is not None
        }
        self._columns = _columns_of(self._columns, columns)
        self._top.append(CheckedTopK(top.indices.astype(np.int32), np.array(top.scores)))
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
            self._check_labels(other._labels[0], other._columns, "other")
            self._columns = _columns_of(self._columns, other._columns)
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
        weight = check_sample_weight(self._weights[0], labels)
        figures = {}
        for metric in self._metrics:
            if metric.name in self._shares[0]:
                values = self._shares[0][metric.name]
                figures[metric.name] = mean_of_samples(values, labels).total(weight)
                continue
            options = metric.options
            if metric.family.takes_propensities:
                options["propensities"] = self._propensities
            figures[metric.name] = metric.family.score(labels, top, sample_weight=weight, **options)
        return figures

    def _check_labels(self, labels: TrueLabels, columns: Any, name: str) -> None:
        if not self._labels:
            return
        known = self._labels[0]
        if labels.n_labels != known.n_labels:
            raise ValueError(
                f"{name} must have {known.n_labels} labels, as the samples before; "
                f"got {labels.n_labels}."
            )
        if (labels.rated is None) != (known.rated is None):
            raise ValueError("rated must be given for every batch or for none.")
        check_same_names(columns, name, self._columns, "the samples before")

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
        width = max(top.indices.shape[1] for top in self._top)
        self._top = [_widened(top, width) for top in self._top]
        indices = np.concatenate([top.indices for top in self._top])
        self._top = [CheckedTopK(indices, np.concatenate([top.scores for top in self._top]))]
        names = self._shares[0]
        self._shares = [
            {name: np.concatenate([shares[name] for shares in self._shares]) for name in names}
        ]


def _find_metrics(names: Sequence[str]) -> list[Metric]:
    metrics = find_metrics(names)
    for metric in metrics:
        if metric.k is None and metric.shares is None:
            raise ValueError(
                f"{metric.name!r} needs the scores of all labels of all samples at once; in "
                f"batches there is {metric.name}@20, or with any other number."
            )
    return metrics


def _columns_of(known: list[Any] | None, columns: Any) -> list[Any] | None:
    return list(columns) if known is None and columns is not None else known


def _widened(top: CheckedTopK, width: int) -> CheckedTopK:
    """Return the same with as many places, those behind the last rated label empty."""
    missing = ((0, 0), (0, width - top.indices.shape[1]))
    return CheckedTopK(
        np.pad(top.indices, missing, constant_values=-1),
        np.pad(top.scores, missing, constant_values=0),
    )


def _or_empty(propensities: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64]:
    return np.empty(0) if propensities is None else propensities
