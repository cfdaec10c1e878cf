"""Metrics of data that arrives in batches, shards or folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.per_sample import mean_of_samples
from sk_yt8m.metrics._definitions.propensity import MISSING_PROPENSITIES, check_propensities
from sk_yt8m.metrics._inputs.checks import check_batch_weight, check_sample_weight, read_reals
from sk_yt8m.metrics._inputs.dense_scores import CheckedTopK
from sk_yt8m.metrics._inputs.scores import check_top_k
from sk_yt8m.metrics._inputs.true_labels import (
    TrueLabels,
    check_same_names,
    check_y_true,
    concatenate,
    shown_names,
)
from sk_yt8m.metrics._scoring.registry import Metric, find_metrics


@dataclass(frozen=True)
class _Batch:
    """The state of a batch."""

    labels: TrueLabels
    top: CheckedTopK
    weight: npt.NDArray[np.float64] | None
    #: The samples' values of the metrics that need more than a top k, by name.
    values: dict[str, npt.NDArray[Any]]


class StreamingEvaluator:
    """Metrics of any number of samples, a batch at a time.

    It keeps the best labels of each sample and the true ones, about ``8 * k`` bytes a sample, and
    gives exactly the values that the metric functions give for all samples at once, whatever the
    batches and their order. Evaluators of shards, folds or worker processes can be pickled and
    merged.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    metrics : sequence of str, default=("gap@20", "hit@1", "hit@5", "hit@20", "map@20")
        Names as `scorer_names` lists them, with any number. ``"perr"`` needs as many best labels as
        the samples of the batch have true ones, ``"lrr"`` the scores of all labels of the batch.
        ``"map"`` needs the scores of all samples at once and is refused; ``"map@20"`` is not.
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
        If a name is not that of a metric, or of one that is impossible in batches or needs
        propensities.

    See Also
    --------
    evaluation_report : All main metrics with confidence intervals.

    Notes
    -----
    For each sample an int32 and a score of the `k` best labels are kept, where k is the largest
    number among the metrics, and 4 bytes for each true label. `result` temporarily needs about as
    much again.

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
        propensities: npt.ArrayLike | None = None,
    ) -> None:
        self._metrics = _find_metrics(metrics)
        self._propensities: Any = None
        if propensities is not None:
            self._propensities = read_reals(propensities, "propensities")
        elif any(metric.family.takes_propensities for metric in self._metrics):
            raise ValueError(MISSING_PROPENSITIES)
        self._k = max((m.need for m in self._metrics if isinstance(m.need, int)), default=1)
        self._columns: list[Any] | None = None
        self._batches: list[_Batch] = []

    @property
    def n_samples(self) -> int:
        """Number of samples so far.

        Examples
        --------
        >>> from sk_yt8m.metrics import StreamingEvaluator
        >>> evaluator = StreamingEvaluator(["hit@1"])
        >>> evaluator.update([[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]]).n_samples
        2
        """
        return sum(batch.labels.n_samples for batch in self._batches)

    def update(
        self,
        y_true: MatrixLike,
        y_score: ScoresLike,
        sample_weight: npt.ArrayLike | None = None,
        rated: MatrixLike | None = None,
    ) -> "StreamingEvaluator":
        """Add samples.

        Parameters
        ----------
        y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
            True labels as 0 and 1.
        y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
            Scores, or the best labels of each sample, as many as the metrics need.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample; None means 1 if other batches have weights.
        rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
            Pairs that were judged, as 0 and 1, as the metrics take it; for every batch or for none.

        Returns
        -------
        StreamingEvaluator
            The evaluator itself.

        Raises
        ------
        TypeError
            If an argument is a masked array.
        ValueError
            As the metrics raise it, and if labels or their column names differ from those of the
            previous batches. After an error the evaluator is unchanged.

        Examples
        --------
        A classifier on one block of rows after the other:

        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> from sk_yt8m.metrics import StreamingEvaluator, gap_score
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
        >>> evaluator = StreamingEvaluator(["gap@20"])
        >>> for start in range(0, 200, 50):
        ...     rows = slice(start, start + 50)
        ...     evaluator = evaluator.update(Y[rows], clf.predict_top_k(X[rows]))
        >>> evaluator.result()["gap@20"] == gap_score(Y, clf.predict_top_k(X))
        True
        """
        labels = check_y_true(y_true, rated)
        weight = check_batch_weight(sample_weight, labels.n_samples)
        top = check_top_k(y_score, labels, self._k, f" for k={self._k}")
        columns, name = labels.columns, "y_true"
        if columns is None and (given := shown_names(y_score)) is not None:
            columns, name = given, "y_score"
        self._check_labels(labels, columns, name)
        if self._propensities is not None:
            check_propensities(self._propensities, labels.n_labels)
        values = {
            metric.name: metric.family.terms(labels, y_score).numerators
            for metric in self._metrics
            if metric.k is None and metric.family.terms is not None
        }
        self._learn_columns(columns)
        top = CheckedTopK(top.indices.astype(np.int32), np.array(top.scores))
        self._batches.append(_Batch(labels.copy(), top, weight, values))
        return self

    def merge(self, other: "StreamingEvaluator") -> "StreamingEvaluator":
        """Add the samples of another evaluator, which is not changed.

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
            If metrics, propensities or labels differ.

        Examples
        --------
        >>> from sk_yt8m.metrics import StreamingEvaluator
        >>> first = StreamingEvaluator(["hit@1"]).update([[1, 0]], [[0.9, 0.1]])
        >>> second = StreamingEvaluator(["hit@1"]).update([[0, 1]], [[0.8, 0.2]])
        >>> first.merge(second).result()
        {'hit@1': 0.5}
        """
        mine, others = ([m.name for m in one._metrics] for one in (self, other))
        if mine != others:
            raise ValueError(f"other must have the metrics {mine}, it has {others}.")
        # Two times None are equal too.
        if not np.array_equal(self._propensities, other._propensities):
            raise ValueError("other must have the same propensities.")
        if other._batches:
            self._check_labels(other._batches[0].labels, other._columns, "other")
            self._learn_columns(other._columns)
        self._batches = self._batches + other._batches
        return self

    def result(self) -> dict[str, float]:
        """Return the metrics of all samples so far.

        Returns
        -------
        dict of str to float
            By the names of the metrics.

        Raises
        ------
        ValueError
            If there is no sample yet, or every weight is 0.

        Examples
        --------
        >>> from sk_yt8m.metrics import StreamingEvaluator
        >>> evaluator = StreamingEvaluator(["hit@1", "precision@2"])
        >>> evaluator.update([[1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2]]).result()
        {'hit@1': 0.5, 'precision@2': 0.5}
        """
        if not self._batches:
            raise ValueError("there is no sample yet: call update first.")
        # The next result finds them joined.
        self._batches = [_join(self._batches)]
        batch = self._batches[0]
        weight = check_sample_weight(batch.weight, batch.labels)
        values = {}
        for metric in self._metrics:
            if metric.name in batch.values:
                terms = mean_of_samples(batch.values[metric.name], batch.labels)
                values[metric.name] = terms.ratio(weight)
            else:
                options = metric.options_with(self._propensities)
                values[metric.name] = metric.family.score(
                    batch.labels, batch.top, sample_weight=weight, **options
                )
        return values

    def _check_labels(self, labels: TrueLabels, columns: Any, name: str) -> None:
        if not self._batches:
            return
        known = self._batches[0].labels
        if labels.n_labels != known.n_labels:
            raise ValueError(
                f"{name} must have {known.n_labels} labels, as the samples before; "
                f"got {labels.n_labels}."
            )
        if (labels.rated is None) != (known.rated is None):
            raise ValueError("rated must be given for every batch or for none.")
        check_same_names(columns, name, self._columns, "the samples before")

    def _learn_columns(self, columns: Any) -> None:
        if self._columns is None and columns is not None:
            self._columns = list(columns)


