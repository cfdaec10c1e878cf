"""``sk-yt8m train``: what it trains on, Ctrl-C, and a model that is never lost."""

import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from cli_runs import SMALL, run
from click.testing import CliRunner

import sk_yt8m
from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m._training import schedule
from sk_yt8m._training.trainer import Trainer
from sk_yt8m.cli import main
from sk_yt8m.datasets import convert, make_videos, open_store, write_parquet

LONG = [
    "--set",
    "hidden_layer_sizes=[8]",
    "--set",
    "n_iter_no_change=1000000",
    "--epochs",
    "100000",
]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def train(*arguments, code: int = 0):
    result = CliRunner().invoke(main, ["train", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


class TestValidation:
    @pytest.fixture
    def trained_on(self, monkeypatch):
        """Return a dict in which `fit` puts the numbers of training and validation rows."""
        seen = {}
        fit = DeepMultiLabelClassifier.fit

        def recorded(self, X, y, X_val=None, **options):
            seen.update(train=len(X), val=None if X_val is None else len(X_val), X=np.asarray(X))
            return fit(self, X, y, X_val=X_val, **options)

        monkeypatch.setattr(DeepMultiLabelClassifier, "fit", recorded)
        return seen

    def test_its_rows_are_not_trained_on(self, videos, store, tmp_path, trained_on):
        for number, validation in enumerate(
            [
                ["--validation-split", "val"],
                ["--validation", store, "--validation-split", "val"],
                ["--validation", videos / "csv" / "val_28.csv"],
            ]
        ):
            file = tmp_path / f"{number}.safetensors"
            text = train(store, file, *validation, "--n-jobs", 1, *SMALL).stdout
            assert "training on 40 of 60 videos, the others are for validation\n" in text
            assert (trained_on["train"], trained_on["val"]) == (40, 20)
            np.testing.assert_array_equal(trained_on["X"], open_store(store).X[:40])

    def test_raw_files(self, videos, tmp_path, trained_on):
        options = ["--validation-split", "val", "--n-jobs", 1, *SMALL]
        assert "40 of 60" in train(videos / "csv", tmp_path / "m", *options).stdout
        assert trained_on["train"] == 40

    def test_nothing_is_said_where_nothing_is_left_out(self, store, tmp_path, trained_on):
        options = ["--split", "train", "--validation-split", "val", *SMALL]
        assert "training on" not in train(store, tmp_path / "m", *options).output
        assert (trained_on["train"], trained_on["val"]) == (40, 20)

    @pytest.mark.parametrize(
        "options",
        [
            ["STORE", "--split", "train", "--validation-split", "train"],
            ["STORE", "--split", "val", "--validation", "STORE"],
            ["STORE", "--validation", "STORE"],
            ["STORE", "--validation", "LINK"],
            ["STORE", "--validation", "COPY"],
            ["STORE", "--validation", "CSV"],
            ["CSV", "--validation", "STORE"],
            ["STORE", "--split", "train", "--validation", "CSV", "--validation-split", "train"],
            ["CSV", "--split", "val", "--validation", "ONE"],
        ],
    )
    def test_the_same_rows(self, options, videos, store, tmp_path, trained_on):
        (tmp_path / "link").symlink_to(store)
        shutil.copytree(store, tmp_path / "copy")
        places = {
            "STORE": store, "CSV": videos / "csv", "LINK": tmp_path / "link",
            "COPY": tmp_path / "copy", "ONE": videos / "csv" / "val_28.csv",
        }  # fmt: skip
        data, *options = (places.get(option, option) for option in options)
        before = files(tmp_path)
        result = train(data, tmp_path / "m", *options, "--n-jobs", 1, *SMALL, code=2)
        assert "training videos are among the validation videos" in result.stderr
        assert result.stderr.count("\n") == 1
        assert not trained_on
        assert files(tmp_path) == before

    def test_the_same_ids(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        X, Y = make_videos(30, n_features=10, n_labels=8, random_state=0, return_X_y=True)
        ids = [f"v{number}" for number in range(30)]
        write_parquet("all.parquet", X, Y, ids=ids)
        write_parquet("some.parquet", X[25:], Y[25:], ids=ids[25:])
        result = train("all.parquet", "m", "--validation", "some.parquet", "--n-jobs", 1, *SMALL)
        assert "Warning: 5 ids are among the training and the validation videos" in result.stderr


def interrupt_in(monkeypatch, method, *, call: int, times: int = 1):
    """Send this process SIGINT, so many times, at the n-th call of a method of a class."""
    owner, name = method
    original, calls = getattr(owner, name), []

    def interrupted(self, *arguments, **options):
        calls.append(name)
        if len(calls) == call:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return original(self, *arguments, **options)

    monkeypatch.setattr(owner, name, interrupted)


class TestInterrupt:
    @pytest.fixture(autouse=True)
    def one_epoch_in_a_call(self, monkeypatch):
        """Let each call of the trainer be an epoch."""
        monkeypatch.setattr(schedule, "_STEPS_AT_ONCE", 1)

    @pytest.mark.parametrize("old", [b"the good model", pytest.param(None, marks=pytest.mark.slow)])
    def test_a_signal(self, store, tmp_path, old):
        """A process of its own, as from a shell: SIGINT after the first epoch."""
        file = tmp_path / "m.safetensors"
        if old is not None:
            file.write_bytes(old)
        command = [sys.executable, "-m", "sk_yt8m.cli", "train", store, file, "--overwrite"]
        with subprocess.Popen(
            [*command, "--progress", *LONG], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        ) as process:  # fmt: skip
            assert "epoch" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=120)
        assert process.returncode == 130
        assert "Warning: training was interrupted in epoch" in error
        assert error.endswith(f"\nInterrupted: {file} is as it was\n")
        assert "Traceback" not in error
        other = tmp_path / "m.interrupted.safetensors"
        assert f"{other}: " in out.splitlines()[-1]
        assert files(tmp_path) == sorted([other.name] + [file.name] * (old is not None))
        assert old is None or file.read_bytes() == old
        X = open_store(store).X
        assert np.isfinite(sk_yt8m.load(other).predict_proba(X)).all()

    def test_an_earlier_one_is_not_replaced(self, store, tmp_path, monkeypatch):
        interrupt_in(monkeypatch, (Trainer, "train"), call=2)
        earlier = tmp_path / "m.interrupted.safetensors"
        earlier.write_bytes(b"earlier")
        text = train(store, tmp_path / "m.safetensors", *LONG, code=130).stdout
        assert earlier.read_bytes() == b"earlier"
        assert files(tmp_path) == ["m.interrupted-2.safetensors", earlier.name]
        assert "m.interrupted-2.safetensors: 1 epochs" in text

    @pytest.mark.parametrize("old", [b"the good model", None])
    def test_before_the_first_step(self, store, tmp_path, monkeypatch, old):
        interrupt_in(monkeypatch, (Trainer, "train"), call=1)
        file = tmp_path / "m.safetensors"
        if old is not None:
            file.write_bytes(old)
        result = train(store, file, "--overwrite", *LONG, code=130)
        assert result.stderr == "Interrupted\n"
        assert files(tmp_path) == ([] if old is None else [file.name])
        assert old is None or file.read_bytes() == old

    def test_once_more_while_it_is_saved(self, store, tmp_path, monkeypatch, capfd):
        interrupt_in(monkeypatch, (Trainer, "train"), call=2)
        interrupt_in(monkeypatch, (DeepMultiLabelClassifier, "save"), call=1)
        train(store, tmp_path / "m", *LONG, code=130)
        assert "Ctrl-C once more to go without it" in capfd.readouterr().err
        assert files(tmp_path) == ["m.interrupted"]
        assert sk_yt8m.load(tmp_path / "m.interrupted").n_iter_ == 1

    def test_twice_more_while_it_is_saved(self, store, tmp_path, monkeypatch):
        interrupt_in(monkeypatch, (Trainer, "train"), call=2)
        interrupt_in(monkeypatch, (DeepMultiLabelClassifier, "save"), call=1, times=2)
        assert train(store, tmp_path / "m", *LONG, code=130).stderr.endswith("Interrupted\n")
        assert files(tmp_path) == []

    def test_while_a_whole_training_is_saved(self, store, tmp_path, monkeypatch):
        (tmp_path / "m").write_bytes(b"old")
        interrupt_in(monkeypatch, (DeepMultiLabelClassifier, "save"), call=1)
        train(store, tmp_path / "m", "--overwrite", *SMALL, code=130)
        assert files(tmp_path) == ["m"]
        assert sk_yt8m.load(tmp_path / "m").n_iter_ == 2

    def test_without_a_signal(self, store, tmp_path, monkeypatch):
        """A KeyboardInterrupt from elsewhere, as a terminal or a notebook may raise it."""
        original, calls = Trainer.train, []

        def interrupted(self, *arguments):
            calls.append(self)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return original(self, *arguments)

        monkeypatch.setattr(Trainer, "train", interrupted)
        train(store, tmp_path / "m", *LONG, code=130)
        assert files(tmp_path) == ["m.interrupted"]

    def test_the_handler_is_as_before(self, store, tmp_path):
        before = signal.getsignal(signal.SIGINT)
        train(store, tmp_path / "m", *SMALL)
        assert signal.getsignal(signal.SIGINT) is before

    def test_other_commands(self, store, model, tmp_path, monkeypatch):
        (tmp_path / "labels.csv").write_text("old")
        interrupt_in(monkeypatch, (DeepMultiLabelClassifier, "predict_top_k"), call=1)
        file = tmp_path / "labels.csv"
        text = run("predict", model, store, "--out", file, "--overwrite", code=130)
        assert text == "Interrupted\n"
        assert files(tmp_path) == ["labels.csv"]
        assert file.read_text() == "old"


class TestTarget:
    @pytest.fixture
    def fits(self, monkeypatch):
        calls = []
        original = DeepMultiLabelClassifier.fit

        def recorded(self, *arguments, **options):
            calls.append(self)
            return original(self, *arguments, **options)

        monkeypatch.setattr(DeepMultiLabelClassifier, "fit", recorded)
        return calls

    @pytest.mark.parametrize(
        "target",
        ["no/m.safetensors", "file/m.safetensors", "/proc/m.safetensors", "/dev/full", "x" * 300],
    )
    def test_it_is_tried_before_the_training(self, target, store, tmp_path, monkeypatch, fits):
        monkeypatch.chdir(tmp_path)
        Path("file").write_text("mine")
        result = train(store, target, "--overwrite", *SMALL, code=1)
        assert f"Error: {target} cannot be written" in result.stderr
        assert not fits
        assert files(tmp_path) == ["file"]

    def test_a_disk_that_is_full(self, store, tmp_path, monkeypatch, fits):
        def full(*arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("sk_yt8m.cli._outputs.os.fsync", full)
        result = train(store, tmp_path / "m", *SMALL, code=1)
        assert "m cannot be written: No space left on device" in result.stderr
        assert not fits
        assert files(tmp_path) == []

    def test_a_disk_that_is_too_small_for_the_model(self, store, tmp_path, monkeypatch, fits):
        usage = namedtuple("usage", "total used free")(10**9, 10**9 - 10**5, 10**5)
        monkeypatch.setattr("sk_yt8m.cli._train.shutil.disk_usage", lambda path: usage)
        # 4 bytes * (1152 * 20 + 20 * 20 + 20 * 3862)
        result = train(store, tmp_path / "m", *SMALL, code=1)
        assert "expected 0.4 MB free on the disk, got 0.1 MB" in result.stderr
        # 4 bytes * (1152 * 2000 + 2000 * 3200 + 3200 * 3862)
        for options in ([], ["--set", "hidden_layer_sizes=auto"], ["--set", "n_heads=4"]):
            result = train(store, tmp_path / "m", *options, code=1)
            assert "expected 84.2 MB free on the disk, got 0.1 MB" in result.stderr
        assert not fits

    def test_it_is_not_the_data(self, videos, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        shutil.copy(videos / "csv" / "val_28.csv", "val_28.csv")
        before = Path("val_28.csv").read_bytes()
        Path("link.csv").symlink_to("val_28.csv")
        for target in ("val_28.csv", "./val_28.csv", "link.csv"):
            train("val_28.csv", target, "--overwrite", "--n-jobs", 1, *SMALL, code=2)
        assert Path("val_28.csv").read_bytes() == before

    def test_a_folder_that_goes_during_the_training(self, store, tmp_path, monkeypatch):
        """The training is not lost: the model is where the command was started."""
        (tmp_path / "here").mkdir()
        (tmp_path / "there").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        original = Trainer.train

        def lost(self, *arguments):
            shutil.rmtree(tmp_path / "there", ignore_errors=True)
            return original(self, *arguments)

        monkeypatch.setattr(Trainer, "train", lost)
        target = tmp_path / "there" / "m.safetensors"
        Path("m.safetensors").write_bytes(b"another")
        result = train(store, target, *SMALL, code=1)
        assert f"Error: {target}: No such file" in result.stderr
        place = tmp_path / "here" / "m-2.safetensors"
        assert f"the model is in {place}\n" in result.stderr
        assert sk_yt8m.load(place).n_iter_ == 2
        assert Path("m.safetensors").read_bytes() == b"another"


def test_a_store_of_arrays(tmp_path):
    X, Y = make_videos(40, n_features=10, n_labels=8, random_state=0, return_X_y=True)
    convert((X, Y), tmp_path / "store")
    train(tmp_path / "store", tmp_path / "m", *SMALL)
    assert sk_yt8m.load(tmp_path / "m").n_features_in_ == 10
