"""The report: its figures, its intervals against plain resampling, its table of labels."""

import numpy as np
import pandas as pd
import pytest
from metric_cases import PROPENSITIES, make_data, top_k_of, value_of
from scipy.sparse import csr_array

from sk_yt8m.metrics import (
    average_precision_per_label,
    evaluation_report,
    get_scorer,
    label_propensities,
    psp_at_k_score,
    scorer_names,
)
from sk_yt8m.metrics._inputs.scores import check_top_k
from sk_yt8m.metrics._inputs.true_labels import check_y_true
from sk_yt8m.metrics._report.bootstrap import pooled_lists

NAMES = [name for name in scorer_names() if name != "map"]
FEW = {"n_resamples": 20, "random_state": 0}


@pytest.mark.parametrize("ties", [False, True])
def test_figures_are_those_of_the_metrics(ties):
    y_true, scores = make_data(ties=ties)
    report = evaluation_report(
        csr_array(y_true), scores, metrics=NAMES, propensities=PROPENSITIES, **FEW
    )
    assert report.figures.index.tolist() == NAMES
    expected = [value_of(name, y_true, scores) for name in NAMES]
    assert report.figures["value"].tolist() == expected


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", ["gap@4", "gap@20", "map@4", "map@20"])
def test_counts_of_samples_do_what_repeated_samples_do(name, ties):
    y_true, scores = make_data(ties=ties)
    labels = check_y_true(y_true)
    top = check_top_k(scores, labels, int(name.partition("@")[2]))
    pooled = pooled_lists(labels, top, per_label=name.startswith("map"))
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = rng.integers(40, size=40)
        expected = value_of(name, y_true[rows], scores[rows])
        assert pooled.mean(np.bincount(rows, minlength=40)) == pytest.approx(expected, abs=1e-12)
    assert pooled.mean(np.bincount([0] * 40, minlength=40)) == 0.0  # sample 0 has no true label


def test_intervals_are_percentiles_of_resampled_figures():
    y_true, scores = make_data()
    propensities = label_propensities(y_true)
    report = evaluation_report(
        y_true,
        scores,
        metrics=["gap@20", "hit@5", "map@20", "mrr", "mrr@5", "lrr", "psp@5"],
        propensities=propensities,
        n_resamples=50,
        confidence_level=0.8,
        random_state=3,
    )
    draws = np.random.RandomState(3)
    figures = {name: [] for name in report.figures.index}
    for _ in range(50):
        rows = draws.randint(40, size=40)
        for name, values in figures.items():
            if name == "psp@5":
                again = psp_at_k_score(y_true[rows], scores[rows], propensities=propensities)
                values.append(again)
            else:
                values.append(value_of(name, y_true[rows], scores[rows]))
    for name, values in figures.items():
        low, value, high = report.figures.loc[name, ["low", "value", "high"]]
        shift = value - np.mean(values)
        assert [low, high] == pytest.approx(np.quantile(values, [0.1, 0.9]) + shift, abs=1e-9)
        assert low < value < high


def test_the_interval_holds_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(100):
        hits = rng.random(80) < 0.3
        y_true = np.column_stack([hits, ~hits])
        scores = np.tile([1.0, 0.0], (80, 1))
        figures = evaluation_report(
            y_true, scores, metrics=["hit@1"], n_resamples=200, random_state=seed
        ).figures
        held += figures.loc["hit@1", "low"] <= 0.3 <= figures.loc["hit@1", "high"]
    assert 88 <= held <= 99


def test_random_state_decides_the_intervals():
    y_true, scores = make_data()
    first, again, other = (
        evaluation_report(y_true, scores, n_resamples=20, random_state=seed) for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first.figures, again.figures)
    assert (first.figures["value"] == other.figures["value"]).all()
    assert (first.figures["low"] != other.figures["low"]).any()


def test_no_resamples_no_intervals():
    y_true, scores = make_data()
    report = evaluation_report(y_true, scores, n_resamples=0)
    assert report.figures[["low", "high"]].isna().all(axis=None)
    assert "Intervals" not in report.text
    assert f"gap@20        {report.figures.loc['gap@20', 'value']:.4f}\n" in report.text


def test_labels_with_the_names_of_a_vocabulary_in_any_order():
    y_true, scores = make_data()
    vocabulary = pd.DataFrame({"name": [f"label {i}" for i in range(35)], "other": 0})
    shuffled = vocabulary.sample(frac=1, random_state=0)
    table = evaluation_report(y_true, scores, vocabulary=shuffled, **FEW).labels
    assert table["name"].tolist() == vocabulary["name"][:30].tolist()
    assert table["positives"].tolist() == y_true.sum(axis=0).tolist()
    expected = average_precision_per_label(y_true, scores)
    np.testing.assert_array_equal(table["average_precision"], expected)
    assert table.index.name == "label"


