"""The pictures: what they show, and scikit-learn's conventions for them."""

import inspect
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from metric_cases import make_data, top_k_of
from scipy.sparse import csr_array
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from sk_yt8m.metrics import (
    HitAtKDisplay,
    LabelAveragePrecisionDisplay,
    PooledPrecisionRecallDisplay,
    TrainingCurveDisplay,
    average_precision_per_label,
    gap_score,
    hit_at_k_score,
)

OF_PREDICTIONS = [PooledPrecisionRecallDisplay, HitAtKDisplay, LabelAveragePrecisionDisplay]


def inked(figure):
    """Return the share of a drawn figure that is not white."""
    figure.canvas.draw()
    return float(np.mean(np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=-1) < 250))


@pytest.mark.parametrize("display_of", OF_PREDICTIONS)
def test_conventions_of_displays(display_of):
    y_true, scores = make_data()
    display = display_of.from_predictions(csr_array(y_true), scores)
    assert display.ax_.figure is display.figure_
    assert inked(display.figure_) > 0.01
    assert display.ax_.get_xlabel()
    assert display.ax_.get_ylabel()
    assert display.ax_.get_legend() is not None
    _, ax = plt.subplots()
    given = display_of.from_predictions(y_true, scores, ax=ax, color="red", alpha=0.5)
    assert given.ax_ is ax
    drawn = getattr(given, "points_", None) or given.line_
    assert drawn.get_alpha() == 0.5
    n_artists = len(ax.get_children())
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert len(ax.get_children()) > n_artists


@pytest.mark.parametrize("display_of", OF_PREDICTIONS)
def test_a_classifier_gives_what_its_predictions_give(display_of):
    X, y = load_iris(return_X_y=True)
    Y = np.eye(3, dtype=int)[y]
    several = KNeighborsClassifier(60).fit(X, Y)
    scores = np.column_stack([proba[:, 1] for proba in several.predict_proba(X)])
    single = GaussianNB().fit(X, y)
    pairs = [
        (display_of.from_estimator(several, X, Y), display_of.from_predictions(Y, scores)),
        (
            display_of.from_estimator(single, X, y),
            display_of.from_predictions(Y, single.predict_proba(X)),
        ),
    ]
    for of_estimator, of_predictions in pairs:
        lines = of_estimator.line_.get_xydata(), of_predictions.line_.get_xydata()
        np.testing.assert_array_equal(*lines)


@pytest.mark.parametrize("display_of", OF_PREDICTIONS)
def test_both_constructors_have_the_same_defaults(display_of):
    of_estimator, of_predictions = (
        inspect.signature(constructor).parameters
        for constructor in (display_of.from_estimator, display_of.from_predictions)
    )
    options = list(of_estimator)[3:]
    assert options == list(of_predictions)[2:]
    shared = ["k", "sample_weight", "rated", "name", "ax", "kwargs"]
    assert [name for name in options if name != "frequencies"] == shared
    assert [of_estimator[name].default for name in options] == [
        of_predictions[name].default for name in options
    ]


@pytest.mark.parametrize("display_of", OF_PREDICTIONS)
def test_positional_arguments_are_named_as_in_scikit_learn(display_of):
    positional = [
        [name for name, one in parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD]
        for parameters in (
            inspect.signature(constructor).parameters
            for constructor in (display_of.from_estimator, display_of.from_predictions)
        )
    ]
    assert positional == [["estimator", "X", "y"], ["y_true", "y_score"]]


@pytest.mark.parametrize("options", [{}, {"k": 3}, {"rated": 0.5}, {"rated": 0.5, "k": 2}])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("display_of", OF_PREDICTIONS)
def test_both_constructors_say_the_same_of_many_labels(display_of, options):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(80, 5)), rng.integers(0, 2, (80, 40))
    model = MLPClassifier((8,), max_iter=2, random_state=0).fit(X, Y)
    options = dict(options)
    if "rated" in options:
        options["rated"] = rng.random(Y.shape) < options["rated"]
    one = display_of.from_estimator(model, X, Y, **options)
    other = display_of.from_predictions(Y, model.predict_proba(X), **options)
    np.testing.assert_array_equal(one.line_.get_xydata(), other.line_.get_xydata())
    points = [getattr(display, "points_", None) for display in (one, other)]
    if points[0] is not None:
        np.testing.assert_array_equal(*(point.get_offsets() for point in points))
    assert one.ax_.get_ylabel() == other.ax_.get_ylabel()


@pytest.mark.parametrize("display_of", OF_PREDICTIONS)
def test_names_in_the_legend(display_of):
    X, y = load_iris(return_X_y=True)
    model = GaussianNB().fit(X, y)
    display = display_of.from_estimator(model, X, y)
    display_of.from_estimator(model, X, y, name="bayes", ax=display.ax_)
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    first, second = (text for text in texts if "(" in text)
    assert first.startswith("GaussianNB (")
    assert second.startswith("bayes (")
    display.plot(name="new")
    assert display.ax_.get_legend().get_texts()[0].get_text().startswith("new (")


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [1, 5, 20])
def test_area_under_the_pooled_curve_is_gap(ties, weighted, k):
    y_true, scores = make_data(ties=ties)
    weight = np.arange(40) % 4 if weighted else None
    display = PooledPrecisionRecallDisplay.from_predictions(
        y_true, scores, k=k, sample_weight=weight
    )
    recall, precision = display.line_.get_data()
    assert display.line_.get_drawstyle() == "steps-pre"
    gap = gap_score(y_true, scores, k=k, sample_weight=weight)
    assert np.sum(np.diff(recall) * precision[1:]) == pytest.approx(gap, abs=1e-12)
    assert display.gap == gap
    assert f"GAP@{k} = {gap:.4f}" in display.line_.get_label()
    assert (np.diff(recall) >= 0).all()


