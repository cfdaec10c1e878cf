"""Callbacks that record their hooks, and the versions of scikit-learn that have callbacks."""

from importlib.util import find_spec

import pytest

HAS_CALLBACKS = find_spec("sklearn.callback") is not None
SINCE = "scikit-learn has callbacks since 1.9"
needs_callbacks = pytest.mark.skipif(not HAS_CALLBACKS, reason=SINCE)


class Recording:
    """Records the hook, the task and its number of each call, and asks for nothing.

    It returns True at the end of the epoch `stop_at`, and raises `error` in the hook `fail_at`.
    """

    def __init__(self, stop_at=None, fail_at=None, error=None):
        self.stop_at, self.fail_at, self.error = stop_at, fail_at, error
        self.events, self.contexts, self.given = [], [], []

    def record(self, hook, estimator, context, **given):
        event = (hook, context.task_name, context.task_id)
        self.events.append(event)
        self.contexts.append(context)
        self.given.append({"estimator": estimator, **given})
        if self.fail_at in (hook, event):
            raise self.error

    def setup(self, estimator, context):
        self.record("setup", estimator, context)

    def teardown(self, estimator, context):
        self.record("teardown", estimator, context)

    def on_fit_task_begin(self, estimator, context):
        self.record("begin", estimator, context)

    def on_fit_task_end(self, estimator, context):
        self.record("end", estimator, context)
        return (context.task_name, context.task_id) == ("epoch", self.stop_at)

    def epochs(self):
        """Return the numbers of the epochs that ended."""
        return [number for hook, task, number in self.events if (hook, task) == ("end", "epoch")]


class Asking(Recording):
    """Asks for everything."""

    def on_fit_task_begin(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        given = {"X": X, "y": y, "metadata": metadata, "fitted_estimator": fitted_estimator}
        self.record("begin", estimator, context, **given)

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        given = {"X": X, "y": y, "metadata": metadata, "fitted_estimator": fitted_estimator}
        self.record("end", estimator, context, **given)
        return (context.task_name, context.task_id) == ("epoch", self.stop_at)

    def fitted(self):
        """Return the estimator of each end, those of the epochs before that of the whole."""
        ends = zip(self.events, self.given, strict=True)
        return [given["fitted_estimator"] for event, given in ends if event[0] == "end"]


class Propagated(Recording):
    """Is passed on to the parts of the estimator that it is set on."""

    max_propagation_depth = None


def whole_fit(n_epochs, first=0):
    """Return the events of a fit, or of one that continues after some epochs."""
    epochs = [
        (hook, "epoch", epoch) for epoch in range(first, n_epochs) for hook in ("begin", "end")
    ]
    return [
        ("setup", "fit", 0),
        ("begin", "fit", 0),
        *epochs,
        ("end", "fit", 0),
        ("teardown", "fit", 0),
    ]
