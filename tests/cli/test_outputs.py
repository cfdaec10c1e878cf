"""What `predict`, `evaluate` and `verify` write: all of it or nothing, and nothing replaced."""

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_runs import SMALL, run

import sk_yt8m
from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m._files import atomic_write as _write
from sk_yt8m.cli import _models
from sk_yt8m.datasets import convert, make_videos, open_store, write_parquet, write_tfrecords

COLUMNS = ["file", "place", "expected", "actual"]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestNumbers:
    """Videos without ids have the numbers of the whole store, whatever is asked for."""

    @pytest.fixture
    def mixed(self, tmp_path_factory):
        """A store whose splits lie between each other, its rows in the order of the files."""
        folder = tmp_path_factory.mktemp("mixed")
        X, Y = make_videos(60, random_state=0, return_X_y=True)
        (folder / "csv").mkdir()
        for number, split in enumerate(("val_28", "train_0", "val_29")):
            part = slice(20 * number, 20 * number + 20)
            sk_yt8m.datasets.write_csv(folder / "csv" / f"{split}.csv", X[part], Y[part])
        names = ("val_28", "train_0", "val_29")
        run("convert", *(folder / "csv" / f"{name}.csv" for name in names), folder / "store")
        return folder

    @pytest.mark.parametrize("block", [3, 4096])
    @pytest.mark.parametrize("data", ["store", "csv"])
    def test_each_number_is_that_of_its_row(self, mixed, model, data, block, monkeypatch):
        monkeypatch.setattr(_models, "_BATCH", block)
        options = ["--k", 2, "--n-jobs", 1]
        both = pd.read_csv(io.StringIO(run("predict", model, mixed / data, *options)))
        assert both["id"].iloc[::2].tolist() == list(range(60))
        for split, n in (("val", 40), ("train", 20)):
            text = run("predict", model, mixed / data, *options, "--split", split)
            some = pd.read_csv(io.StringIO(text))
            assert some["id"].nunique() == n
            same = both[both["id"].isin(some["id"])]
            np.testing.assert_array_equal(
                some[["id", "rank", "label"]], same[["id", "rank", "label"]]
            )
            np.testing.assert_allclose(some["score"], same["score"], rtol=1e-5)

    def test_they_are_the_rows_of_the_store(self, mixed, model):
        text = run("predict", model, mixed / "store", "--k", 1, "--split", "val")
        numbers = pd.read_csv(io.StringIO(text))["id"]
        assert numbers.tolist() == open_store(mixed / "store").rows(split="val").tolist()


