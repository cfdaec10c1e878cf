"""The download's retry rule: which failures are tried again, how often, and after which wait."""

import time
import warnings
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Statuses below 500 that may pass: request timeout, too early, too many requests.
_TEMPORARY = (408, 425, 429)


class WrongChecksumError(ValueError):
    """A download that does not have the expected checksum."""


def retry(get: Callable[[], T], url: str, n_retries: int, delay: float) -> T:
    """Call a function until it succeeds, fails for good, or has used up its tries.

    Parameters
    ----------
    get : callable
        Downloads `url` and returns a result.
    url : str
        Address, for messages.
    n_retries : int
        How many more times to try after a failure.
    delay : float
        Seconds between tries.

    Raises
    ------
    OSError
        If the last try failed.
    """
    from requests import RequestException

    for left in range(n_retries, -1, -1):
        try:
            return get()
        except (RequestException, WrongChecksumError) as error:
            if not left or not _may_pass(error):
                raise OSError(
                    f"could not download {url} (tries: {n_retries - left + 1}): {error}"
                ) from error
            warnings.warn(f"trying {url} again after: {error}", stacklevel=3)
            time.sleep(delay)
    raise AssertionError("the last try returns or raises")


def _may_pass(error: Exception) -> bool:
    """Tell whether another try may succeed: not after a malformed address or a refusal."""
    if isinstance(error, WrongChecksumError):
        return True
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is None:
        return not isinstance(error, ValueError)  # requests' errors about malformed addresses
    return status >= 500 or status in _TEMPORARY
