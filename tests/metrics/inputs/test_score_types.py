"""Scores of every numeric type rank as the numbers that they are, in every function."""

from decimal import Decimal
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from metric_cases import CASES, make_data, top_k_of

from sk_yt8m import TopK
from sk_yt8m.metrics import (
    HitAtKDisplay,
    LabelAveragePrecisionDisplay,
    PooledPrecisionRecallDisplay,
    StreamingEvaluator,
    average_precision_per_label,
    evaluation_report,
    gap_score,
    scorer_names,
)

EPS = np.finfo(np.longdouble).eps

# Values that a careless conversion or negation would wrap, round or tie.
VALUES = {
    "bool": np.array([False, True]),
    "uint8": np.array([0, 1, 127, 128, 254, 255], dtype=np.uint8),
    "int8": np.array([-128, -127, -1, 0, 1, 127], dtype=np.int8),
    "uint16": np.array([0, 1, 2**15, 2**16 - 1], dtype=np.uint16),
    "int16": np.array([-(2**15), -1, 0, 2**15 - 1], dtype=np.int16),
    "uint32": np.array([0, 2**24, 2**24 + 1, 2**32 - 1], dtype=np.uint32),
    "int32": np.array([-(2**31), 2**24, 2**24 + 1, 2**31 - 1], dtype=np.int32),
    "uint64": np.array([0, 2**53, 2**53 + 1, 2**63, 2**64 - 1, 2**64 - 2], dtype=np.uint64),
    "int64": np.array([-(2**63), 1 - 2**63, 2**53, 2**53 + 1, 2**63 - 1, 2**63 - 2]),
    "small int64": np.array([-(2**53), -1, 0, 1, 2**53 - 1, 2**53]),
    "float16": np.array([-np.inf, -1, -0.0, 0.0, 6e-8, 65504, np.inf], dtype=np.float16),
    "float32": np.array([-np.inf, -0.0, 0.0, 1, 1 + 1e-7, 1e38, np.inf], dtype=np.float32),
    "float64": np.array([-np.inf, -0.0, 0.0, 5e-324, 1, 1 + 1e-15, 1e308, np.inf]),
    "longdouble": np.array([-np.inf, -0.0, 0, 1, 1 + EPS, 2, np.inf], dtype=np.longdouble),
    "big-endian float": np.array([-1, 0, 1, 1 + 1e-15], dtype=">f8"),
    "big-endian int": np.array([-1, 2**24, 2**24 + 1], dtype=">i4"),
    "objects": np.array(
        [Fraction(1, 3), 1 / 3, Decimal("0.3"), 10**400, -5, True, float("inf"), np.int8(-128)],
        dtype=object,
    ),
    "plain objects": np.array([0, 0.5, True, np.float32(0.25)], dtype=object),
}
TYPES = list(VALUES)


def number(value):
    """Return the very value as a Python number."""
    if isinstance(value, np.longdouble) and np.isfinite(value):
        return Fraction(*value.as_integer_ratio())
    if isinstance(value, np.generic):
        return float(value) if isinstance(value, np.floating) else value.item()
    return Fraction(value) if isinstance(value, Decimal) else value


def draw(name, seed=0, shape=(12, 9)):
    """Return y_true, scores of the type, and the scores as lists of Python numbers."""
    rng = np.random.default_rng(seed)
    scores = VALUES[name][rng.integers(len(VALUES[name]), size=shape)]
    y_true = (rng.random(shape) < 0.25).astype(np.uint8)
    return y_true, scores, [[number(value) for value in row] for row in scores]


def ranks_of(exact):
    """Return float64 scores of the same order and the same ties."""
    order = {value: rank for rank, value in enumerate(sorted({v for row in exact for v in row}))}
    return np.array([[float(order[value]) for value in row] for row in exact])


def top_of(scores, exact, k):
    """Return the top k with scores of their own type."""
    indices, _ = top_k_of(ranks_of(exact), k)
    return indices, np.take_along_axis(scores, indices, axis=1)


