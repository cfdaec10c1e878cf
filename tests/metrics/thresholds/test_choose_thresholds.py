"""Thresholds: those of the slow twin, and what they select."""

import math
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import reference
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from metric_cases import make_data, problems, top_k_of
from sklearn.metrics import f1_score

from sk_yt8m import SparseIndicator, TopK
from sk_yt8m.metrics import choose_thresholds

OBJECTIVES = st.one_of(st.none(), st.sampled_from([0.2, 0.5, 2 / 3, 0.75, 1.0]))


def chosen(y_true, y_score, min_precision=None, **options):
    """Return the thresholds as the twin does: None where there is no true label to find."""
    objective = "f1" if min_precision is None else "precision"
    options |= {"objective": objective, "min_precision": min_precision}
    options.setdefault("min_positives", 1)
    try:
        return np.asarray(choose_thresholds(y_true, y_score, **options)).tolist()
    except ValueError as error:
        if "y_true must hold a true label" in str(error):
            return None
        if "no threshold reaches" in str(error):
            return math.inf
        raise


def twin(*args, **options):
    result = reference.thresholds(*args, **options)
    return None if isinstance(result, list) and None in result else result


@given(
    problems(),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 16)),
    OBJECTIVES,
    st.integers(1, 4),
    st.one_of(st.none(), st.randoms(use_true_random=False)),
)
def test_the_slow_twin(problem, per_label, k, min_precision, min_positives, random):
    y_true, scores = problem
    weights = None if random is None else [random.randint(0, 3) for _ in y_true]
    if weights and not any(weights):
        weights[0] = 2
    options = {"per_label": per_label, "k": k, "min_precision": min_precision}
    options["min_positives"] = min_positives
    expected = twin(y_true.tolist(), scores.tolist(), weights=weights, **options)
    options["sample_weight"] = weights
    assert chosen(y_true, scores, **options) == expected
    n_listed = scores.shape[1] if k is None else min(k, scores.shape[1])
    assert chosen(y_true, top_k_of(scores, n_listed), **options) == expected
    order = np.arange(len(y_true))[::-1]
    if weights:
        options["sample_weight"] = weights[::-1]
    assert chosen(sp.csr_array(y_true[order]), scores[order], **options) == expected


@given(problems(max_labels=6), st.booleans(), OBJECTIVES, st.randoms(use_true_random=False))
def test_pairs_that_were_not_rated_are_left_out(problem, per_label, min_precision, random):
    y_true, scores = problem
    rated = [[random.randint(0, 1) for _ in row] for row in y_true]
    rated[0][0] = 1
    given = reference.of_rated(y_true.tolist(), scores.tolist(), rated)[:2]
    expected = twin(*given, per_label=per_label, min_precision=min_precision)
    options = {"per_label": per_label, "min_precision": min_precision, "rated": rated}
    assert chosen(y_true, scores, **options) == expected
    assert chosen(y_true, scores, k=10, **options) == expected


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("rated", [None, np.tile([[1, 1, 0]], (40, 10))])
@pytest.mark.parametrize("weight", [None, np.arange(40) % 3])
@pytest.mark.parametrize("min_precision", [None, 0.3])
def test_many_blocks(min_precision, weight, rated):
    y_true, scores = make_data(ties=True)
    weights = None if weight is None else weight.tolist()
    expected_of = y_true.tolist(), scores.tolist(), weights
    if rated is not None:
        expected_of = reference.of_rated(y_true.tolist(), scores.tolist(), rated.tolist(), weights)
    for per_label in (False, True):
        options = {"per_label": per_label, "min_precision": min_precision}
        expected = reference.thresholds(*expected_of[:2], weights=expected_of[2], **options)
        options |= {"sample_weight": weight, "rated": rated}
        assert chosen(y_true, scores, **options) == expected


def test_the_f1_is_that_of_scikit_learn():
    y_true, scores = make_data(seed=3)
    threshold = choose_thresholds(y_true, scores)
    values = {t: f1_score(y_true, scores >= t, average="micro") for t in np.unique(scores)}
    assert values[np.float32(threshold)] == max(values.values())
    of_labels = choose_thresholds(y_true, scores, per_label=True, min_positives=1)
    for label in np.flatnonzero(y_true.any(axis=0)):
        truth, column = y_true[:, label], scores[:, label]
        best = max(f1_score(truth, column >= t) for t in column)
        assert f1_score(truth, column >= of_labels[label]) == best


