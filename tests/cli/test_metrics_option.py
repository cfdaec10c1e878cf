"""`evaluate --metrics` and `--propensities`, and the names of the labels in its tables."""

import json

import numpy as np
import pandas as pd
import pytest
from cli_runs import run

import sk_yt8m
from sk_yt8m.datasets import open_store, sample_path
from sk_yt8m.metrics import evaluation_report, label_propensities

QUICK = ["--resamples", 0, "--n-jobs", 1]


def figures(*arguments) -> dict[str, float]:
    found = json.loads(run("evaluate", *arguments, *QUICK, "--json"))
    return {name: one["value"] for name, one in found.items()}


@pytest.fixture
def parts(store):
    """The labels to train on, and the features and labels of the validation."""
    opened = open_store(store)
    X, Y, _ = opened.take(opened.rows(split="val"))
    return opened.Y[:40], X, Y


class TestMetrics:
    def test_only_these_in_this_order(self, store, model, parts):
        names = ["hit@40", "gap@20", "recall@7", "mrr", "perr"]
        found = figures(model, store, "--split", "val", "--metrics", ", ".join(names))
        assert list(found) == names
        _, X, Y = parts
        scores = sk_yt8m.load(model).predict_proba(X)
        expected = evaluation_report(Y, scores, metrics=names, n_resamples=0).figures["value"]
        assert found == pytest.approx(expected.to_dict())

    @pytest.mark.parametrize("data", ["store", "csv"])
    def test_a_k_above_that_of_the_option(self, videos, store, model, data):
        found = figures(model, videos / data, "--k", 2, "--metrics", "hit@60")
        assert found == figures(model, videos / data, "--k", 60, "--metrics", "hit@60")

    def test_perr_says_which_k_it_needs(self, store, model):
        most = int(np.diff(open_store(store).Y.indptr).max())
        text = run("evaluate", model, store, "--metrics", "perr", "--k", most - 1, *QUICK, code=2)
        assert f"--k {most} or more" in text
        assert figures(model, store, "--metrics", "perr", "--k", most)

    @pytest.mark.parametrize(
        ("metrics", "message"),
        [
            ("gpa@20", "did you mean 'gap@20'?"),
            ("hit@1,,gap@20", "no metric ''"),
            ("", "no metric ''"),
            ("hit", "hit takes a number, as hit@1"),
            ("hit@1,hit@1", "'hit@1' is repeated"),
            ("map", "as map@20"),
            ("gap@20,psp@5", "psp@5 needs --propensities"),
        ],
    )
    def test_names_of_no_metric(self, store, model, metrics, message, monkeypatch):
        monkeypatch.setattr(sk_yt8m, "load", lambda path: pytest.fail("the work has begun"))
        assert message in run("evaluate", model, store, "--metrics", metrics, code=2)


class TestPropensities:
    @pytest.mark.parametrize("data", ["store", "csv"])
    def test_of_training_data(self, videos, store, model, parts, data):
        Y_train, X, Y = parts
        options = ["--propensities", videos / data, "--propensities-split", "train"]
        found = figures(model, store, "--split", "val", *options)
        expected = evaluation_report(
            Y,
            sk_yt8m.load(model).predict_top_k(X, k=30),
            propensities=label_propensities(Y_train),
            n_resamples=0,
        ).figures["value"]
        assert {"psp@5", "psndcg@5"} <= found.keys()
        assert found == pytest.approx(expected.to_dict())

    @pytest.mark.parametrize("header", [[], ["propensity"]])
    def test_numbers(self, store, model, parts, header, tmp_path):
        known = label_propensities(parts[0])
        file = tmp_path / "p.csv"
        file.write_text("\n".join([*header, *map(repr, known.tolist())]))
        options = ["--split", "val", "--metrics", "psp@3"]
        found = figures(model, store, *options, "--propensities", file)
        split = ["--propensities-split", "train"]
        assert found == figures(model, store, *options, "--propensities", store, *split)
        assert "has numbers" in run(
            "evaluate", model, store, "--propensities", file, *split, code=2
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda lines: lines[:-1], "each of 3862 labels, got 3861"),
            (lambda lines: [*lines[:7], "1.5", *lines[8:]], "label 7: expected a number in (0, 1]"),
            (lambda lines: [*lines[:7], "nan", *lines[8:]], "got 'nan'"),
            (lambda lines: [*lines[:7], "x", *lines[8:]], "got 'x'"),
        ],
    )
    def test_wrong_numbers(self, store, model, change, message, tmp_path):
        file = tmp_path / "p.csv"
        file.write_text("\n".join(change(["0.5"] * 3862)))
        assert message in run("evaluate", model, store, "--propensities", file, *QUICK, code=1)

    def test_other_data(self, store, model, tmp_path):
        options = ["--propensities", store]
        text = run("evaluate", model, store, *options, "--propensities-split", "dev", code=2)
        assert "--propensities-split must be one of" in text
        assert "nothing" in run("evaluate", model, store, "--propensities", "nothing", code=2)
        text = run("evaluate", model, store, "--propensities-split", "train", code=2)
        assert "--propensities-split needs --propensities" in text
        X, Y = sk_yt8m.datasets.make_videos(
            20, n_features=10, n_labels=8, random_state=0, return_X_y=True
        )
        sk_yt8m.datasets.write_parquet(tmp_path / "a.parquet", X, Y)
        text = run(
            "evaluate", model, store, "--propensities", tmp_path / "a.parquet", *QUICK, code=1
        )
        assert "has 8 labels, expected 3862" in text

    def test_the_source_is_an_input(self, videos, store, model):
        file = videos / "csv" / "train_0.csv"
        options = ["--propensities", file, "--csv", file, "--overwrite"]
        assert "the same command reads" in run("evaluate", model, store, *options, code=2)


def test_tables_have_the_names_of_the_model(store, model, tmp_path):
    names = [f"label number {label}" for label in range(3862)]
    opened = open_store(store)
    Y = pd.DataFrame.sparse.from_spmatrix(opened.Y, columns=names)
    clf = sk_yt8m.DeepMultiLabelClassifier((4,), max_iter=1, random_state=0)
    clf.fit(np.array(opened.X), Y).save(tmp_path / "named")
    text = run("evaluate", tmp_path / "named", store, *QUICK, "--labels", tmp_path / "l.csv")
    assert pd.read_csv(tmp_path / "l.csv")["name"].tolist() == names
    assert "  label number " in text
    options = ["--vocabulary", sample_path() / "vocabulary.csv", "--labels", tmp_path / "v.csv"]
    run("evaluate", tmp_path / "named", store, *QUICK, *options)
    assert pd.read_csv(tmp_path / "v.csv")["name"][0] not in names
    run("evaluate", model, store, *QUICK, "--labels", tmp_path / "plain.csv")
    plain = pd.read_csv(tmp_path / "plain.csv", dtype=str)
    assert plain["name"].tolist() == plain["label"].tolist()
