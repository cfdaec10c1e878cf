"""Bad input is refused with a message that says what and where."""

import re

import numpy as np
import pandas as pd
import pytest
from metric_cases import CASES, make_data, top_k_of
from scipy.sparse import coo_array, csr_array

from sk_yt8m.metrics import (
    gap_score,
    hit_at_k_score,
    label_reciprocal_rank_score,
    make_top_k_scorer,
    mean_average_precision_score,
    precision_at_equal_recall_rate_score,
)

all_metrics = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@pytest.fixture(params=[False, True], ids=["one block", "many blocks"])
def blocks(request):
    if request.param:
        request.getfixturevalue("small_blocks")


def expect(message):
    return pytest.raises(ValueError, match=re.escape(message))


@all_metrics
def test_shapes_that_differ(case):
    y_true, scores = make_data()
    with expect("y_score must have the shape of y_true, (40, 30)"):
        case.score(y_true, scores[:, :-1])
    with expect("got shape (39, 30)"):
        case.score(y_true, scores[1:])
    with expect("y_true has 40 rows, but y_score has 39"):
        case.score(y_true, top_k_of(scores[1:], 30))
    with expect("got shape (40,)"):
        case.score(y_true, scores[:, 0])


@pytest.mark.usefixtures("blocks")
@all_metrics
def test_nan_among_dense_scores(case):
    y_true, scores = make_data(n_samples=70, n_labels=50)
    scores[57, 31] = np.nan
    with expect("found one at row 57, label 31"):
        case.score(y_true, scores)
    with expect("found one at row 57, label 31"):
        case.score(y_true, pd.DataFrame(scores))


@pytest.mark.usefixtures("blocks")
@all_metrics
def test_nan_among_the_top_k(case):
    y_true, scores = make_data()
    indices, best = top_k_of(scores, 30)
    best[7, 4] = np.nan
    with expect(f"found one at row 7, label {indices[7, 4]}"):
        case.score(y_true, (indices, best))


@all_metrics
@pytest.mark.parametrize("value", [2, -1, 0.5, np.nan, np.inf])
def test_y_true_that_is_no_indicator(case, value):
    y_true, scores = make_data()
    y_true = y_true.astype(float)
    y_true[11, 5] = value
    message = f"y_true must be an indicator matrix of 0 and 1, but row 11, column 5 holds {value}"
    for form in (np.asarray, csr_array, pd.DataFrame, lambda y: y.astype(object)):
        with expect(message):
            case.score(form(y_true), scores)


@pytest.mark.usefixtures("blocks")
@all_metrics
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64])
def test_integers_other_than_0_and_1(case, dtype):
    y_true, scores = make_data()
    y_true = y_true.astype(dtype)
    y_true[39, 29] = 3
    with expect("row 39, column 29 holds 3"):
        case.score(y_true, scores)


def test_a_positive_listed_twice_in_sparse_y_true():
    twice = coo_array(([1, 1], ([1, 1], [2, 2])), shape=(3, 4)).tocsr()
    doubled = csr_array((np.array([1, 1]), np.array([2, 2]), np.array([0, 0, 2, 2])), shape=(3, 4))
    for y_true in (twice, doubled):
        with expect("row 1, column 2 holds 2"):
            gap_score(y_true, np.zeros((3, 4)))


@pytest.mark.parametrize(
    ("y_true", "message"),
    [
        ([0, 1, 1], "got an array of shape (3,). For 1-d classes see"),
        (np.zeros((0, 4)), "at least one row and one label, got shape (0, 4)"),
        (csr_array((3, 0)), "at least one row and one label, got shape (3, 0)"),
        (np.array([["a", "b"]]), "write SparseIndicator.from_tags(y_true)"),
        (np.zeros((2, 3), dtype="M8[s]"), "y_true has dtype datetime64[s]: expected an indicator"),
        (np.zeros((2, 2, 2)), "got an array of shape (2, 2, 2)"),
        (pd.Series([0, 1]), "got an array of shape (2,)"),
        (None, "got an array of shape ()"),
    ],
)
def test_y_true_of_the_wrong_kind(y_true, message):
    with expect(message):
        gap_score(y_true, np.zeros((1, 2)))


@pytest.mark.parametrize("k", [0, -3, 2.5, "20", None, True])
def test_k_below_1_or_no_integer(k):
    y_true, scores = make_data()
    with expect(f"k must be an integer of at least 1, got {k!r}"):
        gap_score(y_true, scores, k=k)
    with expect(f"k must be an integer of at least 1, got {k!r}"):
        hit_at_k_score(y_true, scores, k=k)
    with expect(f"k must be an integer of at least 1, got {k!r}"):
        make_top_k_scorer(gap_score, k=k)
    if k is not None:
        with expect(f"k must be an integer of at least 1, got {k!r}"):
            mean_average_precision_score(y_true, scores, k=k)


