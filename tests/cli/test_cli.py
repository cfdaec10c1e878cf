"""The command line, command by command, on a few videos in every format."""

import io
import json
import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_runs import SMALL, run
from click.testing import CliRunner

import sk_yt8m
from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.cli import main
from sk_yt8m.datasets import (
    convert,
    load_sample,
    load_vocabulary,
    make_videos,
    open_store,
    sample_path,
    write_parquet,
    write_tfrecords,
)

OWN = ["--features", "text:6,image:4", "--n-labels", "8"]


def test_every_command_teaches():
    text = run("--help")
    for command in ("fetch", "convert", "info", "verify", "train", "evaluate", "predict"):
        assert f"  {command}  " in text
        assert re.search(r"^  Examples?.*:\n    sk-yt8m ", run(command, "--help"), re.MULTILINE)
    for command in ("course", "vocabulary", "tfrecords"):
        assert f"\n    sk-yt8m fetch {command}" in run("fetch", command, "--help")
    assert "\\b" not in text
    assert sk_yt8m.__version__ in run("--version")


def test_help_is_light():
    code = (
        "import sys; from sk_yt8m.cli import main\n"
        "try: main(['train', '--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('tensorflow', 'pandas', 'sklearn', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_installed_command():
    done = subprocess.run(
        [sys.executable, "-m", "sk_yt8m.cli", "info", "nowhere"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Invalid value for 'PATH': nowhere: no such file")
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_the_entry_point():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["scripts"] == {"sk-yt8m": f"{main.callback.__module__[:11]}:main"}


def test_debug_shows_where_an_error_comes_from(tmp_path):
    (tmp_path / "m.safetensors").write_text("no model")
    arguments = ["--debug", "info", str(tmp_path / "m.safetensors")]
    with pytest.raises(sk_yt8m.persistence.ModelFileError, match="not a model file"):
        CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_warnings_are_a_line_each(monkeypatch):
    def warn(**options):
        warnings.warn("a server\n  is slow", UserWarning, stacklevel=1)
        return "here"

    monkeypatch.setattr("sk_yt8m.datasets.fetch_vocabulary", warn)
    result = CliRunner().invoke(main, ["fetch", "vocabulary"])
    assert (result.stderr, result.stdout) == ("Warning: a server is slow\n", "here\n")


class TestConvert:
    @pytest.mark.parametrize("name", ["csv", "train0000.tfrecord", "videos.parquet"])
    def test_formats(self, videos, tmp_path, name):
        text = run("convert", videos / name, tmp_path / "s", "--dtype", "float16", "--n-jobs", 1)
        assert "60 rows, 1152 features in float16, 3862 labels" in text
        assert open_store(tmp_path / "s").X.dtype == np.float16

    def test_other_widths(self, tmp_path):
        X, Y = make_videos(20, n_features=10, n_labels=8, random_state=0, return_X_y=True)
        features = {"text": 6, "image": 4}
        write_tfrecords(
            tmp_path / "a.tfrecord", X, Y, ids=list("abcdefghijklmnopqrst"), features=features
        )
        run("convert", tmp_path / "a.tfrecord", tmp_path / "s", *OWN, "--n-jobs", 1)
        np.testing.assert_array_equal(open_store(tmp_path / "s").X, X)
        run("convert", tmp_path, tmp_path / "t", "--features", "text", code=2)

    def test_damage(self, videos, tmp_path):
        lines = (videos / "csv" / "val_28.csv").read_text().splitlines(keepends=True)
        damaged = tmp_path / "val_28.csv"
        damaged.write_text("".join([*lines[:4], "x" + lines[4], *lines[5:]]))
        text = run("convert", damaged, tmp_path / "s", "--n-jobs", 1, code=1)
        assert text.startswith("Error: ")
        assert "line 5, field 1: expected a label, 0 or 1" in text
        text = run("convert", damaged, tmp_path / "s", "--skip-damage", "--n-jobs", 1)
        assert "1 damaged places" in text
        assert len(open_store(tmp_path / "s")) == 19
        text = run("verify", damaged, "--report", tmp_path / "report.csv", "--n-jobs", 1, code=1)
        assert "1 damaged places" in text
        report = pd.read_csv(tmp_path / "report.csv")
        assert list(report.columns) == ["file", "place", "expected", "actual"]
        assert report.loc[0, "place"] == "line 5, field 1"

    def test_several_sources(self, videos, tmp_path):
        files = [videos / "csv" / "val_28.csv", videos / "csv" / "train_*.csv"]
        run("convert", *files, tmp_path / "s", "--n-jobs", 1)
        assert len(open_store(tmp_path / "s")) == 60

    def test_a_store_that_is_there(self, videos, store):
        assert "overwrite" in run("convert", videos / "csv", store, "--n-jobs", 1, code=1)


class TestInfoAndVerify:
    def test_data(self, videos, store):
        for path in (store, videos / "csv", videos / "csv" / "*.csv"):
            text = run("info", path, "--top", 2, "--n-jobs", 1)
            assert "videos          60" in text
            assert "split           train: 40 videos" in text
            assert text.count("\nlabel  ") == 2
            assert run("verify", path, "--n-jobs", 1) == "sound\n"

    def test_names(self, store):
        text = run("info", store, "--vocabulary", sample_path() / "vocabulary.csv")
        top = int(np.bincount(open_store(store).Y.indices).argmax())
        names = sk_yt8m.datasets.load_vocabulary(sample_path() / "vocabulary.csv")["name"]
        assert f"label           {top} {names[top]}:" in text

    def test_model(self, model):
        assert "hidden layers   (20, 20), relu" in run("info", model)
        assert run("verify", model) == "sound\n"

    def test_changed_bytes(self, videos, model, tmp_path):
        run("convert", videos / "csv", tmp_path / "s", "--n-jobs", 1)
        for path in (tmp_path / "s" / "features.npy", tmp_path / "m.safetensors"):
            content = bytearray((model if "m." in path.name else path).read_bytes())
            content[-5] ^= 1
            path.write_bytes(content)
        assert "features.npy" in run("verify", tmp_path / "s", code=1)
        assert "m.safetensors" in run("verify", tmp_path / "m.safetensors", code=1)


class TestStraightFromFiles:
    """`info`, `verify`, `evaluate` and `predict` read files in blocks and write no store."""

    @pytest.fixture
    def files(self, tmp_path, monkeypatch):
        """Return a folder of files in which one id is repeated, and options to read them."""
        X, Y = make_videos(90, random_state=0, return_X_y=True)
        folder = tmp_path / "files"
        folder.mkdir()
        for number, split in enumerate(("train", "train", "validate")):
            rows = slice(30 * number, 30 * number + 30)
            ids = [f"v{row:03d}" for row in range(rows.start, rows.stop)]
            write_tfrecords(folder / f"{split}{number}.tfrecord", X[rows], Y[rows], ids)
        return folder

    @pytest.fixture
    def no_store(self, monkeypatch):
        monkeypatch.setattr(sk_yt8m.datasets, "convert", lambda *_, **__: pytest.fail("a store"))

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_they_say_what_they_say_of_a_store(self, files, model, tmp_path, request, n_jobs):
        convert(files, tmp_path / "store")
        request.getfixturevalue("no_store")
        for arguments in (
            ["info"],
            ["verify"],
            ["predict", model],
            ["predict", model, "--split", "val"],
            ["evaluate", model, "--resamples", 0, "--split", "train"],
        ):
            command, *options = arguments
            model_first = [options.pop(0)] if options and options[0] == model else []
            said = [
                run(command, *model_first, data, *options, "--n-jobs", n_jobs)
                for data in (files, tmp_path / "store")
            ]
            assert said[0] == said[1], arguments

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_damage_is_that_of_convert(self, files, model, tmp_path, request, n_jobs):
        last = files / "validate2.tfrecord"
        last.write_bytes((files / "train0.tfrecord").read_bytes()[:-1])
        store = convert(files, tmp_path / "store", on_error="skip")
        request.getfixturevalue("no_store")
        report = tmp_path / "report.csv"
        text = run("verify", files, "--report", report, "--n-jobs", n_jobs, code=1)
        assert "30 damaged places, 60 valid videos" in text
        assert pd.read_csv(report).to_dict("records") == store.manifest["damage"]
        out = ["--out", tmp_path / "labels.csv"]
        text = run("predict", model, files, *out, "--n-jobs", n_jobs, code=1)
        assert "validate2.tfrecord, record " in text
        assert not (tmp_path / "labels.csv").exists()


class TestModels:
    def test_train_does_what_fit_does(self, store, model):
        clf = DeepMultiLabelClassifier([20, 20], max_iter=2, random_state=0)
        opened = open_store(store)
        clf.fit(*opened.take(opened.rows(split="train"))[:2])
        expected = clf.predict_proba(opened.X)
        np.testing.assert_array_equal(sk_yt8m.load(model).predict_proba(opened.X), expected)

    def test_validation(self, videos, store, tmp_path):
        file = tmp_path / "m.safetensors"
        options = [*SMALL, "--dropout", "0.1", "--checkpoint-dir", tmp_path / "run", "--progress"]
        text = run("train", store, file, "--split", "train", "--validation-split", "val", *options)
        assert "epoch   2/2" in text
        clf = sk_yt8m.load(file)
        assert clf.dropout == 0.1
        assert f"GAP@20 {clf.best_validation_score_:.4f}" in text.splitlines()[-1]
        other = tmp_path / "other.safetensors"
        run(
            "train", videos / "csv" / "train_0.csv", other, "--validation",
            videos / "csv" / "val_28.csv", "--n-jobs", 1, *SMALL, "--dropout", "0.1",
        )  # fmt: skip
        assert sk_yt8m.load(other).validation_scores_ == clf.validation_scores_

    def test_evaluate(self, store, model, tmp_path):
        options = ["--split", "val", "--resamples", 20]
        figures = tmp_path / "figures.csv"
        assert "gap@20" in run("evaluate", model, store, *options, "--csv", figures).lower()
        text = run(
            "evaluate", model, store, *options, "--json", "--labels", tmp_path / "labels.csv"
        )
        opened = open_store(store)
        X, Y, _ = opened.take(opened.rows(split="val"))
        assert json.loads(text)["gap@20"]["value"] == pytest.approx(sk_yt8m.load(model).score(X, Y))
        assert len(pd.read_csv(tmp_path / "labels.csv")) == 3862
        written = pd.read_csv(figures, index_col="metric")
        expected = json.loads(text)["gap@20"]["value"]
        assert written.loc["gap@20", "value"] == pytest.approx(expected, rel=1e-9)

    def test_evaluate_writes_a_page_that_names_the_videos(self, videos, store, model, tmp_path):
        page = tmp_path / "report.html"
        options = ["--resamples", 0, "--vocabulary", sample_path() / "vocabulary.csv"]
        run("evaluate", model, videos / "train0000.tfrecord", *options, "--html", page)
        text = page.read_text(encoding="utf-8")
        assert "<h1>m.safetensors on train0000.tfrecord</h1>" in text
        assert re.search(r">v0\d\d<", text)
        assert f">{load_vocabulary(options[-1])['name'].iloc[-1]}<" in text
        run("evaluate", model, store, *options, "--split", "val", "--html", page, "--overwrite")
        numbers = re.findall(r'"Sample">(\d+)<', page.read_text(encoding="utf-8"))
        assert set(map(int, numbers)) <= set(range(40, 60))
        assert numbers

    def test_predict(self, videos, store, model, tmp_path):
        table = pd.read_csv(io.StringIO(run("predict", model, store, "--split", "val", "--k", 3)))
        opened = open_store(store)
        X = opened.X[40:]
        expected = sk_yt8m.load(model).predict_top_k(X, k=3)
        assert list(table.columns) == ["id", "rank", "label", "name", "score"]
        np.testing.assert_array_equal(table["label"].to_numpy().reshape(-1, 3), expected.indices)
        np.testing.assert_allclose(table["score"].to_numpy().reshape(-1, 3), expected.scores)
        assert table["id"].tolist() == np.repeat(np.arange(40, 60), 3).tolist()

        vocabulary = sample_path() / "vocabulary.csv"
        file = tmp_path / "labels.parquet"
        run(
            "predict", model, videos / "train0000.tfrecord", "--vocabulary", vocabulary,
            "--out", file, "--n-jobs", 1,
        )  # fmt: skip
        table = pd.read_parquet(file)
        assert table["id"].iloc[::5].tolist() == [f"v{number:03d}" for number in range(60)]
        assert not table["name"].str.isdecimal().any()
        assert [path.name for path in tmp_path.iterdir()] == ["labels.parquet"]

        run("predict", model, store, "--out", tmp_path / "high.csv", "--threshold", 0.05)
        assert (pd.read_csv(tmp_path / "high.csv")["score"] >= 0.05).all()

    def test_predict_needs_no_labels(self, videos, model, tmp_path):
        import tensorflow as tf

        X = make_videos(3, random_state=0).data
        with tf.io.TFRecordWriter(str(tmp_path / "test0.tfrecord")) as file:
            for number, row in enumerate(X):
                feature = {
                    "id": tf.train.Feature(bytes_list={"value": [f"t{number}".encode()]}),
                    "mean_rgb": tf.train.Feature(float_list={"value": row[:1024]}),
                    "mean_audio": tf.train.Feature(float_list={"value": row[1024:]}),
                }
                example = tf.train.Example(features=tf.train.Features(feature=feature))
                file.write(example.SerializeToString())
        pattern = tmp_path / "test*.tfrecord"
        text = run("predict", model, pattern, "--k", 2, "--n-jobs", 1)
        table = pd.read_csv(io.StringIO(text))
        assert table["id"].tolist() == ["t0", "t0", "t1", "t1", "t2", "t2"]
        expected = sk_yt8m.load(model).predict_top_k(X, k=2).indices
        assert table["label"].tolist() == expected.ravel().tolist()
        assert "labels" in run("evaluate", model, pattern, "--n-jobs", 1, code=1)
        assert "labels" in run("convert", pattern, tmp_path / "s", "--n-jobs", 1, code=1)
        run("convert", pattern, tmp_path / "s", "--missing-labels", "empty", "--n-jobs", 1)
        assert open_store(tmp_path / "s").Y.nnz == 0

    def test_overwriting(self, store, model, tmp_path):
        file = tmp_path / "labels.csv"
        file.write_text("old")
        run("predict", model, store, "--out", file, "--overwrite")
        assert file.read_text().startswith("id,rank,label,name,score\n0,1,")
        again = tmp_path / "again.safetensors"
        again.write_bytes(b"old")
        run("train", store, again, "--split", "train", "--overwrite", *SMALL)
        X = open_store(store).X
        expected = sk_yt8m.load(model).predict_proba(X)
        np.testing.assert_array_equal(sk_yt8m.load(again).predict_proba(X), expected)

    def test_the_sample(self, tmp_path):
        file = tmp_path / "m.safetensors"
        run("train", sample_path(), file, "--split", "train", "--n-jobs", 1, *SMALL)
        X = load_sample(split="train", return_X_y=True)[0]
        assert sk_yt8m.load(file).predict_top_k(X).indices.shape == (len(X), 20)

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["train", "STORE", "m.safetensors", "--set", "depth=3"], 2, "depth"),
            (["train", "STORE", "m.safetensors", "--set", "depth"], 2, "NAME=VALUE"),
            (["train", "STORE", "m.safetensors", "--epochs", "0"], 2, "--epochs"),
            (["train", "STORE", "m.safetensors", "--split", "dev"], 2, "split must be one of"),
            (["train", "nothing*", "m.safetensors"], 2, "nothing*"),
            (["train", "STORE"], 2, "MODEL"),
            (["evaluate", "STORE", "STORE"], 2, "is a directory"),
            (["evaluate", "MODEL", "nothing"], 2, "nothing"),
            (["predict", "MODEL", "STORE", "--out", "labels.xls"], 2, ".csv or .parquet"),
            (["predict", "MODEL", "STORE", "--k", "0"], 2, "--k"),
            (["train", "STORE", "MODEL"], 1, "--overwrite replaces it"),
            (["train", "STORE", "no/m.safetensors"], 1, "there is no folder"),
            (["train", "STORE", "m.safetensors", "--features", "a:b"], 2, "NAME:WIDTH"),
            (["evaluate", "MODEL", "OTHER"], 1, "8 labels, but"),
            (["evaluate", "MODEL", "STORE", "--vocabulary", "SHORT"], 1, "names of 3862 labels"),
            (["predict", "MODEL", "STORE", "--vocabulary", "SHORT"], 1, "names of 3862 labels"),
            (["predict", "MODEL", "STORE", "--out", "THERE"], 1, "--overwrite replaces it"),
            (["predict", "MODEL", "OTHER"], 1, "10 features"),
            (["convert", "SHORT", "new", "--n-jobs", "1"], 1, "short.csv, line 1"),
            (["convert", "STORE"], 2, "SOURCE"),
            (["info", "nothing"], 2, "nothing: no such file"),
            (["info", "STORE", "--vocabulary", "SHORT"], 1, "names of 3862 labels"),
            (["verify", "nothing*"], 2, "nothing*: no such file"),
            (["verify", "HTML", "--n-jobs", "1"], 1, "1 damaged places, 0 valid videos"),
            (["fetch", "course", "--split", "dev"], 2, "--split"),
            (["fetch", "tfrecords", "--version", "3", "--level", "video"], 2, '--version "3"'),
            (["fly"], 2, "No such command"),
        ],
    )
    def test_bad_calls(self, arguments, code, message, store, model, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        X, Y = make_videos(20, n_features=10, n_labels=8, random_state=0, return_X_y=True)
        write_parquet("other.parquet", X, Y)
        convert("other.parquet", "other")
        vocabulary = (sample_path() / "vocabulary.csv").read_text().splitlines(keepends=True)
        rows = [line for line in vocabulary[1:] if int(line.split(",")[0]) < 5]
        Path("short.csv").write_text("".join([vocabulary[0], *rows]))
        Path("there.csv").write_text("mine")
        Path("page.tfrecord").write_text("<html>Not here</html>")
        before = sorted(tmp_path.glob("[!.]*"))
        places = {
            "STORE": store, "MODEL": model, "OTHER": "other", "SHORT": "short.csv",
            "THERE": "there.csv", "HTML": "page.tfrecord",
        }  # fmt: skip
        text = run(*(places.get(argument, argument) for argument in arguments), code=code)
        assert message in text
        assert "Traceback" not in text
        assert sorted(tmp_path.glob("[!.]*")) == before
        assert Path("there.csv").read_text() == "mine"
