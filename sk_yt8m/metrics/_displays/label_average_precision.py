"""Average precision of each label against its frequency."""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.mean_average_precision import average_precision_per_label
from sk_yt8m.metrics._displays.base import Display, name_of, predict
from sk_yt8m.metrics._inputs.checks import (
    check_batch_weight,
    check_k,
    check_sample_weight,
    read_amounts,
)
from sk_yt8m.metrics._inputs.true_labels import check_y_true

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(eq=False, repr=False)
class LabelAveragePrecisionDisplay(Display):
    """Average precision of each label against its number of positives.

    A line shows the means over labels of similar frequency: one mean for each doubling.

    Make one with `from_estimator` or `from_predictions`. Read more in the
    :ref:`User Guide <metrics>`.

    Parameters
    ----------
    average_precision : ndarray of shape (n_labels,)
        Average precision of each label; NaN where it has no positive, which is not drawn.
    positives : ndarray of shape (n_labels,)
        Number of samples with each label, or its frequency in the training set.
    name : str, default=None
        Name for the legend.

    Attributes
    ----------
    points_ : matplotlib PathCollection
        The labels.
    line_ : matplotlib Line2D
        The means.
    ax_ : matplotlib Axes
        The axes they are drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    average_precision_per_label : The values of the labels.
    evaluation_report : Its table has the same values, with the names of the labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import LabelAveragePrecisionDisplay
    >>> y_true = np.array([[1, 0, 0], [0, 1, 0]])
    >>> y_score = np.array([[0.3, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> LabelAveragePrecisionDisplay.from_predictions(y_true, y_score).average_precision
    array([0.5, 1. , nan])
    """

    average_precision: npt.NDArray[np.float64]
    positives: npt.NDArray[Any]
    _: KW_ONLY
    name: str | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: MatrixLike,
        *,
        k: int | None = None,
        frequencies: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
        rated: MatrixLike | None = None,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "LabelAveragePrecisionDisplay":
        """Draw the labels of a fitted classifier.

        Parameters
        ----------
        estimator : object
            Fitted classifier with ``predict_top_k``, ``predict_proba`` or ``decision_function``.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : {array-like, sparse matrix, DataFrame} of shape (n_samples,) or (n_samples, n_labels)
            True classes or labels.
        k : int, default=None
            Number of best labels of each sample that are listed, as in
            `average_precision_per_label`. None holds the scores of all labels in memory.
        frequencies : array-like of shape (n_labels,), default=None
            Number of samples with each label, for instance in the training set; None means
            those in `y`, or their total weight.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.
        rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
            Pairs that were judged, as 0 and 1; None means all pairs.
        name : str, default=None
            Name for the legend; None means the name of the estimator's class.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        LabelAveragePrecisionDisplay
            The display, drawn.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> from sk_yt8m.metrics import LabelAveragePrecisionDisplay
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X[:150], Y[:150])
        >>> display = LabelAveragePrecisionDisplay.from_estimator(clf, X[150:], Y[150:])
        >>> display.average_precision.shape
        (30,)
        """
        if k is not None:
            k = check_k(k)
        labels, scores = predict(estimator, X, y, rated, k)
        return cls.from_predictions(
            labels,
            scores,
            k=k,
            frequencies=frequencies,
            sample_weight=sample_weight,
            name=name_of(estimator, name),
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: MatrixLike,
        y_score: ScoresLike,
        *,
        k: int | None = None,
        frequencies: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
        rated: MatrixLike | None = None,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "LabelAveragePrecisionDisplay":
        """Draw the labels of true labels and scores.

        Parameters
        ----------
        y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
            True labels as 0 and 1.
        y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
            Scores, or the best labels of each sample and their scores, best first.
        k : int, default=None
            Number of best labels of each sample that are listed, as in
            `average_precision_per_label`. None means all samples.
        frequencies : array-like of shape (n_labels,), default=None
            Number of samples with each label, for instance in the training set; None means
            those in `y_true`, or their total weight.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.
        rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
            Pairs that were judged, as 0 and 1; None means all pairs.
        name : str, default=None
            Name for the legend, if any.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        LabelAveragePrecisionDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If `frequencies` are not one finite number of at least 0 for each label; and as
            `average_precision_per_label` raises it.

        Examples
        --------
        Against the frequencies in the training set:

        >>> from sk_yt8m.metrics import LabelAveragePrecisionDisplay
        >>> y_true = [[1, 0, 0], [0, 1, 1]]
        >>> y_score = [[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]]
        >>> display = LabelAveragePrecisionDisplay.from_predictions(
        ...     y_true, y_score, frequencies=[120, 70, 9]
        ... )
        >>> display.positives
        array([120.,  70.,   9.])
        """
        labels = check_y_true(y_true, rated)
        weight = check_sample_weight(sample_weight, labels)
        positives: npt.NDArray[Any]
        if frequencies is not None:
            positives = read_amounts(frequencies, "frequencies", labels.n_labels, "label")
        elif weight is None:
            positives = labels.frequencies().astype(np.int64)
        else:
            positives = labels.frequencies(check_batch_weight(sample_weight, labels.n_samples))
        precisions = average_precision_per_label(labels, y_score, k=k, sample_weight=weight)
        return cls(precisions, positives, name=name).plot(ax, **kwargs)

    def plot(
        self, ax: "Axes | None" = None, *, name: str | None = None, **kwargs: Any
    ) -> "LabelAveragePrecisionDisplay":
        """Draw the labels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        name : str, default=None
            Name for the legend; None means that of the display.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        LabelAveragePrecisionDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from sk_yt8m.metrics import LabelAveragePrecisionDisplay
        >>> display = LabelAveragePrecisionDisplay(np.array([0.9, 0.6, np.nan]), [40, 8, 0])
        >>> display.plot(marker="x").ax_.get_legend_handles_labels()[1][0]
        '2 labels'
        """
        ax = self._start(ax)
        from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

        shown = ~np.isnan(self.average_precision) & (np.asarray(self.positives) > 0)
        positives = np.asarray(self.positives)[shown]
        precisions = self.average_precision[shown]
        # Many points are small and transparent, so that their density shows.
        look = {"s": 8, "alpha": 0.25} if len(positives) > 500 else {"s": 16, "alpha": 0.6}
        name = self.name if name is None else name
        summary = f"{len(positives):,} labels"
        label = summary if name is None else f"{name} ({summary})"
        options = {**look, "linewidths": 0, "label": label}
        self.points_ = ax.scatter(positives, precisions, **{**options, **kwargs})
        centres, means = _means_by_frequency(positives, precisions)
        (self.line_,) = ax.plot(
            centres, means, color="C1", marker="o", label="mean of labels of similar frequency"
        )
        ax.set(
            xscale="log",
            xlabel="Number of samples with the label (log scale)",
            ylabel="Average precision of the label",
            ylim=(-0.02, 1.02),
        )
        low, high = ax.get_xlim()
        if high < 10 * low:
            # The labels of a logarithmic axis would overlap within one decade.
            ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            ax.xaxis.set_major_formatter(ScalarFormatter())
            ax.xaxis.set_minor_locator(NullLocator())
        for handle in filter(None, ax.legend(loc="best").legend_handles):
            handle.set_alpha(1)
        return self


def _means_by_frequency(
    positives: npt.NDArray[Any], precisions: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the geometric mean frequency and the mean precision of each doubling of frequency."""
    steps = np.floor(np.log2(positives)).astype(np.int64)
    used, step = np.unique(steps, return_inverse=True)
    size = np.bincount(step, minlength=len(used))
    centres = np.exp(np.bincount(step, np.log(positives), len(used)) / size)
    return centres, np.bincount(step, precisions, len(used)) / size
