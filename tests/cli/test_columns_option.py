"""`--label-column` and `--id-column` of all commands that read Parquet files."""

import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from cli_runs import SMALL, run

from sk_yt8m.datasets import load_parquet, make_videos, open_store, write_parquet

COLUMNS = ["--label-column", "tags", "--id-column", "name", "--n-jobs", 1]
IDS = [f"v{number:02d}" for number in range(30)]


@pytest.fixture(scope="module")
def data():
    return make_videos(30, n_features=10, n_labels=8, random_state=0, return_X_y=True)


@pytest.fixture(scope="module")
def files(data, tmp_path_factory):
    """The same videos with the usual columns, and with columns of other names."""
    folder = tmp_path_factory.mktemp("columns")
    write_parquet(folder / "usual.parquet", *data, ids=IDS)
    table = pq.read_table(folder / "usual.parquet")
    renamed = table.rename_columns({"labels": "tags", "id": "name"})
    renamed = renamed.replace_schema_metadata(table.schema.metadata)
    pq.write_table(renamed, folder / "own.parquet")
    return folder


def test_every_command(files, data, tmp_path):
    own, usual = files / "own.parquet", files / "usual.parquet"
    assert f"videos          30\nfeatures        {data[0].shape[1]}" in run("info", own, *COLUMNS)
    assert run("verify", own, *COLUMNS) == "sound\n"
    run("convert", own, tmp_path / "store", *COLUMNS)
    store = open_store(tmp_path / "store")
    assert store.ids.tolist() == IDS
    np.testing.assert_array_equal(store.Y.toarray(), data[1])
    for name, path, columns in (("own", own, COLUMNS), ("usual", usual, ["--n-jobs", 1])):
        run("train", path, tmp_path / name, *columns, *SMALL)
    quick = ["--resamples", 0]
    text = run("evaluate", tmp_path / "own", own, *COLUMNS, *quick)
    assert text == run("evaluate", tmp_path / "usual", usual, "--n-jobs", 1, *quick)
    table = pd.read_csv(io.StringIO(run("predict", tmp_path / "own", own, *COLUMNS, "--k", 1)))
    assert table["id"].tolist() == IDS
    # A store has the columns that it was made of.
    assert "videos          30" in run("info", tmp_path / "store", *COLUMNS)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--label-column", "tags"], 1, "column 'tags': expected this column, got "),
        (["--id-column", "name"], 2, "--id-column must be a column of "),
        (["--id-column", "labels"], 1, "column 'labels': expected strings or integers"),
    ],
)
@pytest.mark.parametrize("command", ["info", "convert", "train"])
def test_columns_that_are_not_there(files, tmp_path, command, options, code, message):
    target = [] if command == "info" else [tmp_path / "new"]
    text = run(command, files / "usual.parquet", *target, "--n-jobs", 1, *options, code=code)
    assert message in text
    assert not (tmp_path / "new").exists()


def test_they_are_for_parquet_files(videos, store, model):
    for option, name in (("--label-column", "tags"), ("--id-column", "name")):
        text = run("info", videos / "csv", option, name, code=2)
        assert f"{option} is for parquet files" in text
        text = run("info", store, option, name, code=2)
        assert f"{option} says {name}, but the store {store} has none" in text
        assert f"{option} is for data, and not for a model" in run(
            "info", model, option, name, code=2
        )


def test_load_parquet(files):
    with pytest.raises(ValueError, match=r"id_column must be a column of .*usual.parquet, one of"):
        load_parquet(files / "usual.parquet", id_column="name")
    found = load_parquet(files / "own.parquet", label_column="tags", id_column="name")
    assert found.ids.tolist() == IDS
    with pytest.raises(ValueError, match="column 'labels'"):
        load_parquet(files / "own.parquet")


def test_videos_without_labels(files, data, tmp_path):
    table = pq.read_table(files / "usual.parquet")
    pq.write_table(table, tmp_path / "labelled.parquet")
    pq.write_table(
        table.drop_columns(["labels"]).replace_schema_metadata(None), tmp_path / "new.parquet"
    )
    run("train", tmp_path / "labelled.parquet", tmp_path / "model", "--n-jobs", 1, *SMALL)
    predicted = [
        run("predict", tmp_path / "model", tmp_path / f"{name}.parquet", "--n-jobs", 1)
        for name in ("labelled", "new")
    ]
    assert predicted[0] == predicted[1]
    assert predicted[0].count("\n") == 1 + 30 * 5
    message = run("evaluate", tmp_path / "model", tmp_path / "new.parquet", "--n-labels", 8, code=1)
    assert "column 'labels': expected this column, got 'id', 'features'" in message
    run("convert", tmp_path / "new.parquet", tmp_path / "store", "--missing-labels", "empty")
    assert open_store(tmp_path / "store").Y.nnz == 0
    X, Y = load_parquet(tmp_path / "new.parquet", missing_labels="empty", return_X_y=True)
    np.testing.assert_array_equal(X, data[0].astype(np.float32))
    assert (Y.shape, Y.any()) == ((30, 3862), False)
