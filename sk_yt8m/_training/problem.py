"""What happens between the arguments of `fit` and the first training step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral, Real
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from sk_yt8m._inputs.dense import refuse_masked
from sk_yt8m._inputs.features import (
    RowSubset,
    check_all_finite,
    check_features,
    check_not_too_small,
    feature_moments,
    is_wide,
    standardized,
)
from sk_yt8m._inputs.targets import TargetForm, encode_targets
from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, Weights
from sk_yt8m._network.fitted_network import Model
from sk_yt8m.metrics import gap_score

if TYPE_CHECKING:
    from sk_yt8m._training.compiled_steps import StepOptions
    from sk_yt8m._training.epoch_loop import Plan
    from sk_yt8m._training.trainer import Trainer


@dataclass(frozen=True)
class Problem:
    """Checked training data, and the network that its shape and the parameters ask for.

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
    architecture : Architecture
        The network.
    """

    X: Any
    indicator: Any
    form: TargetForm
    weight: np.ndarray | None
    architecture: Architecture

    @cached_property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Weighted mean and standard deviation of each feature, float64; checks X."""
        return feature_moments(self.X, self.weight)

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


@dataclass(frozen=True)
class Validation:
    """Rows to score the network on after each epoch.

    Attributes
    ----------
    X : array-like of shape (n_samples, n_features)
        Features.
    indicator : csr_array of shape (n_samples, n_outputs)
        True labels.
    form : TargetForm
        What they stand for.
    weight : ndarray of shape (n_samples,), float64, or None
        Weight of each row in the score; None for equal weights.
    name : str
        What errors call `X`.
    """

    X: Any
    indicator: Any
    form: TargetForm
    weight: np.ndarray | None
    name: str


def plain(value: Any) -> Any:
    """Return a numpy scalar, or another number, as Python's own: TensorFlow takes no other."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return str(value) if isinstance(value, str) else value


def plain_parameters(estimator: Any) -> Any:
    """Return the parameters of an estimator as attributes, its numbers as Python's own."""
    parameters = estimator.get_params(deep=False)
    return SimpleNamespace(**{name: plain(value) for name, value in parameters.items()})


@contextmanager
def _naming(argument: str) -> Iterator[None]:
    """Name an argument in the errors that its check raises."""
    try:
        yield
    except (TypeError, ValueError) as error:
        text = str(error)
        if text.startswith("Input X "):
            text = text.replace("Input X", f"Input {argument}", 1)
        elif " of X is" in text:
            text = text.replace(" of X is", f" of {argument} is", 1)
        else:
            text = f"{argument}: {text}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(text) from error


def read_problem(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: npt.ArrayLike | None,
    *,
    classes: npt.ArrayLike | None = None,
    previous: Model | None = None,
    some_classes: bool = False,
) -> Problem:
    """Check the arguments of `fit`, against a previous model where training goes on.

    With `some_classes`, a one-dimensional `y` may hold only some of the classes of the model.

    Whether the features are finite is found out later, by `used_rows` and `check_inputs`.
    """
    X = check_features(estimator, X, reset=previous is None)
    if previous is None:
        indicator, form = encode_targets(y, classes)
        form.check_classes(classes)
    else:
        previous.form.check_classes(classes)
        known = previous.form.known_classes if some_classes else None
        indicator, form = encode_targets(y, known, like=previous.form)
    check_consistent_length(X, indicator)
    p = plain_parameters(estimator)
    architecture = Architecture(
        n_features=X.shape[1],
        hidden_layer_sizes=layer_sizes(p.hidden_layer_sizes, p.n_heads),
        n_outputs=indicator.shape[1],
        activation=p.activation,
        batch_normalization=p.batch_normalization,
        dropout=p.dropout,
        input_dropout=p.input_dropout,
        standardize=p.standardize,
    )
    if previous is not None:
        previous.check_same(architecture, form)
        form = form.named_as(previous.form)
    return Problem(X, indicator, form, row_weights(sample_weight, X), architecture)


def used_rows(problem: Problem) -> Problem:
    """Return the problem without its rows of weight 0, which have to be finite all the same."""
    if problem.weight is None:
        return problem
    unused = np.flatnonzero(problem.weight == 0)
    if unused.size:
        check_all_finite(RowSubset(problem.X, unused), _exact(problem.X))
        return problem.take(np.flatnonzero(problem.weight))
    return problem


