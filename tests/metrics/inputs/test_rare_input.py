"""Input that is rare but allowed, or wrong in a way that is easily overlooked."""

import re

import numpy as np
import pandas as pd
import pytest
import reference
import sklearn
from metric_cases import CASES, make_data, top_k_of
from scipy.sparse import bsr_array, coo_array, csc_array, dia_array, lil_array
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_yt8m import AveragingClassifier, DeepMultiLabelClassifier
from sk_yt8m.metrics import (
    HitAtKDisplay,
    LabelAveragePrecisionDisplay,
    PooledPrecisionRecallDisplay,
    StreamingEvaluator,
    average_precision_per_label,
    evaluation_report,
    gap_score,
    gap_scorer,
    get_scorer,
    hit_at_k_score,
    label_propensities,
    label_reciprocal_rank_score,
    psndcg_at_k_score,
    psp_at_k_score,
)

every_metric = pytest.mark.parametrize("name", CASES)


@every_metric
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, object])
@pytest.mark.parametrize("masked", [False, True])
def test_a_top_k_with_equal_scores_in_any_order(name, dtype, masked):
    y_true, scores = make_data(ties=True)
    ranks = np.unique(scores, return_inverse=True)[1].reshape(scores.shape).astype(dtype)
    options = {"rated": np.random.default_rng(0).random(y_true.shape) < 0.5} if masked else {}
    # The reverse order of a rising stable sort: of equal scores the higher label first.
    indices = np.argsort(ranks, axis=1, kind="stable")[:, ::-1]
    top = indices, np.take_along_axis(ranks, indices, axis=1)
    before = [part.copy() for part in top]
    assert CASES[name].score(y_true, top, **options) == CASES[name].score(y_true, ranks, **options)
    assert all((part == old).all() for part, old in zip(top, before, strict=True))


def test_reports_and_streaming_of_a_top_k_with_equal_scores_in_any_order():
    y_true, scores = make_data(ties=True)
    indices = np.argsort(scores, axis=1, kind="stable")[:, ::-1]
    top = indices, np.take_along_axis(scores, indices, axis=1)
    names = ["hit@1", "mrr", "mrr@2", "perr", "precision@3"]
    figures = [
        evaluation_report(y_true, given, metrics=names, n_resamples=5, random_state=0).figures
        for given in (top, scores)
    ]
    pd.testing.assert_frame_equal(*figures)
    streamed = [StreamingEvaluator(names).update(y_true, given) for given in (top, scores)]
    assert streamed[0].result() == streamed[1].result()


@pytest.mark.parametrize("smallest", [5e-324, 1e-308, 1e-300])
def test_propensities_near_0(smallest):
    y_true, scores = make_data()
    chance = np.full(30, smallest)
    for metric in (psp_at_k_score, psndcg_at_k_score):
        expected = metric(y_true, scores, propensities=np.full(30, 0.25))
        assert metric(y_true, scores, propensities=chance) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("propensities", "message"),
    [
        (["0.5"] * 30, "propensities must hold real numbers, got dtype <U3"),
        (np.array(["0.5"] * 30, dtype=object), "propensities must hold real numbers"),
        ([0.5j] * 30, "propensities must hold real numbers"),
        ([0.5] * 29 + [pd.NA], "propensities must hold real numbers"),
        ([0.5] * 29 + [None], "propensities must lie in (0, 1]; label 29 has nan"),
        ([0.5] * 29, "propensities must have shape (30,), one value for each label; got (29,)"),
        ([0.5] * 29 + [1.1], "propensities must lie in (0, 1]; label 29 has 1.1"),
        ([0.5] * 29 + [0], "propensities must lie in (0, 1]; label 29 has 0.0"),
    ],
)
def test_propensities_that_are_refused(propensities, message):
    y_true, scores = make_data()
    for metric in (psp_at_k_score, psndcg_at_k_score):
        with pytest.raises(ValueError, match=re.escape(message)):
            metric(y_true, scores, propensities=propensities)
    # At the first batch, and not after the last.
    with pytest.raises(ValueError, match=re.escape(message)):
        StreamingEvaluator(["psp@1"], propensities=propensities).update(y_true, scores)


def test_propensities_of_a_curve_without_offset():
    assert label_propensities(np.ones((9, 2)), b=0) == pytest.approx(
        reference.propensities([[1, 1]] * 9, b=0)
    )
    assert label_propensities([[1, 0]], b=0).tolist() == [1, 1]
    message = "give label 1, which 0 samples have, no propensity above 0"
    with pytest.raises(ValueError, match=message):
        label_propensities(np.tile([1, 0], (9, 1)), b=0)
    with pytest.raises(ValueError, match="no propensity above 0"):
        label_propensities(np.eye(9), a=1000)
    with pytest.raises(ValueError, match="a must be a finite number"):
        label_propensities(np.eye(9), a="1")


