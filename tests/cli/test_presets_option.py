"""`train --preset`, `--modalities` and `--vocabulary`."""

import io

import numpy as np
import pandas as pd
import pytest
from cli_runs import run

import sk_yt8m
from sk_yt8m._training import schedule
from sk_yt8m._training.trainer import Trainer
from sk_yt8m.cli import _train
from sk_yt8m.datasets import convert, load_vocabulary, make_videos, open_store, sample_path
from sk_yt8m.presets import make as presets

TINY = ["--set", "hidden_layer_sizes=[8]", "--seed", 0]


@pytest.fixture
def made(monkeypatch):
    """Return a list of the classifiers that are trained, without training any."""
    found = []

    class Classifier:
        n_iter_, loss_, best_validation_score_, n_outputs_ = 0, 0.0, None, 1

    def fit(self, X, y, **options):
        found.append(self)
        self.__dict__.update(vars(Classifier))

    for kind in (
        sk_yt8m.DeepMultiLabelClassifier,
        sk_yt8m.NormalizedModalitiesClassifier,
        sk_yt8m.AveragingClassifier,
    ):
        monkeypatch.setattr(kind, "fit", fit)
        monkeypatch.setattr(kind, "save", lambda self, path: None, raising=False)
    return found


def test_the_command_has_all_presets():
    assert _train.PRESETS == presets.PRESETS
    assert _train.WITH_MODALITIES == presets.WITH_MODALITIES
    text = run("train", "--help")
    for preset in presets.PRESETS:
        assert f"\n    {preset}" in text


@pytest.mark.parametrize("preset", ["fast", "default", "wide"])
def test_one_network(store, made, preset, tmp_path):
    run("train", store, tmp_path / "m", "--preset", preset, "--seed", 3)
    run("train", store, tmp_path / "m", "--preset", preset, *TINY, "--epochs", 4, "--dropout", 0.1)
    plain, changed = (one.get_params() for one in made)
    expected = sk_yt8m.make_classifier(preset, random_state=3)
    assert plain == expected.get_params()
    own = {"hidden_layer_sizes": [8], "max_iter": 4, "dropout": 0.1, "random_state": 0}
    assert changed == {**plain, **own}


def modalities(clf):
    return clf.get_params()["normalized__modalities"]


@pytest.mark.parametrize("source", ["csv", "store", "train0000.tfrecord", "videos.parquet"])
def test_modalities_are_those_of_the_data(videos, store, made, source, tmp_path):
    text = run("train", videos / source, tmp_path / "m", "--preset", "best", "--n-jobs", 1, *TINY)
    assert modalities(made[0]) == {"mean_rgb": 1024, "mean_audio": 128}
    assert "modalities: mean_rgb 1024, mean_audio 128\n" in text


def test_modalities_of_the_option(made, tmp_path):
    X, Y = make_videos(20, n_features=10, n_labels=8, random_state=0, return_X_y=True)
    convert((X, Y), tmp_path / "store")
    best = ["train", tmp_path / "store", tmp_path / "m", "--preset", "best", *TINY]
    run(*best)
    assert modalities(made.pop()) == {"features": 10}
    run(*best, "--modalities", "text:6,image:4")
    assert modalities(made[0]) == {"text": 6, "image": 4}
    text = run(*best, "--modalities", "text:6,image:5", code=2)
    assert "--modalities has 11 features, but " in text
    assert f"{tmp_path / 'store'} has 10" in text


def test_modalities_of_neighbors(videos, made, tmp_path):
    text = run("train", videos / "csv", tmp_path / "m", "--preset", "neighbors", *TINY)
    assert made[0].modalities == {"mean_rgb": 1024, "mean_audio": 128}
    assert "modalities: mean_rgb 1024, mean_audio 128\n" in text
    options = ["--modalities", "a:1000,b:152", "--epochs", 3]
    run("train", videos / "csv", tmp_path / "m", "--preset", "neighbors", *TINY, *options)
    own = {"hidden_layer_sizes": [8], "max_iter": 3, "random_state": 0}
    expected = sk_yt8m.make_classifier("neighbors", modalities={"a": 1000, "b": 152}, **own)
    assert repr(made[1]) == repr(expected)


def test_neighbors_from_files_to_labels(videos, store, tmp_path):
    model = tmp_path / "m"
    options = ["--split", "train", "--validation-split", "val", "--epochs", 2, *TINY]
    text = run("train", store, model, "--preset", "neighbors", *options)
    clf = sk_yt8m.load(model)
    opened = open_store(store)
    X, Y, _ = opened.take(opened.rows(split="val"))
    assert f"{model}: 1 network with its neighbours, GAP@20 {clf.score(X, Y):.4f}\n" in text
    assert "modalities      {'mean_rgb': 1024" in run("info", model)
    table = pd.read_csv(io.StringIO(run("predict", model, store, "--split", "val", "--k", 2)))
    assert table["label"].tolist() == clf.predict_top_k(X, k=2).indices.ravel().tolist()


