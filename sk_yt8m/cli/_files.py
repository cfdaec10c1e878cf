"""``sk-yt8m convert``, ``info`` and ``verify``: what is in files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from click.core import ParameterSource

from sk_yt8m.cli._data import (
    DAMAGE_COLUMNS,
    DataPath,
    damage_table,
    is_store,
    label_names,
    reading_options,
    shard_option,
    vocabulary_option,
)
from sk_yt8m.cli._messages import is_about_an_option, one_line, option_names
from sk_yt8m.cli._outputs import check_output, overwrite_option, say, write_table
from sk_yt8m.cli._videos import StoreVideos, open_videos

if TYPE_CHECKING:
    import pandas as pd

_MODEL_SUFFIX = ".safetensors"
#: Bytes that tell a model file from others.
_HEAD = 24
#: Options of `info` and `verify` that mean nothing for a model file.
_FOR_DATA = (
    *("vocabulary", "top", "features", "level", "n_labels"),
    *("label_column", "id_column"),
)


class _AnyPath(DataPath):
    """A store, data files, or a model file."""

    name = "path"

    def check(
        self, value: Any, param: click.Parameter | None = None, ctx: click.Context | None = None
    ) -> None:
        """Refuse what is none of them."""
        if not _is_model(value):
            super().check(value, param, ctx)


def _is_model(path: str) -> bool:
    """Tell whether a file begins as a model file: a length and a JSON object.

    One that only its name says to be a model file is damaged or something else, and `load` says
    which.
    """
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    # A TFRecord, too, begins with a length, but goes on with bytes that are no text.
    text = head[8:].decode("latin-1")
    begins = head[4:9] == b"\0\0\0\0{" and text.isascii() and text.isprintable()
    return begins or path.endswith(_MODEL_SUFFIX)


def _check_sources(ctx: click.Context, option: click.Parameter, source: tuple[str, ...]) -> Any:
    from sk_yt8m.datasets._convert.find_stores import find_stores

    try:
        stores = find_stores(source)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from error
    if stores is None:
        DataPath().check(list(source), option, ctx)
    return source


@click.command()
@click.argument("source", nargs=-1, required=True, callback=_check_sources)
@click.argument("store", type=click.Path(file_okay=False))
@click.option("--dtype", type=click.Choice(["float32", "float16"]), default="float32")
@click.option("--split", help="Only the files of this split.")
@shard_option
@click.option("--skip-damage", is_flag=True, help="Leave damaged records out and list them.")
@click.option("--n-frames", type=click.IntRange(1), help="Average this many frames of a video.")
@click.option(
    "--missing-labels",
    type=click.Choice(["raise", "empty"]),
    default="raise",
    show_default=True,
    help="Whether TFRecords without the key for labels, and Parquet files without the column, are "
    "damaged.",
)
@click.option("--overwrite", is_flag=True, help="Replace a store that is there already.")
@reading_options
def convert(source: tuple[str, ...], store: str, skip_damage: bool, **options: Any) -> None:
    """Convert CSV, TFRecord or Parquet files to a store, which training reads in blocks.

    SOURCE is one or more files, folders or quoted patterns of one format; or stores, which become
    one, such as those of all parts of --shard. After a kill, the same command resumes after the
    last complete file.

    \b
    Examples:
      sk-yt8m convert "data/yt8m/2/video/train/*.tfrecord" train --dtype float16
      sk-yt8m convert data part-0 --shard 0/2      # on one machine
      sk-yt8m convert data part-1 --shard 1/2      # on another one
      sk-yt8m convert part-0 part-1 whole
    """
    from sk_yt8m.datasets import convert as make_store
    from sk_yt8m.datasets._convert.find_stores import find_stores
    from sk_yt8m.datasets._formats.find_files import find_data_files

    try:
        if find_stores(source) is None:
            find_data_files(list(source), options["split"])
    except (FileNotFoundError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="--split") from error
    made = make_store(list(source), store, on_error="skip" if skip_damage else "raise", **options)
    say(made)
    _show_damage(made.manifest["damage"])


@click.command()
@click.argument("path", type=_AnyPath())
@vocabulary_option
@click.option("--top", type=click.IntRange(0), default=10, show_default=True, help="Labels shown.")
@reading_options
def info(path: str, vocabulary: str | None, top: int, **options: Any) -> None:
    """Say what is in a store, in data files or in a model file.

    \b
    Example:
      sk-yt8m info store --vocabulary vocabulary.csv
    """
    if _is_model(path):
        _check_no_data_options()
        _show_model(path)
        return
    videos = open_videos(path, with_features=False, **options)
    labels = label_names(vocabulary, videos.n_labels)
    sizes, counts = videos.count()
    n_rows = int(sizes.sum())
    say(f"videos          {n_rows}")
    say(f"features        {videos.n_features}, {videos.dtype}")
    say(f"labels          {videos.n_labels}, of which {np.count_nonzero(counts)} occur")
    say(f"labels a video  {counts.sum() / max(1, n_rows):.2f}")
    say(f"files           {len(sizes)}")
    for name in sorted(set(videos.splits)):
        size = sizes[np.array(videos.splits) == name].sum()
        if size:
            say(f"split           {name or '(none)'}: {size} videos")
    for label in np.argsort(-counts, kind="stable")[:top]:
        say(f"label           {label} {labels[label]}: {counts[label]} videos")
    _show_damage(videos.damage)


@click.command()
@click.argument("path", type=_AnyPath())
@click.option("--report", type=click.Path(dir_okay=False), help="CSV file for what is damaged.")
@overwrite_option
@reading_options
def verify(path: str, report: str | None, overwrite: bool, **options: Any) -> None:
    """Read every byte of a store, of data files or of a model file, and list what is damaged.

    The report is a table with the columns file, place, expected and actual, and without rows if
    nothing is damaged. The exit code is 1 if anything is.

    \b
    Example:
      sk-yt8m verify "data/*.tfrecord" --report damage.csv
    """
    if report is not None:
        check_output(report, overwrite=overwrite, inputs=[path])
    if _is_model(path):
        _check_no_data_options()
    table, error = _damage(path, options)
    if report is not None:
        write_table(table, report, index=False)
    if error is not None:
        raise error
    say("sound")


def _damage(path: str, options: dict[str, Any]) -> tuple["pd.DataFrame", Exception | None]:
    """Return a table of what is damaged, and the error that says so."""
    import pandas as pd

    from sk_yt8m import load

    kind = "model file" if _is_model(path) else "store" if is_store(path) else "set of data files"
    try:
        if kind == "model file":
            load(path)
        else:
            videos = open_videos(path, on_error="skip", with_features=False, **options)
            if isinstance(videos, StoreVideos):
                videos.store.verify(progress=options["progress"])
                return pd.DataFrame(columns=DAMAGE_COLUMNS), None
            n_rows = videos.count()[0].sum()
            table = damage_table(videos.damage)
            if not len(table):
                return table, None
            say(table.to_string(index=False))
            found = f"{len(table)} damaged places, {n_rows} valid videos"
            return table, click.ClickException(found)
    except ValueError as error:
        if is_about_an_option(error, option_names(verify)):
            raise
        row = {"file": path, "place": "", "expected": f"a sound {kind}", "actual": one_line(error)}
        return pd.DataFrame([row], columns=DAMAGE_COLUMNS), error
    return pd.DataFrame(columns=DAMAGE_COLUMNS), None


def _check_no_data_options() -> None:
    """Refuse options that would be ignored."""
    context = click.get_current_context()
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if given and option.name in _FOR_DATA:
            raise click.UsageError(f"{option.opts[-1]} is for data, and not for a model file")


def _show_model(path: str) -> None:
    from sk_yt8m import load

    clf = load(path)
    say(f"model           {Path(path).name}, {Path(path).stat().st_size / 1e6:.1f} MB")
    say(f"features        {clf.n_features_in_}")
    _show_classifier(clf)


def _show_classifier(clf: Any, name: str = "", depth: int = 0) -> None:
    def line(key: str, value: object) -> None:
        say(f"{'  ' * depth}{key:<16}{value}")

    if depth:
        line("classifier", f"{name}, {type(clf).__name__}")
    if hasattr(clf, "hidden_layer_sizes"):
        line("labels", f"{clf.n_outputs_}, {clf.out_activation_}")
        line("hidden layers", f"{clf.hidden_layer_sizes_}, {clf.activation}")
        line("epochs", f"{clf.n_iter_}, last loss {clf.loss_:.4f}")
        if clf.best_validation_score_ is not None:
            line("validation", f"{clf.best_validation_score_:.4f}")
        return
    line("labels", clf.n_outputs_)
    for parameter, value in clf.get_params(deep=False).items():
        if not parameter.startswith("estimator"):
            line(parameter, repr(value))
    parts = getattr(clf, "named_estimators_", None) or {"estimator": clf.estimator_}
    for part_name, part in parts.items():
        _show_classifier(part, part_name, depth + 1)


def _show_damage(damage: list[dict[str, str]]) -> None:
    table = damage_table(damage)
    if len(table):
        say(f"left out        {len(table)} damaged places")
        say(table.to_string(index=False))