@pytest.mark.parametrize(
    "names",
    [["a", None], [1, "1"], [("f", 1), ("f", 2)], np.array(["1", 1], dtype=object), [True, 2.5]],
)
def test_groups_of_any_objects(names):
    y_true, scores = make_data()
    numbers = np.arange(40) % 3 % 2
    groups = np.empty(40, dtype=object)
    for row, number in enumerate(numbers):
        groups[row] = names[number]
    expected = label_reciprocal_rank_score(y_true, scores, groups=numbers)
    assert label_reciprocal_rank_score(y_true, scores, groups=groups) == expected
    if not isinstance(names[0], tuple):
        assert label_reciprocal_rank_score(y_true, scores, groups=groups.tolist()) == expected


@pytest.mark.parametrize("names", [list("abc") + [None] * 27, range(30), [float("nan")] * 30])
def test_vocabularies_whose_names_are_no_strings(names):
    y_true, scores = make_data()
    vocabulary = pd.DataFrame({"name": names})
    report = evaluation_report(y_true, scores, vocabulary=vocabulary, n_resamples=0)
    expected = [str(i if pd.isna(name) else name) for i, name in enumerate(vocabulary["name"])]
    assert report.labels["name"].tolist() == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "label 4 has nan"),
        (np.inf, "label 4 has inf"),
        (-1, "label 4 has -1.0"),
        ("1", "must hold real numbers"),
    ],
)
def test_frequencies_that_are_refused(value, message):
    y_true, scores = make_data()
    frequencies = np.ones(30, dtype=object)
    frequencies[4] = value
    with pytest.raises(ValueError, match=f"frequencies .*{message}"):
        LabelAveragePrecisionDisplay.from_predictions(y_true, scores, frequencies=frequencies)


def test_weights_that_are_strings_among_objects():
    y_true, scores = make_data()
    with pytest.raises(ValueError, match="sample_weight must hold real numbers"):
        gap_score(y_true, scores, sample_weight=np.array(["1"] * 40, dtype=object))


def test_streaming_of_columns_that_do_not_fit():
    y_true, scores = make_data()
    evaluator = StreamingEvaluator(["hit@1"]).update(y_true, pd.DataFrame(scores))
    with pytest.raises(ValueError, match="y_score must have the shape of y_true"):
        evaluator.update(y_true, pd.DataFrame(scores[:, :4]))
    with pytest.raises(ValueError, match="column 0 is 29 in y_score and 0 in the samples before"):
        evaluator.update(y_true, pd.DataFrame(scores).iloc[:, ::-1])
    assert evaluator.n_samples == 40


def rated_in_a_top_k():
    """Return data of which a top 12 holds the best rated label of each row, but not all of them."""
    y_true, scores = make_data()
    top = top_k_of(scores, 12)
    rated = np.zeros_like(y_true)
    rated[:, [1, 2, 5, 9, 20]] = 1
    np.put_along_axis(rated, top[0][:, :1], 1, axis=1)
    return y_true, scores, top, rated


def test_a_report_of_the_rated_labels_of_a_short_top_k():
    y_true, scores, top, rated = rated_in_a_top_k()
    options = {"rated": rated, "n_resamples": 0}
    report = evaluation_report(y_true, top, metrics=["hit@1"], **options)
    assert report.figures.loc["hit@1", "value"] == hit_at_k_score(y_true, scores, rated=rated)
    listed = np.zeros_like(rated)
    np.put_along_axis(listed, top[0], 1, axis=1)
    expected = [
        reference.average_precision(
            [(scores[i, j], bool(y_true[i, j]), 1) for i in range(40) if (listed & rated)[i, j]],
            (y_true & rated)[:, j].sum(),
        )
        for j in range(30)
    ]
    present = (y_true & rated).any(axis=0)
    actual = report.labels["average_precision"].to_numpy()
    assert np.isnan(actual[~present]).all()
    assert actual[present] == pytest.approx(np.array(expected)[present], abs=1e-12)
    # The figures for which too few rated labels are listed are left out, as the text says.
    headlines = evaluation_report(y_true, top, **options)
    assert "hit@1" in headlines.figures.index
    assert "gap@20" not in headlines.figures.index
    assert "because they need the scores of more labels: gap@20" in headlines.text
    with pytest.raises(ValueError, match=r"'gap@20' needs .* of the rated ones"):
        evaluation_report(y_true, top, metrics=["gap@20"], **options)


