"""``sk-yt8m train``: from data to a model file."""

import contextlib
import json
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from sk_yt8m.cli._data import DataPath, chosen_rows, open_data, reading_options, split_option
from sk_yt8m.cli._interrupts import Interrupts
from sk_yt8m.cli._messages import in_options, one_line, option_names
from sk_yt8m.cli._outputs import check_output, free_name, overwrite_option, say
from sk_yt8m.cli._strategy import training_scope

if TYPE_CHECKING:
    from sk_yt8m import DeepMultiLabelClassifier
    from sk_yt8m.datasets import Store

_INTERRUPTED = 130


def _parse_settings(_: Any, __: Any, pairs: tuple[str, ...]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, found, value = pair.partition("=")
        if not found or not name:
            raise click.BadParameter(f"expected NAME=VALUE, got {pair!r}")
        if name in settings:
            raise click.BadParameter(f"expected every name once, got {name!r} twice")
        with contextlib.suppress(ValueError):
            value = json.loads(value)
        settings[name] = value
    return settings


@click.command()
@click.argument("data", type=DataPath())
@click.argument("model", type=click.Path(dir_okay=False))
@split_option
@click.option(
    "--validation", type=DataPath(), help="DATA to score after each epoch; the best epoch is kept."
)
@click.option(
    "--validation-split",
    help="Split to score after each epoch; without --split, the others are trained on.",
)
@click.option("--epochs", "max_iter", type=click.IntRange(1), help="Epochs.")
@click.option("--batch-size", type=click.IntRange(1), help="Videos a step.")
@click.option("--learning-rate", "learning_rate_init", type=float, help="Highest learning rate.")
@click.option("--dropout", type=float, help="Share of hidden units dropped.")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]))
@click.option("--seed", "random_state", type=int, help="Makes the training repeatable.")
@click.option(
    "--checkpoint-dir",
    type=click.Path(file_okay=False),
    help="Folder for checkpoints; after a kill, the same command resumes.",
)
@click.option(
    "--strategy",
    type=click.Choice(["mirrored", "multi-worker"]),
    help="Train on all GPUs of this host, or in all processes that TF_CONFIG names.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    show_default=True,
    help="Seconds to wait for another process of --strategy multi-worker.",
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_parse_settings,
    help="Any other parameter of DeepMultiLabelClassifier, in JSON; may be repeated.",
)
@overwrite_option
@reading_options
def train(
    data: str,
    model: str,
    split: str | None,
    validation: str | None,
    validation_split: str | None,
    strategy: str | None,
    timeout: float,
    settings: dict[str, Any],
    overwrite: bool,
    features: Any,
    level: str,
    n_labels: int | None,
    n_jobs: int,
    progress: bool,
    **parameters: Any,
) -> None:
    """Train a classifier on DATA and write it to the file MODEL.

    Ctrl-C ends the training with the exit code 130. MODEL is left as it is then, and the model so
    far goes to another file, MODEL.interrupted.safetensors for MODEL.safetensors.

    With --strategy multi-worker the same command runs on every host, with its own TF_CONFIG. The
    first process writes MODEL. When one is interrupted or lost, all end without a model, and with
    --checkpoint-dir the same commands resume.

    \b
    Examples:
      sk-yt8m train store model.safetensors --split train --validation-split val --seed 0
      sk-yt8m train store model.safetensors --set "hidden_layer_sizes=[1000, 1000]"
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    clf = _classifier(progress, given, settings)
    scope, is_first = training_scope(strategy, timeout)
    if is_first:
        check_output(model, overwrite=overwrite, inputs=[data, validation])
    reading = {
        "features": features,
        "level": level,
        "n_labels": n_labels,
        "n_jobs": n_jobs,
        "progress": progress,
    }
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_data(data, **reading))
        rows, held_out = chosen_rows(store, split), {}
        if validation is not None or validation_split is not None:
            held = store
            if validation is not None:
                held = stack.enter_context(open_data(validation, **reading))
            held_rows = chosen_rows(held, validation_split, "--validation-split")
            rows = _without(held, held_rows, store, rows, exclude=split is None)
            X_val, Y_val, _ = held.take(held_rows)
            held_out = {"X_val": X_val, "y_val": Y_val}
        X, Y, _ = store.take(rows)
        if is_first:
            _check_space(model, clf, X.shape[1], Y.shape[1])
        with Interrupts() as interrupts:
            try:
                with scope:
                    clf.fit(X, Y, **held_out)
            except KeyboardInterrupt:
                if not clf.__sklearn_is_fitted__():
                    raise
                interrupts.seen = True
            if not is_first:
                return
            interrupted, interrupts.training = interrupts.seen, False
            saved, failure = _save(clf, _interrupted_name(model) if interrupted else model)
    score = clf.best_validation_score_
    shown = "" if score is None else f", GAP@20 {score:.4f}"
    say(f"{saved}: {clf.n_iter_} epochs, loss {clf.loss_:.4f}{shown}")
    if failure is not None:
        click.echo(f"Error: {failure}; the model is in {saved}", err=True)
    if interrupted:
        click.echo(f"Interrupted: {model} is as it was", err=True)
    if interrupts.seen:
        raise click.exceptions.Exit(_INTERRUPTED)
    if failure is not None:
        raise click.exceptions.Exit(1)


def _classifier(
    progress: bool, given: dict[str, Any], settings: dict[str, Any]
) -> "DeepMultiLabelClassifier":
    """Return a classifier with checked parameters."""
    from sk_yt8m import DeepMultiLabelClassifier
    from sk_yt8m._network.architecture import layer_sizes

    clf = DeepMultiLabelClassifier(verbose=progress)
    options = option_names(train)
    for name in given.keys() & settings.keys():
        raise click.UsageError(f"{options[name]} and --set {name} say the same: give one of them")
    try:
        clf.set_params(**given, **settings)
        clf._validate_params()
        layer_sizes(clf.hidden_layer_sizes, clf.n_heads)
    except (TypeError, ValueError) as error:
        message = in_options(one_line(error), {name: options[name] for name in given})
        raise click.UsageError(message) from error
    return clf


def _without(
    held: "Store", held_rows: np.ndarray, store: "Store", rows: np.ndarray, *, exclude: bool
) -> np.ndarray:
    """Return the rows to train on without those of files from which validation rows come.

    Parameters
    ----------
    held, held_rows
        The validation data.
    store, rows
        The training data.
    exclude : bool
        Whether to leave common rows out, with a message; otherwise they are an error.
    """
    numbers = np.unique(held.source[held_rows])
    digests = {held.manifest["sources"][number]["sha256"] for number in numbers}
    sources = store.manifest["sources"]
    common = [number for number, one in enumerate(sources) if one["sha256"] in digests]
    kept = rows[~np.isin(store.source[rows], common)]
    n_common = len(rows) - len(kept)
    if n_common and not (exclude and len(kept)):
        raise click.UsageError(
            f"expected other videos for the validation than for the training, but {n_common} of "
            f"{len(rows)} training videos are among the validation videos, as those of "
            f"{sources[common[0]]['name']}"
        )
    if n_common:
        say(f"training on {len(kept)} of {len(rows)} videos, the others are for validation")
    if store.ids is not None and held.ids is not None:
        twice = np.intersect1d(store.ids[kept], held.ids[held_rows])
        if twice.size:
            click.echo(
                f"Warning: {twice.size} ids are among the training and the validation videos, as "
                f"{str(twice[0])!r}: validation scores are too high if these are the same videos",
                err=True,
            )
    return kept


def _check_space(
    model: str, clf: "DeepMultiLabelClassifier", n_features: int, n_labels: int
) -> None:
    """Raise an error before the training if its weights are too large for the disk."""
    sizes = [n_features, *np.atleast_1d(np.asarray(clf.hidden_layer_sizes)).tolist(), n_labels]
    expected = 4 * sum(before * after for before, after in pairwise(map(int, sizes)))
    free = shutil.disk_usage(Path(model).resolve().parent).free
    if free < expected:
        raise OSError(
            f"{model} cannot be written: expected {expected / 1e6:.1f} MB free on the disk, got "
            f"{free / 1e6:.1f} MB"
        )


def _interrupted_name(model: str) -> str:
    path = Path(model)
    return str(free_name(path.with_name(f"{path.stem}.interrupted{path.suffix}")))


def _save(clf: "DeepMultiLabelClassifier", model: str) -> tuple[str, str | None]:
    """Save a classifier, if need be elsewhere; return where, and why not where it should be."""
    try:
        clf.save(model)
        return model, None
    except OSError as error:
        for folder in (Path.cwd(), Path(tempfile.gettempdir())):
            place = str(free_name(folder / Path(model).name))
            with contextlib.suppress(OSError):
                clf.save(place)
                return place, one_line(error)
        raise