def test_worked_cases():
    y_true, scores = [[1, 0, 0], [0, 1, 0], [1, 1, 0]], [[9, 5, 1], [8, 7, 2], [6, 4, 3]]
    # From 4 on: 4 true labels and 2 wrong ones, F1 = 8 / (6 + 4).
    assert choose_thresholds(y_true, scores) == 4
    assert choose_thresholds(y_true, scores, objective="precision", min_precision=0.75) == 6
    # The two best of each sample: the last one lacks nothing, so the same.
    assert choose_thresholds(y_true, scores, k=2) == 4
    # The best of each sample: 9 and 6 are true, 8 is not: 2 / (1 + 4) and 4 / (3 + 4).
    assert choose_thresholds(y_true, scores, k=1) == 6
    of_labels = choose_thresholds(y_true, scores, per_label=True, k=1, min_positives=1)
    # Label 1 is never the best of a sample where it is true, label 2 is never true.
    assert of_labels.tolist() == [6, 6, 6]


def test_labels_with_few_true_pairs_have_the_common_threshold():
    y_true, scores = make_data(seed=1)
    common = choose_thresholds(y_true, scores)
    own = choose_thresholds(y_true, scores, per_label=True, min_positives=1)
    given = choose_thresholds(y_true, scores, per_label=True, min_positives=np.int64(4))
    many = y_true.sum(axis=0) >= 4
    assert 0 < many.sum() < 30
    np.testing.assert_array_equal(given, np.where(many, own, common))
    assert (own != common)[~many].any()
    once, often = [[1, 0]] + [[0, 1]] * 9, [[1, 0]] + [[0, 1]] * 10
    for y_true, expected in ((once, [0.5, 0.5]), (often, [0.5, 0.75])):
        scores = np.where(y_true, [0.5, 0.75], 0.25)
        assert choose_thresholds(y_true, scores, per_label=True).tolist() == expected


def test_of_equal_f1_the_highest_threshold():
    # 2 / (1 + 3) and 4 / (5 + 3) are both 1/2.
    assert choose_thresholds([[1, 0, 0, 0, 1, 1]], [[6, 5, 4, 3, 2, 1]], k=5) == 6


def test_a_precision_that_is_not_reached():
    y_true, scores = [[1, 0], [0, 1], [1, 0]], [[0.5, 0.9], [0.75, 0.1], [0.25, 0.3]]
    options = {"objective": "precision", "min_precision": 0.9, "min_positives": 1}
    with pytest.raises(ValueError, match=re.escape("highest precision is 0.5, from the score 0.1")):
        choose_thresholds(y_true, scores, **options)
    assert choose_thresholds(y_true, scores, per_label=True, **options).tolist() == [np.inf] * 2
    y_true.append([1, 0])
    scores.append([0.8, 0.0])
    assert choose_thresholds(y_true, scores, per_label=True, **options).tolist() == [0.8, np.inf]


def test_an_exact_precision_is_reached():
    y_true = [[1, 1, 0, 1, 1, 0, 1, 0, 0, 0]]
    scores = [list(range(10, 0, -1))]
    assert choose_thresholds(y_true, scores, objective="precision", min_precision=0.8) == 6
    weight = np.array([0.1, 0.7, 0.3])
    for part in (1.0, np.float64(1)):
        options = {"objective": "precision", "min_precision": part, "sample_weight": weight}
        assert choose_thresholds(np.eye(3), np.eye(3), **options) == 1.0