@pytest.mark.usefixtures("blocks")
@all_metrics
def test_top_k_out_of_order(case):
    y_true, scores = make_data()
    indices, best = top_k_of(scores, 30)
    best[3, [8, 9]] = best[3, [9, 8]]
    with expect("sorted by descending score; in row 3 place 8 has"):
        case.score(y_true, (indices, best))


@pytest.mark.usefixtures("blocks")
@all_metrics
def test_top_k_with_a_label_twice(case):
    y_true, scores = make_data()
    indices, best = top_k_of(scores, 30)
    indices[5, 29] = indices[5, 0]
    with expect(f"list a label once; row 5 repeats label {indices[5, 0]}"):
        case.score(y_true, (indices, best))


@all_metrics
@pytest.mark.parametrize("label", [-1, 30])
def test_top_k_with_a_label_that_is_not_there(case, label):
    y_true, scores = make_data()
    indices, best = top_k_of(scores, 30)
    indices[39, 2] = label
    with expect(f"must lie in [0, 30); row 39, place 2 has {label}"):
        case.score(y_true, (indices, best))


@pytest.mark.parametrize(
    ("y_score", "message"),
    [
        (([[0, 1]], [[0.5]]), "got (1, 2) and (1, 1)"),
        (([0, 1], [0.5, 0.4]), "got (2,) and (2,)"),
        ((np.zeros((1, 0), int), np.zeros((1, 0))), "with k >= 1"),
        (([[0.0, 1.0]], [[0.5, 0.4]]), "must be integers, got dtype float64"),
        (([[0, 1]], [[0.5, 0.4]], None), "got 3 items"),
        (([[0, 1]], [["a", "b"]]), "real numbers, got dtype <U1"),
        (np.array([["a", "b", "c"]]), "real numbers, got dtype <U1"),
        (np.zeros((1, 3), dtype=complex), "real numbers, got dtype complex128"),
        (csr_array((1, 3)), "got a sparse csr_array"),
    ],
)
def test_scores_of_the_wrong_kind(y_score, message):
    with expect(message):
        gap_score([[0, 1, 0]], y_score)


def test_top_k_too_short_for_the_metric():
    y_true, scores = make_data()
    y_true[3, :12] = 1
    short = top_k_of(scores, 10)
    most = y_true.sum(axis=1).max()
    with expect("y_score holds the top 10 of 30 labels, but the top 20 are needed for k=20"):
        gap_score(y_true, short)
    with expect("the top 11 are needed for k=11"):
        hit_at_k_score(y_true, short, k=11)
    with expect(f"the top {most} are needed: a row of y_true has {most} true labels"):
        precision_at_equal_recall_rate_score(y_true, short)
    with expect("the top 30 are needed where k is None"):
        mean_average_precision_score(y_true, short)
    with expect("the top 11 are needed for k=11"):
        mean_average_precision_score(y_true, short, k=11)
    with expect("needs the scores of all 30 labels, but y_score holds the top 10 only"):
        label_reciprocal_rank_score(y_true, short)


def test_a_top_k_of_all_labels_is_never_too_short():
    y_true, scores = make_data(n_labels=5)
    assert gap_score(y_true, top_k_of(scores, 5), k=20) == gap_score(y_true, scores, k=20)


@all_metrics
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(39), "must have shape (40,), one value for each row; got (39,)"),
        (np.ones((40, 1)), "got (40, 1)"),
        (["1"] * 40, "must hold real numbers, got dtype <U1"),
        (np.ones(40) + 0j, "must hold real numbers, got dtype complex128"),
        (pd.Series([1, pd.NA] * 20, dtype="Int64"), "row 1 has nan"),
        (np.r_[np.ones(39), -1], "row 39 has -1.0"),
        (np.r_[np.nan, np.ones(39)], "row 0 has nan"),
        (np.zeros(40), "must not be 0 for every row"),
    ],
)
def test_weights(case, weight, message):
    y_true, scores = make_data()
    with expect(message):
        case.score(y_true, scores, sample_weight=weight)


def test_columns_of_data_frames_that_differ():
    y_true, scores = make_data(n_labels=3)
    truth = pd.DataFrame(y_true, columns=["cat", "dog", "car"])
    with expect("column 1 is 'car' in y_score and 'dog' in y_true"):
        gap_score(truth, pd.DataFrame(scores, columns=["cat", "car", "dog"]))


def test_options():
    y_true, scores = make_data()
    with expect("absent_labels must be 'ignore' or 'zero', got 'nan'"):
        mean_average_precision_score(y_true, scores, absent_labels="nan")
    with expect("groups must have shape (40,), one value for each row; got (3,)"):
        label_reciprocal_rank_score(y_true, scores, groups=[1, 2, 3])
