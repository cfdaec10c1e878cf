"""``sk-yt8m evaluate`` and ``predict``: from a model and data to figures and labels."""

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import scipy.sparse as sp

from sk_yt8m._top_k import parquet_schema, top_k_table
from sk_yt8m.cli._data import (
    DataPath,
    label_names,
    read_vocabulary,
    reading_options,
    shard_option,
    split_option,
    vocabulary_option,
)
from sk_yt8m.cli._outputs import check_output, overwrite_option, say, standard_output, write_table
from sk_yt8m.cli._videos import PropensitySource, open_videos, read_propensities

if TYPE_CHECKING:
    import pandas as pd

    from sk_yt8m import DeepMultiLabelClassifier

#: Videos that are predicted at a time, and written at a time.
_LARGE_BATCH, _BATCH = 2**18, 4096
_MODEL = click.Path(exists=True, dir_okay=False)


def _check_threshold(_: Any, __: Any, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("expected a number, got nan")
    return value


def _parse_metrics(_: Any, __: Any, value: str | None) -> list[str] | None:
    from sk_yt8m.metrics._scoring.registry import find_metrics

    if value is None:
        return None
    names = [name.strip() for name in value.split(",")]
    try:
        find_metrics(names)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if "map" in names:
        raise click.BadParameter("expected map with a number, as map@20, got 'map'")
    return names


@click.command()
@click.argument("model", type=_MODEL)
@click.argument("data", type=DataPath())
@split_option
@vocabulary_option
@click.option(
    "--metrics",
    metavar="NAME,...",
    callback=_parse_metrics,
    help="Figures to print, as gap@20,hit@1,psp@5, with any number.  [default: the main ones]",
)
@click.option(
    "--propensities",
    type=PropensitySource(),
    help="The training DATA, whose labels psp and psndcg need, or a file with one propensity of "
    "each label a line.",
)
@click.option("--propensities-split", help="Only the videos of this split of --propensities.")
@click.option(
    "--k",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="Best labels kept of each video, more if --metrics needs more; PERR needs as many as a "
    "video has true ones.",
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
@click.option(
    "--labels", "label_table", type=click.Path(dir_okay=False), help="CSV file for one of labels."
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False),
    help="HTML file for a page with tables, pictures and the worst mistakes.",
)
@overwrite_option
@reading_options
def evaluate(
    model: str,
    data: str,
    split: str | None,
    vocabulary: str | None,
    metrics: list[str] | None,
    propensities: str | None,
    propensities_split: str | None,
    k: int,
    resamples: int,
    as_json: bool,
    figures: str | None,
    label_table: str | None,
    page: str | None,
    overwrite: bool,
    **reading: Any,
) -> None:
    """Print GAP, Hit@k and other figures of MODEL on DATA, with confidence intervals.

    Tables have the label names of the model, or those of --vocabulary.

    \b
    Examples:
      sk-yt8m evaluate model.safetensors store --vocabulary vocabulary.csv --html report.html
      sk-yt8m evaluate model.safetensors store --split val --metrics gap@20,hit@1,psp@5 \\
        --propensities store --propensities-split train
    """
    _check_propensities_given(metrics, propensities, propensities_split)
    inputs = [model, data, vocabulary, propensities]
    for output in (figures, label_table, page):
        if output is not None:
            check_output(output, overwrite=overwrite, inputs=inputs)
            inputs.append(output)
    from sk_yt8m import TopK, load
    from sk_yt8m.metrics import evaluation_report

    clf = load(model)
    names = _label_table(vocabulary, clf)
    videos = open_videos(data, **reading)
    if videos.n_labels != clf.n_outputs_:
        raise ValueError(f"{data} has {videos.n_labels} labels, but {model} {clf.n_outputs_}")
    known = read_propensities(propensities, propensities_split, clf.n_outputs_, reading)
    k = _labels_kept(metrics, k, clf.n_outputs_)
    batches = []
    for X, Y, ids in videos.batches(split, _LARGE_BATCH):
        _check_perr(metrics, k, Y)
        batches.append((Y, clf.predict_top_k(X, k=k), ids))
    labels, top, names_of_rows = zip(*batches, strict=True)
    report = evaluation_report(
        sp.vstack(labels, format="csr"),
        TopK(*map(np.concatenate, zip(*top, strict=True))),
        metrics=metrics,
        vocabulary=names,
        propensities=known,
        ids=np.concatenate(names_of_rows),
        n_resamples=resamples,
        random_state=0,
    )
    if figures is not None:
        write_table(report.figures, figures)
    if label_table is not None:
        write_table(report.labels, label_table)
    if page is not None:
        report.to_html(page, title=f"{Path(model).name} on {Path(data).absolute().name}")
    say(
        report.figures.to_json(orient="index", indent=2, double_precision=15)
        if as_json
        else report.text
    )


def _check_propensities_given(
    metrics: list[str] | None, propensities: str | None, split: str | None
) -> None:
    """Refuse metrics without the propensities that they need, before the work."""
    from sk_yt8m.metrics._scoring.registry import find_metrics

    if propensities is None and split is not None:
        raise click.UsageError("--propensities-split needs --propensities")
    for metric in find_metrics(metrics) if metrics and propensities is None else ():
        if metric.family.takes_propensities:
            raise click.UsageError(
                f"--metrics {metric.name} needs --propensities: the data of the training"
            )


def _labels_kept(metrics: list[str] | None, k: int, n_labels: int) -> int:
    """Return how many labels of each video the metrics need, `k` at least."""
    from sk_yt8m.metrics._scoring.registry import find_metrics

    needs = [metric.need for metric in find_metrics(metrics)] if metrics else []
    numbers = [need for need in needs if isinstance(need, int)]
    return n_labels if "all" in needs else min(max(k, *numbers, 1), n_labels)


def _check_perr(metrics: list[str] | None, k: int, Y: sp.csr_matrix) -> None:
    most = int(np.diff(Y.indptr).max())
    if metrics is not None and "perr" in metrics and k < most:
        raise click.UsageError(
            f"--metrics perr needs --k {most} or more: a video has {most} labels, got --k {k}"
        )


def _label_table(vocabulary: str | None, clf: "DeepMultiLabelClassifier") -> "pd.DataFrame | None":
    """Return the vocabulary, or else the names that the model has, if it has any."""
    import pandas as pd

    table = read_vocabulary(vocabulary, clf.n_outputs_)
    if table is None and clf.n_outputs_ == len(clf.label_names_):
        table = pd.DataFrame({"name": label_names(None, clf.n_outputs_, clf.label_names_)})
    return table


@click.command()
@click.argument("model", type=_MODEL)
@click.argument("data", type=DataPath())
@split_option
@shard_option
@vocabulary_option
@click.option("--k", type=click.IntRange(1), default=5, show_default=True, help="Labels a video.")
@click.option(
    "--threshold",
    type=float,
    default=0.0,
    callback=_check_threshold,
    help="Leave lower scores out.",
)
@click.option("--out", type=click.Path(dir_okay=False), help="CSV or Parquet file (CSV, printed).")
@overwrite_option
@reading_options
def predict(
    model: str,
    data: str,
    split: str | None,
    shard: tuple[int, int] | None,
    vocabulary: str | None,
    k: int,
    threshold: float,
    out: str | None,
    overwrite: bool,
    **reading: Any,
) -> None:
    """Name the best labels of every video of DATA: a row each with id, rank, label, name, score.

    Of segments, the second at which one begins follows the id, in the column start.

    Videos without ids, as in CSV files, have their number among all videos of DATA, from 0: with
    --split too, so that a number always stands for the same video. Labels in DATA are not used.

    The outputs of --shard 0/4 to 3/4, one after the other, have the rows of one command without it.
    Of files, each part reads its own; ids that two parts share are not found.

    \b
    Examples:
      sk-yt8m predict model.safetensors store --vocabulary vocabulary.csv --out labels.parquet
      sk-yt8m predict model.safetensors store --shard 0/4 --out part-0.parquet
    """
    if out is not None and not out.endswith((".csv", ".parquet")):
        raise click.BadParameter(
            f"expected a name that ends in .csv or .parquet, got {out!r}", param_hint="--out"
        )
    if out is not None:
        check_output(out, overwrite=overwrite, inputs=[model, data, vocabulary])
        if out.endswith(".parquet"):
            from sk_yt8m.datasets._formats.parquet_reader import check_pyarrow

            check_pyarrow()
    from sk_yt8m import load
    from sk_yt8m._files.atomic_write import open_atomically

    clf = load(model)
    known = label_names(vocabulary, clf.n_outputs_, clf.label_names_)
    names = np.array(known, dtype=object)
    videos = open_videos(data, needs_labels=False, **reading)
    tables = _top_tables(clf, videos.batches_with_starts(split, _BATCH, shard), names, k, threshold)
    if out is None:
        with standard_output():
            _to_csv(tables, sys.stdout.buffer.write)
            sys.stdout.buffer.flush()
        return
    with open_atomically(out) as file:
        if out.endswith(".parquet"):
            schema = parquet_schema(with_ids=videos.has_ids, segments=videos.has_starts)
            _to_parquet(tables, file, schema)
        else:
            _to_csv(tables, file.write)


def _top_tables(
    clf: "DeepMultiLabelClassifier",
    batches: Iterator[tuple[np.ndarray, Any, np.ndarray, np.ndarray | None]],
    names: np.ndarray,
    k: int,
    threshold: float,
) -> Iterator["pd.DataFrame"]:
    for X, _, ids, starts in batches:
        table = top_k_table(ids, clf.predict_top_k(X, k=k), names, starts)
        yield table[table["score"] >= threshold]


def _to_csv(tables: Iterator["pd.DataFrame"], write: Callable[[bytes], Any]) -> None:
    for number, table in enumerate(tables):
        write(table.to_csv(index=False, header=number == 0, lineterminator="\n").encode())


def _to_parquet(tables: Iterator["pd.DataFrame"], file: Any, schema: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Types of the first rows would not do: a block may have no rows at all.
    with pq.ParquetWriter(file, schema) as writer:
        for table in tables:
            writer.write_table(pa.Table.from_pandas(table, schema, preserve_index=False))