def check_inputs(
    problem: Problem, validation: Validation | None, weights: Weights, *, measured: bool
) -> None:
    """Raise a ValueError if features are not finite as the network is to get them.

    Parameters
    ----------
    problem : Problem
        The training rows.
    validation : Validation or None
        The validation rows.
    weights : Weights
        With the standardisation.
    measured : bool
        Whether the moments of the training rows were taken, which checks float32 features.
    """
    standardization = weights[MEAN], weights[SCALE]
    inputs = standardized(problem.X, *standardization)[0]
    if not measured or is_wide(inputs) or inputs is not problem.X:
        check_all_finite(inputs)
    if validation is not None:
        with _naming(validation.name):
            check_all_finite(standardized(validation.X, *standardization)[0])


def _exact(X: Any) -> Any:
    """Return the dtype that holds the values of X as they are."""
    return np.float64 if is_wide(X) else np.float32


def layer_sizes(hidden_layer_sizes: npt.ArrayLike, n_heads: int) -> tuple[int, ...]:
    """Return the sizes of the hidden layers, the last of which the heads share."""
    one = np.isscalar(hidden_layer_sizes) or isinstance(hidden_layer_sizes, np.ndarray)
    sizes: list[Any] = list(np.atleast_1d(hidden_layer_sizes) if one else hidden_layer_sizes)  # type: ignore[arg-type]
    whole = [isinstance(n, Integral) and not isinstance(n, (bool, np.bool_)) for n in sizes]
    if not all(whole) or any(n <= 0 for n in sizes):
        raise ValueError(f"hidden_layer_sizes must be integers above 0, got {hidden_layer_sizes!r}")
    if n_heads > 1 and (not sizes or sizes[-1] % n_heads):
        raise ValueError(
            f"n_heads must divide the last of hidden_layer_sizes, got n_heads={n_heads} and "
            f"hidden_layer_sizes={hidden_layer_sizes!r}"
        )
    return tuple(map(int, sizes))


def row_weights(sample_weight: npt.ArrayLike | None, X: Any) -> np.ndarray | None:
    """Return the weight of each row, float64 of maximum 1, or None for equal weights.

    What float32 cannot hold beside the largest weight is 0.
    """
    if sample_weight is None:
        return None
    refuse_masked(sample_weight, "sample_weight")
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not np.isfinite(weight).all():
        raise ValueError("Input sample_weight contains NaN or infinity: expected finite numbers")
    weight = weight / weight.max()
    weight[weight < np.finfo(np.float32).tiny] = 0.0
    return None if weight.min() == 1 else weight