def test_labels_with_the_column_names_of_y_true():
    y_true, scores = make_data(n_labels=3)
    frame = pd.DataFrame(y_true, columns=["cat", "dog", "car"])
    assert evaluation_report(frame, scores, **FEW).labels["name"].tolist() == ["cat", "dog", "car"]
    assert evaluation_report(y_true, scores, **FEW).labels["name"].tolist() == ["0", "1", "2"]


def test_a_top_k_leaves_out_what_it_cannot_tell_and_says_so():
    y_true, scores = make_data()
    y_true[3, :22] = 1
    given = {"propensities": PROPENSITIES, **FEW}
    report = evaluation_report(y_true, top_k_of(scores, 20), **given)
    assert "Left out, because they need the scores of more labels: perr, mrr, lrr." in report.text
    whole = evaluation_report(y_true, scores, **given)
    assert "Left out" not in whole.text
    shared = report.figures.index
    pd.testing.assert_frame_equal(report.figures, whole.figures.loc[shared])
    assert set(whole.figures.index) - set(shared) == {"perr", "mrr", "lrr"}
    expected = average_precision_per_label(y_true, scores, k=20)
    np.testing.assert_array_equal(report.labels["average_precision"], expected)


def test_propensities_are_never_those_of_the_samples_that_are_judged():
    y_true, scores = make_data()
    report = evaluation_report(y_true, scores, **FEW)
    assert not report.figures.index.str.startswith("ps").any()
    assert "Left out, because they need propensities: psp@5, psndcg@5." in report.text
    with pytest.raises(ValueError, match="propensities must be given for psp and psndcg"):
        evaluation_report(y_true, scores, metrics=["hit@1", "psp@5"])


def test_text_is_short_and_holds_every_figure():
    y_true, scores = make_data()
    report = evaluation_report(y_true, scores, **FEW)
    assert str(report) == report.text
    assert report.text.startswith("40 samples, 30 labels, ")
    assert len(report.text.splitlines()) < 30
    for name, row in report.figures.iterrows():
        line = next(line for line in report.text.splitlines() if line.startswith(name + " "))
        assert line.split()[1:] == [
            f"{row['value']:.4f}",
            f"{row['low']:.4f}",
            "to",
            f"{row['high']:.4f}",
        ]
    assert "Intervals: 95 %, from 20 bootstrap resamples of the samples." in report.text


def test_no_positive_at_all():
    report = evaluation_report(np.zeros((5, 3), int), np.eye(5, 3), **FEW)
    assert (report.figures == 0).all(axis=None)
    assert report.labels["average_precision"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["gap@0"]}, "no metric 'gap@0'"),
        ({"metrics": ["map"]}, "use map@20"),
        ({"metrics": []}, "metrics must be a list of names"),
        ({"n_resamples": -1}, "n_resamples must be an integer of at least 1, got -1"),
        ({"confidence_level": 95}, r"confidence_level must lie in \(0, 1\), got 95"),
        ({"vocabulary": pd.DataFrame({"Name": ["a"]})}, r"a column 'name', it has \['Name'\]"),
        ({"vocabulary": pd.DataFrame({"name": ["a"] * 29})}, "label 29 is not in its index"),
        (
            {"vocabulary": pd.DataFrame({"name": ["a"] * 31}, index=[*range(30), 7])},
            "name a label once; label 7 is repeated",
        ),
    ],
)
def test_bad_options(options, message):
    y_true, scores = make_data()
    with pytest.raises(ValueError, match=message):
        evaluation_report(y_true, scores, **options)


@pytest.mark.parametrize("names", [["a"] * 30, np.array(["a"] * 30), pd.Series(["a"] * 30)])
def test_names_that_are_no_table(names):
    y_true, scores = make_data()
    with pytest.raises(TypeError, match=r"must be a DataFrame .*, got (list|ndarray|Series)"):
        evaluation_report(y_true, scores, vocabulary=names)


def test_metrics_asked_for_must_be_possible():
    y_true, scores = make_data()
    message = "'gap@20' needs the top 20 of 30 labels, but y_score holds the top 5"
    with pytest.raises(ValueError, match=message):
        evaluation_report(y_true, top_k_of(scores, 5), metrics=["hit@5", "gap@20"])


def test_names_of_the_report_are_names_of_scorers():
    y_true, scores = make_data()
    report = evaluation_report(y_true, scores, n_resamples=0, propensities=PROPENSITIES)
    for name in report.figures.index:
        options = {"propensities": 1} if name.startswith("ps") else {}
        assert repr(get_scorer(name, **options)).startswith(f"get_scorer({name!r}")
