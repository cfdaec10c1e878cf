"""Scorers that are not of this package: scikit-learn's by name, and the caller's own."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import sklearn.metrics

#: Names of the first parameters of a metric, which a scorer does not have.
_OF_METRICS = {"y_true", "y_score", "y_pred", "y_prob"}


def is_foreign_name(name: object) -> bool:
    """Return whether scikit-learn has a scorer of this name."""
    return isinstance(name, str) and name in foreign_names()


def foreign_names() -> list[str]:
    """Return the names of scikit-learn's scorers."""
    return list(sklearn.metrics.get_scorer_names())


def find_foreign(name: str) -> Callable[..., float]:
    """Return scikit-learn's scorer of a name."""
    return sklearn.metrics.get_scorer(name)


def check_scorer(scoring: Any) -> None:
    """Raise TypeError unless it is a callable of an estimator, X and y."""
    if isinstance(scoring, type) or not callable(scoring):
        raise TypeError(
            "scoring must be the name of a metric or a callable scorer(estimator, X, y), got "
            f"{scoring!r}"
        )
    try:
        parameters = signature(scoring)
    except ValueError:
        # Some callables of C have none.
        return
    try:
        parameters.bind(None, None, None)
    except TypeError:
        fits = False
    else:
        fits = _OF_METRICS.isdisjoint(list(parameters.parameters)[:2])
    if not fits:
        name = getattr(scoring, "__name__", repr(scoring))
        raise TypeError(
            f"scoring must be called as scorer(estimator, X, y), got {name}{parameters}: of a "
            f"metric make_top_k_scorer({name}) or sklearn.metrics.make_scorer({name}) makes a "
            "scorer"
        )
