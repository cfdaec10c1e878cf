"""What the pictures share: an axes to draw on, and predictions of a classifier."""

from typing import TYPE_CHECKING, Any

from sk_yt8m.metrics._inputs.true_labels import TrueLabels, check_y_true
from sk_yt8m.metrics._scoring.responses import all_scores, best_labels, check_names, indicator_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_of(ax: "Axes | None") -> "Axes":
    """Return the axes to draw on, new ones where none are given.

    Raises
    ------
    ImportError
        Where matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError('the displays need matplotlib: pip install "sk-yt8m[plot]"') from error
    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    ax.grid(True, color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax


def labels_of(estimator: Any, y_true: Any, rated: Any = None) -> TrueLabels:
    """Return the true labels, those of the classes of the estimator where ``y_true`` is 1-d."""
    check_names(rated, "rated", estimator)
    return check_y_true(indicator_of(y_true, estimator), rated)


def predict_best(estimator: Any, X: Any, labels: TrueLabels, k: int | None) -> Any:
    """Return the ``k`` best labels that a fitted classifier gives each sample.

    The scores of all where `k` is None, and where only some labels are rated: they may be any.
    """
    if k is None or labels.rated is not None:
        return all_scores(estimator, X, n_labels=labels.n_labels)
    return best_labels(estimator, X, k=k, n_labels=labels.n_labels)


def name_of(estimator: Any, name: str | None) -> str:
    """Return the name for the legend, that of the estimator's class where none is given."""
    return type(estimator).__name__ if name is None else name
