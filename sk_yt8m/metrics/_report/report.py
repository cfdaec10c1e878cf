"""All main metrics at once, with confidence intervals and a table of the labels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from sk_yt8m._inputs.types import MatrixLike, RandomState, ScoresLike
from sk_yt8m._top_k import TopK
from sk_yt8m.metrics._definitions.mean_average_precision import average_precision_per_label
from sk_yt8m.metrics._definitions.per_sample import SampleTerms
from sk_yt8m.metrics._definitions.propensity import MISSING_PROPENSITIES
from sk_yt8m.metrics._inputs.checks import check_k, check_sample_weight
from sk_yt8m.metrics._inputs.dense_scores import CheckedTopK, DenseScores
from sk_yt8m.metrics._inputs.scores import check_scores, check_top_k, known_width, listed_labels
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true
from sk_yt8m.metrics._report.bootstrap import PooledLists, pooled_lists, resample
from sk_yt8m.metrics._report.mistakes import confused_labels, worst_samples
from sk_yt8m.metrics._report.pictures import make_displays
from sk_yt8m.metrics._report.result import EvaluationReport
from sk_yt8m.metrics._report.text import make_notes, summarize
from sk_yt8m.metrics._scoring.registry import Metric, find_metrics, width_of

if TYPE_CHECKING:
    import pandas as pd

#: The metrics of a report by default.
HEADLINES = (
    *("gap@20", "hit@1", "hit@5", "hit@20", "perr", "map@20", "mrr", "lrr"),
    *("precision@1", "precision@5", "recall@20", "ndcg@20", "psp@5", "psndcg@5"),
)
#: Best labels of a sample among which mistakes are looked for.
_N_LISTED = 20


def evaluation_report(
    y_true: MatrixLike,
    y_score: ScoresLike,
    *,
    metrics: Sequence[str] | None = None,
    vocabulary: "pd.DataFrame | None" = None,
    ids: npt.ArrayLike | None = None,
    max_rows: int = 100,
    propensities: npt.ArrayLike | None = None,
    n_resamples: int = 1000,
    confidence_level: float = 0.95,
    random_state: RandomState = None,
    rated: MatrixLike | None = None,
) -> EvaluationReport:
    """Compute all main metrics with confidence intervals, and a table of the labels.

    The intervals come from a bootstrap over samples [1]_: each resample draws as many samples as
    there are, with replacement, and every metric is computed from it. The interval is that of the
    percentiles of these values, shifted so that their mean is the value of all samples.

    Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
        True labels as 0 and 1, of any numeric dtype; read as sparse if it has ``tocsr``.
    y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
        Scores, the higher the better; or the best labels of each sample and their scores, best
        first.
    metrics : sequence of str, default=None
        Names as `scorer_names` lists them, with any number, except ``"map"``. None means the main
        metrics, without those for which `y_score` holds too few labels or propensities are
        missing; the text names them.
    vocabulary : DataFrame, default=None
        Names of the labels: the index is the label, the column ``name`` its name, as
        :func:`sk_yt8m.datasets.load_vocabulary` gives it; a label without a name has its number.
        None means the label names of a `sk_yt8m.SparseIndicator` or the column names of a DataFrame
        `y_true`, and otherwise the numbers.
    ids : array-like of shape (n_samples,), default=None
        Names of the samples, for the table of the worst ones. None means the index of a DataFrame
        `y_true`, and otherwise the row numbers.
    max_rows : int, default=100
        Largest number of rows of ``confusions`` and of ``worst_samples``.
    propensities : array-like of shape (n_labels,), default=None
        For ``"psp@k"`` and ``"psndcg@k"``, as `label_propensities` gives for the training set.
        Without them these metrics are left out.
    n_resamples : int, default=1000
        Number of resamples. The time is proportional to it and to ``n_samples * k``. 0 leaves the
        intervals out (NaN).
    confidence_level : float, default=0.95
        Probability that an interval covers the true value.
    random_state : int, RandomState instance or None, default=None
        Draws the resamples.
    rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
        Pairs that were judged, as 0 and 1; all others are left out. None means all pairs.

    Returns
    -------
    EvaluationReport
        With the tables ``figures``, ``labels``, ``confusions`` and ``worst_samples``, and the
        methods ``to_html`` and ``__str__``. The average precision of a label is that of all samples
        if `y_score` holds all labels, and otherwise that of the samples with the label in their
        given top k; it is NaN for a label without a positive.

    Raises
    ------
    TypeError
        If an argument is a masked array, or `vocabulary` no DataFrame.
    ValueError
        As the metrics raise it, and if a name is not that of a metric, the vocabulary lacks a
        label, `ids` are not one for each sample, or a metric in `metrics` needs more labels or
        propensities.

    See Also
    --------
    EvaluationReport : The result, which defines the tables.
    StreamingEvaluator : Metrics of data that arrives in batches.
    make_multimetric_scorer : Several metrics in cross-validation.

    Notes
    -----
    The intervals show how the values vary with the samples, not how they vary with the training
    run. Without the shift they would be wrong for mAP: a resample lacks many of the rare labels and
    repeats others, which raises its mAP.

    References
    ----------
    .. [1] Efron and Tibshirani, "An introduction to the bootstrap", Chapman and Hall, 1993,
       https://doi.org/10.1201/9780429246593

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import evaluation_report
    >>> rng = np.random.default_rng(0)
    >>> y_true = rng.random((200, 8)) < 0.2
    >>> y_score = y_true + rng.normal(size=y_true.shape)
    >>> report = evaluation_report(y_true, y_score, metrics=["hit@1", "perr"], random_state=0)
    >>> report.figures.round(2)
            value   low  high
    metric
    hit@1    0.48  0.42  0.56
    perr     0.42  0.37  0.48
    >>> report.labels.columns.tolist()
    ['name', 'positives', 'average_precision']
    """
    labels = check_y_true(y_true, rated)
    check_sample_weight(None, labels)
    scores = check_scores(y_score, labels)
    _check_resampling(n_resamples, confidence_level)
    check_k(max_rows, "max_rows")
    sample_ids = _check_ids(ids, y_true, labels.n_samples)
    chosen, left_out = _choose(metrics, labels, scores, has_propensities=propensities is not None)
    width = max((metric.k for metric in chosen if metric.k is not None), default=1)
    n_listed = min(_N_LISTED, known_width(scores, labels))
    top = check_top_k(y_score, labels, max(width, n_listed))
    values, sources = _values(chosen, labels, y_score, top, propensities)
    figures = _with_intervals(
        values, sources, n_resamples, confidence_level, check_random_state(random_state)
    )
    table = _table_of_labels(labels, y_score, scores, vocabulary)
    names, listed = table["name"].tolist(), top.first(n_listed)
    return EvaluationReport(
        figures=figures,
        labels=table,
        confusions=confused_labels(labels, listed, names, max_rows),
        worst_samples=worst_samples(labels, listed, names, sample_ids, max_rows),
        displays=make_displays(labels, listed, table),
        summary=summarize(labels),
        notes=make_notes(left_out, n_resamples, confidence_level),
    )


def _check_resampling(n_resamples: int, confidence_level: float) -> None:
    if n_resamples != 0:
        check_k(n_resamples, "n_resamples")
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level must lie in (0, 1), got {confidence_level!r}.")


def _check_ids(ids: Any, y_true: Any, n_samples: int) -> "pd.Index":
    import pandas as pd

    if ids is None:
        index = y_true.index if hasattr(y_true, "iloc") else pd.RangeIndex(n_samples)
        return pd.Index(index)
    try:
        index = pd.Index(ids, tupleize_cols=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"ids must be one name for each sample, got {ids!r:.100}.") from error
    if len(index) != n_samples:
        raise ValueError(
            f"ids must have shape ({n_samples},), one for each row; got ({len(index)},)."
        )
    return index


def _choose(
    names: Sequence[str] | None,
    labels: TrueLabels,
    scores: DenseScores | TopK,
    *,
    has_propensities: bool,
) -> tuple[list[Metric], dict[str, list[str]]]:
    """Return the metrics to compute, and the names of the others by what they need."""
    chosen = find_metrics(HEADLINES if names is None else names)
    if any(metric.name == "map" for metric in chosen):
        raise ValueError("metrics must not hold 'map', which is too slow to resample; use map@20.")
    known = known_width(scores, labels)
    short = [metric for metric in chosen if width_of(metric.need, labels) > known]
    if names is not None and short:
        raise ValueError(
            f"{short[0].name!r} needs the top {width_of(short[0].need, labels)} of "
            f"{labels.n_labels} labels, but y_score holds the top {known}"
            f"{'' if labels.rated is None else ' of the rated ones'}."
        )
    lacking = [m for m in chosen if m.family.takes_propensities and not has_propensities]
    if names is not None and lacking:
        raise ValueError(MISSING_PROPENSITIES)
    left_out = {
        "the scores of more labels": [metric.name for metric in short],
        "propensities": [metric.name for metric in lacking if metric not in short],
    }
    return [m for m in chosen if m not in short and m not in lacking], left_out


def _values(
    metrics: list[Metric], labels: TrueLabels, y_score: Any, top: CheckedTopK, propensities: Any
) -> tuple[dict[str, float], list[PooledLists | SampleTerms]]:
    """Return the metrics by name, and what the bootstrap computes each of them from."""
    values, sources = {}, []
    for metric in metrics:
        given = y_score if metric.k is None else top.first(metric.k)
        options = metric.options_with(propensities)
        source: PooledLists | SampleTerms
        if metric.family.terms is not None:
            source = metric.family.terms(labels, given, **options)
            values[metric.name] = source.ratio()
        else:
            source = pooled_lists(labels, given, per_label=metric.family.per_label)
            values[metric.name] = metric.family.score(labels, given, **options)
        sources.append(source)
    return values, sources


def _with_intervals(
    values: dict[str, float],
    sources: list[PooledLists | SampleTerms],
    n_resamples: int,
    confidence_level: float,
    random_state: np.random.RandomState,
) -> "pd.DataFrame":
    import pandas as pd

    index = pd.Index(values, name="metric")
    table = pd.DataFrame(
        {"value": list(values.values()), "low": np.nan, "high": np.nan}, index=index
    )
    if n_resamples:
        drawn = resample(sources, n_resamples, random_state)
        tail = (1 - confidence_level) / 2
        # Resamples lack rare labels, so that nearly all of them have a higher mAP.
        centred = drawn - drawn.mean(axis=0) + table["value"].to_numpy()
        low, high = np.clip(np.quantile(centred, [tail, 1 - tail], axis=0), 0, 1)
        table["low"], table["high"] = low, high
    return table


def _table_of_labels(
    labels: TrueLabels,
    y_score: ScoresLike,
    scores: DenseScores | TopK,
    vocabulary: "pd.DataFrame | None",
) -> "pd.DataFrame":
    import pandas as pd

    k = None
    if isinstance(scores, TopK):
        k, y_score = scores.indices.shape[1], listed_labels(scores, labels)
    return pd.DataFrame(
        {
            "name": _names(labels, vocabulary),
            "positives": labels.frequencies().astype(np.int64),
            "average_precision": average_precision_per_label(labels, y_score, k=k),
        },
        index=pd.RangeIndex(labels.n_labels, name="label"),
    )


def _names(labels: TrueLabels, vocabulary: "pd.DataFrame | None") -> list[str]:
    if vocabulary is None:
        columns = range(labels.n_labels) if labels.columns is None else labels.columns
        return [str(column) for column in columns]
    if not hasattr(vocabulary, "columns"):
        raise TypeError(
            "vocabulary must be a DataFrame with a column 'name', as load_vocabulary gives it, got "
            f"{type(vocabulary).__name__}; write pandas.DataFrame({{'name': names}})."
        )
    if "name" not in vocabulary.columns:
        raise ValueError(
            f"vocabulary must have a column 'name', it has {list(vocabulary.columns)}."
        )
    if not vocabulary.index.is_unique:
        repeated = vocabulary.index[vocabulary.index.duplicated()][0]
        raise ValueError(f"vocabulary must name a label once; label {repeated} is repeated.")
    missing = np.flatnonzero(~np.isin(np.arange(labels.n_labels), vocabulary.index))
    if missing.size:
        raise ValueError(
            f"vocabulary must name all {labels.n_labels} labels; label {missing[0]} is not in "
            "its index."
        )
    names = vocabulary["name"].reindex(range(labels.n_labels))
    unnamed = names.isna()
    return [
        str(label if without else name)
        for label, name, without in zip(names.index, names, unnamed, strict=True)
    ]
