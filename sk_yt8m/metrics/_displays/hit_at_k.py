"""Hit@k against k."""

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sk_yt8m.metrics._definitions.per_sample import mean_of_samples, top_hits
from sk_yt8m.metrics._displays.base import Display, name_of, predict
from sk_yt8m.metrics._inputs.checks import check_k, check_sample_weight
from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(eq=False, repr=False)
class HitAtKDisplay(Display):
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
    >>> HitAtKDisplay.from_predictions(y_true, y_score, max_k=3).hit
    array([0.5, 1. , 1. ])
    """

    k: npt.NDArray[np.integer]
    hit: npt.NDArray[np.float64]
    _: KW_ONLY
    name: str | None = None

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
            Name for the legend; None means the name of the estimator's class.

        Returns
        -------
        HitAtKDisplay
            The display, drawn.
        """
        labels, scores = predict(estimator, X, y_true, rated, check_k(max_k, "max_k"))
        return cls.from_predictions(
            labels,
            scores,
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
        name, ax, **kwargs
            See `plot`.

        Returns
        -------
        HitAtKDisplay
            The display, drawn.
        """
        labels = check_y_true(y_true, rated)
        return cls._of(labels, y_score, max_k, sample_weight, name).plot(ax, **kwargs)

    @classmethod
    def _of(
        cls,
        labels: TrueLabels,
        y_score: Any,
        max_k: int,
        sample_weight: Any = None,
        name: str | None = None,
    ) -> "HitAtKDisplay":
        """Compute the curve, and draw nothing."""
        weight = check_sample_weight(sample_weight, labels)
        _, hits = top_hits(labels, y_score, check_k(max_k, "max_k"))
        found = np.logical_or.accumulate(hits, axis=1).T
        hit = np.array([mean_of_samples(column, labels).ratio(weight) for column in found])
        return cls(np.arange(1, len(hit) + 1), hit, name=name)

    def plot(
        self, ax: "Axes | None" = None, *, name: str | None = None, **kwargs: Any
    ) -> "HitAtKDisplay":
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        name : str, default=None
            Name for the legend; None means the display's `name`.
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
        """
        ax = self._start(ax)
        from matplotlib.ticker import MaxNLocator

        summary = f"Hit@1 = {self.hit[0]:.3f}, Hit@{self.k[-1]} = {self.hit[-1]:.3f}"
        name = self.name if name is None else name
        options = {"marker": "o", "markersize": 4, **kwargs}
        self.line_ = self._draw_curve(self.k, self.hit, summary, name, **options)
        ax.set(xlabel="k, number of best labels", ylabel="Hit@k, share of samples with a hit")
        # The limits include the curves that are already there.
        ax.autoscale(axis="y")
        ax.set_ylim(top=1.01)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        ax.legend(loc="lower right")
        return self
