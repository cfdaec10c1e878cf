"""`convert --shard`, of many stores one, and `predict --shard`."""

import io

import pandas as pd
import pytest
from cli_runs import run

from sk_yt8m.datasets import make_videos, write_csv, write_parquet, write_tfrecords
from sk_yt8m.datasets._convert import stream


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Folders of files without ids, as CSV and Parquet, and with ids."""
    root = tmp_path_factory.mktemp("shards")
    X, Y = make_videos(60, random_state=0, return_X_y=True)
    for kind in ("csv", "csv.gz", "parquet", "records"):
        (root / kind).mkdir()
    for number, split in enumerate(("val_28", "train_0", "val_29", "train_1", "val_30")):
        rows = slice(12 * number, 12 * number + 12 - number)
        write_csv(root / "csv" / f"{split}.csv", X[rows], Y[rows])
        write_csv(root / "csv.gz" / f"{split}.csv.gz", X[rows], Y[rows])
        write_parquet(root / "parquet" / f"{split}.parquet", X[rows], Y[rows])
        ids = [f"v{row}" for row in range(rows.start, rows.stop)]
        write_tfrecords(root / "records" / f"{split}.tfrecord", X[rows], Y[rows], ids)
    run("convert", root / "csv", root / "store", "--n-jobs", 1)
    run("convert", root / "records", root / "ids", "--n-jobs", 1)
    return root


def test_convert_in_shards(files, tmp_path):
    for i in range(3):
        run("convert", files / "csv", tmp_path / f"part-{i}", "--shard", f"{i}/3", "--n-jobs", 1)
    run("convert", *(tmp_path / f"part-{i}" for i in range(3)), tmp_path / "one")
    assert content(tmp_path / "one") == content(files / "store")
    run("convert", tmp_path / "part-*", tmp_path / "again")
    assert content(tmp_path / "again") == content(files / "store")
    output = run("convert", tmp_path / "part-0", tmp_path / "part-2", tmp_path / "x", code=1)
    assert "expected shard (1, 3)" in output
    output = run("convert", tmp_path / "part-0", files / "csv", tmp_path / "x", code=2)
    assert "stores or files and not both" in output
    output = run("convert", tmp_path / "part-*", tmp_path / "x", "--shard", "0/2", code=2)
    assert "--shard must be None with stores" in output


@pytest.mark.parametrize("data", ["store", "ids", "csv", "csv.gz", "parquet", "records"])
@pytest.mark.parametrize("split", [None, "val"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_parts_of_predictions_have_the_rows_of_all(files, model, data, split, n_jobs):
    options = [model, files / data, "--k", 2, "--n-jobs", n_jobs]
    options += [] if split is None else ["--split", split]
    whole = pd.read_csv(io.StringIO(run("predict", *options)))
    texts = [run("predict", *options, "--shard", f"{i}/3") for i in range(3)]
    parts = [pd.read_csv(io.StringIO(text)) for text in texts]
    assert min(map(len, parts)) > 0
    together = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(together, whole, rtol=1e-5)


@pytest.mark.parametrize("data", ["csv", "records"])
def test_a_part_reads_its_files_only(files, model, data, monkeypatch):
    blocks, read = stream.RowStream._read, []

    def noted(self, sources):
        read.append([source.path.name.split(".")[0] for source in sources])
        return blocks(self, sources)

    monkeypatch.setattr(stream.RowStream, "_read", noted)
    run("predict", model, files / data, "--shard", "1/2", "--split", "val", "--n-jobs", 1)
    # 1st to 3rd in natural order of the validation files: two of them in the first part.
    assert read in ([["val_29", "val_30"]], [["val_30"]])


def test_damage_in_files_that_are_counted(files, model, tmp_path):
    folder = tmp_path / "csv"
    folder.mkdir()
    for name in ("train_0", "train_1"):
        (folder / f"{name}.csv").write_bytes((files / "csv" / f"{name}.csv").read_bytes())
    (folder / "train_0.csv").write_bytes(b"")
    output = run("predict", model, folder, "--shard", "1/2", "--n-jobs", 1, code=1)
    assert "train_0.csv" in output
    assert "an empty file" in output


@pytest.mark.parametrize(
    ("shard", "code", "message"),
    [
        ("2/2", 2, "expected I/N with 0 <= I < N"),
        ("-1/2", 2, "expected I/N"),
        ("0", 2, "expected I/N"),
        ("0/0", 2, "expected I/N"),
        ("0.5/2", 2, "expected I/N"),
        ("0/6", 2, "--shard must be (i, n) with n <= 5 files, got (0, 6)"),
    ],
)
def test_wrong_shards(files, model, tmp_path, shard, code, message):
    for command in (["convert", files / "csv", tmp_path / "x"], ["predict", model, files / "csv"]):
        assert message in run(*command, f"--shard={shard}", "--n-jobs", 1, code=code)
    if code and shard == "0/6":
        assert "n <= 50 rows" in run("predict", model, files / "store", "--shard", "0/51", code=2)
