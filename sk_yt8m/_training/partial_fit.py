"""From the arguments of `partial_fit` to a network trained on the given rows once."""

from dataclasses import replace
from typing import Any

from sk_yt8m._network.fitted_network import FittedNetwork
from sk_yt8m._training.checkpoints.fingerprint import describe_run
from sk_yt8m._training.distributed.ranks import ranks_in_scope
from sk_yt8m._training.epoch_loop import TrainingRows, train_one_epoch
from sk_yt8m._training.fit import draw_seed, make_architecture, make_schedule, step_options
from sk_yt8m._training.ongoing import OngoingTraining
from sk_yt8m._training.problem import check_inputs, read_problem, start_weights
from sk_yt8m._training.row_source import HostRows
from sk_yt8m._training.steps.fusion import fusion_of_partial_fit

_LARGEST_BATCH = 512


def partial_fit_network(
    parameters: dict[str, Any],
    X: Any,
    y: Any,
    classes: Any,
    sample_weight: Any,
    training: OngoingTraining | None,
    epoch: int,
) -> tuple[OngoingTraining, float, int]:
    """Train on the given rows once, continuing a training that is unchanged after an error.

    The data is that of `DeepMultiLabelClassifier.partial_fit`, with features from
    `check_features`; the number of earlier calls, `epoch`, determines the order of the rows.

    Returns
    -------
    training : OngoingTraining
        The training, continued.
    loss : float
        Mean loss of the rows.
    n_samples : int
        Number of rows of a weight above 0.
    """
    ranks = ranks_in_scope()
    with ranks.together():
        p = parameters
        problem = read_problem(
            X,
            y,
            sample_weight,
            classes=classes,
            like=None if training is None else training.form,
            some_classes=True,
        )
        architecture = make_architecture(p, problem, training, n_samples=None)
        if training is not None:
            training.architecture.check_same_layers(architecture)
        problem = problem.without_unused()
        seed = ranks.first(draw_seed(p["random_state"]))
        if ranks.count > 1:
            run = describe_run(p, architecture, problem, (), None, None)
            ranks.check_same(run | {"the number of calls before": epoch})
        is_new = training is None
        if training is None:
            weights = start_weights(
                problem, architecture, output_bias_init=p["output_bias_init"], seed=seed
            )
            training = OngoingTraining(FittedNetwork(architecture, problem.form, weights))
            del weights
        check_inputs(problem, None, training.statistics, measured=is_new)
        schedule = make_schedule(p, problem, seed)
        schedule = replace(schedule, learning_rate="constant", warmup_fraction=0.0)
        if p["batch_size"] == "auto":
            schedule = replace(schedule, batch_size=_LARGEST_BATCH)
        options, fusion = step_options(p, problem.form), fusion_of_partial_fit(architecture)
        with training.trainer(architecture, options, seed, fusion) as trainer:
            source = HostRows(trainer.inputs(problem.X))
            rows = TrainingRows(source, problem.indicator, problem.loss_weight, ranks.waiting)
            loss = train_one_epoch(trainer, rows, schedule, epoch)
        training.name_labels(problem.form)
        return training, loss, problem.X.shape[0]