class TestParquet:
    @pytest.fixture
    def scores(self, monkeypatch):
        """Give the rows scores of .9 in the second block and .1 elsewhere, in blocks of 20."""
        monkeypatch.setattr(_models, "_BATCH", 20)
        original, calls = DeepMultiLabelClassifier.predict_top_k, []

        def changed(self, X, k):
            indices, scores = original(self, X, k=k)
            calls.append(len(X))
            return sk_yt8m.TopK(indices, np.full_like(scores, 0.9 if len(calls) == 2 else 0.1))

        monkeypatch.setattr(DeepMultiLabelClassifier, "predict_top_k", changed)

    @pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
    @pytest.mark.parametrize("strings", [True, False], ids=["pandas 3", "pandas 2"])
    @pytest.mark.parametrize("ids", [True, False])
    @pytest.mark.parametrize(
        ("threshold", "numbers"), [(0, range(60)), (0.5, range(20, 40)), (1, [])]
    )
    def test_blocks_without_rows(
        self, videos, store, model, scores, tmp_path, strings, ids, threshold, numbers
    ):
        data = videos / "videos.parquet" if ids else store
        options = ["--k", 2, "--threshold", threshold, "--n-jobs", 1]
        with pd.option_context("future.infer_string", strings):
            run("predict", model, data, "--out", tmp_path / "x.parquet", *options)
        written = pq.read_table(tmp_path / "x.parquet")
        assert written.schema.remove_metadata() == pa.schema(
            [
                ("id", pa.string() if ids else pa.int64()),
                ("rank", pa.int64()),
                ("label", pa.int32()),
                ("name", pa.string()),
                ("score", pa.float32()),
            ]
        )
        expected = [f"v{number:03d}" if ids else number for number in numbers]
        assert written["id"].to_pylist()[::2] == expected
        assert written["rank"].to_pylist() == [1, 2] * len(expected)

    def test_without_pyarrow_it_says_so_before_the_work(self, store, model, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        monkeypatch.setattr(sk_yt8m, "load", lambda path: pytest.fail("the work has begun"))
        text = run("predict", model, store, "--out", tmp_path / "x.parquet", code=1)
        assert "pyarrow" in text
        assert files(tmp_path) == []

    @pytest.mark.parametrize("threshold", [0, 0.5, 1])
    def test_csv_has_the_same(self, store, model, scores, tmp_path, threshold):
        options = ["--k", 2, "--threshold", threshold]
        run("predict", model, store, "--out", tmp_path / "x.csv", *options)
        table = pd.read_csv(tmp_path / "x.csv")
        assert list(table.columns) == ["id", "rank", "label", "name", "score"]
        assert len(table) == {0: 120, 0.5: 40, 1: 0}[threshold]


class TestReport:
    def read(self, file) -> pd.DataFrame:
        table = pd.read_csv(file)
        assert list(table.columns) == COLUMNS
        return table

    @pytest.mark.parametrize("kind", ["store", "csv", "train0000.tfrecord", "m.safetensors"])
    def test_sound(self, videos, store, model, kind, tmp_path):
        file = tmp_path / "report.csv"
        assert run("verify", videos / kind, "--report", file, "--n-jobs", 1) == "sound\n"
        assert self.read(file).empty

    @pytest.mark.parametrize(
        ("kind", "damaged"),
        [
            ("store", "features.npy"),
            ("store", "label_indices.npy"),
            ("store", "manifest.json"),
            ("m.safetensors", "m.safetensors"),
            ("m.safetensors", "cut"),
        ],
    )
    def test_damaged(self, videos, store, model, kind, damaged, tmp_path):
        path, file = tmp_path / kind, tmp_path / "report.csv"
        (shutil.copytree if kind == "store" else shutil.copy)(videos / kind, path)
        changed = path / damaged if kind == "store" else path
        content = bytearray(changed.read_bytes())
        content[-5] ^= 1
        changed.write_bytes(content[:100] if damaged == "cut" else content)
        error = run("verify", path, "--report", file, code=1)
        table = self.read(file)
        assert table["file"].tolist() == [str(path)]
        assert table["actual"][0] in error
        assert changed.name in table["actual"][0]

    def test_a_file_that_is_gone(self, store, tmp_path):
        shutil.copytree(store, tmp_path / "store")
        (tmp_path / "store" / "manifest.json").unlink()
        run("verify", tmp_path / "store", "--report", tmp_path / "report.csv", code=1)
        assert "manifest.json" in self.read(tmp_path / "report.csv")["actual"][0]

    def test_files_that_cannot_be_skipped(self, tmp_path):
        (tmp_path / "a.parquet").write_text("no Parquet")
        known = ["--n-labels", 8, "--features", "text:10"]
        report = ["--report", tmp_path / "report.csv"]
        run("verify", tmp_path / "a.parquet", *known, *report, code=1)
        table = self.read(tmp_path / "report.csv")
        assert len(table) == 1
        assert "a.parquet" in table.to_string()

    def test_a_model_by_another_name(self, model, tmp_path):
        shutil.copy(model, tmp_path / "m")
        assert run("verify", tmp_path / "m") == "sound\n"
        assert "hidden layers   (20, 20)" in run("info", tmp_path / "m")


def command(name: str, target: Path, model: Path, store: Path) -> list:
    return {
        "predict": ["predict", model, store, "--out", target],
        "csv": ["evaluate", model, store, "--resamples", 0, "--csv", target],
        "labels": ["evaluate", model, store, "--resamples", 0, "--labels", target],
        "html": ["evaluate", model, store, "--resamples", 0, "--html", target],
        "report": ["verify", store, "--report", target],
    }[name]


@pytest.mark.parametrize("name", ["predict", "csv", "labels", "html", "report"])
class TestFiles:
    def test_there_already(self, name, store, model, tmp_path):
        target = tmp_path / "x.csv"
        target.write_text("mine")
        error = run(*command(name, target, model, store), code=1)
        assert error == f"Error: {target} is there already: --overwrite replaces it\n"
        assert target.read_text() == "mine"
        run(*command(name, target, model, store), "--overwrite")
        if name == "html":
            assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
        else:
            assert len(pd.read_csv(target).columns) > 2
        assert files(tmp_path) == ["x.csv"]

    @pytest.mark.parametrize("target", ["no/x.csv", "file/x.csv", "/proc/x.csv", "/dev/x/y.csv"])
    def test_unwritable(self, name, target, store, model, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("file").write_text("mine")
        monkeypatch.setattr(sk_yt8m, "load", lambda path: pytest.fail("the work has begun"))
        error = run(*command(name, target, model, store), "--overwrite", code=1)
        assert error.startswith(f"Error: {target} cannot be written: ")
        assert files(tmp_path) == ["file"]

    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_a_full_disk(self, name, call, error, store, model, tmp_path, monkeypatch):
        target = tmp_path / "x.csv"
        target.write_text("mine")
        original, calls = getattr(os, call), []

        def full(*arguments):
            calls.append(call)
            if len(calls) == (2 if call == "fsync" else 1):  # the first one tries a draft
                raise error
            return original(*arguments)

        monkeypatch.setattr(_write.os, call, full)
        code = 1 if isinstance(error, OSError) else 130
        text = run(*command(name, target, model, store), "--overwrite", code=code)
        monkeypatch.undo()
        assert text.endswith(f"Error: {target}: No space left\n" if code == 1 else "Interrupted\n")
        assert target.read_text() == "mine"
        assert files(tmp_path) == ["x.csv"]

    def test_an_input(self, name, store, model, tmp_path):
        data = tmp_path / "x.csv"
        data.write_text("mine")
        if name == "report":
            arguments = ["verify", data, "--report", data]
        else:
            arguments = [*command(name, data, model, store), "--vocabulary", data]
        assert f"the same command reads or writes {data}" in run(*arguments, "--overwrite", code=2)
        assert data.read_text() == "mine"

    @pytest.mark.parametrize("source", ["folder", "pattern", "link", "list"])
    def test_one_of_the_files_of_an_input(self, name, source, videos, model, tmp_path):
        folder = tmp_path / "csv"
        shutil.copytree(videos / "csv", folder)
        target = folder / "train_0.csv"
        data = {"folder": folder, "pattern": folder / "train_*.csv", "list": target}.get(source)
        if source == "link":
            data, target = folder, tmp_path / "link.csv"
            target.symlink_to(folder / "train_0.csv")
        before = target.read_bytes()
        arguments = [*command(name, target, model, data), "--overwrite", "--n-jobs", 1]
        assert f"{target} cannot be written: the same command reads" in run(*arguments, code=2)
        assert target.read_bytes() == before

    @pytest.mark.parametrize("inside", ["features.npy", "manifest.json", "x.csv"])
    def test_a_file_of_a_store(self, name, inside, store, model, tmp_path):
        data = tmp_path / "store"
        shutil.copytree(store, data)
        before = {path.name: path.read_bytes() for path in data.iterdir()}
        target = tmp_path / "link.csv"
        target.symlink_to(data / inside)
        for path in [target] if name == "predict" else [target, data / inside]:
            text = run(*command(name, path, model, data), "--overwrite", code=2)
            assert f"{path} cannot be written: the same command reads" in text
        assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_a_name_that_is_not_utf8(tmp_path):
    data = tmp_path / os.fsdecode(b"a\xff_0.tfrecord")
    write_tfrecords(data, np.ones((3, 4)), np.eye(3, 5), list("abc"), features={"f": 4})
    data.write_bytes(data.read_bytes()[:-1])
    options = ["--features", "f:4", "--n-labels", 5, "--n-jobs", 1]
    text = run("verify", data, "--report", tmp_path / "r.csv", *options, code=1)
    assert "1 damaged places, 2 valid videos" in text
    assert pd.read_csv(tmp_path / "r.csv")["file"].tolist() == [f"{tmp_path}/a\\udcff_0.tfrecord"]
    assert "1 damaged places" in run("convert", data, tmp_path / "s", "--skip-damage", *options)
    assert "1 damaged places" in run("info", tmp_path / "s")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux only")
@pytest.mark.parametrize("name", ["predict", "info"])
def test_standard_output_that_is_full(name, store, model):
    arguments = ["predict", model, store] if name == "predict" else ["info", store]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sk_yt8m.cli", *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 1
    # TensorFlow may have said something before.
    assert done.stderr.splitlines()[-1] == "Error: standard output: No space left on device"


def test_a_full_folder_for_temporary_files(videos, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sk_yt8m.datasets.convert", full)
    text = run("train", videos / "csv", tmp_path / "m", code=1)
    assert "the folder for temporary files, is full: set TMPDIR" in text


def test_few_labels(tmp_path):
    X, Y = make_videos(30, n_features=10, n_labels=3, random_state=0, return_X_y=True)
    write_parquet(tmp_path / "a.parquet", X, Y)
    convert(tmp_path / "a.parquet", tmp_path / "store")
    run("train", tmp_path / "store", tmp_path / "m", *SMALL)
    table = pd.read_csv(io.StringIO(run("predict", tmp_path / "m", tmp_path / "store")))
    assert table.groupby("id").size().tolist() == [3] * 30
