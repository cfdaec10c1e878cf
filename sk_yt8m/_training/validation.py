"""The validation rows, given or held out, and the score of a network on them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_consistent_length

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.features import check_features
from sk_yt8m._inputs.forms.refused_tags import refuse_tags
from sk_yt8m._inputs.sample_weight import check_sample_weight
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._inputs.targets import encode_targets
from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.folding import fold
from sk_yt8m._network.predictor import Predictor
from sk_yt8m._training.problem import Problem, naming
from sk_yt8m.metrics import gap_score


def check_validation_features(
    estimator: Any, X_val: Any, y_val: Any, sample_weight_val: Any
) -> Any:
    """Return the validation features as an array or CSR matrix, None if there are none."""
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val go together: expected both or neither")
    if X_val is None:
        if sample_weight_val is not None:
            raise ValueError(
                "sample_weight_val is the weight of the rows of X_val: expected X_val too"
            )
        return None
    refuse_masked(X_val, "X_val")
    with naming("X_val"):
        return check_features(estimator, X_val, reset=False)


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