FORMS = {
    "lists": (lambda y: y.tolist(), lambda s: s.tolist()),
    "CSR": (sp.csr_array, np.asarray),
    "SparseIndicator": (lambda y: SparseIndicator(sp.csr_array(y)), np.asfortranarray),
    "frames": (pd.DataFrame, pd.DataFrame),
    "nullable": (lambda y: pd.DataFrame(y).astype("boolean"), lambda s: pd.DataFrame(s)),
    "float64": (lambda y: y.astype(float), lambda s: s.astype(np.float64)),
    "TopK": (np.asarray, lambda s: TopK(*top_k_of(s, 30))),
    "tuple": (sp.csc_matrix, lambda s: tuple(part.tolist() for part in top_k_of(s, 30))),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("per_label", [False, True])
def test_forms(form, per_label):
    y_true, scores = make_data(ties=True)
    y_form, s_form = FORMS[form]
    for k in (None, 4):
        options = {"per_label": per_label, "k": k, "min_positives": 3}
        expected = choose_thresholds(y_true, scores, **options)
        actual = choose_thresholds(y_form(y_true), s_form(scores), **options)
        np.testing.assert_array_equal(actual, expected)
        assert type(actual) is (np.ndarray if per_label else float)
    if per_label:
        assert (expected.shape, expected.dtype) == ((30,), np.float64)


def test_integer_scores_and_negative_zero():
    assert choose_thresholds([[1, 0]], [[2**40, 2**41]]) == 2**40
    assert choose_thresholds([[1, 0]], np.array([[0, -3]], dtype=np.int8)) == 0
    assert math.copysign(1, choose_thresholds([[1, 0]], [[-0.0, -3]])) == 1
    assert choose_thresholds([[1, 0]], [[np.inf, 2]]) == np.inf
    assert choose_thresholds([[1, 1]], [[-np.inf, 2]]) == -np.inf


@pytest.mark.parametrize(
    ("scores", "k"),
    [
        ([[2**60 + 1, 2**60]], None),
        ([[2**60 + 1, 2**60]], 1),
        ([[Fraction(1, 3), Fraction(1, 4)]], None),
        (([[0, 1]], [[Fraction(1, 3), Fraction(1, 4)]]), None),
    ],
)
@pytest.mark.parametrize("per_label", [False, True])
def test_scores_that_float64_cannot_hold(scores, k, per_label):
    with pytest.raises(ValueError, match="y_score must hold numbers that float64 holds"):
        choose_thresholds([[1, 0]], scores, k=k, per_label=per_label)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "f2"}, "objective must be 'f1' or 'precision', got 'f2'"),
        ({"min_precision": 0.5}, "min_precision must be None with objective='f1', got 0.5"),
        ({"objective": "precision"}, "above 0 and at most 1 with objective='precision', got None"),
        ({"objective": "precision", "min_precision": 0}, "got 0"),
        ({"objective": "precision", "min_precision": 1.5}, "got 1.5"),
        ({"objective": "precision", "min_precision": np.nan}, "got nan"),
        ({"objective": "precision", "min_precision": True}, "got True"),
        ({"objective": "precision", "min_precision": "0.5"}, "got '0.5'"),
        ({"min_positives": 0}, "min_positives must be an integer of at least 1, got 0"),
        ({"k": 0}, "k must be an integer of at least 1, got 0"),
        ({"sample_weight": [0, 1]}, "must hold a true label, of a sample whose weight is not 0"),
        ({"rated": [[0, 1, 1], [1, 1, 1]]}, "must hold a true label"),
    ],
)
@pytest.mark.parametrize("per_label", [False, True])
def test_bad_arguments(options, message, per_label):
    y_true, scores = [[1, 0, 0], [0, 0, 0]], [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]
    with pytest.raises(ValueError, match=re.escape(message)):
        choose_thresholds(y_true, scores, per_label=per_label, **options)


@pytest.mark.parametrize("per_label", [False, True])
def test_bad_scores_and_labels(per_label):
    y_true, scores = [[1, 0, 0], [0, 0, 0]], np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    with pytest.raises(ValueError, match="a true label among the k=2 best of its sample"):
        choose_thresholds(y_true, scores, k=2, per_label=per_label)
    with pytest.raises(ValueError, match="y_true must hold a true label"):
        choose_thresholds(np.zeros((2, 3)), scores, per_label=per_label)
    with pytest.raises(ValueError, match="the top 3 are needed where k is None"):
        choose_thresholds(y_true, top_k_of(scores, 2), per_label=per_label)
    with pytest.raises(ValueError, match="y_score must have the shape of y_true"):
        choose_thresholds(y_true, scores[:, :2], per_label=per_label)
    with pytest.raises(ValueError, match="found one at row 1, label 2"):
        choose_thresholds(y_true, np.where(scores == scores[1, 2], [0, 0, np.nan], scores))
    with pytest.raises(TypeError, match="y_score must not be a masked array"):
        choose_thresholds(y_true, np.ma.masked_less(scores, 0.2), per_label=per_label)
