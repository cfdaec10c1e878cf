"""The labels that are confused and the samples that are scored worst, against slow twins."""

import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given
from metric_cases import make_data, problems, top_k_of
from scipy.sparse import csr_array, csr_matrix

from sk_yt8m.metrics import evaluation_report

NO_INTERVALS = {"n_resamples": 0, "max_rows": 10_000}


def slow_confusions(y_true, scores, k=20):
    """Return the number of samples of each (missed, predicted) pair."""
    pairs = Counter()
    for truth, row in zip(np.asarray(y_true).tolist(), np.asarray(scores).tolist(), strict=True):
        true = {label for label, one in enumerate(truth) if one}
        predicted = set(reference.ranking(row)[: min(k, len(true))])
        pairs.update((one, other) for one in true - predicted for other in predicted - true)
    return dict(pairs)


def slow_errors(y_true, scores, k=20):
    """Return the error of each row where it is above 0."""
    errors = {}
    for number, (truth, row) in enumerate(
        zip(np.asarray(y_true).tolist(), np.asarray(scores).tolist(), strict=True)
    ):
        listed = reference.ranking(row)[:k]
        floor = row[listed[-1]]
        value = {label: row[label] if label in listed else floor for label in range(len(row))}
        true = [value[label] for label in value if truth[label]] or [floor]
        false = [value[label] for label in value if not truth[label]] or [floor]
        if max(false) > min(true):
            errors[number] = max(false) - min(true)
    return errors


def confusions_of(report):
    table = report.confusions
    pairs = zip(table["missed_label"], table["predicted_label"], strict=True)
    return dict(zip(pairs, table["samples"], strict=True))


@given(problems())
def test_the_definitions(problem):
    y_true, scores = problem
    report = evaluation_report(y_true, scores, **NO_INTERVALS)
    assert confusions_of(report) == slow_confusions(y_true, scores)
    worst = report.worst_samples
    assert dict(zip(worst["row"], worst["error"], strict=True)) == slow_errors(y_true, scores)
    assert worst["error"].is_monotonic_decreasing
    assert report.confusions["samples"].is_monotonic_decreasing


@pytest.mark.parametrize("ties", [False, True])
def test_only_twenty_labels_count(ties, small_blocks):
    y_true, scores = make_data(n_samples=60, n_labels=50, ties=ties)
    y_true[3] = 1
    y_true[3, :4] = 0
    report = evaluation_report(csr_array(y_true), scores, **NO_INTERVALS)
    assert confusions_of(report) == slow_confusions(y_true, scores)
    worst = report.worst_samples
    expected = slow_errors(y_true, scores)
    assert dict(zip(worst["row"], worst["error"], strict=True)) == pytest.approx(expected)
    share = report.confusions["samples"] / y_true.sum(axis=0)[report.confusions["missed_label"]]
    np.testing.assert_array_equal(report.confusions["share"], share)


