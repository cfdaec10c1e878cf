"""The training data, checked: features, targets and weights, and where the network starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_consistent_length

from sk_yt8m._inputs.features import RowSubset, check_all_finite, is_wide
from sk_yt8m._inputs.sample_weight import check_sample_weight
from sk_yt8m._inputs.standardization import (
    check_not_too_small,
    feature_statistics,
    standardized,
)
from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._inputs.targets import encode_targets
from sk_yt8m._network.architecture import Architecture, Weights
from sk_yt8m._network.parameters import initial_weights


@dataclass(frozen=True)
class Problem:
    """Checked features, targets and weights.

    Attributes
    ----------
    X : ndarray, csr_matrix or RowSubset of shape (n_samples, n_features)
        Features.
    indicator : csr_array of shape (n_samples, n_outputs)
        Canonical indicator of the positives.
    form : TargetForm
        What the outputs stand for.
    weight : ndarray of shape (n_samples,), float64, or None
        Weight of each row, at most 1; None for equal weights.
    name : str
        What errors call `X`.
    """

    X: Any
    indicator: Any
    form: TargetForm
    weight: np.ndarray | None
    name: str = "X"

    @cached_property
    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Weighted mean and standard deviation of each feature, float64; checks X."""
        return feature_statistics(self.X, self.weight)

    @property
    def n_used(self) -> int:
        """Number of rows of a weight above 0."""
        return self.X.shape[0] if self.weight is None else int(np.count_nonzero(self.weight))

    @property
    def loss_weight(self) -> np.ndarray | None:
        """Weight of each row in the loss, float32, of mean 1; None for equal weights."""
        if self.weight is None:
            return None
        return (self.weight / self.weight.mean()).astype(np.float32)

    def take(self, rows: np.ndarray) -> "Problem":
        """Return the problem of some of the rows."""
        weight = None if self.weight is None else self.weight[rows]
        if weight is not None and (weight == weight[0]).all():
            weight = None
        return replace(
            self, X=RowSubset(self.X, rows), indicator=self.indicator[rows], weight=weight
        )

    def without_unused(self) -> "Problem":
        """Return the problem without its rows of weight 0, which have to be finite, too."""
        if self.weight is None or self.weight.all():
            return self
        with naming(self.name):
            unused = RowSubset(self.X, np.flatnonzero(self.weight == 0))
            check_all_finite(unused, np.float64 if is_wide(self.X) else np.float32)
        return self.take(np.flatnonzero(self.weight))


def read_problem(
    X: Any,
    y: Any,
    sample_weight: npt.ArrayLike | None,
    *,
    classes: npt.ArrayLike | None = None,
    like: TargetForm | None = None,
    some_classes: bool = False,
) -> Problem:
    """Check targets and weights, against the target of a previous training if there was one.

    NaN and infinities in X are found later, by `without_unused` and `check_inputs`. With
    `some_classes`, a one-dimensional `y` may lack some of the previous classes.
    """
    if like is None:
        indicator, form = encode_targets(y, classes)
        form.check_classes(classes)
    else:
        like.check_classes(classes)
        indicator, form = encode_targets(y, like.known_classes if some_classes else None, like=like)
        like.check_same(form)
        form = form.named_as(like)
    check_consistent_length(X, indicator)
    return Problem(X, indicator, form, check_sample_weight(sample_weight, X))


def check_inputs(
    problem: Problem,
    validation: Problem | None,
    statistics: tuple[np.ndarray, np.ndarray],
    *,
    measured: bool,
) -> None:
    """Raise a ValueError if features are not finite in the form that the network gets.

    Parameters
    ----------
    problem : Problem
        The training rows.
    validation : Problem or None
        The validation rows.
    statistics : tuple of ndarray of shape (n_features,), float64
        Mean and scale of the features.
    measured : bool
        Whether they were computed from these training rows, which checks float32 features.
    """
    inputs = standardized(problem.X, *statistics)[0]
    if not measured or is_wide(inputs) or inputs is not problem.X:
        check_all_finite(inputs)
    if validation is not None:
        with naming(validation.name):
            check_all_finite(standardized(validation.X, *statistics)[0])


def start_weights(
    problem: Problem, architecture: Architecture, *, output_bias_init: str, seed: int
) -> Weights:
    """Draw the weights of a new network."""
    bias = np.zeros(architecture.n_outputs)
    if output_bias_init == "log_odds":
        bias = output_bias(problem.indicator, problem.form, problem.loss_weight)
    if not architecture.standardize:
        check_not_too_small(problem.X, problem.statistics)
    statistics = problem.statistics if architecture.standardize else None
    return initial_weights(architecture, statistics, bias, seed)


def output_bias(indicator: Any, form: TargetForm, weight: np.ndarray | None) -> np.ndarray:
    """Return output biases that make an untrained network predict the label frequencies.

    Log-odds of each label, or log-probabilities of exclusive classes. Half a positive and half a
    negative are added, so that labels without either stay finite.
    """
    n = indicator.shape[0]
    if weight is None:
        counts = np.bincount(indicator.indices, minlength=indicator.shape[1])
    else:
        per_entry = np.repeat(weight, np.diff(indicator.indptr))
        counts = np.bincount(indicator.indices, per_entry, minlength=indicator.shape[1])
    positive = counts + 0.5
    if form.out_activation == "softmax":
        return np.log(positive / positive.sum())
    return np.log(positive) - np.log(n - counts + 0.5)


@contextmanager
def naming(argument: str) -> Iterator[None]:
    """Name an argument in the errors that its check raises; "X" is named already."""
    try:
        yield
    except (TypeError, ValueError) as error:
        text = str(error)
        if argument == "X":
            raise
        if text.startswith("Input X "):
            text = text.replace("Input X", f"Input {argument}", 1)
        elif " of X " in text:
            text = text.replace(" of X ", f" of {argument} ", 1)
        else:
            text = f"{argument}: {text}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(text) from error