def test_hits_are_hit_at_k_of_every_k():
    y_true, scores = make_data()
    weight = np.arange(40)
    display = HitAtKDisplay.from_predictions(y_true, scores, k=9, sample_weight=weight)
    expected = [hit_at_k_score(y_true, scores, k=k, sample_weight=weight) for k in range(1, 10)]
    assert display.hit.tolist() == expected
    assert display.line_.get_xydata().tolist() == [[k + 1, hit] for k, hit in enumerate(expected)]


def test_a_second_lower_curve_of_hits_is_inside_the_axes():
    y_true, scores = make_data()
    first = HitAtKDisplay.from_predictions(y_true, y_true - 0.01 * scores)
    second = HitAtKDisplay.from_predictions(y_true, scores, ax=first.ax_)
    low, high = first.ax_.get_ylim()
    for display in (first, second):
        assert low < display.hit.min() <= display.hit.max() < high
    assert second.hit.min() < first.hit.min() / 2


def test_points_are_the_labels_with_a_positive():
    y_true, scores = make_data()
    y_true[:, 5] = 0
    display = LabelAveragePrecisionDisplay.from_predictions(y_true, scores)
    precisions = average_precision_per_label(y_true, scores)
    shown = ~np.isnan(precisions)
    assert not shown[5]
    expected = np.column_stack([y_true.sum(axis=0), precisions])[shown]
    np.testing.assert_allclose(display.points_.get_offsets(), expected)
    frequencies = np.arange(30)
    trained = LabelAveragePrecisionDisplay.from_predictions(
        y_true, top_k_of(scores, 20), k=20, frequencies=frequencies
    )
    shown &= frequencies > 0
    expected = np.column_stack([frequencies, average_precision_per_label(y_true, scores, k=20)])[
        shown
    ]
    np.testing.assert_allclose(trained.points_.get_offsets(), expected)


def test_weights_of_label_points_are_repeated_samples():
    y_true, scores = make_data()
    weight = np.arange(40) % 3
    once = LabelAveragePrecisionDisplay.from_predictions(y_true, scores, sample_weight=weight)
    rows = np.repeat(np.arange(40), weight)
    twice = LabelAveragePrecisionDisplay.from_predictions(y_true[rows], scores[rows])
    np.testing.assert_allclose(once.points_.get_offsets(), twice.points_.get_offsets())
    equal = LabelAveragePrecisionDisplay.from_predictions(y_true, scores, sample_weight=[3] * 40)
    np.testing.assert_array_equal(equal.positives, y_true.sum(axis=0))


def test_means_of_labels_of_like_frequency():
    display = LabelAveragePrecisionDisplay(np.array([0.5, 1, 0, 0.2]), np.array([1, 2, 3, 8]))
    assert display.plot().line_.get_ydata().tolist() == pytest.approx([0.5, 0.5, 0.2])
    assert display.line_.get_xdata().tolist() == pytest.approx([1, 6**0.5, 8])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_curve_of_a_classifier_with_and_without_validation():
    X, y = load_iris(return_X_y=True)
    plain = MLPClassifier((5,), max_iter=20, random_state=0)
    watched = MLPClassifier((5,), max_iter=20, early_stopping=True, random_state=0)
    for model in (plain, watched):
        model.fit(X, y)
        display = TrainingCurveDisplay.from_estimator(model)
        assert display.line_.get_ydata().tolist() == model.loss_curve_
        assert display.line_.get_xdata().tolist() == list(range(1, model.n_iter_ + 1))
        assert inked(display.figure_) > 0.01
    scores = watched.validation_scores_
    assert display.score_line_.get_ydata().tolist() == scores
    assert f"best {max(scores):.4f}" in display.score_line_.get_label()
    assert display.score_ax_.get_ylabel() == "Validation score"
    assert TrainingCurveDisplay.from_estimator(plain).score_line_ is None
    with pytest.raises(ValueError, match="this GaussianNB has no loss_curve_"):
        TrainingCurveDisplay.from_estimator(GaussianNB())


def test_frequencies_of_another_number_of_labels():
    y_true, scores = make_data()
    with pytest.raises(
        ValueError, match=r"frequencies must have shape \(30,\), one value for each label"
    ):
        LabelAveragePrecisionDisplay.from_predictions(y_true, scores, frequencies=[1, 2])


def test_bad_k():
    y_true, scores = make_data()
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        HitAtKDisplay.from_predictions(y_true, scores, k=0)
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got -2"):
        PooledPrecisionRecallDisplay.from_predictions(y_true, scores, k=-2)


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    y_true, scores = make_data()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "sk-yt8m\[plot\]"'):
        HitAtKDisplay.from_predictions(y_true, scores)


def test_a_scatter_within_one_decade_has_whole_numbers_that_do_not_overlap():
    display = LabelAveragePrecisionDisplay(np.array([0.5, 0.7, 0.9]), np.array([42, 50, 57])).plot()
    display.figure_.canvas.draw()
    axis = display.ax_.xaxis
    low, high = display.ax_.get_xlim()
    ticks = axis.get_ticklabels()
    shown = [one.get_text() for one in ticks if low <= one.get_position()[0] <= high]
    assert 2 <= len(shown) <= 6
    assert all(text.isdigit() for text in shown)
    assert axis.get_minorticklocs().size == 0
    assert [one.get_alpha() for one in display.ax_.get_legend().legend_handles] == [1, 1]