def test_columns_by_hand():
    y_true = pd.DataFrame(
        [[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
        columns=["cat", "dog", "car", "bus"],
        index=["a", "b", "c", "d"],
    )
    scores = [
        [0.9, 0.2, 0.5, 0.1],
        [0.1, 0.3, 0.8, 0.2],
        [0.1, 0.7, 0.2, 0.0],
        [0.0, 0.0, 0.5, 0.0],
    ]
    report = evaluation_report(y_true, scores, n_resamples=0)
    assert report.confusions.to_dict("records") == [
        {
            "missed_label": 1,
            "missed": "dog",
            "predicted_label": 2,
            "predicted": "car",
            "samples": 2,
            "share": pytest.approx(2 / 3),
        }
    ]
    worst = report.worst_samples
    assert worst.index.tolist() == ["b", "d", "a"]
    assert worst.index.name == "sample"
    assert worst["row"].tolist() == [1, 3, 0]
    assert worst["error"].tolist() == pytest.approx([0.5, 0.5, 0.3])
    assert worst.loc["a", "true_labels"] == ["cat", "dog"]
    assert worst.loc["a", "true_scores"] == [0.9, 0.2]
    assert worst.loc["a", "top_labels"] == ["cat", "car", "dog", "bus"]
    assert worst.loc["a", "top_scores"] == [0.9, 0.5, 0.2, 0.1]
    assert worst.loc["d", "true_labels"] == []


def test_a_top_k_that_lists_few():
    y_true, scores = make_data()
    top = top_k_of(scores, 3)
    report = evaluation_report(y_true, top, **NO_INTERVALS)
    assert confusions_of(report) == slow_confusions(y_true, scores, k=3)
    worst = report.worst_samples
    expected = slow_errors(y_true, scores, k=3)
    assert dict(zip(worst["row"], worst["error"], strict=True)) == pytest.approx(expected)
    unlisted = worst.iloc[0]["true_scores"]
    assert math.isnan(unlisted[-1])
    assert (worst["top_labels"].map(len) == 3).all()
    whole = evaluation_report(y_true, scores, **NO_INTERVALS)
    same = evaluation_report(y_true, top_k_of(scores, 20), **NO_INTERVALS)
    pd.testing.assert_frame_equal(same.confusions, whole.confusions)
    pd.testing.assert_frame_equal(same.worst_samples, whole.worst_samples)


def test_only_rated_labels_count():
    y_true, scores = make_data()
    rated = (np.random.default_rng(1).random(y_true.shape) < 0.4).astype(int)
    rated[5] = 0
    rated[1] = np.isin(np.arange(30), [7, 8])
    y_true[1], scores[1, 7:9] = np.arange(30) == 7, [0, 1]
    report = evaluation_report(y_true, scores, rated=rated, **NO_INTERVALS)
    hidden = np.where(rated, scores, scores.min() - 1)
    truth = y_true * rated
    assert confusions_of(report) == slow_confusions(truth, hidden)
    assert 5 not in report.worst_samples["row"].tolist()
    assert report.worst_samples.loc[1, "top_labels"] == ["8", "7"]
    known = {(row, str(label)) for row, label in zip(*np.nonzero(rated), strict=True)}
    for _, one in report.worst_samples.iterrows():
        assert {(one["row"], name) for name in one["true_labels"] + one["top_labels"]} <= known


@pytest.mark.parametrize(
    "form",
    [
        lambda y: csr_matrix(y.astype(bool)),
        lambda y: y.astype(np.float32),
        lambda y: y.tolist(),
        lambda y: pd.DataFrame(y).astype("Int8"),
        lambda y: pd.DataFrame(y).astype(pd.SparseDtype("int8", 0)),
    ],
)
def test_forms_of_y_true(form):
    y_true, scores = make_data()
    expected = evaluation_report(y_true, scores, n_resamples=0)
    actual = evaluation_report(form(y_true), pd.DataFrame(scores), n_resamples=0)
    pd.testing.assert_frame_equal(actual.confusions, expected.confusions)
    pd.testing.assert_frame_equal(
        actual.worst_samples.reset_index(), expected.worst_samples.reset_index()
    )


@pytest.mark.parametrize("number", [Fraction, Decimal, np.longdouble, np.float16, int])
def test_other_numbers_as_scores(number):
    y_true, scores = make_data()
    scores = np.rint(scores * 1024)
    numbers = np.array([[number(float(score)) for score in row] for row in scores])
    worst = evaluation_report(y_true, numbers, **NO_INTERVALS).worst_samples
    expected = evaluation_report(y_true, scores, **NO_INTERVALS).worst_samples
    assert worst["error"].tolist() == expected["error"].tolist()


def test_scores_that_no_float_holds():
    scores = np.array([[10**400, 10**399, -(10**400)], [1, 2, 3]], dtype=object)
    report = evaluation_report([[0, 1, 0], [0, 0, 1]], scores, n_resamples=0)
    assert confusions_of(report) == {(1, 0): 1}
    infinite = np.array([[np.inf, np.inf, -np.inf], [np.inf, -np.inf, 0]])
    worst = evaluation_report([[1, 0, 0], [0, 1, 0]], infinite, n_resamples=0).worst_samples
    assert worst["row"].tolist() == [1]
    assert worst["error"].tolist() == [np.inf]


def test_no_mistakes_no_rows():
    y_true, _ = make_data()
    report = evaluation_report(y_true, y_true.astype(float), n_resamples=0)
    assert len(report.confusions) == 0
    assert len(report.worst_samples) == 0
    some = evaluation_report(y_true, -y_true.astype(float), n_resamples=0)
    pd.testing.assert_series_equal(report.confusions.dtypes, some.confusions.dtypes)
    pd.testing.assert_series_equal(report.worst_samples.dtypes, some.worst_samples.dtypes)


@pytest.mark.parametrize(
    "ids",
    [
        [f"v{i}" for i in range(40)],
        np.array([f"v{i}" for i in range(40)]),
        pd.Series([f"v{i}" for i in range(40)], index=range(40, 80)),
        tuple(f"v{i}" for i in range(40)),
    ],
)
def test_ids(ids):
    y_true, scores = make_data()
    worst = evaluation_report(y_true, scores, ids=ids, n_resamples=0).worst_samples
    assert len(worst) > 5
    assert worst.index.tolist() == [f"v{row}" for row in worst["row"]]


def test_ids_are_those_of_a_frame_or_row_numbers():
    y_true, scores = make_data()
    frame = pd.DataFrame(y_true, index=pd.MultiIndex.from_product([["a", "b"], range(20)]))
    worst = evaluation_report(frame, scores, n_resamples=0).worst_samples
    row = worst["row"].iloc[0]
    assert worst.index[0] == ("ab"[row // 20], row % 20)
    worst = evaluation_report(y_true, scores, n_resamples=0).worst_samples
    assert worst.index.tolist() == worst["row"].tolist()
    numbers = evaluation_report(frame, scores, ids=range(40), n_resamples=0).worst_samples
    assert numbers.index.tolist() == worst["row"].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ids": range(39)}, r"ids must have shape \(40,\), one for each row; got \(39,\)"),
        ({"ids": "video"}, "ids must be one name for each sample, got 'video'"),
        ({"ids": np.zeros((40, 2))}, "ids must be one name for each sample"),
        ({"max_rows": 0}, "max_rows must be an integer of at least 1, got 0"),
    ],
)
def test_bad_ids(options, message):
    y_true, scores = make_data()
    with pytest.raises(ValueError, match=message):
        evaluation_report(y_true, scores, **options)


def test_max_rows_keeps_the_first_ones():
    y_true, scores = make_data()
    whole = evaluation_report(y_true, scores, **NO_INTERVALS)
    some = evaluation_report(y_true, scores, n_resamples=0, max_rows=np.int64(3))
    pd.testing.assert_frame_equal(some.confusions, whole.confusions[:3])
    pd.testing.assert_frame_equal(some.worst_samples, whole.worst_samples[:3])
    assert len(whole.confusions) > 3
