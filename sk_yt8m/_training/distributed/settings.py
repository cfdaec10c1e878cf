"""Settings of a training by several replicas, and the error with which it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How replicas communicate.

    Attributes
    ----------
    timeout : float
        Seconds to wait for another process.
    gradient_dtype : {"float32", "bfloat16"}
        In which format the gradients of matrices are summed.
    """

    timeout: float = 600.0
    gradient_dtype: str = "float32"


class WorkerError(RuntimeError):
    """A process that trains together with this one failed, was lost, or does not answer.

    All processes end with an error then. The same command, started in all of them again, resumes if
    the classifier has a `checkpoint_dir`.

    See Also
    --------
    config_context : Sets how long a process waits for another one.
    """


_DEFAULT = Settings()
_SETTINGS = ContextVar("_SETTINGS", default=_DEFAULT)


def settings() -> Settings:
    """Return the settings in force."""
    return _SETTINGS.get()


@contextmanager
def in_force(chosen: Settings) -> Iterator[None]:
    """Let settings be in force in the ``with`` block."""
    token = _SETTINGS.set(chosen)
    try:
        yield
    finally:
        _SETTINGS.reset(token)