@pytest.mark.slow
def test_best_from_files_to_labels(videos, store, tmp_path):
    model = tmp_path / "best"
    options = ["--split", "train", "--validation-split", "val", "--epochs", 2, *TINY]
    text = run("train", store, model, "--preset", "best", *options)
    assert "modalities: mean_rgb 1024, mean_audio 128\n" in text
    clf = sk_yt8m.load(model)
    opened = open_store(store)
    X, Y, _ = opened.take(opened.rows(split="val"))
    assert f"{model}: 5 networks, GAP@20 {clf.score(X, Y):.4f}\n" in text
    for part in clf.estimators_:
        network = getattr(part.estimator_, "estimator_", part.estimator_)
        assert len(network.validation_scores_) == 2
    assert "NormalizedModalitiesClassifier" in run("info", model)
    assert run("verify", model) == "sound\n"
    assert "gap@20" in run("evaluate", model, store, "--split", "val", "--resamples", 0)
    table = pd.read_csv(io.StringIO(run("predict", model, store, "--split", "val", "--k", 2)))
    assert table["label"].tolist() == clf.predict_top_k(X, k=2).indices.ravel().tolist()


def interrupt_the_second_call(monkeypatch):
    """Raise a KeyboardInterrupt at the trainer's second call, and return the list of its calls."""
    original, calls = Trainer.train, []

    def interrupted(self, *arguments, **options):
        calls.append(self)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "train", interrupted)
    return calls


def test_ctrl_c_ends_all_networks(store, tmp_path, monkeypatch):
    """A network alone ends early and is kept; the next ones of an average are not to begin."""
    calls = interrupt_the_second_call(monkeypatch)
    options = ["--preset", "best", "--epochs", 3, *TINY]
    text = run("train", store, tmp_path / "best", *options, code=130)
    assert text.endswith("Interrupted\n")
    assert len(calls) == 2
    assert not (tmp_path / "best").exists()


def test_ctrl_c_keeps_the_network_of_neighbors(store, tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "_STEPS_AT_ONCE", 1)
    interrupt_the_second_call(monkeypatch)
    options = ["--preset", "neighbors", "--epochs", 3, *TINY]
    run("train", store, tmp_path / "m", *options, code=130)
    assert [path.name for path in tmp_path.iterdir()] == ["m.interrupted"]
    clf = sk_yt8m.load(tmp_path / "m.interrupted")
    assert clf.estimator_.estimator_.n_iter_ == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--preset", "bets"], "'bets' is not one of"),
        (["--modalities", "a:1152"], "--modalities is for --preset neighbors and best, got"),
        (["--preset", "best", "--modalities", "a"], "NAME:WIDTH"),
        (["--preset", "best", "--dropout", "1.5"], "--dropout must be"),
        (["--preset", "best", "--set", "n_neighbors=3"], "Invalid parameter 'n_neighbors'"),
        (["--set", "modalities=3"], "Invalid parameter 'modalities'"),
        (["--preset", "wide", "--set", "n_heads=7"], "n_heads must divide"),
        (
            ["--preset", "fast", "--epochs", "1", "--set", "max_iter=2"],
            "--epochs and --set max_iter",
        ),
    ],
)
def test_wrong_usage(store, made, options, message, tmp_path):
    assert message in run("train", store, tmp_path / "m", *options, code=2)
    assert not made


def test_names_of_labels(store, tmp_path):
    vocabulary = sample_path() / "vocabulary.csv"
    options = ["--vocabulary", vocabulary, "--split", "train", "--validation-split", "val"]
    run("train", store, tmp_path / "m", *options, "--preset", "fast", *TINY)
    names = load_vocabulary(vocabulary)["name"]
    assert sk_yt8m.load(tmp_path / "m").label_names_.tolist() == names.tolist()
    table = pd.read_csv(io.StringIO(run("predict", tmp_path / "m", store, "--k", 2)))
    assert table["name"].tolist() == names[table["label"]].tolist()
    run("train", store, tmp_path / "plain", "--split", "train", "--preset", "fast", *TINY)
    X = open_store(store).X
    scores = [sk_yt8m.load(tmp_path / one).predict_proba(X) for one in ("m", "plain")]
    np.testing.assert_array_equal(*scores)


def test_a_vocabulary_of_other_labels(store, made, tmp_path):
    vocabulary = tmp_path / "vocabulary.csv"
    lines = (sample_path() / "vocabulary.csv").read_text().splitlines(keepends=True)
    vocabulary.write_text("".join(line for line in lines if not line.startswith("3861,")))
    text = run("train", store, tmp_path / "m", "--vocabulary", vocabulary, code=1)
    assert "names of 3862 labels, got 3861" in text
    out = ["--overwrite", "--vocabulary", vocabulary]
    assert "the same command reads" in run("train", store, vocabulary, *out, code=2)
    assert not made
