"""Hit@k against k."""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sk_yt8m._inputs.types import MatrixLike, ScoresLike
from sk_yt8m.metrics._definitions.per_sample import mean_of_samples, top_hits
from sk_yt8m.metrics._displays.base import Display, name_of, predict
from sk_yt8m.metrics._inputs.checks import check_k, check_sample_weight
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(eq=False, repr=False)
class HitAtKDisplay(Display):
    """Share of samples with a true label among the ``k`` best, for every ``k``.

    Make one with `from_estimator` or `from_predictions`. Read more in the
    :ref:`User Guide <metrics>`.

    Parameters
    ----------
    hit : ndarray of shape (k,)
        Hit@1, Hit@2, ..., Hit@k.
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
    hit_at_k_score : The value for one ``k``.
    PooledPrecisionRecallDisplay : The curve whose area is GAP.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import HitAtKDisplay
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> HitAtKDisplay.from_predictions(y_true, y_score, k=3).hit
    array([0.5, 1. , 1. ])
    """

    hit: npt.NDArray[np.float64]
    _: KW_ONLY
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
    ) -> "HitAtKDisplay":
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
            Number of best labels of each sample, the last point of the curve. More than
            ``n_labels`` means ``n_labels``.
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
        HitAtKDisplay
            The display, drawn.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> from sk_yt8m.metrics import HitAtKDisplay
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0).fit(X[:150], Y[:150])
        >>> display = HitAtKDisplay.from_estimator(clf, X[150:], Y[150:], k=5)
        >>> display.hit.shape
        (5,)
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
    ) -> "HitAtKDisplay":
        """Draw the curve of true labels and scores.

        Parameters
        ----------
        y_true : {array, sparse matrix, DataFrame} of shape (n_samples, n_labels)
            True labels as 0 and 1.
        y_score : {array, DataFrame} of shape (n_samples, n_labels), or tuple (indices, scores)
            Scores, or the best labels of each sample and their scores, best first.
        k : int, default=20
            Number of best labels of each sample, the last point of the curve. More than
            ``n_labels`` means ``n_labels``.
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
        HitAtKDisplay
            The display, drawn.

        Examples
        --------
        >>> from sk_yt8m.metrics import HitAtKDisplay
        >>> y_true = [[1, 0, 0], [0, 1, 1]]
        >>> y_score = [[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]]
        >>> display = HitAtKDisplay.from_predictions(y_true, y_score, k=2, name="model")
        >>> display.line_.get_label()
        'model (Hit@1 = 0.500, Hit@2 = 1.000)'
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
    ) -> "HitAtKDisplay":
        """Compute the curve, and draw nothing."""
        weight = check_sample_weight(sample_weight, labels)
        _, hits = top_hits(labels, y_score, check_k(k))
        found = np.logical_or.accumulate(hits, axis=1).T
        hit = np.array([mean_of_samples(column, labels).ratio(weight) for column in found])
        return cls(hit, name=name)

    def plot(
        self, ax: "Axes | None" = None, *, name: str | None = None, **kwargs: Any
    ) -> "HitAtKDisplay":
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
        HitAtKDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        Two curves on the same axes:

        >>> from sk_yt8m.metrics import HitAtKDisplay
        >>> good = HitAtKDisplay([0.8, 0.9, 1.0], name="good").plot()
        >>> poor = HitAtKDisplay([0.4, 0.6, 0.7], name="poor").plot(good.ax_, linestyle="--")
        >>> len(good.ax_.lines)
        2
        """
        ax = self._start(ax)
        from matplotlib.ticker import MaxNLocator

        summary = f"Hit@1 = {self.hit[0]:.3f}, Hit@{len(self.hit)} = {self.hit[-1]:.3f}"
        name = self.name if name is None else name
        options = {"marker": "o", "markersize": 4, **kwargs}
        self.line_ = self._draw_curve(
            np.arange(1, len(self.hit) + 1), self.hit, summary, name, **options
        )
        ax.set(xlabel="k, number of best labels", ylabel="Hit@k, share of samples with a hit")
        # The limits include the curves that are already there.
        ax.autoscale(axis="y")
        ax.set_ylim(top=1.01)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        ax.legend(loc="lower right")
        return self
