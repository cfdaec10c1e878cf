"""``sk-yt8m convert``, ``info`` and ``verify``: what is in files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from sk_yt8m.cli._data import damage_table, is_store, label_names, open_data, reading_options

if TYPE_CHECKING:
    from sk_yt8m.datasets import Store

_MODEL_SUFFIX = ".safetensors"


@click.command()
@click.argument("source", nargs=-1, required=True)
@click.argument("store", type=click.Path())
@click.option("--dtype", type=click.Choice(["float32", "float16"]), default="float32")
@click.option("--split", help="Only the files of this split.")
@click.option("--skip-damage", is_flag=True, help="Leave damaged records out and list them.")
@click.option("--n-frames", type=click.IntRange(1), help="Average so many frames of a video.")
@click.option(
    "--missing-labels",
    type=click.Choice(["raise", "empty"]),
    default="raise",
    show_default=True,
    help="Whether a TFRecord without the key for labels is damaged.",
)
@click.option("--overwrite", is_flag=True, help="Replace a store that is there already.")
@reading_options
def convert(source: tuple[str, ...], store: str, skip_damage: bool, **options: Any) -> None:
    """Bring CSV, TFRecord or Parquet files into a store, from which training reads.

    SOURCE is one or more files, folders or quoted patterns of one format. After a kill the same
    command goes on where it was.

    \b
    Example:
      sk-yt8m convert "data/yt8m/2/video/train/*.tfrecord" train --dtype float16
    """
    from sk_yt8m.datasets import convert as make_store

    made = make_store(list(source), store, on_error="skip" if skip_damage else "raise", **options)
    click.echo(made)
    _show_damage(made)


@click.command()
@click.argument("path")
@click.option("--vocabulary", type=click.Path(exists=True, dir_okay=False), help="Names of labels.")
@click.option("--top", type=click.IntRange(0), default=10, show_default=True, help="Labels shown.")
@reading_options
def info(path: str, vocabulary: str | None, top: int, **options: Any) -> None:
    """Say what is in a store, in data files or in a model file.

    \b
    Example:
      sk-yt8m info store --vocabulary vocabulary.csv
    """
    if path.endswith(_MODEL_SUFFIX):
        _show_model(path)
        return
    with open_data(path, **options) as store:
        n_rows, n_labels = store.Y.shape
        counts = np.bincount(store.Y.indices, minlength=n_labels)
        click.echo(f"videos          {n_rows}")
        click.echo(f"features        {store.X.shape[1]}, {store.X.dtype}")
        click.echo(f"labels          {n_labels}, of which {np.count_nonzero(counts)} occur")
        click.echo(f"labels a video  {store.Y.nnz / max(1, n_rows):.2f}")
        click.echo(f"files           {len(store.manifest['sources'])}")
        names, sizes = np.unique(store.split, return_counts=True)
        for name, size in zip(names.tolist(), sizes.tolist(), strict=True):
            click.echo(f"split           {name or '(none)'}: {size} videos")
        labels = label_names(vocabulary, n_labels)
        for label in np.argsort(-counts, kind="stable")[:top]:
            click.echo(f"label           {label} {labels[label]}: {counts[label]} videos")
        _show_damage(store)


@click.command()
@click.argument("path")
@click.option("--report", type=click.Path(), help="CSV file for the table of damage.")
@reading_options
def verify(path: str, report: str | None, progress: bool, **options: Any) -> None:
    """Read every byte of a store, of data files or of a model file, and list what is damaged.

    The exit code is 1 if anything is.

    \b
    Example:
      sk-yt8m verify "data/*.tfrecord" --report damage.csv
    """
    if path.endswith(_MODEL_SUFFIX):
        from sk_yt8m import load

        load(path)
    elif is_store(path):
        from sk_yt8m.datasets import open_store

        open_store(path).verify(progress=progress)
    else:
        with open_data(path, on_error="skip", progress=progress, **options) as store:
            table = damage_table(store)
            if report is not None:
                table.to_csv(report, index=False)
            if len(table):
                click.echo(table.to_string(index=False))
                raise click.ClickException(
                    f"{len(table)} damaged places, {len(store)} sound videos"
                )
    click.echo("sound")


def _show_model(path: str) -> None:
    from sk_yt8m import load

    clf = load(path)
    click.echo(f"model           {Path(path).name}, {Path(path).stat().st_size / 1e6:.1f} MB")
    click.echo(f"features        {clf.n_features_in_}")
    click.echo(f"labels          {clf.n_outputs_}, {clf.out_activation_}")
    click.echo(f"hidden layers   {clf.hidden_layer_sizes!r}, {clf.activation}")
    click.echo(f"epochs          {clf.n_iter_}, last loss {clf.loss_:.4f}")
    if clf.best_validation_score_ is not None:
        click.echo(f"validation      {clf.best_validation_score_:.4f}")


def _show_damage(store: "Store") -> None:
    table = damage_table(store)
    if len(table):
        click.echo(f"left out        {len(table)} damaged places")
        click.echo(table.to_string(index=False))
