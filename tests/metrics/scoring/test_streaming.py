"""Figures in batches are those of all samples at once, to the last bit."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_cases import make_data, problems, top_k_of, value_of
from scipy.sparse import csr_array

from sk_yt8m.metrics import StreamingEvaluator, label_propensities, scorer_names

NAMES = [name for name in scorer_names() if name != "map"]


def propensities_of(y_true):
    return np.linspace(0.1, 1, y_true.shape[1])


def streaming(y_true, **options):
    """Return an evaluator of all metrics."""
    return StreamingEvaluator(NAMES, propensities=propensities_of(y_true), **options)


def at_once(y_true, scores, sample_weight=None, given=None):
    """Return what the public functions say, by name."""
    given = propensities_of(y_true) if given is None else given
    return {
        name: value_of(name, y_true, scores, given, sample_weight=sample_weight) for name in NAMES
    }


@settings(max_examples=150, deadline=None)
@given(problems(max_rows=12), st.data())
def test_any_batches_in_any_order(problem, data):
    y_true, scores = problem
    batch = np.array(data.draw(st.lists(st.integers(0, 3), min_size=12, max_size=12)))
    weighted = data.draw(st.booleans())
    weight = np.resize([0.3, 1.0, 0.0, 2.7], len(y_true)) if weighted else None
    evaluator = streaming(y_true)
    for number in data.draw(st.permutations(range(4))):
        rows = batch[: len(y_true)] == number
        if rows.any():
            part = None if weight is None else weight[rows]
            form = data.draw(st.sampled_from([np.asarray, csr_array]))
            evaluator.update(form(y_true[rows]), scores[rows], part)
    assert evaluator.result() == at_once(y_true, scores, weight)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_merging_pickled_parts(ties, dtype):
    y_true, scores = make_data(n_samples=90, ties=ties)
    scores = scores.astype(dtype)
    parts = []
    for start in (60, 0, 30):
        part = streaming(y_true)
        part.update(y_true[start : start + 10], scores[start : start + 10])
        rest = slice(start + 10, start + 30)
        part.update(csr_array(y_true[rest]), top_k_of(scores[rest], 30))
        parts.append(pickle.loads(pickle.dumps(part)))
    merged = streaming(y_true)
    for part in parts:
        before = part.result()
        merged.merge(part)
        assert part.result() == before
    assert merged.n_samples == 90
    assert merged.result() == at_once(y_true, scores)


def test_a_result_on_the_way_changes_nothing():
    y_true, scores = make_data()
    evaluator = streaming(y_true).update(y_true[:10], scores[:10])
    assert evaluator.result() == at_once(y_true[:10], scores[:10])
    assert evaluator.result() == evaluator.result()
    assert evaluator.update(y_true[10:], scores[10:]).result() == at_once(y_true, scores)


def test_weights_of_some_batches_and_given_propensities():
    y_true, scores = make_data()
    propensities = label_propensities(y_true[:20])
    weight = np.r_[np.ones(20), np.zeros(10), np.arange(10)]
    evaluator = StreamingEvaluator(NAMES, propensities=propensities)
    evaluator.update(y_true[:20], scores[:20])
    evaluator.update(y_true[20:30], scores[20:30], sample_weight=weight[20:30])
    evaluator.update(y_true[30:], scores[30:], sample_weight=weight[30:])
    assert evaluator.result() == at_once(y_true, scores, weight, propensities)


def test_buffers_may_be_used_again():
    y_true, scores = make_data()
    expected = at_once(y_true, scores)
    evaluator = streaming(y_true)
    sparse, (indices, best) = csr_array(y_true[:20]), top_k_of(scores[:20], 30)
    weight = np.ones(20)
    evaluator.update(sparse, (indices, best), weight)
    for buffer in (sparse.indices, sparse.indptr, indices, best, weight):
        buffer[:] = 0
    assert evaluator.update(y_true[20:], scores[20:]).result() == pytest.approx(expected)


def test_memory_is_that_of_the_best_labels():
    y_true, scores = make_data(n_samples=200, n_labels=2000)
    evaluator = StreamingEvaluator(["gap@20"])
    evaluator.update(y_true, scores)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        evaluator.update(csr_array(y_true), scores)
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    of_best_labels = 20 * 200 * 20 * (4 + 4)
    of_true_labels = 20 * 4 * (int(y_true.sum()) + 2 * 201)
    assert kept < 1.5 * (of_best_labels + of_true_labels)


def expect(message):
    return pytest.raises(ValueError, match=message)


def test_a_refused_batch_leaves_the_evaluator_as_it_was():
    y_true, scores = make_data()
    evaluator = streaming(y_true).update(y_true, scores)
    broken = scores.copy()
    broken[3, 4] = np.nan
    with expect("found one at row 3, label 4"):
        evaluator.update(y_true, broken)
    with expect("y_true must have 30 labels, as the samples before; got 29"):
        evaluator.update(y_true[:, 1:], scores[:, 1:])
    with expect("the top 20 are needed for k=20"):
        evaluator.update(y_true, top_k_of(scores, 19))
    with expect("row 39 has -1.0"):
        evaluator.update(y_true, scores, sample_weight=np.r_[np.ones(39), -1])
    assert evaluator.result() == at_once(y_true, scores)


def test_columns_that_change_their_order():
    y_true, scores = make_data(n_labels=3)
    frame = pd.DataFrame(y_true, columns=["cat", "dog", "car"])
    evaluator = StreamingEvaluator(["hit@1"]).update(frame, scores)
    with expect("column 0 is 'dog' in y_true and 'cat' in the samples before"):
        evaluator.update(frame[["dog", "cat", "car"]], scores)


@pytest.mark.parametrize("named", ["y_true", "y_score", "rated"])
@pytest.mark.parametrize("told", ["update", "result", "merge", "pickle"])
def test_names_that_come_later_count(named, told):
    y_true, scores = make_data(n_labels=3)
    names = ["cat", "dog", "car"]
    rated = np.ones_like(y_true)

    def batch(columns):
        given = {"y_true": y_true, "y_score": scores, "rated": rated}
        if columns:
            given[named] = pd.DataFrame(given[named], columns=columns)
        return given

    evaluator = StreamingEvaluator(["hit@1"]).update(**batch(None)).update(**batch(names))
    if told == "result":
        evaluator.result()
    elif told == "merge":
        evaluator = StreamingEvaluator(["hit@1"]).update(**batch(None)).merge(evaluator)
    elif told == "pickle":
        evaluator = pickle.loads(pickle.dumps(evaluator))
    other = ["dog", "cat", "car"]
    where = "y_score" if named == "y_score" else "y_true"
    with expect(f"column 0 is 'dog' in {where} and 'cat' in the samples before"):
        evaluator.update(**batch(other))
    with expect("column 0 is 'dog' in other and 'cat' in the samples before"):
        evaluator.merge(StreamingEvaluator(["hit@1"]).update(**batch(other)))
    assert evaluator.update(**batch(names)).update(**batch(None)).n_samples >= 160


def test_propensities_must_be_given():
    with expect("propensities must be given for psp and psndcg: those of the training set"):
        StreamingEvaluator(["hit@1", "psp@5"])


def test_rated_in_some_batches_only():
    y_true, scores = make_data()
    rated = np.ones_like(y_true)
    for first, second in ((None, rated), (rated, None)):
        evaluator = StreamingEvaluator(["hit@1"]).update(y_true, scores, rated=first)
        with expect("rated must be given for every batch or for none"):
            evaluator.update(y_true, scores, rated=second)
        with expect("rated must be given for every batch or for none"):
            evaluator.merge(StreamingEvaluator(["hit@1"]).update(y_true, scores, rated=second))


def test_evaluators_that_cannot_be_merged():
    y_true, scores = make_data()
    evaluator = StreamingEvaluator(["hit@1"]).update(y_true, scores)
    with expect(r"other must have the metrics \['hit@1'\], it has \['hit@2'\]"):
        evaluator.merge(StreamingEvaluator(["hit@2"]))
    with expect("other must have the same propensities"):
        evaluator.merge(StreamingEvaluator(["hit@1"], propensities=[0.5]))
    with expect("other must have 30 labels"):
        evaluator.merge(StreamingEvaluator(["hit@1"]).update(y_true[:, 1:], scores[:, 1:]))
    assert evaluator.merge(StreamingEvaluator(["hit@1"])).n_samples == 40


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["map"], "'map' needs the scores of all labels of all samples at once; .* map@20"),
        (["hit@1", "gap@20", "hit@1"], "name a metric once; 'hit@1' is repeated"),
        ([], "must be a list of names"),
        ("gap@20", "must be a list of names, got 'gap@20'"),
        (["gap@0"], "no metric 'gap@0'"),
    ],
)
def test_metrics_that_cannot_be_had(metrics, message):
    with expect(message):
        StreamingEvaluator(metrics)


def test_no_sample_yet_and_no_weight():
    y_true, scores = make_data()
    with expect("there is no sample yet"):
        StreamingEvaluator().result()
    evaluator = StreamingEvaluator().update(y_true, scores, sample_weight=np.zeros(40))
    with expect("sample_weight must not be 0 for every row"):
        evaluator.result()
