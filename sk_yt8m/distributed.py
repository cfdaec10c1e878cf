"""Training by several processes or on several GPUs, with a strategy of `tf.distribute`."""

from contextlib import AbstractContextManager
from numbers import Real
from typing import Any, Literal

from sk_yt8m._sklearn import Interval, StrOptions, validate_params
from sk_yt8m._training.distributed.settings import Settings, WorkerError, in_force

__all__ = ["WorkerError", "config_context", "multi_worker_strategy"]


@validate_params(
    {
        "timeout": [Interval(Real, 0, None, closed="neither")],
        "gradient_dtype": [StrOptions({"float32", "bfloat16"})],
    },
    prefer_skip_nested_validation=True,
)
def config_context(
    *, timeout: float = 600.0, gradient_dtype: Literal["float32", "bfloat16"] = "float32"
) -> AbstractContextManager[None]:
    """Context manager for settings of a training under a strategy's scope.

    Read more in the :ref:`User Guide <scaling>`.

    Parameters
    ----------
    timeout : float, default=600
        Seconds that a process waits for another one: for its part of a few dozen steps, or until it
        has validated and written a checkpoint. Then the training ends with an error.
    gradient_dtype : {"float32", "bfloat16"}, default="float32"
        In which format the gradients of weight matrices are summed over the replicas.
        ``"bfloat16"`` halves what goes over the network and rounds them to 8 bits.

    Returns
    -------
    context manager
        The settings are in force in its ``with`` block.

    See Also
    --------
    multi_worker_strategy : The strategy for processes on several hosts.

    Examples
    --------
    >>> import tensorflow as tf
    >>> from sk_yt8m import DeepMultiLabelClassifier
    >>> from sk_yt8m.datasets import load_sample
    >>> from sk_yt8m.distributed import config_context
    >>> X, Y = load_sample(return_X_y=True)
    >>> clf = DeepMultiLabelClassifier((16,), max_iter=1, random_state=0)
    >>> with config_context(gradient_dtype="bfloat16"), tf.distribute.MirroredStrategy().scope():
    ...     clf.fit(X, Y).n_outputs_
    3862
    """
    return in_force(Settings(timeout, gradient_dtype))


@validate_params(
    {"timeout": [Interval(Real, 0, None, closed="neither")]}, prefer_skip_nested_validation=True
)
def multi_worker_strategy(*, timeout: float = 300.0) -> Any:
    """Return a strategy for the processes that the environment variable TF_CONFIG names.

    It is `tf.distribute.MultiWorkerMirroredStrategy`, which waits without end for a process that
    does not start. Call it before anything else uses TensorFlow.

    Read more in the :ref:`User Guide <scaling>`.

    Parameters
    ----------
    timeout : float, default=300
        Seconds to wait until all processes have started.

    Returns
    -------
    tf.distribute.MultiWorkerMirroredStrategy
        The strategy; call `fit` in its scope.

    Raises
    ------
    TimeoutError
        If a process has not started in time.
    ValueError
        If TF_CONFIG is missing or is not as TensorFlow expects it.

    See Also
    --------
    config_context : Time limit and gradient format of the training.
    """
    from sk_yt8m._training.distributed.start import start_multi_worker

    return start_multi_worker(timeout)