def test_a_report_of_a_top_k_that_holds_all_rated_labels():
    y_true, scores = make_data()
    top = top_k_of(scores, 8)
    rated = np.zeros_like(y_true)
    np.put_along_axis(rated, top[0][:, 2:5], 1, axis=1)
    options = {"rated": rated, "n_resamples": 4, "random_state": 0}
    actual, expected = (evaluation_report(y_true, given, **options) for given in (top, scores))
    pd.testing.assert_frame_equal(actual.figures, expected.figures)
    pd.testing.assert_frame_equal(actual.labels, expected.labels)


def test_the_hit_display_of_a_top_k_ends_where_that_of_all_scores_does():
    y_true, scores = make_data()
    rated = np.zeros_like(y_true)
    rated[:, [1, 2, 5]] = 1
    displays = [
        HitAtKDisplay.from_predictions(y_true, given, rated=rated)
        for given in (scores, top_k_of(scores, 30))
    ]
    for display in displays:
        assert display.line_.get_xdata().tolist() == [1, 2, 3]
    assert displays[0].hit.tolist() == displays[1].hit.tolist()


@pytest.fixture(scope="module")
def learned():
    """Return samples, a DataFrame of labels, and a classifier that has learned them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    Y = pd.DataFrame((X @ rng.normal(size=(5, 4)) > 0).astype(int), columns=list("abcd"))
    clf = DeepMultiLabelClassifier(hidden_layer_sizes=(8,), max_iter=2, random_state=0)
    return X, Y, clf.fit(X, Y)


def wrapped(X, Y, clf):
    search = GridSearchCV(clf, {"max_iter": [2]}, scoring=gap_scorer, cv=2)
    return {
        "classifier": clf,
        "pipeline": make_pipeline(StandardScaler(), clf).fit(X, Y),
        "search": search.fit(X, Y),
        "average": AveragingClassifier([("one", clf), ("two", clf)]).fit(X, Y),
    }


def test_columns_of_rated_that_are_not_those_learned(learned):
    X, Y, _ = learned
    rated = pd.DataFrame(np.tile([1, 1, 0, 0], (60, 1)), columns=Y.columns)
    message = "The label names of rated should match.*column 0 is 'd', expected 'a'"
    for estimator in wrapped(*learned).values():
        with sklearn.config_context(enable_metadata_routing=True):
            scorer = get_scorer("hit@1").set_score_request(rated=True)
            expected = scorer(estimator, X, Y, rated=rated)
            assert scorer(estimator, X, Y.to_numpy(), rated=rated) == expected
            with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)):
                scorer(estimator, X, Y.to_numpy(), rated=rated[list("dcba")])
        for display in (HitAtKDisplay, LabelAveragePrecisionDisplay, PooledPrecisionRecallDisplay):
            with pytest.raises(ValueError, match=re.compile(message, re.DOTALL)):
                display.from_estimator(estimator, X, Y.to_numpy(), rated=rated[list("dcba")])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_column_of_classes(learned, n_classes):
    X, _, clf = learned
    y = np.arange(60) % n_classes
    fitted = sklearn.clone(clf).fit(X, y)
    expected = gap_scorer(fitted, X, y)
    forms = y[:, None], pd.DataFrame({"y": y}), pd.DataFrame({"y": y}).astype("Int64")
    for form in forms:
        assert gap_scorer(fitted, X, form) == expected
        curve = PooledPrecisionRecallDisplay.from_estimator(fitted, X, form)
        assert curve.gap == expected
    assert np.isfinite(cross_val_score(clf, X, forms[1]["y"], scoring=gap_scorer, cv=2)).all()


@pytest.mark.parametrize("form", [bsr_array, coo_array, csc_array, dia_array, lil_array])
def test_sparse_features_of_every_format(learned, form):
    X, Y, clf = learned
    for estimator in (clf, KNeighborsClassifier(algorithm="brute").fit(X, Y)):
        for name in ("gap@20", "map"):
            expected = get_scorer(name)(estimator, X, Y)
            assert get_scorer(name)(estimator, form(X), Y) == pytest.approx(expected, abs=1e-9)


def test_average_precision_of_labels_of_a_rated_top_k():
    y_true, scores, _, rated = rated_in_a_top_k()
    full = average_precision_per_label(y_true, scores, rated=rated)
    np.testing.assert_array_equal(
        full, average_precision_per_label(y_true, top_k_of(scores, 30), rated=rated)
    )
