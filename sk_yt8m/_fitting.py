"""What happens between the arguments of `fit` and the first training step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from sk_yt8m._architecture import Architecture, Weights
from sk_yt8m._features import RowSubset, check_all_finite, check_features, feature_moments
from sk_yt8m._labels import TargetForm, encode_targets
from sk_yt8m._model import Model
from sk_yt8m.metrics import gap_score

if TYPE_CHECKING:
    from sk_yt8m._epochs import Plan
    from sk_yt8m._training import Trainer


@dataclass(frozen=True)
class Problem:
    """Checked training data, and the network that its shape and the parameters ask for.

    Attributes
    ----------
    X : ndarray or csr_matrix of shape (n_samples, n_features)
        Features, finite.
    indicator : csr_array of shape (n_samples, n_outputs)
        Canonical indicator of the positives.
    form : TargetForm
        What the outputs stand for.
    weight : ndarray of shape (n_samples,), float32, or None
        Weight of each row, of mean 1.
    moments : tuple of ndarray of shape (n_features,), float64, or None
        Mean and standard deviation of each feature, where they were asked for.
    architecture : Architecture
        The network.
    """

    X: Any
    indicator: Any
    form: TargetForm
    weight: np.ndarray | None
    moments: tuple[np.ndarray, np.ndarray] | None
    architecture: Architecture


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
    """

    X: Any
    indicator: Any
    form: TargetForm


def read_problem(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: npt.ArrayLike | None,
    *,
    classes: npt.ArrayLike | None = None,
    previous: Model | None = None,
    measure: bool = True,
) -> Problem:
    """Check the arguments of `fit`, against a previous model where training goes on.

    The moments of the features are taken only if they are to be measured.
    """
    X = check_features(estimator, X, reset=previous is None)
    indicator, form = encode_targets(
        y, classes if previous is None else previous.form.known_classes
    )
    check_consistent_length(X, indicator)
    architecture = Architecture(
        n_features=X.shape[1],
        hidden_layer_sizes=layer_sizes(estimator.hidden_layer_sizes, estimator.n_heads),
        n_outputs=indicator.shape[1],
        activation=estimator.activation,
        batch_normalization=estimator.batch_normalization,
        dropout=estimator.dropout,
        input_dropout=estimator.input_dropout,
    )
    if previous is not None:
        previous.check_same(architecture, form)
    weight = row_weights(sample_weight, X)
    moments = None
    if measure:
        moments = feature_moments(X)
    else:
        check_all_finite(X)
    return Problem(X, indicator, form, weight, moments, architecture)


def layer_sizes(hidden_layer_sizes: npt.ArrayLike, n_heads: int) -> tuple[int, ...]:
    """Return the sizes of the hidden layers, the last of which the heads share."""
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes)).tolist()
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be integers above 0, got {hidden_layer_sizes!r}")
    if n_heads > 1 and (not sizes or sizes[-1] % n_heads):
        raise ValueError(
            f"n_heads must divide the last of hidden_layer_sizes, got n_heads={n_heads} and "
            f"hidden_layer_sizes={hidden_layer_sizes!r}"
        )
    return tuple(sizes)


def row_weights(sample_weight: npt.ArrayLike | None, X: Any) -> np.ndarray | None:
    """Return the weight of each row, float32 of mean 1, or None for equal weights."""
    if sample_weight is None:
        return None
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    return (weight / weight.mean()).astype(np.float32)


def hold_out(
    indicator: Any, form: TargetForm, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted numbers of the rows to train on and of those to set aside.

    Classes keep their shares; labels of a multilabel target are not looked at.
    """
    strata = None if form.kind == "multilabel" else class_codes(indicator, form)
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
    from sk_yt8m._network import initial_weights

    bias = np.zeros(problem.architecture.n_outputs)
    if estimator.output_bias_init == "log_odds":
        bias = output_bias(problem.indicator, problem.form, problem.weight)
    moments = problem.moments if estimator.standardize else None
    return initial_weights(problem.architecture, moments, bias, seed)


def make_trainer(estimator: Any, problem: Problem, weights: Weights, seed: int) -> "Trainer":
    """Return what trains the problem's network from the given weights."""
    from sk_yt8m._runtime import resolve_precision
    from sk_yt8m._step_loop import StepOptions
    from sk_yt8m._training import Trainer

    options = StepOptions(
        out_activation=problem.form.out_activation,
        precision=resolve_precision(estimator.precision),
        loss_reduction=estimator.loss_reduction,
        n_heads=estimator.n_heads,
        alpha=estimator.alpha,
        weight_decay=estimator.weight_decay,
        ema_decay=estimator.ema_decay,
        beta_1=estimator.beta_1,
        beta_2=estimator.beta_2,
        epsilon=estimator.epsilon,
    )
    return Trainer(problem.architecture, weights, options, seed)


def make_plan(estimator: Any, n_rows: int, seed: int) -> "Plan":
    """Return how the epochs of `fit` are run."""
    from sk_yt8m._epochs import Plan, auto_batch_size, auto_epochs

    batch_size, n_epochs = estimator.batch_size, estimator.max_iter
    if batch_size == "auto":
        batch_size = auto_batch_size(n_rows)
    if n_epochs == "auto":
        n_epochs = auto_epochs(n_rows, batch_size)
    return Plan(
        n_epochs=n_epochs,
        batch_size=batch_size,
        schedule=estimator.learning_rate,
        learning_rate_init=estimator.learning_rate_init,
        warmup_fraction=estimator.warmup_fraction,
        shuffle=estimator.shuffle,
        seed=seed,
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        early_stopping=estimator.early_stopping,
    )


def split_validation(
    estimator: Any, problem: Problem, X_val: Any, y_val: Any, seed: int
) -> tuple[np.ndarray, Validation | None]:
    """Return the numbers of the rows to train on, and what to validate on, if anything."""
    everything = np.arange(problem.X.shape[0])
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val go together: expected both or neither")
    if X_val is not None:
        X_val = check_features(estimator, X_val, reset=False)
        truth, form = encode_targets(y_val, problem.form.known_classes)
        problem.form.check_same(form)
        check_consistent_length(X_val, truth)
        return everything, Validation(X_val, truth, form)
    if not estimator.early_stopping:
        return everything, None
    kept, held = hold_out(problem.indicator, problem.form, estimator.validation_fraction, seed)
    return kept, Validation(RowSubset(problem.X, held), problem.indicator[held], problem.form)


def scorer_of(
    architecture: Architecture, validation: Validation, weights: Weights
) -> Callable[[Weights], float]:
    """Return the function that scores weights on the validation rows."""
    from sk_yt8m._inference import Predictor
    from sk_yt8m._network import fold

    form = validation.form
    predictor = Predictor(fold(architecture, weights), form.out_activation)

    def evaluate(weights: Weights) -> float:
        predictor.update(fold(architecture, weights))
        if form.kind == "multilabel":
            best = predictor.top_k(validation.X, min(20, predictor.n_outputs))
            return float(gap_score(validation.indicator, best, k=20))
        codes = class_codes(validation.indicator, form)
        return float(accuracy_score(codes, predictor.codes(validation.X)))

    return evaluate