def _find_metrics(names: Sequence[str]) -> list[Metric]:
    metrics = find_metrics(names)
    for metric in metrics:
        if metric.k is None and metric.family.terms is None:
            raise ValueError(
                f"{metric.name!r} needs the scores of all labels of all samples at once; in "
                f"batches there is {metric.name}@20, or with any other number."
            )
    return metrics


def _join(batches: list[_Batch]) -> _Batch:
    if len(batches) == 1:
        return batches[0]
    weight = None
    if any(batch.weight is not None for batch in batches):
        weight = np.concatenate(
            [np.ones(b.labels.n_samples) if b.weight is None else b.weight for b in batches]
        )
    width = max(batch.top.indices.shape[1] for batch in batches)
    padded = [_padded(batch.top, width) for batch in batches]
    top = CheckedTopK(
        np.concatenate([top.indices for top in padded]),
        np.concatenate([top.scores for top in padded]),
    )
    values = {
        name: np.concatenate([batch.values[name] for batch in batches])
        for name in batches[0].values
    }
    return _Batch(concatenate([batch.labels for batch in batches]), top, weight, values)


def _padded(top: CheckedTopK, width: int) -> CheckedTopK:
    """Return a top k of this width; the added columns hold no label."""
    if top.indices.shape[1] == width:
        return top
    missing = ((0, 0), (0, width - top.indices.shape[1]))
    return CheckedTopK(
        np.pad(top.indices, missing, constant_values=-1),
        np.pad(top.scores, missing, constant_values=0),
    )
