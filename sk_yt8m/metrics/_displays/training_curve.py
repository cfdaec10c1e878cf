"""Training loss and validation score of each epoch."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sk_yt8m.metrics._displays.base import Display
from sk_yt8m.metrics._scoring.responses import is_multilabel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


@dataclass(eq=False, repr=False)
class TrainingCurveDisplay(Display):
    """Training loss and, on a second axis, validation score of each epoch.

    Make one with `from_estimator`. Read more in the :ref:`User Guide <metrics>`.

    Parameters
    ----------
    loss_curve : sequence of float
        Training loss of each epoch.
    validation_scores : sequence of float, default=None
        Validation score after each epoch.
    score_name : str, default="Validation score"
        Name of the score.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The loss.
    score_line_ : matplotlib Line2D or None
        The validation score.
    ax_ : matplotlib Axes
        The axes of the loss, on the left.
    score_ax_ : matplotlib Axes or None
        The axes of the score, on the right.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores against the number of samples.

    Examples
    --------
    >>> from sk_yt8m.metrics import TrainingCurveDisplay
    >>> display = TrainingCurveDisplay([9.2, 7.1, 6.5], [0.61, 0.70, 0.72]).plot()
    >>> display.ax_.get_xlabel()
    'Epoch'
    """

    loss_curve: Sequence[float]
    validation_scores: Sequence[float] | None = None
    _: KW_ONLY
    score_name: str = "Validation score"

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: "Axes | None" = None, **kwargs: Any
    ) -> "TrainingCurveDisplay":
        """Draw the training of a fitted classifier.

        Parameters
        ----------
        estimator : object
            Fitted `sk_yt8m.DeepMultiLabelClassifier`, or another with ``loss_curve_`` and, where
            it was trained with validation data, ``validation_scores_``.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.plot`, for the loss.

        Returns
        -------
        TrainingCurveDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the classifier is not fitted or has no ``loss_curve_``.

        Examples
        --------
        >>> from sk_yt8m import DeepMultiLabelClassifier
        >>> from sk_yt8m.datasets import make_videos
        >>> from sk_yt8m.metrics import TrainingCurveDisplay
        >>> X, Y = make_videos(200, n_labels=30, n_features=20, random_state=0, return_X_y=True)
        >>> clf = DeepMultiLabelClassifier((8,), max_iter=2, random_state=0)
        >>> clf = clf.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
        >>> TrainingCurveDisplay.from_estimator(clf).score_ax_.get_ylabel()
        'Validation GAP@20'
        """
        if not len(getattr(estimator, "loss_curve_", ())):
            raise ValueError(
                f"estimator must be fitted and keep its losses; this {type(estimator).__name__} "
                "has no loss_curve_."
            )
        scores = getattr(estimator, "validation_scores_", None)
        name = "Validation GAP@20" if is_multilabel(estimator) else "Validation score"
        return cls(estimator.loss_curve_, scores, score_name=name).plot(ax, **kwargs)

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "TrainingCurveDisplay":
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Further arguments of :meth:`matplotlib.axes.Axes.plot`, for the loss.

        Returns
        -------
        TrainingCurveDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from sk_yt8m.metrics import TrainingCurveDisplay
        >>> TrainingCurveDisplay([9.2, 7.1, 6.5]).plot(color="black").ax_.get_ylabel()
        'Training loss, mean of the samples'
        """
        ax = self._start(ax)
        from matplotlib.ticker import MaxNLocator

        epochs = np.arange(1, len(self.loss_curve) + 1)
        options = {"label": "Training loss", "color": "C0", "marker": "o", "markersize": 4}
        (self.line_,) = ax.plot(epochs, self.loss_curve, **{**options, **kwargs})
        ax.set_xlabel("Epoch")
        ax.set_ylabel("Training loss, mean of the samples", color=self.line_.get_color())
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        self.score_ax_: Axes | None = None
        self.score_line_: Line2D | None = None
        lines = [self.line_]
        if self.validation_scores:
            self.score_ax_, self.score_line_ = self._plot_scores(ax, self.validation_scores)
            lines.append(self.score_line_)
        # Above the axes the legend hides no curve.
        ax.legend(
            handles=lines, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False
        )
        return self

    def _plot_scores(self, ax: "Axes", values: Sequence[float]) -> "tuple[Axes, Line2D]":
        scores = np.asarray(values)
        best = int(np.argmax(scores))
        right = ax.twinx()
        (line,) = right.plot(
            np.arange(1, len(scores) + 1),
            scores,
            color="C1",
            marker="s",
            markersize=4,
            label=f"{self.score_name} (best {scores[best]:.4f}, epoch {best + 1})",
        )
        right.set_ylabel(self.score_name, color="C1")
        return right, line