def hold_out(
    indicator: Any, form: TargetForm, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted numbers of the rows to train on and of those to set aside.

    Classes keep their shares; labels of a multilabel target are not looked at.
    """
    strata = None if form.kind == "multilabel" else form.classes[class_codes(indicator, form)]
    kept, held = train_test_split(
        np.arange(indicator.shape[0]), test_size=fraction, random_state=seed, stratify=strata
    )
    return np.sort(kept), np.sort(held)


def class_codes(indicator: Any, form: TargetForm) -> np.ndarray:
    """Return the class number of each row of a one-dimensional target."""
    if form.kind == "binary":
        return np.diff(indicator.indptr)
    return indicator.indices


def output_bias(indicator: Any, form: TargetForm, weight: np.ndarray | None) -> np.ndarray:
    """Return output biases that make an untrained network predict the label frequencies.

    Log-odds of each label, or logarithms for classes that exclude each other. Half a positive and
    half a negative more keep labels without either finite.
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


def start_weights(estimator: Any, problem: Problem, seed: int) -> Weights:
    """Draw the weights of a new network."""
    from sk_yt8m._network.parameters import initial_weights

    p = plain_parameters(estimator)
    bias = np.zeros(problem.architecture.n_outputs)
    if p.output_bias_init == "log_odds":
        bias = output_bias(problem.indicator, problem.form, problem.loss_weight)
    if not p.standardize:
        check_not_too_small(problem.X, problem.moments)
    moments = problem.moments if p.standardize else None
    return initial_weights(problem.architecture, moments, bias, seed)


def make_trainer(estimator: Any, problem: Problem, weights: Weights, seed: int) -> "Trainer":
    """Return what trains the problem's network from the given weights."""
    from sk_yt8m._training.trainer import Trainer

    return Trainer(problem.architecture, weights, step_options(estimator, problem), seed)


def step_options(estimator: Any, problem: Problem) -> "StepOptions":
    """Return how the steps of a training are done."""
    from sk_yt8m._tensorflow import resolve_precision
    from sk_yt8m._training.compiled_steps import StepOptions

    p = plain_parameters(estimator)
    return StepOptions(
        out_activation=problem.form.out_activation,
        precision=resolve_precision(p.precision),
        loss_reduction=p.loss_reduction,
        n_heads=p.n_heads,
        alpha=p.alpha,
        weight_decay=p.weight_decay,
        ema_decay=p.ema_decay,
        beta_1=p.beta_1,
        beta_2=p.beta_2,
        epsilon=p.epsilon,
    )


def make_plan(estimator: Any, problem: Problem, seed: int) -> "Plan":
    """Return how the epochs of `fit` are run."""
    from sk_yt8m._training.epoch_loop import Plan, auto_batch_size, auto_epochs

    p = plain_parameters(estimator)
    n_rows, batch_size, n_epochs = problem.X.shape[0], p.batch_size, p.max_iter
    if batch_size == "auto":
        batch_size = auto_batch_size(n_rows)
    if n_epochs == "auto":
        n_epochs = auto_epochs(n_rows, batch_size)
    tol = p.tol
    if p.loss_reduction == "mean" and not p.early_stopping:
        tol /= problem.architecture.n_outputs
    return Plan(
        n_epochs=n_epochs,
        batch_size=batch_size,
        schedule=p.learning_rate,
        learning_rate_init=p.learning_rate_init,
        warmup_fraction=p.warmup_fraction,
        shuffle=p.shuffle,
        seed=seed,
        tol=tol,
        n_iter_no_change=p.n_iter_no_change,
        early_stopping=p.early_stopping,
    )


def split_validation(
    estimator: Any, problem: Problem, X_val: Any, y_val: Any, sample_weight_val: Any, seed: int
) -> tuple[Problem, Validation | None]:
    """Return the rows to train on, and what to validate on, if anything; no row of weight 0."""
    problem = used_rows(problem)
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val go together: expected both or neither")
    if X_val is not None:
        return problem, read_validation(estimator, problem, X_val, y_val, sample_weight_val)
    if sample_weight_val is not None:
        raise ValueError("sample_weight_val is the weight of the rows of X_val: expected X_val too")
    p = plain_parameters(estimator)
    if not p.early_stopping:
        return problem, None
    kept, held = hold_out(problem.indicator, problem.form, p.validation_fraction, seed)
    apart = problem.take(held)
    validation = Validation(apart.X, apart.indicator, apart.form, apart.weight, "X")
    return problem.take(kept), validation


def read_validation(
    estimator: Any, problem: Problem, X_val: Any, y_val: Any, sample_weight_val: Any
) -> Validation:
    """Check the validation data that `fit` was given, and leave out its rows of weight 0."""
    refuse_masked(X_val, "X_val")
    refuse_masked(y_val, "y_val")
    refuse_masked(sample_weight_val, "sample_weight_val")
    with _naming("X_val"):
        X_val = check_features(estimator, X_val, reset=False)
    with _naming("y_val"):
        truth, form = encode_targets(y_val, problem.form.known_classes, like=problem.form)
        problem.form.check_same(form)
    with _naming("X_val and y_val"):
        check_consistent_length(X_val, truth)
    with _naming("sample_weight_val"):
        weight = row_weights(sample_weight_val, X_val)
    with _naming("X_val"):
        used = used_rows(replace(problem, X=X_val, indicator=truth, weight=weight))
    return Validation(used.X, used.indicator, form, used.weight, "X_val")


def scorer_of(
    architecture: Architecture, validation: Validation, weights: Weights
) -> Callable[[Weights], float]:
    """Return the function that scores weights on the validation rows."""
    from sk_yt8m._network.parameters import fold
    from sk_yt8m._network.predictor import Predictor

    form = validation.form
    if form.kind == "multilabel" and not validation.indicator.nnz:
        where = (
            "y_val has" if validation.name == "X_val" else "the rows set aside for validation have"
        )
        raise ValueError(f"{where} no positive label: expected one, because GAP is 0 without any")
    predictor = Predictor(fold(architecture, weights), form.out_activation)

    @_naming(validation.name)
    def evaluate(weights: Weights) -> float:
        predictor.update(fold(architecture, weights))
        if form.kind == "multilabel":
            best = predictor.top_k(validation.X, min(20, predictor.n_outputs))
            return float(
                gap_score(validation.indicator, best, k=20, sample_weight=validation.weight)
            )
        codes = class_codes(validation.indicator, form)
        predicted = predictor.codes(validation.X)
        return float(accuracy_score(codes, predicted, sample_weight=validation.weight))

    return evaluate
