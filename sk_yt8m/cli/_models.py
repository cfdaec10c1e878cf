"""``sk-yt8m train``, ``evaluate`` and ``predict``: from data to labels."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from sk_yt8m.cli._data import (
    check_output,
    chosen_rows,
    label_names,
    open_data,
    read_vocabulary,
    reading_options,
)

if TYPE_CHECKING:
    import pandas as pd

    from sk_yt8m import DeepMultiLabelClassifier

_CHUNK = 4096
_MODEL = click.Path(exists=True, dir_okay=False)
_VOCABULARY = click.option("--vocabulary", type=_MODEL, help="CSV file with the names of labels.")
_OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
_SPLIT = click.option("--split", help="Only the videos of this split.")


def _parse_settings(_: Any, option: Any, pairs: tuple[str, ...]) -> dict[str, Any]:
    settings = {}
    for pair in pairs:
        name, found, value = pair.partition("=")
        if not found:
            raise click.BadParameter(f"expected NAME=VALUE, got {pair!r}", param=option)
        with contextlib.suppress(ValueError):
            value = json.loads(value)
        settings[name] = value
    return settings


@click.command()
@click.argument("data")
@click.argument("model", type=click.Path(dir_okay=False))
@_SPLIT
@click.option("--validation", help="DATA to score after each epoch; the best epoch is kept.")
@click.option("--validation-split", help="Split to score after each epoch.")
@click.option("--epochs", "max_iter", type=click.IntRange(1), help="Epochs.")
@click.option("--batch-size", type=click.IntRange(1), help="Videos a step.")
@click.option("--learning-rate", "learning_rate_init", type=float, help="Highest learning rate.")
@click.option("--dropout", type=float, help="Share of hidden units dropped.")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]))
@click.option("--seed", "random_state", type=int, help="Makes the training repeatable.")
@click.option("--checkpoint-dir", type=click.Path(file_okay=False), help="Go on after a kill.")
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_parse_settings,
    help="Any other parameter of DeepMultiLabelClassifier; may be repeated.",
)
@_OVERWRITE
@reading_options
def train(
    data: str,
    model: str,
    split: str | None,
    validation: str | None,
    validation_split: str | None,
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

    \b
    Examples:
      sk-yt8m train store model.safetensors --split train --validation-split val --seed 0
      sk-yt8m train store model.safetensors --set "hidden_layer_sizes=[1000, 1000]"
    """
    check_output(model, overwrite=overwrite)
    from sk_yt8m import DeepMultiLabelClassifier

    clf = DeepMultiLabelClassifier(verbose=progress)
    given = {name: value for name, value in parameters.items() if value is not None}
    clf.set_params(**given, **settings)
    reading = {
        "features": features,
        "level": level,
        "n_labels": n_labels,
        "n_jobs": n_jobs,
        "progress": progress,
    }
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_data(data, **reading))
        X, Y, _ = chosen_rows(store, split)
        held = store
        if validation is not None:
            held = stack.enter_context(open_data(validation, **reading))
        if validation is None and validation_split is None:
            clf.fit(X, Y)
        else:
            X_val, Y_val, _ = chosen_rows(held, validation_split)
            clf.fit(X, Y, X_val=X_val, y_val=Y_val)
    clf.save(model)
    score = clf.best_validation_score_
    shown = "" if score is None else f", GAP@20 {score:.4f}"
    click.echo(f"{model}: {clf.n_iter_} epochs, loss {clf.loss_:.4f}{shown}")


@click.command()
@click.argument("model", type=_MODEL)
@click.argument("data")
@_SPLIT
@_VOCABULARY
@click.option(
    "--k",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="Best labels kept of each video; PERR needs as many as a video has true ones.",
)
@click.option(
    "--resamples",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    help="Bootstrap resamples for the intervals.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--csv", "figures", type=click.Path(dir_okay=False), help="CSV file for the figures.")
