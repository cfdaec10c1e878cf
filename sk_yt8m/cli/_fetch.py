"""``sk-yt8m fetch``: downloads."""

from typing import Any

import click

from sk_yt8m.cli._data import check_n_jobs, parse_shard, progress_option
from sk_yt8m.cli._outputs import say

_TO = click.option(
    "--to",
    "data_home",
    type=click.Path(file_okay=False),
    help="Folder for data; by default that of scikit-learn's data sets.",
)
_RETRIES = click.option(
    "--n-retries", type=click.IntRange(0), default=3, show_default=True, help="More tries a file."
)


@click.group()
def fetch() -> None:
    """Download data. Files that are already complete are not downloaded again.

    \b
    Examples:
      sk-yt8m fetch vocabulary
      sk-yt8m fetch tfrecords --split validate --n-files 1

    The features and labels of YouTube-8M are Google's, under CC BY 4.0.
    """


@fetch.command()
@_TO
@_RETRIES
@progress_option
@click.option("--split", type=click.Choice(["train", "val", "test"]), help="Only this part.")
@click.option("--base-url", help="A mirror to download from.")
def course(**options: Any) -> None:
    """Download the course subset as CSV files, and print where they and the vocabulary are.

    \b
    Example:
      sk-yt8m fetch course --to data --split val
      sk-yt8m convert data/yt8m_course store
    """
    from sk_yt8m.datasets import fetch_course

    folder = fetch_course(download_only=True, **options)
    say(folder)
    say(folder / "yt8m_voc.csv")


@fetch.command()
@_TO
@_RETRIES
@click.option("--base-url", help="A mirror to download from.")
def vocabulary(**options: Any) -> None:
    """Download the names of the 3,862 labels and print where they are.

    \b
    Example:
      sk-yt8m fetch vocabulary --to data
    """
    from sk_yt8m.datasets import fetch_vocabulary

    say(fetch_vocabulary(**options))


@fetch.command()
@_TO
@_RETRIES
@progress_option
@click.option("--version", type=click.Choice(["1", "2", "3"]), default="2", show_default=True)
@click.option("--level", type=click.Choice(["video", "frame"]), default="video", show_default=True)
@click.option(
    "--split",
    type=click.Choice(["train", "validate", "test"]),
    default="train",
    show_default=True,
)
@click.option(
    "--shard",
    metavar="I/N",
    callback=parse_shard,
    help="Every N-th file, from the I-th, counted from 0.",
)
@click.option("--n-files", type=click.IntRange(1), help="At most this many files.")
@click.option("--mirror", default="us", show_default=True, help="us, eu, asia or an address.")
@click.option("--n-jobs", type=int, callback=check_n_jobs, help="Files at a time (4).")
def tfrecords(**options: Any) -> None:
    """Download official TFRecords by their plan, and print where they are.

    \b
    Example: a hundredth of the training videos
      sk-yt8m fetch tfrecords --to data --shard 0/100
    """
    from sk_yt8m.datasets import fetch_tfrecords

    for file in fetch_tfrecords(**options):
        say(file)
