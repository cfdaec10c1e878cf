"""Compiled loops are shared by fits of one kind, one after the other."""

import gc
import subprocess
import sys

import numpy as np
import pytest

from sk_yt8m import DeepMultiLabelClassifier

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 5)).astype(np.float32)
Y = (X[:, :3] + rng.normal(size=(40, 3)) > 0.5).astype(np.uint8)


def small(**parameters):
    return DeepMultiLabelClassifier(
        **{"hidden_layer_sizes": (7,), "max_iter": 2, "random_state": 0, **parameters}
    )


@pytest.fixture
def built(monkeypatch):
    """Count the loops that are built, from an empty pool."""
    from sk_yt8m._training import compiled_steps as _step_loop

    loops = []

    class Counted(_step_loop.StepLoop):
        def __init__(self, *args):
            super().__init__(*args)
            loops.append(self)

    monkeypatch.setattr(_step_loop, "StepLoop", Counted)
    monkeypatch.setattr(_step_loop, "_IDLE", type(_step_loop._IDLE)(list))
    return loops


def test_fits_of_a_kind_share_a_loop(built):
    first = small().fit(X, Y)
    other_seed = small(random_state=1).fit(X, Y)
    again = small().fit(X, Y)
    assert len(built) == 1
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert (first.predict_proba(X) != other_seed.predict_proba(X)).any()


@pytest.mark.parametrize("change", [{"dropout": 0.1}, {"hidden_layer_sizes": (8,)}, {"alpha": 0.1}])
def test_another_kind_has_its_own(built, change):
    small().fit(X, Y)
    small(**change).fit(X, Y)
    assert len(built) == 2


def test_a_loop_in_use_is_not_shared(built):
    going_on, other = small(), small()
    for _ in range(3):
        going_on.partial_fit(X, Y)
        other.partial_fit(X, Y)
        small().fit(X, Y)
    np.testing.assert_array_equal(going_on.predict_proba(X), other.predict_proba(X))
    assert len(built) == 3


def test_an_idle_loop_holds_no_weights(built):
    small().fit(X, Y)
    (loop,) = built
    variables = [*(v.value for v in loop.network.weights), *loop.optimizer.slots().values()]
    assert sum(variable.read_value().numpy().size for variable in variables) == 0


def test_an_estimator_in_a_reference_cycle_gives_its_loop_back(built):
    going_on = small().partial_fit(X, Y)
    going_on.itself = going_on
    del going_on
    gc.collect()
    small().fit(X, Y)
    assert len(built) == 1


FREE_WHILE_A_GRAPH_IS_BUILT = """
import sys
from sk_yt8m._tensorflow import free, tf

variable = tf.Variable(tf.ones([3]))
build = tf.function(lambda x: tf.nn.relu(x + 1.0)).get_concrete_function
n_calls = 0

def free_at_every_call(frame, event, arg):
    global n_calls
    if event == "call":
        n_calls += 1
        free([variable])

sys.setprofile(free_at_every_call)
graph = build(tf.TensorSpec([None])).graph
sys.setprofile(None)
assert n_calls > 1000
assert variable.read_value().shape == (0,)
assert not [op for op in graph.get_operations() if op.type == "AssignVariableOp"]
"""


def test_weights_can_be_freed_while_a_graph_is_built():
    """The garbage collector may find an abandoned training at any moment."""
    run = subprocess.run(
        [sys.executable, "-c", FREE_WHILE_A_GRAPH_IS_BUILT],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr


def test_a_fit_that_fails_gives_its_loop_back(built):
    with pytest.raises(FloatingPointError):
        small(learning_rate_init=1e30, batch_normalization=False).fit(1e30 * X, Y)
    small(learning_rate_init=0.1, batch_normalization=False).fit(X, Y)
    assert len(built) == 1


@pytest.mark.parametrize(
    "parameters",
    [{"precision": "float32"}, {"precision": "bfloat16", "batch_normalization": False}],
)
def test_the_way_of_a_gpu_gives_the_same(built, monkeypatch, parameters):
    """The step as one XLA program, features on the device, full chunks: here on the processor."""
    from sk_yt8m._network import predictor as _inference
    from sk_yt8m._training import compiled_steps as _step_loop
    from sk_yt8m._training import row_source as _feeding

    host = small(**parameters).fit(X, Y, X_val=X, y_val=Y)
    _step_loop._IDLE.clear()
    monkeypatch.setattr(_feeding, "_RESERVE_BYTES", 2**20)
    for module in (_feeding, _inference, _step_loop):
        monkeypatch.setattr(module, "has_gpu", lambda: True)
    device = small(**parameters).fit(X, Y, X_val=X, y_val=Y)
    assert len(built) == 2
    np.testing.assert_allclose(device.loss_curve_, host.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(device.predict_proba(X), host.predict_proba(X), rtol=1e-4)
