"""From the arguments of `fit` to a trained network: problem, validation, schedule, epochs."""

from dataclasses import fields
from functools import partial
from typing import Any, TypeVar

import numpy as np
from sklearn.utils import check_random_state

from sk_yt8m._inputs.target_form import TargetForm
from sk_yt8m._network.architecture import MEAN, SCALE, Architecture, layer_sizes
from sk_yt8m._network.fitted_network import FittedNetwork
from sk_yt8m._tensorflow import resolve_precision
from sk_yt8m._training.checkpoints.fingerprint import describe_run
from sk_yt8m._training.distributed.observation import Observer, observe
from sk_yt8m._training.distributed.ranks import Ranks, ranks_in_scope
from sk_yt8m._training.distributed.shared_checkpoints import open_for_all
from sk_yt8m._training.epoch_loop import TrainingRows, print_epoch, train_epochs
from sk_yt8m._training.history import History
from sk_yt8m._training.ongoing import OngoingTraining
from sk_yt8m._training.problem import Problem, check_inputs, read_problem, start_weights
from sk_yt8m._training.row_source import make_row_source
from sk_yt8m._training.schedule import Schedule, resolve_auto
from sk_yt8m._training.steps.fusion import fusion_of_fit
from sk_yt8m._training.steps.numbers import StepOptions
from sk_yt8m._training.trainer import Trainer
from sk_yt8m._training.validation import (
    hold_out,
    make_evaluate,
    read_validation,
    warn_if_not_transformed,
)

_Options = TypeVar("_Options", Architecture, StepOptions, Schedule)


def fit_network(
    parameters: dict[str, Any],
    data: tuple[Any, Any, Any],
    validation_data: tuple[Any, Any, Any],
    previous: FittedNetwork | None,
    observer: Observer | None = None,
) -> tuple[FittedNetwork, History]:
    """Train a new network, or the previous one further.

    Parameters
    ----------
    parameters : dict
        The classifier's by name, numbers as Python's own.
    data, validation_data : tuple of (X, y, sample_weight)
        Those of `DeepMultiLabelClassifier.fit`, with features from `check_features`; None for what
        is not given.
    previous : FittedNetwork or None
        The network to train further.
    observer : Observer or None
        Who is told of the epochs; of several processes, that of the first one.

    Notes
    -----
    In the scope of a `tf.distribute` strategy all its replicas train, in all its processes.
    """
    ranks = ranks_in_scope()
    with ranks.together():
        return _fit_with(ranks, parameters, data, validation_data, previous, observer)


def _fit_with(
    ranks: Ranks,
    parameters: dict[str, Any],
    data: tuple[Any, Any, Any],
    validation_data: tuple[Any, Any, Any],
    previous: FittedNetwork | None,
    observer: Observer | None,
) -> tuple[FittedNetwork, History]:
    p = parameters
    given = read_problem(*data, like=previous.form if previous else None)
    architecture = make_architecture(p, given, previous, n_samples=given.n_used)
    if previous is not None:
        previous.architecture.check_same_layers(architecture)
    seed = ranks.first(draw_seed(p["random_state"]))
    verbose = p["verbose"] and ranks.is_first
    with open_for_all(p["checkpoint_dir"], p["checkpoint_every"], verbose, ranks) as checkpoints:
        if checkpoints is not None:
            seed = checkpoints.begin(seed)
        problem = given.without_unused()
        validation = None
        is_given = validation_data[0] is not None
        if is_given:
            validation = read_validation(*validation_data, given.form)
        elif p["early_stopping"]:
            problem, validation = hold_out(problem, p["validation_fraction"], seed)
        if checkpoints is not None or ranks.count > 1:
            given_val = validation if is_given else None
            run = describe_run(p, architecture, given, problem.statistics, given_val, previous)
            ranks.check_same(run)
            if checkpoints is not None:
                checkpoints.identify(run)

        if previous is None:
            weights = start_weights(
                problem, architecture, output_bias_init=p["output_bias_init"], seed=seed
            )
        else:
            weights = previous.weights
        network_of = partial(FittedNetwork, architecture, problem.form)
        statistics = weights[MEAN], weights[SCALE]
        check_inputs(problem, validation, statistics, measured=previous is None)
        if is_given and validation is not None:
            warn_if_not_transformed(problem.X, validation.X)
        evaluate = make_evaluate(architecture, validation, weights) if validation else None
        options = step_options(p, problem.form)
        schedule = make_schedule(p, problem, seed)
        n_rows, n_steps = schedule.size(problem.X.shape[0])
        fusion = fusion_of_fit(architecture, n_rows, n_steps)
        with Trainer(architecture, weights, options, seed, fusion) as trainer:
            del weights, previous
            inputs, n_reserved = trainer.inputs(problem.X), step_bytes(architecture, n_rows)
            source = make_row_source(inputs, trainer.devices, n_reserved)
            history = train_epochs(
                trainer,
                TrainingRows(source, problem.indicator, problem.loss_weight, ranks.waiting),
                schedule,
                evaluate and (lambda weights: ranks.first(evaluate(weights))),
                partial(print_epoch, problem.form.score_name) if verbose else None,
                checkpoints,
                observe(observer, ranks, network_of),
            )
        if checkpoints is not None and not history.interrupted:
            checkpoints.clear()
    return network_of(history.weights), history


def step_bytes(architecture: Architecture, batch_size: int) -> int:
    """Return about how much memory a step needs beside weights and moments: a bound from above.

    Gradients and kernels in two formats, and for every unit and row a dozen intermediate values.
    """
    return 4 * (3 * architecture.n_weights + 16 * batch_size * architecture.n_units)


def draw_seed(random_state: Any) -> int:
    """Return a seed drawn from the parameter `random_state`."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def make_architecture(
    parameters: dict[str, Any],
    problem: Problem,
    previous: FittedNetwork | OngoingTraining | None,
    n_samples: int | None,
) -> Architecture:
    """Return the network that the parameters and the shape of the data ask for.

    ``hidden_layer_sizes="auto"`` are those of the previous network if there is one, and depend on
    the number of rows of the whole training if that is known.
    """
    n_outputs = problem.indicator.shape[1]
    shape = None if n_samples is None else (n_samples, n_outputs)
    sizes = None if previous is None else previous.architecture.hidden_layer_sizes
    return _built(
        Architecture,
        parameters,
        n_features=problem.X.shape[1],
        hidden_layer_sizes=layer_sizes(
            parameters["hidden_layer_sizes"], parameters["n_heads"], shape, sizes
        ),
        n_outputs=n_outputs,
    )


def step_options(parameters: dict[str, Any], form: TargetForm) -> StepOptions:
    """Return how the training steps are done."""
    precision = resolve_precision(parameters["precision"])
    return _built(StepOptions, parameters, out_activation=form.out_activation, precision=precision)


def make_schedule(parameters: dict[str, Any], problem: Problem, seed: int) -> Schedule:
    """Return the schedule of the epochs."""
    p = parameters
    batch_size, n_epochs = resolve_auto(p["batch_size"], p["max_iter"], problem.X.shape[0])
    tol = p["tol"]
    if p["loss_reduction"] == "mean" and not p["early_stopping"]:
        tol /= problem.indicator.shape[1]
    return _built(Schedule, p, n_epochs=n_epochs, batch_size=batch_size, seed=seed, tol=tol)


def _built(kind: type[_Options], parameters: dict[str, Any], **given: Any) -> _Options:
    """Return a dataclass with the given fields; the others are parameters of the same names."""
    names = [field.name for field in fields(kind) if field.name not in given]
    return kind(**given, **{name: parameters[name] for name in names})
