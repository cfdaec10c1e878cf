"""Everything private that the package uses of scikit-learn, and why.

After an update of scikit-learn this is the one file to check; what versions differ in is here too.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, NoReturn, TypeVar

import numpy as np

# Declared constraints with one wording of errors: public only as `_parameter_constraints`.
# The decorator of `fit` that validates them and applies `skip_parameter_validation`.
from sklearn.base import _fit_context

# A scorer by which `ScoringMonitor` and others know that a callable gives one number.
from sklearn.metrics._scorer import _BaseScorer as BaseScorer

# Rows of arrays, sparse matrices and DataFrames of any library, by slice or by numbers.
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
)
from sklearn.utils._param_validation import validate_params as _validate_params

# Parameters of named parts, `name__parameter`, as VotingClassifier has them.
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition

# Weights with scikit-learn's checks and messages, which its estimator checks look for.
from sklearn.utils.validation import _check_sample_weight

# Number of rows of the same kinds of data.
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "BaseComposition",
    "BaseScorer",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "callback_management_context",
    "check_sample_weight",
    "fit_context",
    "has_callbacks",
    "num_samples",
    "safe_indexing",
    "validate_params",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


# scikit-learn has no types: without these two, what it decorates would have none either.
def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[_Function], _Function]:
    """Decorate a `fit`: its estimator's parameters are validated first."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def validate_params(
    constraints: Mapping[str, Any], *, prefer_skip_nested_validation: bool
) -> Callable[[_Function], _Function]:
    """Decorate a function: its arguments are validated first."""
    return _validate_params(
        constraints, prefer_skip_nested_validation=prefer_skip_nested_validation
    )


def safe_indexing(X: Any, rows: Any) -> Any:
    """Return the chosen rows of data of any library."""
    if hasattr(X, "column_names"):  # a table of pyarrow, which scikit-learn takes from 1.7 on
        return X.take(np.arange(X.num_rows)[rows])
    return _safe_indexing(X, rows)


def check_sample_weight(sample_weight: Any, X: Any, **options: Any) -> np.ndarray:
    """Return the checked weight of each row."""
    weight: np.ndarray = _check_sample_weight(sample_weight, X, **options)
    if not weight.any():  # which scikit-learn accepts before 1.9
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


# Callbacks: public, experimental, and optional, because older versions have none.
try:
    from sklearn.callback import CallbackSupportMixin
except ModuleNotFoundError:

    class _NoContext:
        """Stands for the context of a `fit` that calls no callback."""

        def subcontext(self, *_: Any, **__: Any) -> "_NoContext":
            return self

        def propagate_callback_context(self, sub_estimator: Any) -> nullcontext:
            return nullcontext()

        def call_on_fit_task_begin(self, **_: Any) -> "_NoContext":
            return self

        def call_on_fit_task_end(self, **_: Any) -> bool:
            return False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Refuses callbacks."""

        def set_callbacks(self, *callbacks: Any) -> NoReturn:
            """Raise an ImportError: this version of scikit-learn has no callbacks."""
            from sklearn import __version__

            raise ImportError(
                f"callbacks need scikit-learn 1.9 or later, this is {__version__}: "
                'pip install -U "scikit-learn>=1.9"'
            )

        def _init_callback_context(self, **_: Any) -> _NoContext:
            return _NoContext()

    callback_management_context = nullcontext
else:
    # Ends callbacks within what restores a failed estimator; public only as a decorator.
    from sklearn.callback._callback_support import (  # type: ignore[no-redef]
        callback_management_context,
    )


def has_callbacks(estimator: Any) -> bool:
    """Tell whether `set_callbacks`, or an estimator around this one, has given it callbacks."""
    return bool(getattr(estimator, "_skl_callbacks", []))