FORMS = {
    "array": lambda scores: scores,
    "lists": lambda scores: scores.tolist(),
    "DataFrame": pd.DataFrame,
    "Fortran": np.asfortranarray,
    "strided": lambda scores: np.repeat(np.repeat(scores, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda scores: np.ascontiguousarray(scores[::-1, ::-1])[::-1, ::-1],
}


@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_every_type_gives_what_the_twin_says_of_the_numbers(case, type_name):
    for seed in range(3):
        y_true, scores, exact = draw(type_name, seed)
        expected = case.twin(y_true.tolist(), exact)
        value = case.score(y_true, scores)
        assert value == pytest.approx(expected, abs=1e-12)
        assert case.score(y_true, scores, sample_weight=np.ones(12)) == value
        assert case.score(y_true, top_of(scores, exact, 9)) == value
        weight = [0.5, 1, 3] * 4
        weighted = case.twin(y_true.tolist(), exact, weights=weight)
        for given in (scores, top_of(scores, exact, 9)):
            assert case.score(y_true, given, sample_weight=weight) == pytest.approx(
                weighted, abs=1e-12
            )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("name", ["gap@3", "hit@1", "map", "map@3", "mrr", "lrr", "ndcg@4"])
def test_every_form_of_every_type(name, type_name, form):
    y_true, scores, _ = draw(type_name)
    given = FORMS[form](scores)
    before = np.array(given, dtype=object)
    if isinstance(given, np.ndarray):
        given.setflags(write=False)
    assert CASES[name].score(y_true, given) == CASES[name].score(y_true, scores)
    assert (np.array(given, dtype=object) == before).all()


@pytest.mark.parametrize("type_name", TYPES)
def test_streaming(type_name):
    y_true, scores, exact = draw(type_name)
    names = [name for name in scorer_names() if name != "map"]
    given = {"propensities": np.linspace(0.2, 1, 9)}
    expected = StreamingEvaluator(names, **given).update(y_true, ranks_of(exact)).result()
    assert StreamingEvaluator(names, **given).update(y_true, scores).result() == expected
    batches = StreamingEvaluator(names, **given)
    batches.update(y_true[:5], top_of(scores[:5], exact[:5], 9))
    batches.update(y_true[5:6], scores[5:6])
    assert batches.update(y_true[6:], scores[6:]).result() == expected


def test_streaming_of_batches_of_different_types():
    numbers = [[2**53, 2**53 + 1, 0], [2**64 - 1, 5, 2**53 + 2], [2**53 + 1, 1, 2**53]]
    y_true = np.array([[0, 1, 0], [1, 0, 0], [1, 0, 1]])
    rows = [np.array([row], dtype=t) for row, t in zip(numbers, ["i8", "u8", "f8"], strict=True)]
    rows[2] = np.array([numbers[2]], dtype=object)
    evaluator = StreamingEvaluator(["gap@20", "map@20"])
    for truth, scores in zip(y_true, rows, strict=True):
        evaluator.update(truth[None], scores)
    ranks = ranks_of(numbers)
    assert evaluator.result()["gap@20"] == gap_score(y_true, ranks)
    assert evaluator.update(y_true, ranks - 9).n_samples == 6


@pytest.mark.parametrize("type_name", TYPES)
def test_report_and_its_intervals(type_name):
    y_true, scores, exact = draw(type_name)
    options = {"n_resamples": 30, "random_state": 0, "propensities": np.linspace(0.2, 1, 9)}
    expected = evaluation_report(y_true, ranks_of(exact), **options)
    for given in (scores, top_of(scores, exact, 9)):
        report = evaluation_report(y_true, given, **options)
        pd.testing.assert_frame_equal(
            report.figures, expected.figures.loc[report.figures.index], rtol=0, atol=1e-14
        )
        pd.testing.assert_frame_equal(report.labels, expected.labels)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("type_name", TYPES)
def test_displays(type_name, weighted):
    y_true, scores, exact = draw(type_name)
    weight = [0.5, 1, 3] * 4 if weighted else None
    for given in (scores, top_of(scores, exact, 9)):
        curve = PooledPrecisionRecallDisplay.from_predictions(
            y_true, given, k=3, sample_weight=weight
        )
        area = np.sum(np.diff(curve.recall) * curve.precision[1:])
        assert area == pytest.approx(curve.gap, abs=1e-12)
        expected = gap_score(y_true, ranks_of(exact), k=3, sample_weight=weight)
        assert curve.gap == pytest.approx(expected, abs=1e-12)
        hits = HitAtKDisplay.from_predictions(y_true, given, k=9).hit
        np.testing.assert_array_equal(
            hits, HitAtKDisplay.from_predictions(y_true, ranks_of(exact), k=9).hit
        )
        points = LabelAveragePrecisionDisplay.from_predictions(y_true, given)
        plt.close("all")
        np.testing.assert_array_equal(
            points.average_precision, average_precision_per_label(y_true, ranks_of(exact))
        )


@pytest.mark.parametrize("dtype", ["Int64", "UInt8", "Float32", "Float64", "boolean", "Int8"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_nullable_columns(case, dtype):
    y_true, _ = make_data(12, 9)
    whole = np.random.default_rng(0).integers(0, 2, (12, 9))
    frame = pd.DataFrame(whole).astype(dtype)
    expected = case.score(y_true, whole)
    assert case.score(y_true, frame) == expected
    indices, best = top_k_of(whole, 9)
    top = (pd.DataFrame(indices).astype("Int64"), pd.DataFrame(best).astype(dtype))
    assert case.score(y_true, top) == expected
    frame.iloc[7, 4] = pd.NA
    with pytest.raises(ValueError, match=r"y_score .*row 7, (column|label) 4"):
        case.score(y_true, frame)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_columns_of_different_types(case):
    y_true, _ = make_data(12, 4)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "int": 2**53 + rng.integers(0, 3, 12),
            "uint": (2**53 + rng.integers(0, 3, 12)).astype(np.uint64),
            "bool": rng.integers(0, 2, 12).astype(bool),
            "float": rng.choice([0.25, 2.0**53, np.inf], 12),
        }
    )
    exact = [[number(value) for value in row] for row in frame.to_numpy(dtype=object)]
    assert case.score(y_true, frame) == case.score(y_true, ranks_of(exact))
    assert case.score(y_true, exact) == case.score(y_true, ranks_of(exact))
    few = frame[["bool", "bool", "float", "bool"]].set_axis(list("abcd"), axis=1)
    assert case.score(y_true, few) == case.score(y_true, few.to_numpy(dtype=np.float64))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("dtype", [np.longdouble, object])
def test_nan_in_wide_types(case, dtype):
    y_true, scores = make_data(12, 9)
    wide = scores.astype(dtype) / 3
    wide[5, 3] = dtype(0) + np.nan if dtype is np.longdouble else float("nan")
    with pytest.raises(ValueError, match="found one at row 5, label 3"):
        case.score(y_true, wide)
    indices, best = top_k_of(scores, 9)
    best = best.astype(dtype) / 3
    best[5, 3] = np.nan
    with pytest.raises(ValueError, match=f"found one at row 5, label {indices[5, 3]}"):
        case.score(y_true, (indices, best))


@pytest.mark.parametrize("value", [None, "0.5", 1j, pd.NA, pd.Timestamp("2020-01-01")])
def test_objects_that_are_no_numbers(value):
    y_true, scores = make_data(12, 9)
    scores = scores.astype(object)
    scores[4, 2] = value
    with pytest.raises(ValueError, match="y_score must hold real numbers; row 4, column 2 holds"):
        gap_score(y_true, scores)
    with pytest.raises(ValueError, match="y_score must hold real numbers"):
        gap_score(y_true, scores.tolist())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_masked_arrays_are_refused(case):
    y_true, scores = make_data(12, 9)
    indices, best = top_k_of(scores, 9)
    hide = np.zeros(y_true.shape, dtype=bool)

    def refused(name, *arguments, **options):
        with pytest.raises(TypeError, match=f"{name} must not be a masked array"):
            case.score(*arguments, **options)

    for mask in (hide, np.eye(12, 9, dtype=bool)):
        refused("y_score", y_true, np.ma.array(scores, mask=mask))
        refused("y_score", y_true, list(np.ma.array(scores, mask=mask)))
        refused("y_score", y_true, (np.ma.array(indices, mask=mask), best))
        refused("y_score", y_true, TopK(indices, np.ma.array(best, mask=mask)))
        refused("y_true", np.ma.array(y_true, mask=mask), scores)
        refused("y_true", list(np.ma.array(y_true, mask=mask)), scores)
    refused("sample_weight", y_true, scores, sample_weight=np.ma.array(np.ones(12), mask=False))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint64, np.int64, object])
def test_ranks_of_the_scores_say_the_same(case, dtype):
    rng = np.random.default_rng(3)
    y_true = (rng.random((12, 9)) < 0.3).astype(np.uint8)
    scores = rng.standard_normal((12, 9))
    ranks = np.unique(scores, return_inverse=True)[1].reshape(scores.shape)
    low = np.iinfo(dtype).min if dtype is not object else -(10**30)
    cast = np.array([[low + int(v) for v in row] for row in ranks], dtype=dtype)
    assert case.score(y_true, cast) == case.score(y_true, scores)


def test_a_top_k_with_indices_of_any_integer_type():
    y_true, scores = make_data()
    for case in CASES.values():
        expected = case.score(y_true, scores)
        for dtype in ("u1", "i1", "u2", ">i4", "u8", "i8"):
            indices, best = top_k_of(scores, 30)
            assert case.score(y_true, (indices.astype(dtype), best)) == expected