@click.option("--labels", type=click.Path(dir_okay=False), help="CSV file for the table of labels.")
@reading_options
def evaluate(
    model: str,
    data: str,
    split: str | None,
    vocabulary: str | None,
    k: int,
    resamples: int,
    as_json: bool,
    figures: str | None,
    labels: str | None,
    **reading: Any,
) -> None:
    """Print GAP, Hit@k and other figures of MODEL on DATA, with confidence intervals.

    \b
    Example:
      sk-yt8m evaluate model.safetensors store --split test --vocabulary vocabulary.csv
    """
    from sk_yt8m import load
    from sk_yt8m.metrics import evaluation_report

    clf = load(model)
    names = read_vocabulary(vocabulary, clf.n_outputs_)
    with open_data(data, **reading) as store:
        X, Y, _ = chosen_rows(store, split)
        if Y.shape[1] != clf.n_outputs_:
            raise ValueError(f"{data} has {Y.shape[1]} labels, but {model} {clf.n_outputs_}")
        report = evaluation_report(
            Y,
            clf.predict_top_k(X, k=k),
            vocabulary=names,
            n_resamples=resamples,
            random_state=0,
        )
    if figures is not None:
        report.figures.to_csv(figures)
    if labels is not None:
        report.labels.to_csv(labels)
    click.echo(
        report.figures.to_json(orient="index", indent=2, double_precision=15)
        if as_json
        else report.text
    )


@click.command()
@click.argument("model", type=_MODEL)
@click.argument("data")
@_SPLIT
@_VOCABULARY
@click.option("--k", type=click.IntRange(1), default=5, show_default=True, help="Labels a video.")
@click.option("--threshold", type=float, default=0.0, help="Leave lower scores out.")
@click.option("--out", type=click.Path(dir_okay=False), help="CSV or Parquet file (CSV, printed).")
@_OVERWRITE
@reading_options
def predict(
    model: str,
    data: str,
    split: str | None,
    vocabulary: str | None,
    k: int,
    threshold: float,
    out: str | None,
    overwrite: bool,
    **reading: Any,
) -> None:
    """Name the best labels of every video of DATA: a row each with id, rank, label, name, score.

    Videos without ids, as in CSV files, have their number among the videos read, from 0. Labels in
    DATA are not used.

    \b
    Example:
      sk-yt8m predict model.safetensors store --vocabulary vocabulary.csv --out labels.parquet
    """
    from sk_yt8m import load

    if out is not None and not out.endswith((".csv", ".parquet")):
        raise click.BadParameter(f"expected a name that ends in .csv or .parquet, got {out!r}")
    if out is not None:
        check_output(out, overwrite=overwrite)
    clf = load(model)
    known = label_names(vocabulary, clf.n_outputs_, clf.label_names_)
    names = np.array(known, dtype=object)
    with open_data(data, needs_labels=False, **reading) as store:
        X, _, ids = chosen_rows(store, split)
        tables = _top_tables(clf, X, ids, names, k, threshold)
        if out is None:
            _write_csv(tables, sys.stdout)
        else:
            _write_file(tables, Path(out))


def _top_tables(
    clf: "DeepMultiLabelClassifier",
    X: Any,
    ids: Any,
    names: np.ndarray,
    k: int,
    threshold: float,
) -> Iterator["pd.DataFrame"]:
    import pandas as pd

    for start in range(0, len(X), _CHUNK):
        labels, scores = clf.predict_top_k(X[start : start + _CHUNK], k=k)
        rows = np.arange(start, start + len(labels))
        videos = rows if ids is None else np.asarray(ids[rows])
        table = pd.DataFrame(
            {
                "id": np.repeat(videos, labels.shape[1]),
                "rank": np.tile(np.arange(1, labels.shape[1] + 1), len(labels)),
                "label": labels.ravel(),
                "name": names[labels.ravel()],
                "score": scores.ravel(),
            }
        )
        yield table[table["score"] >= threshold]


def _write_csv(tables: Iterator["pd.DataFrame"], stream: Any) -> None:
    for number, table in enumerate(tables):
        table.to_csv(stream, index=False, header=number == 0, lineterminator="\n")


def _write_file(tables: Iterator["pd.DataFrame"], path: Path) -> None:
    """Write a file that appears under its name when it is whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.suffix == ".parquet":
            _to_parquet(tables, draft)
        else:
            _to_csv(tables, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _to_csv(tables: Iterator["pd.DataFrame"], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        _write_csv(tables, stream)


def _to_parquet(tables: Iterator["pd.DataFrame"], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.ExitStack() as stack:
        writer = None
        for table in tables:
            rows = pa.Table.from_pandas(table, preserve_index=False)
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(path, rows.schema))
            writer.write_table(rows)
