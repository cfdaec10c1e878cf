"""Everything private that the package uses of scikit-learn, and why.

After an update of scikit-learn this is the one file to check; what versions differ in is here too.
"""

from typing import Any

import numpy as np

# Declared constraints with one wording of errors: public only as `_parameter_constraints`.
# The decorator of `fit` that validates them and applies `skip_parameter_validation`.
from sklearn.base import _fit_context as fit_context

# Rows of arrays, sparse matrices and DataFrames of any library, by slice or by numbers.
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_params,
)

# Parameters of named parts, `name__parameter`, as VotingClassifier has them.
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition

# Weights with scikit-learn's checks and messages, which its estimator checks look for.
from sklearn.utils.validation import _check_sample_weight

# Number of rows of the same kinds of data.
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "BaseComposition",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
    "num_samples",
    "safe_indexing",
    "validate_params",
]


def check_sample_weight(sample_weight: Any, X: Any, **options: Any) -> np.ndarray:
    """Return the checked weight of each row."""
    weight: np.ndarray = _check_sample_weight(sample_weight, X, **options)
    if not weight.any():  # which scikit-learn accepts before 1.9
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight
