"""The precision-recall curve of the pooled list, whose area is GAP."""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.gap import gap_score, pooled_list
from sk_yt8m.metrics._displays.base import Display, name_of, predict
from sk_yt8m.metrics._inputs.checks import check_k, check_sample_weight
from sk_yt8m.metrics._inputs.exact import sortable
from sk_yt8m.metrics._inputs.scores import check_top_k
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(eq=False, repr=False)
class PooledPrecisionRecallDisplay(Display):
    """Precision against recall in the pooled list of all samples' best labels.

    The area under the curve is GAP@k. The curve ends where the list does: positives outside the
    ``k`` best labels of their samples are never found.

    Make one with `from_estimator` or `from_predictions`. Read more in the
    :ref:`User Guide <metrics>`.

    Parameters
    ----------
    precision : ndarray of shape (n_thresholds + 1,)
        Share of true labels among all with at least this score, by descending score.
    recall : ndarray of shape (n_thresholds + 1,)
        Share of all positives found among them; begins with 0.
    gap : float
        GAP@k.
    k : int
        Number of best labels of each sample.
    name : str, default=None
        Name for the legend.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.
    ax_ : matplotlib Axes
        The axes it is drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    gap_score : The area under the curve.
    HitAtKDisplay : Hit@k for every ``k``.
    sklearn.metrics.PrecisionRecallDisplay : The curve of one label.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import PooledPrecisionRecallDisplay
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> display = PooledPrecisionRecallDisplay.from_predictions(y_true, y_score, k=2)
    >>> round(float(np.sum(np.diff(display.recall) * display.precision[1:])), 4)
    0.5556
    """

    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    _: KW_ONLY
    gap: float
    k: int = 20
    name: str | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: MatrixLike,
        *,
        k: int = 20,
        sample_weight: npt.ArrayLike | None = None,
        rated: MatrixLike | None = None,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "PooledPrecisionRecallDisplay":
        """Draw the curve of a fitted classifier.

        Parameters
        ----------
        estimator : object
            Fitted classifier with ``predict_top_k``, ``predict_proba`` or ``decision_function``.
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples.
        y : {array-like, sparse matrix, DataFrame} of shape (n_samples,) or (n_samples, n_labels)
            True classes or labels.
        k : int, default=20
            Number of best labels of each sample. More than ``n_labels`` means ``n_labels``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.
        rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
            Pairs that were judged, as 0 and 1; None means all pairs.
        name : str, default=None
            Name for the legend; None means the name of the estimator's class.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        PooledPrecisionRecallDisplay
            The display, drawn.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> from sk_yt8m.metrics import PooledPrecisionRecallDisplay, gap_score
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X[:150], Y[:150])
        >>> display = PooledPrecisionRecallDisplay.from_estimator(clf, X[150:], Y[150:])
        >>> display.gap == gap_score(Y[150:], clf.predict_top_k(X[150:]))
        True
        """
        labels, scores = predict(estimator, X, y, rated, check_k(k))
        return cls.from_predictions(
            labels,
            scores,
            k=k,
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
        k: int = 20,
        sample_weight: npt.ArrayLike | None = None,
        rated: MatrixLike | None = None,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "PooledPrecisionRecallDisplay":
        """Draw the curve of true labels and scores.

        Parameters
        ----------
        y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
            True labels as 0 and 1.
        y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
            Scores, or the best labels of each sample and their scores, best first.
        k : int, default=20
            Number of best labels of each sample. More than ``n_labels`` means ``n_labels``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.
        rated : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels), default=None
            Pairs that were judged, as 0 and 1; None means all pairs.
        name : str, default=None
            Name for the legend, if any.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        PooledPrecisionRecallDisplay
            The display, drawn.

        Examples
        --------
        >>> from sk_yt8m.metrics import PooledPrecisionRecallDisplay
        >>> y_true = [[1, 0, 0], [0, 1, 1]]
        >>> y_score = [[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]]
        >>> display = PooledPrecisionRecallDisplay.from_predictions(y_true, y_score, k=2)
        >>> display.line_.get_label()
        'GAP@2 = 0.5556'
        """
        labels = check_y_true(y_true, rated)
        return cls._of(labels, y_score, k, sample_weight, name).plot(ax, **kwargs)

    @classmethod
    def _of(
        cls,
        labels: TrueLabels,
        y_score: Any,
        k: int,
        sample_weight: Any = None,
        name: str | None = None,
    ) -> "PooledPrecisionRecallDisplay":
        """Compute the curve, and draw nothing."""
        k = check_k(k)
        weight = check_sample_weight(sample_weight, labels)
        top = check_top_k(y_score, labels, k, f" for k={k}")
        scores, hits, missed, entry_weight = pooled_list(labels, top, k, weight)
        spread = np.broadcast_to(1.0 if entry_weight is None else entry_weight, hits.shape)
        precision, recall = _curve(sortable(scores), hits, spread, missed)
        gap = gap_score(labels, top, k=k, sample_weight=weight)
        return cls(precision, recall, gap=gap, k=k, name=name)

    def plot(
        self, ax: "Axes | None" = None, *, name: str | None = None, **kwargs: Any
    ) -> "PooledPrecisionRecallDisplay":
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        name : str, default=None
            Name for the legend; None means that of the display.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        PooledPrecisionRecallDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sk_yt8m.metrics import PooledPrecisionRecallDisplay
        >>> y_true = [[1, 0, 0], [0, 1, 1]]
        >>> y_score = [[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]]
        >>> display = PooledPrecisionRecallDisplay.from_predictions(y_true, y_score, k=2)
        >>> display.plot(name="again", color="black").line_.get_label()
        'again (GAP@2 = 0.5556)'
        """
        ax = self._start(ax)
        name = self.name if name is None else name
        # A step to the left: each gain in recall counts with the precision after it.
        options = {"drawstyle": "steps-pre", **kwargs}
        summary = f"GAP@{self.k} = {self.gap:.4f}"
        self.line_ = self._draw_curve(self.recall, self.precision, summary, name, **options)
        ax.set(
            xlabel="Recall: share of all true labels that are found",
            ylabel=f"Precision in the pooled top {self.k} of all samples",
            xlim=(0, 1.01),
            ylim=(0, 1.02),
        )
        ax.legend(loc="lower left")
        return self


def _curve(
    scores: npt.NDArray[Any],
    hits: npt.NDArray[np.bool_],
    weight: npt.NDArray[np.float64],
    missed: float,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    order = np.argsort(-scores, axis=None)
    scores, hits, weight = scores.ravel()[order], hits.ravel()[order], weight.ravel()[order]
    listed = np.cumsum(weight)
    found = np.cumsum(np.where(hits, weight, 0.0))
    last = np.append(scores[1:] != scores[:-1], True) & (listed > 0)
    precision = found[last] / listed[last]
    recall = found[last] / (found[-1] + missed or 1.0)
    return np.append(precision[0], precision), np.append(0.0, recall)
