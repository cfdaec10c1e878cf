"""Videos in all formats, a store and a model file, for all tests of the command line."""

import pytest
from cli_runs import SMALL, run

from sk_yt8m.datasets import make_videos, write_csv, write_parquet, write_tfrecords


@pytest.fixture(scope="session")
def videos(tmp_path_factory):
    """A folder with 40 training and 20 validation videos as CSV, and as TFRecords and Parquet."""
    folder = tmp_path_factory.mktemp("videos")
    X, Y = make_videos(60, random_state=0, return_X_y=True)
    ids = [f"v{number:03d}" for number in range(60)]
    (folder / "csv").mkdir()
    write_csv(folder / "csv" / "train_0.csv", X[:40], Y[:40])
    write_csv(folder / "csv" / "val_28.csv", X[40:], Y[40:])
    write_tfrecords(folder / "train0000.tfrecord", X, Y, ids=ids)
    write_parquet(folder / "videos.parquet", X, Y, ids=ids)
    return folder


@pytest.fixture(scope="session")
def store(videos):
    run("convert", videos / "csv", videos / "store", "--n-jobs", 1)
    return videos / "store"


@pytest.fixture(scope="session")
def model(videos, store):
    run("train", store, videos / "m.safetensors", "--split", "train", *SMALL)
    return videos / "m.safetensors"
