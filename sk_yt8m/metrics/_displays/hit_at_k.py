"""Hit@k against k."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._definitions.shares import mean_of_samples, rank
from sk_yt8m.metrics._displays.base import axes_of, labels_of, name_of, predict_best
from sk_yt8m.metrics._inputs.checks import check_k

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HitAtKDisplay:
    """Share of samples with a true label among the ``k`` best, for every ``k``.

    Make one with `from_estimator` or `from_predictions`.

    Parameters
    ----------
    k : ndarray of int of shape (max_k,)
        1, 2, ...
    hit : ndarray of shape (max_k,)
        Hit@k.
    name : str, default=None
        Name for the legend.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.
    ax_ : matplotlib Axes
        What it is drawn on.
    figure_ : matplotlib Figure
        What holds the axes.

    See Also
    --------
    hit_at_k_score : The figure for one ``k``.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_yt8m.metrics import HitAtKDisplay
    >>> y_true = np.array([[1, 0, 0], [0, 1, 1]])
    >>> y_score = np.array([[0.9, 0.5, 0.1], [0.8, 0.7, 0.2]])
    >>> HitAtKDisplay.from_predictions(y_true, y_score, max_k=3).hit
    array([0.5, 1. , 1. ])
    """

    def __init__(
        self,
        k: npt.NDArray[np.integer],
        hit: npt.NDArray[np.float64],
        *,
        name: str | None = None,
    ) -> None:
        self.k = k
        self.hit = hit
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y_true: Any,
        *,
        max_k: int = 20,
        sample_weight: Any = None,
        rated: Any = None,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "HitAtKDisplay":
        """Draw the curve of a fitted classifier.

        Parameters
        ----------
        estimator : object
            Fitted classifier with ``predict_top_k``, ``predict_proba`` or ``decision_function``.
        X : array-like of shape (n_samples, n_features)
            Samples.
        y_true, max_k, sample_weight, rated, ax, **kwargs
            See `from_predictions`.
        name : str, default=None
            Name for the legend; None takes that of the estimator's class.

        Returns
        -------
        HitAtKDisplay
            The display that was drawn.
        """
        labels = labels_of(estimator, y_true, rated)
        return cls.from_predictions(
            labels,
            predict_best(estimator, X, labels, check_k(max_k, "max_k")),
            max_k=max_k,
            sample_weight=sample_weight,
            name=name_of(estimator, name),
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_score: Any,
        *,
        max_k: int = 20,
        sample_weight: Any = None,
        rated: Any = None,
        name: str | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> "HitAtKDisplay":
        """Draw the curve of true labels and scores.

        Parameters
        ----------
        y_true, y_score, sample_weight, rated
            See `hit_at_k_score`.
        max_k : int, default=20
            Largest ``k``. More than ``n_labels`` means ``n_labels``.
        name : str, default=None
            Name for the legend.
        ax : matplotlib Axes, default=None
            What to draw on; None makes a new figure.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        HitAtKDisplay
            The display that was drawn.
        """
        ranked = rank(y_true, y_score, check_k(max_k, "max_k"), sample_weight, rated)
        found = np.logical_or.accumulate(ranked.hits, axis=1)
        shares = [mean_of_samples(column, ranked.labels) for column in found.T]
        hit = np.array([share.total(ranked.weight) for share in shares])
        return cls(np.arange(1, ranked.k + 1), hit, name=name).plot(ax, **kwargs)

    def plot(
        self, ax: "Axes | None" = None, *, name: str | None = None, **kwargs: Any
    ) -> "HitAtKDisplay":
        """Draw the curve, again or for the first time.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            What to draw on; None makes a new figure.
        name : str, default=None
            Name for the legend; None takes that of the display.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        HitAtKDisplay
            The display itself.
        """
        from matplotlib.ticker import MaxNLocator

        ax = axes_of(ax)
        name = self.name if name is None else name
        figure = f"Hit@1 = {self.hit[0]:.3f}, Hit@{self.k[-1]} = {self.hit[-1]:.3f}"
        options = {
            "label": figure if name is None else f"{name} ({figure})",
            "marker": "o",
            "markersize": 4,
            **kwargs,
        }
        (self.line_,) = ax.plot(self.k, self.hit, **options)
        ax.set(xlabel="k, number of best labels", ylabel="Hit@k, share of samples with a hit")
        ax.set_ylim(top=1.01)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        ax.legend(loc="lower right")
        self.ax_, self.figure_ = ax, ax.figure
        return self
