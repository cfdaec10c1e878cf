"""Compiled steps are shared by fits of one kind, one after the other."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from faults import FailingRows
from small_problem import X, Y, small

from sk_yt8m import load
from sk_yt8m._tensorflow import empty_variable, free, resolve_precision
from sk_yt8m._training.steps import pool


@pytest.fixture
def fresh(monkeypatch):
    """Parameters of a network, for a test in which no steps are compiled yet."""
    monkeypatch.setattr(pool, "_IDLE", [])
    return {"hidden_layer_sizes": (20,)}


@pytest.fixture
def compiled(monkeypatch):
    """Return a list that grows with each function that is handed to TensorFlow to compile."""
    function, functions = tf.function, []

    def recorded(*arguments, **options):
        functions.append(options)
        return function(*arguments, **options)

    monkeypatch.setattr(tf, "function", recorded)
    return functions


def test_fits_of_a_kind_share_the_compiled_steps(fresh, compiled):
    first = small(**fresh).fit(X, Y)
    n_compiled = len(compiled)
    other_seed = small(**fresh, random_state=1).fit(X, Y)
    again = small(**fresh).fit(X, Y)
    assert len(compiled) == n_compiled > 0
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert (first.predict_proba(X) != other_seed.predict_proba(X)).any()


NUMBERS = {
    "hidden_layer_sizes": (19,),
    "alpha": 0.2,
    "weight_decay": 0.3,
    "dropout": 0.1,
    "input_dropout": 0.3,
    "beta_1": 0.8,
    "beta_2": 0.9,
    "epsilon": 1e-3,
    "ema_decay": 0.2,
    "learning_rate_init": 0.01,
    "loss_reduction": "mean",
    "standardize": False,
    "batch_size": 7,
}


@pytest.mark.parametrize("change", NUMBERS)
def test_numbers_and_sizes_share_them(fresh, compiled, change):
    parameters = {**fresh, "alpha": 0.1, "dropout": 0.5, "input_dropout": 0.2}
    changed = parameters | {change: NUMBERS[change]}
    alone = small(**changed).fit(X, Y).predict_proba(X)
    pool._IDLE.clear()
    before = small(**parameters).fit(X, Y).predict_proba(X)
    n_compiled = len(compiled)
    after = small(**changed).fit(X, Y).predict_proba(X)
    assert len(compiled) == n_compiled
    np.testing.assert_array_equal(after, alone)
    assert (after != before).any()


@pytest.mark.parametrize("n_more", [0, 1])
def test_other_data_shares_them(fresh, compiled, n_more):
    small(**fresh).fit(X, Y).predict_proba(X)
    n_compiled = len(compiled)
    wider = np.hstack([X, X[:, : n_more + 1]])
    labels = np.hstack([Y, Y[:, :n_more]])
    clf = small(**fresh).fit(wider[:50], labels[:50])
    assert clf.predict_proba(wider).shape == labels.shape
    assert len(compiled) == n_compiled


@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.0},
        {"alpha": 0.1},
        {"ema_decay": None},
        {"activation": "tanh"},
        {"hidden_layer_sizes": (20, 20)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_kind_has_its_own(fresh, compiled, change):
    small(**fresh).fit(X, Y)
    n_compiled = len(compiled)
    small(**(fresh | change)).fit(X, Y)
    assert len(compiled) > n_compiled


def test_steps_in_use_are_not_shared(fresh, compiled):
    going_on, other = small(**fresh), small(**fresh)
    n_compiled = [0]
    for _ in range(3):
        for call in (going_on.partial_fit, other.partial_fit, small(**fresh).fit):
            call(X, Y)
            n_compiled.append(len(compiled))
    np.testing.assert_array_equal(going_on.predict_proba(X), other.predict_proba(X))
    assert n_compiled[0] < n_compiled[1] < n_compiled[2] < n_compiled[3] == n_compiled[-1]


def test_few_idle_steps_are_kept(fresh, monkeypatch):
    monkeypatch.setattr(pool, "_MOST_IDLE", 2)
    for n_layers in range(1, 5):
        small(hidden_layer_sizes=(5,) * n_layers, max_iter=1).fit(X, Y)
    kept = [len(kind.steps.architecture.hidden_layer_sizes) for kind, _ in pool._IDLE]
    assert kept == [3, 4]


def test_idle_steps_hold_no_weights(fresh):
    before = {id(variable) for variable in variables()}
    small(**fresh).fit(X, Y)
    gc.collect()
    new = [variable for variable in variables() if id(variable) not in before]
    assert len(new) > 10
    assert sum(variable.read_value().numpy().size for variable in new) <= len(new)


def variables():
    """Return all variables of TensorFlow that are alive, but for single numbers."""
    found = [held for held in gc.get_objects() if issubclass(type(held), tf.Variable)]
    return [variable for variable in found if variable.shape.rank]


def test_an_estimator_in_a_reference_cycle_gives_its_steps_back(fresh, compiled):
    going_on = small(**fresh).partial_fit(X, Y)
    going_on.itself = going_on
    n_compiled = len(compiled)
    del going_on
    gc.collect()
    small(**fresh).fit(X, Y)
    assert len(compiled) == n_compiled


def test_a_fit_that_diverges_gives_its_steps_back(fresh, compiled):
    wild = {"batch_normalization": False, **fresh}
    with pytest.raises(FloatingPointError):
        small(**wild, learning_rate_init=1e30).fit(1e30 * X, Y)
    n_compiled = len(compiled)
    small(**wild).fit(X, Y)
    assert len(compiled) == n_compiled


def test_steps_of_a_fit_that_failed_are_thrown_away(fresh, compiled):
    clf = small(**fresh).fit(X, Y)
    expected = clf.predict_proba(X)
    rows = FailingRows(X).fail_at(None)
    small(**fresh).fit(rows, Y)
    with pytest.raises(MemoryError):
        clf.fit(FailingRows(X).fail_at(rows.n_reads, MemoryError()), Y)
    n_compiled = len(compiled)
    np.testing.assert_array_equal(clf.fit(X, Y).predict_proba(X), expected)
    assert len(compiled) > n_compiled


def test_weights_can_be_freed_while_a_graph_is_built():
    """The garbage collector may find an abandoned training at any moment."""
    variable = empty_variable([None])
    variable.assign([1.0, 1.0, 1.0])
    build = tf.function(lambda x: tf.nn.relu(x + 1.0)).get_concrete_function
    n_calls = 0

    def free_at_every_call(frame, event, arg):
        nonlocal n_calls
        if event == "call":
            n_calls += 1
            free([variable])

    sys.setprofile(free_at_every_call)
    try:
        graph = build(tf.TensorSpec([None])).graph
    finally:
        sys.setprofile(None)
    assert n_calls > 500
    assert variable.read_value().shape == (0,)
    assert not [op for op in graph.get_operations() if op.type == "AssignVariableOp"]


@pytest.mark.parametrize(
    "parameters",
    [{"precision": "float32"}, {"precision": "bfloat16", "batch_normalization": False}],
)
def test_the_way_of_a_gpu_gives_the_same(fresh, compiled, parameters, request):
    """The step as one XLA program, features on the device, full chunks: here on the processor."""
    parameters = {**fresh, **parameters}
    host = small(**parameters).fit(X, Y, X_val=X, y_val=Y)
    expected = host.predict_proba(X)
    n_compiled = len(compiled)
    # Processors that emulate bfloat16 round partial sums to it, too; XLA does not.
    emulated = parameters["precision"] == "bfloat16" != resolve_precision("auto")
    rtol = 2**-7 if emulated else 1e-4
    request.getfixturevalue("pretended_gpu")
    device = small(**parameters).fit(X, Y, X_val=X, y_val=Y)
    assert any(options.get("jit_compile") for options in compiled[n_compiled:])
    np.testing.assert_allclose(device.loss_curve_, host.loss_curve_, rtol=rtol)
    # Single scores differ more: by 0.05 at one of nine widths.
    rtol = 2**-4 if emulated else rtol
    np.testing.assert_allclose(device.predict_proba(X), expected, rtol=rtol)


@pytest.mark.parametrize(
    "scope",
    [
        lambda: keras.name_scope("outer"),
        lambda: tf.name_scope("outer"),
        lambda: tf.device("/CPU:0"),
        tf.init_scope,
    ],
    ids=["keras", "tensorflow", "device", "init"],
)
def test_a_scope_around_the_first_fit(scope, fresh, tmp_path):
    with scope():
        inside = small(**fresh).fit(X, Y)
        part = small(**fresh).partial_fit(X, Y)
    outside = small(**fresh).fit(X, Y)
    np.testing.assert_array_equal(inside.predict_proba(X), outside.predict_proba(X))
    part.save(tmp_path / "model.safetensors", include_training_state=True)
    again = load(tmp_path / "model.safetensors").partial_fit(X, Y)
    with scope():
        part.partial_fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), part.predict_proba(X))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_xla_compiles_serves_all_epochs_and_chunks(tmp_path, method):
    """On a GPU a step is one program; on a processor the updates of the weights are some."""
    script = Path(__file__).with_name("count_programs.py")
    done = subprocess.run(
        [sys.executable, str(script), method],
        env={**os.environ, "XLA_FLAGS": f"--xla_dump_to={tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    first, *others = map(int, done.stdout.split())
    assert first > 0
    assert others == [first] * len(others)
