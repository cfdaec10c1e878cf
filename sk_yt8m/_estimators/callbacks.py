"""scikit-learn's callbacks: what they are told of the epochs of a network, and of the parts."""

from copy import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sk_yt8m._training.distributed.observation import Trained


class EpochCallbacks:
    """Calls a network's callbacks at the start and the end of its training and of each epoch.

    Parameters
    ----------
    estimator : DeepMultiLabelClassifier
        The classifier in training.
    X, y, sample_weight
        The training data as `fit` was given it.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self._told = {"estimator": estimator, **hook_arguments(X, y, sample_weight)}
        self._estimator = estimator
        self._fit: Any = None
        self._epoch: Any = None
        self._n_done = 0

    def begin(self, n_epochs: int, n_done: int) -> None:
        """Tell of the start of the training: a task with a subtask for each epoch that is left."""
        self._n_done = n_done
        self._fit = self._estimator._init_callback_context(
            max_subtasks=n_epochs - n_done,
            # scikit-learn counts such subtasks from 0.
            sequential_subtasks=n_done == 0,
        )
        self._fit.call_on_fit_task_begin(**self._told)

    def begin_epoch(self, epoch: int) -> None:
        """Tell of the start of an epoch."""
        number = epoch if self._n_done else None
        self._epoch = self._fit.subcontext(task_name="epoch", task_id=number)
        self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self, trained: "Trained") -> bool:
        """Tell of the end of an epoch, and return whether a callback wants to end the training."""

        def attributes() -> dict[str, Any]:
            fitted = copy(self._estimator)
            fitted._set_trained(*trained())
            return vars(fitted)

        return self._epoch.call_on_fit_task_end(**self._told, reconstruction_attributes=attributes)

    def end(self) -> None:
        """Tell of the end of the training; the estimator is fitted now."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes={})


def hook_arguments(X: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
    """Return what every callback may ask for, in the form of scikit-learn's searches."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"X": X, "y": y, "metadata": metadata}


def fit_part(
    part: Any, X: Any, y: Any, fit_params: dict[str, Any], whole: Any, context: Any
) -> Any:
    """Fit an estimator as a task of the whole that it is part of, and return it."""
    told = {"estimator": whole, **hook_arguments(X, y, fit_params.get("sample_weight"))}
    with context.propagate_callback_context(part):
        context.call_on_fit_task_begin(**told)
        part.fit(X, y, **fit_params)
        context.call_on_fit_task_end(**told)
    return part
