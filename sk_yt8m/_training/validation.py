"""The validation rows, given or held out, and the score of a network on them."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_consistent_length

from sk_yt8m._inputs.dense import in_tuple, refuse_masked
from sk_yt8m._inputs.features import block_rows, check_features, take_rows
from sk_yt8m._inputs.forms.refused_tags import refuse_tags
from sk_yt8m._inputs.sample_weight import check_sample_weight
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._inputs.targets import encode_targets
from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.folding import fold
from sk_yt8m._network.predictor import Predictor
from sk_yt8m._training.problem import Problem, naming
from sk_yt8m.metrics import gap_score

# Rows that are compared of X and of X_val, at most and at least.
_MOST_COMPARED, _FEWEST_COMPARED = 1000, 10
# Factor by which the deviations of untransformed features differ.
_FACTOR = 10


def check_validation_data(
    estimator: Any, n_samples: int, X_val: Any, y_val: Any, sample_weight_val: Any
) -> tuple[Any, Any, Any]:
    """Return the validation data with the features as an array or CSR matrix, None without any.

    A clone that is trained on as many rows, `n_samples`, warns that a search may have cut them.
    """
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val go together: expected both or neither")
    if X_val is None:
        if sample_weight_val is not None:
            raise ValueError(
                "sample_weight_val is the weight of the rows of X_val: expected X_val too"
            )
        return None, None, None
    whole, y_val, sample_weight_val = _without_tuples(X_val, y_val, sample_weight_val)
    refuse_masked(whole, "X_val")
    with naming("X_val"):
        features = check_features(estimator, whole, reset=False)
    if whole is X_val and features.shape[0] == n_samples and estimator._is_clone:
        warnings.warn(
            f"X_val has as many rows as X, {n_samples}: searches and cross-validation divide such "
            "arrays between the folds, as they do X. To give all rows to every fit, and to do "
            "without this warning, write X_val=(X_val,), y_val=(y_val,), and sample_weight_val "
            "in the same way",
            UserWarning,
            stacklevel=4,
        )
    return features, y_val, sample_weight_val


def _without_tuples(X_val: Any, y_val: Any, sample_weight_val: Any) -> tuple[Any, Any, Any]:
    """Take validation data out of tuples of one.

    A search hands such tuples on as they are, and a Pipeline with ``transform_input`` transforms
    what they hold.
    """
    with naming("X_val"):
        is_tuple = in_tuple(X_val)
    if not is_tuple:
        return X_val, y_val, sample_weight_val
    for name, value in (("y_val", y_val), ("sample_weight_val", sample_weight_val)):
        if value is not None and not (isinstance(value, tuple) and len(value) == 1):
            raise ValueError(
                f"X_val is a tuple of one array, {name} is not: expected {name}=({name},)"
            )
    return X_val[0], y_val[0], sample_weight_val and sample_weight_val[0]


def read_validation(X_val: Any, y_val: Any, sample_weight_val: Any, form: TargetForm) -> Problem:
    """Check the validation data that `fit` was given, and leave out its rows of weight 0.

    `form` is the target of the training data.
    """
    refuse_masked(y_val, "y_val")
    refuse_tags(y_val, "y_val")
    refuse_masked(sample_weight_val, "sample_weight_val")
    with naming("y_val"):
        indicator, form_val = encode_targets(y_val, form.known_classes, like=form)
        form.check_same(form_val)
    with naming("X_val and y_val"):
        check_consistent_length(X_val, indicator)
    with naming("sample_weight_val"):
        weight = check_sample_weight(sample_weight_val, X_val)
    return Problem(X_val, indicator, form_val, weight, "X_val").without_unused()


def warn_if_not_transformed(X: Any, X_val: Any) -> None:
    """Warn if most features of the validation data are on another scale than those of X.

    A feature is where its values are ten times as far from its mean in X as its values in X, on
    average, or vary by less than a tenth. As many rows are looked at of X as of `X_val`, because
    the larger sample of a heavy-tailed feature varies more. A feature that does not vary in `X_val`
    may be one that is rarely other than 0.
    """
    n = min(X.shape[0], X_val.shape[0], _MOST_COMPARED, max(block_rows(X), _FEWEST_COMPARED))
    if n < _FEWEST_COMPARED:
        return
    own, other = (
        take_rows(rows, np.linspace(0, rows.shape[0] - 1, n).astype(int), np.float64)
        for rows in (X, X_val)
    )
    varies = (own != own[0]).any(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        spread = _mean_distance(own, own.mean(axis=0))
        is_far = _mean_distance(other, own.mean(axis=0)) > _FACTOR * spread
        is_near = _FACTOR * _mean_distance(other, other.mean(axis=0)) < spread
    is_near &= (other != other[0]).any(axis=0)
    n_odd, n_compared = int((varies & (is_far | is_near)).sum()), int(varies.sum())
    if 2 * n_odd > n_compared:
        warnings.warn(
            "X_val looks as if it was not transformed as X was: the values of "
            f"{n_odd} of {n_compared} features are more than {_FACTOR} times as far from the mean "
            f"of X as those of X are, or vary by less than a {_FACTOR}th. Expected validation data "
            "from the same steps as X; with metadata routing a Pipeline transforms it: "
            'Pipeline(..., transform_input=["X_val"])',
            UserWarning,
            stacklevel=6,
        )


def _mean_distance(values: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return np.abs(values - centre).mean(axis=0)


def hold_out(problem: Problem, fraction: float, seed: int) -> tuple[Problem, Problem]:
    """Divide a problem into the rows to train on and the rows to validate on.

    Classes keep their shares; labels of a multilabel target are not looked at.
    """
    form = problem.form
    strata = None if form.kind == "multilabel" else form.classes[_codes(problem)]
    kept, held = train_test_split(
        np.arange(problem.indicator.shape[0]),
        test_size=fraction,
        random_state=seed,
        stratify=strata,
    )
    return problem.take(np.sort(kept)), problem.take(np.sort(held))


def make_evaluate(
    architecture: Architecture, validation: Problem, weights: Weights
) -> Callable[[Weights], float]:
    """Return the function that scores weights on the validation rows.

    GAP@20 for multilabel targets, accuracy for others.
    """
    form = validation.form
    is_given = validation.name == "X_val"
    if form.kind == "multilabel" and not validation.indicator.nnz:
        where = "y_val has" if is_given else "the rows set aside for validation have"
        raise ValueError(f"{where} no positive label: expected one, because GAP is 0 without any")
    predictor = Predictor(fold(architecture, weights), form.out_activation)

    @naming(validation.name)
    def evaluate(weights: Weights) -> float:
        predictor.update(fold(architecture, weights))
        weight = validation.weight
        if form.kind == "multilabel":
            best = predictor.top_k(validation.X, min(20, predictor.n_outputs))
            return float(gap_score(validation.indicator, best, k=20, sample_weight=weight))
        predicted = predictor.codes(validation.X)
        return float(accuracy_score(_codes(validation), predicted, sample_weight=weight))

    return evaluate


def _codes(problem: Problem) -> np.ndarray:
    """Return the number of each row's class."""
    if problem.form.kind == "binary":
        return np.diff(problem.indicator.indptr)
    return problem.indicator.indices
