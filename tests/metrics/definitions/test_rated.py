"""Pairs that were not rated are no misses: every metric is as if they were not there."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_cases import CASES, PROPENSITIES, make_data, problems, top_k_of, value_of
from scipy.sparse import csr_array

from sk_yt8m import metrics
from sk_yt8m.datasets import load_tfrecords, write_tfrecords
from sk_yt8m.metrics import (
    HitAtKDisplay,
    LabelAveragePrecisionDisplay,
    PooledPrecisionRecallDisplay,
    StreamingEvaluator,
    average_precision_per_label,
    evaluation_report,
    gap_score,
    hit_at_k_score,
    label_reciprocal_rank_score,
    mean_average_precision_score,
    mean_reciprocal_rank_score,
    scorer_names,
)

NAMES = [name for name in scorer_names() if name != "map"]
every_metric = pytest.mark.parametrize("name", CASES)


@st.composite
def rated_problems(draw):
    y_true, scores = draw(problems())
    bits = draw(st.lists(st.integers(0, 1), min_size=y_true.size, max_size=y_true.size).filter(any))
    return y_true, scores, np.reshape(bits, y_true.shape).astype(np.uint8)


def twin_of(name, y_true, scores, rated, weights=None):
    chance = {}
    if name.startswith("ps"):
        chance["chance"] = reference.propensities(y_true.tolist(), weights=weights)
    lists = reference.of_rated(y_true.tolist(), scores.tolist(), rated.tolist(), weights)
    return CASES[name].twin(*lists[:2], weights=lists[2], **chance)


@every_metric
@settings(max_examples=100, deadline=None)
@given(problem=rated_problems())
def test_agrees_with_the_slow_twin_that_deletes_the_pairs(name, problem):
    y_true, scores, rated = problem
    expected = twin_of(name, *problem)
    value = CASES[name].score(y_true, scores, rated=rated)
    assert value == pytest.approx(expected, abs=1e-12)
    assert CASES[name].score(csr_array(y_true), scores, rated=csr_array(rated)) == value
    top = top_k_of(scores, scores.shape[1])
    assert CASES[name].score(y_true, top, rated=rated) == value


@every_metric
@settings(max_examples=60, deadline=None)
@given(problem=rated_problems(), data=st.data())
def test_agrees_with_the_slow_twin_when_weighted(name, problem, data):
    y_true, scores, rated = problem
    weights = st.lists(
        st.sampled_from([0.0, 0.5, 1.0, 3.25]), min_size=len(rated), max_size=len(rated)
    )
    weight = data.draw(weights.filter(lambda w: (np.array(w) * rated.any(axis=1)).any()))
    expected = twin_of(name, y_true, scores, rated, weight)
    value = CASES[name].score(y_true, scores, rated=rated, sample_weight=weight)
    assert value == pytest.approx(expected, abs=1e-12)


@every_metric
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_all_pairs_rated_are_no_mask(name, ties, weighted):
    y_true, scores = make_data(ties=ties)
    weight = np.arange(40) / 7 if weighted else None
    plain = CASES[name].score(y_true, scores, sample_weight=weight)
    for rated in (np.ones_like(y_true), csr_array(np.ones_like(y_true))):
        assert CASES[name].score(y_true, scores, sample_weight=weight, rated=rated) == plain


@every_metric
def test_a_row_without_rated_labels_and_a_label_without_rated_rows_are_not_there(name):
    y_true, scores = make_data(ties=True)
    rated = np.ones_like(y_true)
    rated[[3, 17]] = 0
    rated[:, [5, 29]] = 0
    rows, columns = rated.any(axis=1), rated.any(axis=0)
    if name.startswith("ps") or name == "map with absent labels":
        expected = twin_of(name, y_true, scores, rated)
    else:
        expected = CASES[name].score(y_true[rows][:, columns], scores[rows][:, columns])
    value = CASES[name].score(y_true, scores, rated=rated)
    assert value == pytest.approx(expected, abs=1e-14)


@every_metric
def test_scores_and_truths_of_other_pairs_say_nothing(name):
    if name.startswith("ps"):
        return  # its propensities come from all of y_true here
    y_true, scores = make_data()
    rng = np.random.default_rng(0)
    rated = rng.random(y_true.shape) < 0.5
    other = np.where(rated, scores, rng.normal(size=scores.shape) * 100)
    truth = np.where(rated, y_true, 1 - y_true)
    value = CASES[name].score(y_true, scores, rated=rated)
    assert CASES[name].score(truth, other, rated=rated) == value
    assert value != CASES[name].score(y_true, scores)


@every_metric
def test_order_of_rows_and_blocks_of_any_size(name, request):
    y_true, scores = make_data(ties=True)
    rng = np.random.default_rng(0)
    rated = rng.random(y_true.shape) < 0.3
    weight = rng.random(40)
    value = CASES[name].score(y_true, scores, rated=rated, sample_weight=weight)
    rows = rng.permutation(40)
    request.getfixturevalue("small_blocks")
    shuffled = CASES[name].score(
        y_true[rows], scores[rows], rated=csr_array(rated[rows]), sample_weight=weight[rows]
    )
    assert shuffled == value


@pytest.mark.parametrize("type_of", [np.int64, np.longdouble, object])
def test_wide_types_of_scores(type_of):
    y_true, scores = make_data(12, 9)
    ranks = np.unique(scores, return_inverse=True)[1].reshape(scores.shape)
    far = 10**30 if type_of is object else type_of(2**62)
    wide = ranks.astype(type_of) + far
    rated = np.random.default_rng(0).random(y_true.shape) < 0.6
    for case in CASES.values():
        assert case.score(y_true, wide, rated=rated) == case.score(y_true, scores, rated=rated)


def test_the_figure_of_the_segment_challenge():
    # Each class has its own few rated segments, and is ranked among them alone.
    rng = np.random.default_rng(0)
    rated = rng.random((200, 6)) < 0.1
    y_true = rated & (rng.random(rated.shape) < 0.5)
    scores = rng.random(rated.shape)
    precisions = []
    for label in range(6):
        rows = [row for row in range(200) if rated[row, label]]
        rows.sort(key=lambda row, label=label: -scores[row, label])
        hits = [bool(y_true[row, label]) for row in rows]
        found = [sum(hits[: place + 1]) / (place + 1) for place in range(len(hits)) if hits[place]]
        precisions.append(sum(found) / sum(hits))
    actual = mean_average_precision_score(y_true, scores, rated=rated)
    assert actual == pytest.approx(np.mean(precisions), abs=1e-12)
    assert average_precision_per_label(y_true, scores, rated=rated) == pytest.approx(precisions)
    assert actual > 1.5 * mean_average_precision_score(y_true, scores)


@pytest.mark.parametrize("form", ["sparse", "dense"])
def test_what_the_loaders_of_segments_give(tmp_path, form):
    rng = np.random.default_rng(0)
    features = {"rgb": 3}
    frames = [rng.integers(1, 256, (20, 3), dtype=np.uint8) for _ in range(6)]
    ratings = [
        [
            (start, label, rng.integers(2))
            for start in (0, 5, 10)
            for label in rng.permutation(4)[:2]
        ]
        for _ in frames
    ]
    path = tmp_path / "segments.tfrecord"
    ids = list("abcdef")
    zeros = np.zeros((6, 4), dtype=int)
    write_tfrecords(path, frames, zeros, ids, level="frame", features=features, segments=ratings)
    data = load_tfrecords(path, features=features, n_labels=4, return_indicator=form)
    assert data.target.shape == data.rated.shape == (18, 4)
    assert data.rated.sum() == 36
    scores = rng.random((18, 4))
    dense = [np.asarray(getattr(m, "toarray", lambda m=m: m)()) for m in (data.target, data.rated)]
    for name in ("gap@3", "hit@1", "map", "mrr"):
        value = CASES[name].score(data.target, scores, rated=data.rated)
        assert value == pytest.approx(twin_of(name, dense[0], scores, dense[1]), abs=1e-12)


def test_a_top_k_must_hold_the_rated_labels():
    y_true, scores = make_data()
    rated = np.zeros_like(y_true)
    rated[:, [3, 8]] = 1
    order = top_k_of(scores, 30)[0]
    place = max(int(np.flatnonzero(np.isin(row, [3, 8]))[-1]) for row in order)
    enough, short = top_k_of(scores, place + 1), top_k_of(scores, place)
    for metric in (gap_score, hit_at_k_score, mean_average_precision_score):
        expected = metric(y_true, scores, rated=rated)
        assert metric(y_true, enough, rated=rated) == expected
    message = rf"the top {place} of 30 labels, among which row \d+ has 1 of its 2 rated labels"
    with pytest.raises(ValueError, match=message):
        gap_score(y_true, short, rated=rated)


def test_reciprocal_ranks_from_a_top_k_that_holds_a_true_label():
    y_true, scores = make_data()
    y_true[np.arange(40), np.argsort(-scores, axis=1)[:, 2]] = 1
    rated = np.random.default_rng(0).random(y_true.shape) < 0.7
    rated[np.arange(40), np.argsort(-scores, axis=1)[:, 2]] = True
    for options in ({}, {"rated": rated}):
        expected = mean_reciprocal_rank_score(y_true, scores, **options)
        assert mean_reciprocal_rank_score(y_true, top_k_of(scores, 3), **options) == expected
    with pytest.raises(ValueError, match=r"row \d+ has no true label, so that its rank"):
        mean_reciprocal_rank_score(y_true, top_k_of(scores, 2))
    assert mean_reciprocal_rank_score(y_true, top_k_of(scores, 2), k=2) == (
        mean_reciprocal_rank_score(y_true, scores, k=2)
    )


def test_groups_of_the_label_reciprocal_rank():
    y_true, scores = make_data()
    rated = np.random.default_rng(0).random(y_true.shape) < 0.5
    rated[:10] = False
    groups = np.arange(40) // 10
    value = label_reciprocal_rank_score(y_true, scores, groups=groups, rated=rated)
    rest = slice(10, None)
    assert value == label_reciprocal_rank_score(
        y_true[rest], scores[rest], groups=groups[rest], rated=rated[rest]
    )


def at_once(y_true, scores, rated, weight=None):
    given = {"sample_weight": weight, "rated": rated}
    return {name: value_of(name, y_true, scores, **given) for name in NAMES}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("share", [0.03, 0.3, 1.0])
def test_streaming(share, weighted):
    y_true, scores = make_data(ties=True)
    rng = np.random.default_rng(0)
    rated = rng.random(y_true.shape) < share
    rated[20:30] = False
    weight = rng.random(40) if weighted else None
    evaluator = StreamingEvaluator(NAMES, propensities=PROPENSITIES)
    for start in (30, 0, 10, 20):
        rows = slice(start, start + 10)
        part = None if weight is None else weight[rows]
        form = csr_array if start else np.asarray
        evaluator.update(y_true[rows], scores[rows], part, rated=form(rated[rows]))
    assert evaluator.result() == at_once(y_true, scores, rated, weight)
    assert evaluator.update(y_true, scores, weight, rated=rated).n_samples == 80
    assert evaluator.result() == pytest.approx(at_once(y_true, scores, rated, weight), abs=1e-12)


def test_report():
    y_true, scores = make_data()
    rated = np.random.default_rng(0).random(y_true.shape) < 0.4
    rated[4] = False
    options = {"propensities": PROPENSITIES, "n_resamples": 40, "random_state": 0}
    report = evaluation_report(y_true, scores, metrics=NAMES, rated=csr_array(rated), **options)
    assert report.figures["value"].to_dict() == at_once(y_true, scores, rated)
    assert report.labels["positives"].tolist() == (y_true & rated).sum(axis=0).tolist()
    np.testing.assert_array_equal(
        report.labels["average_precision"], average_precision_per_label(y_true, scores, rated=rated)
    )
    assert f"{rated.sum()} rated labels of 39 samples; no others count" in report.text
    draws = np.random.RandomState(0)
    values = {name: [] for name in NAMES}
    for _ in range(40):
        rows = draws.randint(40, size=40)
        for name, value in at_once(y_true[rows], scores[rows], rated[rows]).items():
            values[name].append(value)
    for name in NAMES:
        shift = report.figures.loc[name, "value"] - np.mean(values[name])
        expected = np.clip(np.quantile(values[name], [0.025, 0.975]) + shift, 0, 1)
        actual = report.figures.loc[name, ["low", "high"]].tolist()
        assert actual == pytest.approx(expected, abs=1e-9)


def test_displays():
    y_true, scores = make_data()
    rated = np.random.default_rng(0).random(y_true.shape) < 0.4
    rated[4] = False
    weight = np.arange(40)
    given = {"sample_weight": weight, "rated": rated}
    curve = PooledPrecisionRecallDisplay.from_predictions(y_true, scores, k=5, **given)
    assert curve.gap == gap_score(y_true, scores, k=5, **given)
    area = np.sum(np.diff(curve.recall) * curve.precision[1:])
    assert area == pytest.approx(curve.gap, abs=1e-12)
    hits = HitAtKDisplay.from_predictions(y_true, scores, k=9, **given).hit
    assert hits.tolist() == [hit_at_k_score(y_true, scores, k=k, **given) for k in range(1, 10)]
    points = LabelAveragePrecisionDisplay.from_predictions(y_true, scores, rated=rated)
    np.testing.assert_array_equal(
        points.average_precision, average_precision_per_label(y_true, scores, rated=rated)
    )
    assert points.positives.tolist() == (y_true & rated).sum(axis=0).tolist()


@every_metric
def test_masks_that_are_refused(name):
    score = CASES[name].score
    y_true, scores = make_data()
    for rated, message in [
        (np.ones((40, 29)), "rated must have the shape of y_true, (40, 30), got (40, 29)"),
        (np.ones((39, 30)), "rated must have the shape of y_true, (40, 30), got (39, 30)"),
        (np.zeros((40, 30)), "rated must hold at least one pair"),
        (np.full((40, 30), 0.5), "rated must be an indicator matrix of 0 and 1, but row 0"),
        (np.ones(40), "rated must be an indicator matrix of shape (n_samples, n_labels)"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            score(y_true, scores, rated=rated)
    with pytest.raises(TypeError, match="rated must not be a masked array"):
        score(y_true, scores, rated=np.ma.array(np.ones((40, 30)), mask=False))
    rated = np.ones((40, 30), dtype=bool)
    rated[7] = False
    with pytest.raises(ValueError, match="0 for every row with a rated label"):
        score(y_true, scores, rated=rated, sample_weight=np.arange(40) == 7)
    names = [f"label {label}" for label in range(30)]
    frame = pd.DataFrame(y_true, columns=names)
    with pytest.raises(ValueError, match="rated and y_true must have the same column names"):
        score(frame, scores, rated=pd.DataFrame(rated, columns=names[::-1]))
    with pytest.raises(ValueError, match="y_score and y_true must have the same column names"):
        score(frame, pd.DataFrame(scores, columns=names[::-1]), rated=rated)


def test_every_metric_takes_the_mask():
    functions = [name for name in metrics.__all__ if name.endswith(("_score", "_per_label"))]
    assert len(functions) == 12
    for name in functions:
        assert "rated" in inspect.signature(getattr(metrics, name)).parameters
