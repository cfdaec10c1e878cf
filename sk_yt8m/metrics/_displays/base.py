"""Base of the displays: predictions of a classifier, axes and legend."""

from typing import TYPE_CHECKING, Any

from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true
from sk_yt8m.metrics._scoring.responses import all_scores, best_labels, check_names, indicator_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D


class Display:
    """A display as in scikit-learn: it holds computed values, and `plot` draws them.

    A subclass calls `_start` before it draws, which sets ``ax_`` and ``figure_``.
    """

    ax_: "Axes"
    figure_: "Figure | SubFigure"

    def plot(self, ax: "Axes | None" = None, **kwargs: Any) -> "Display":
        """Draw the values, on new axes if none are given."""
        raise NotImplementedError

    def _start(self, ax: "Axes | None") -> "Axes":
        """Return the axes to draw on, with a grid; a new figure's if none are given.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            message = 'the displays need matplotlib: pip install "sk-yt8m[plot]"'
            raise ImportError(message) from error
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        ax.grid(True, color="0.9", linewidth=0.8)
        ax.set_axisbelow(True)
        self.ax_, self.figure_ = ax, ax.figure
        return ax

    def _draw_curve(
        self, x: Any, y: Any, summary: str, name: str | None, **options: Any
    ) -> "Line2D":
        """Draw a curve, with its name, if any, and its summary in the legend."""
        label = summary if name is None else f"{name} ({summary})"
        (line,) = self.ax_.plot(x, y, **{"label": label, **options})
        return line


def predict(
    estimator: Any, X: Any, y_true: Any, rated: Any, k: int | None
) -> tuple[TrueLabels, Any]:
    """Return the true labels, and the ``k`` best labels that a fitted classifier predicts.

    The scores of all labels if `k` is None, or if only some labels are rated, which may have any
    rank. With a 1-d `y_true` each class of the estimator is a label.
    """
    check_names(rated, "rated", estimator)
    labels = check_y_true(indicator_of(y_true, estimator), rated)
    if k is None or rated is not None:
        return labels, all_scores(estimator, X, n_labels=labels.n_labels)
    return labels, best_labels(estimator, X, k=k, n_labels=labels.n_labels)


def name_of(estimator: Any, name: str | None) -> str:
    """Return the name for the legend, by default that of the estimator's class."""
    return type(estimator).__name__ if name is None else name
