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

from sk_yt8m.cli._data import (
    DataPath,
    chosen_rows,
    open_data,
    parse_widths,
    read_vocabulary,
    reading_options,
    split_option,
    vocabulary_option,
)
from sk_yt8m.cli._interrupts import Interrupts
from sk_yt8m.cli._messages import in_options, one_line, option_names
from sk_yt8m.cli._outputs import check_output, free_name, overwrite_option, say
from sk_yt8m.cli._strategy import training_scope

if TYPE_CHECKING:
    from sk_yt8m import DeepMultiLabelClassifier
    from sk_yt8m.datasets import Store

_INTERRUPTED = 130
#: Those of `sk_yt8m.make_classifier`, which is not to be imported for the help.
PRESETS = ("fast", "default", "wide", "neighbors", "best")
#: Those that normalise modalities.
WITH_MODALITIES = ("neighbors", "best")


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
@click.option(
    "--preset",
    type=click.Choice(PRESETS),
    default="default",
    show_default=True,
    help="The recipe; other options replace what it says.",
)
@click.option(
    "--modalities",
    metavar="NAME:WIDTH,...",
    callback=parse_widths,
    help="Modalities that --preset neighbors and best normalise, where they are not the features "
    "of DATA.",
)
@split_option
@vocabulary_option
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
    help="Any other parameter of DeepMultiLabelClassifier, in JSON; may be repeated. With "
    "--preset best it is for all networks.",
)
@overwrite_option
@reading_options
def train(
    data: str,
    model: str,
    preset: str,
    modalities: dict[str, int] | None,
    split: str | None,
    vocabulary: str | None,
    validation: str | None,
    validation_split: str | None,
    strategy: str | None,
    timeout: float,
    settings: dict[str, Any],
    overwrite: bool,
    features: Any,
    level: str,
    n_labels: int | None,
    label_column: str,
    id_column: str,
    n_jobs: int,
    progress: bool,
    **parameters: Any,
) -> None:
    """Train a classifier on DATA and write it to the file MODEL.

    The labels of MODEL have the names of --vocabulary, or else their numbers.

    \b
    Presets:
      fast       two epochs without dropout, for a first look
      default    one network, twelve epochs
      wide       one network of twice the size, fifteen epochs
      neighbors  one network with its nearest training videos, which the model file holds
      best       five such networks, on average; it takes several times as long to train and
                 to predict, and a model file of gigabytes

    Ctrl-C ends the training with the exit code 130. MODEL is left as it is then, and the model so
    far goes to another file, MODEL.interrupted.safetensors for MODEL.safetensors; of --preset best
    there is none.

    With --strategy multi-worker the same command runs on every host, with its own TF_CONFIG. The
    first process writes MODEL. When one is interrupted or lost, all end without a model, and with
    --checkpoint-dir the same commands resume.

    \b
    Examples:
      sk-yt8m train store model.safetensors --split train --validation-split val --seed 0
      sk-yt8m train store model.safetensors --preset fast --vocabulary vocabulary.csv
      sk-yt8m train store model.safetensors --set "hidden_layer_sizes=[1000, 1000]"
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    _check_parameters(preset, modalities, given, settings)
    scope, is_first = training_scope(strategy, timeout)
    if is_first:
        check_output(model, overwrite=overwrite, inputs=[data, validation, vocabulary])
    reading = {
        "features": features,
        "level": level,
        "n_labels": n_labels,
        "label_column": label_column,
        "id_column": id_column,
        "n_jobs": n_jobs,
        "progress": progress,
    }
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_data(data, **reading))
        names = _label_names(vocabulary, store.Y.shape[1])
        rows, held_out = chosen_rows(store, split), {}
        if validation is not None or validation_split is not None:
            held = store
            if validation is not None:
                held = stack.enter_context(open_data(validation, **reading))
            held_rows = chosen_rows(held, validation_split, "--validation-split")
            rows = _without(held, held_rows, store, rows, exclude=split is None)
            X_val, Y_val, _ = held.take(held_rows)
            held_out = {"X_val": X_val, "y_val": _named(Y_val, names)}
        X, Y, _ = store.take(rows)
        widths = _modalities(store, modalities)
        clf = _make(preset, widths, **{"verbose": progress, **given, **settings})
        if preset in WITH_MODALITIES:
            say("modalities: " + ", ".join(f"{name} {width}" for name, width in widths.items()))
        if is_first:
            _check_space(model, clf, X.shape[0], X.shape[1], Y.shape[1])
        with Interrupts() as interrupts:
            try:
                with scope:
                    clf.fit(X, _named(Y, names), **held_out)
            except KeyboardInterrupt:
                if not hasattr(clf, "n_outputs_"):
                    raise
                interrupts.seen = True
            if not is_first:
                return
            interrupted, interrupts.training = interrupts.seen, False
            saved, failure = _save(
                clf, _interrupted_name(model) if interrupted else model, replace=overwrite
            )
        said = _described(clf, held_out)
    say(f"{saved}: {said}")
    if failure is not None:
        click.echo(f"Error: {failure}; the model is in {saved}", err=True)
    if interrupted:
        click.echo(f"Interrupted: {model} is as it was", err=True)
    if interrupts.seen:
        raise click.exceptions.Exit(_INTERRUPTED)
    if failure is not None:
        raise click.exceptions.Exit(1)


def _check_parameters(
    preset: str,
    modalities: dict[str, int] | None,
    given: dict[str, Any],
    settings: dict[str, Any],
) -> None:
    """Refuse options that say the same or nothing, and values that parameters cannot have."""
    from sk_yt8m import DeepMultiLabelClassifier
    from sk_yt8m._network.architecture import layer_sizes

    if modalities is not None and preset not in WITH_MODALITIES:
        raise click.UsageError(
            f"--modalities is for --preset {' and '.join(WITH_MODALITIES)}, got --preset {preset}"
        )
    options = option_names(train)
    for name in given.keys() & settings.keys():
        raise click.UsageError(f"{options[name]} and --set {name} say the same: give one of them")
    try:
        DeepMultiLabelClassifier().set_params(**settings)
        for network in _networks(_make(preset, {"features": 1}, **given, **settings)):
            network._validate_params()
            layer_sizes(network.hidden_layer_sizes, network.n_heads, None)
    except (TypeError, ValueError) as error:
        message = in_options(one_line(error), {name: options[name] for name in given})
        raise click.UsageError(message) from error


def _make(preset: Any, modalities: dict[str, int] | None, **parameters: Any) -> Any:
    """Return the classifier of a preset, of which not all have modalities."""
    from sk_yt8m import make_classifier

    used = modalities if preset in WITH_MODALITIES else None
    return make_classifier(preset, modalities=used, **parameters)


def _networks(clf: Any) -> "list[DeepMultiLabelClassifier]":
    """Return the networks of a classifier that is one or is composed of several."""
    from sk_yt8m import DeepMultiLabelClassifier

    parts = [clf, *clf.get_params().values()]
    return [one for one in parts if isinstance(one, DeepMultiLabelClassifier)]


def _modalities(store: "Store", said: dict[str, int] | None) -> dict[str, int]:
    """Return the modalities that an option says, or else those that a store was made of."""
    widths = dict(store.manifest["layout"]["features"]) if said is None else said
    n_features = store.X.shape[1]
    if sum(widths.values()) != n_features:
        raise click.UsageError(
            f"--modalities has {sum(widths.values())} features, but {store.path} has {n_features}"
        )
    return widths


def _label_names(vocabulary: str | None, n_labels: int) -> list[str] | None:
    """Return the names in a vocabulary; a label without one has its number."""
    table = read_vocabulary(vocabulary, n_labels)
    if table is None:
        return None
    return table["name"].fillna(table.index.to_series().astype(str)).tolist()


def _named(Y: Any, names: list[str] | None) -> Any:
    """Return labels with their names."""
    from sk_yt8m import SparseIndicator

    return Y if names is None else SparseIndicator(Y, names)


def _described(clf: Any, held_out: dict[str, Any]) -> str:
    """Return what to say of a model after its training."""
    if _networks(clf) == [clf]:
        score = clf.best_validation_score_
        said = f"{clf.n_iter_} epochs, loss {clf.loss_:.4f}"
    else:
        score = clf.score(held_out["X_val"], held_out["y_val"]) if held_out else None
        count = len(_networks(clf))
        said = f"{count} networks" if count > 1 else "1 network with its neighbours"
    return said if score is None else f"{said}, GAP@20 {score:.4f}"


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


def _check_space(model: str, clf: Any, n_rows: int, n_features: int, n_labels: int) -> None:
    """Raise an error before the training if its weights are too large for the disk."""
    from sk_yt8m._network.architecture import layer_sizes

    expected = 0
    for network in _networks(clf):
        hidden = layer_sizes(network.hidden_layer_sizes, network.n_heads, (n_rows, n_labels))
        sizes = [n_features, *hidden, n_labels]
        expected += 4 * sum(before * after for before, after in pairwise(sizes))
        if network is not clf:
            # Its neighbours have the activations of all training rows.
            expected += 4 * n_rows * sizes[-2]
    free = shutil.disk_usage(Path(model).resolve().parent).free
    if free < expected:
        raise OSError(
            f"{model} cannot be written: expected {expected / 1e6:.1f} MB free on the disk, got "
            f"{free / 1e6:.1f} MB"
        )


def _interrupted_name(model: str) -> str:
    path = Path(model)
    return str(free_name(path.with_name(f"{path.stem}.interrupted{path.suffix}")))


def _save(clf: Any, model: str, *, replace: bool) -> tuple[str, str | None]:
    """Save a classifier, if need be elsewhere; return where, and why not where it should be."""
    place = str(Path(model) if replace else free_name(Path(model)))
    if place != str(Path(model)):
        # It was not there when the training began.
        clf.save(place)
        return place, f"{model} is there already"
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
