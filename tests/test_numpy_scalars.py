"""A parameter may be a numpy scalar: the result is that of the Python number."""

import itertools

import numpy as np
import pytest
from faults import kill
from other_values import AT_ONCE, FIXED
from small_problem import X, weights_in
from small_problem import Y as Y_9

from sk_yt8m import DeepMultiLabelClassifier, load

Y = Y_9[:, :4]

#: A value of each parameter that differs from the default where the default is None or a text.
VALUES = {
    **DeepMultiLabelClassifier().get_params(),
    "hidden_layer_sizes": (8,),
    "batch_size": 30,
    "max_iter": 3,
    "random_state": 0,
    "alpha": 0.5,
    "n_heads": 2,
    "early_stopping": True,
    "validation_fraction": 0.25,
    "checkpoint_every": 1,
    "epsilon": 0.125,
    "beta_1": 0.875,
    "beta_2": 0.75,
    "ema_decay": 0.5,
    "warmup_fraction": 0.25,
    "input_dropout": 0.25,
    "precision": "float32",
}
#: One kind of each number by default; the other kinds take the same way.
OTHER_KINDS = (np.uint8, np.float32, np.longdouble)
CASES = [
    pytest.param(name, dtype, marks=pytest.mark.slow if dtype in OTHER_KINDS else ())
    for name, value in VALUES.items()
    for dtype in {
        bool: [np.bool_],
        int: [np.int64, np.uint8],
        float: [np.float64, np.float32, np.longdouble],
        str: [np.str_],
        tuple: [lambda sizes: tuple(map(np.int64, sizes)), np.array, lambda s: np.array(s, "u1")],
        type(None): [],
    }[type(value)]
]

#: What the compiled steps depend on.
COMPILED = {*FIXED, *AT_ONCE} - {"batch_size", "shuffle", "random_state", "learning_rate_init"}
WIDTHS = itertools.count(100, 2)


def trained(folder, **parameters):
    clf = DeepMultiLabelClassifier(**{**VALUES, "checkpoint_dir": folder, **parameters})
    weights = weights_in(clf.fit(X, Y))
    clf.set_params(early_stopping=False).partial_fit(X, Y)
    return [*weights.values(), clf.predict_proba(X), clf.loss_curve_]


def python_scalars(parameters):
    """Return what the numpy scalars stand for in Python."""
    as_python = {"b": bool, "i": int, "u": int, "f": float, "U": str}
    return {
        name: as_python[value.dtype.kind](value) if isinstance(value, np.generic) else value
        for name, value in parameters.items()
    }


@pytest.mark.parametrize(("name", "dtype"), CASES, ids=lambda x: getattr(x, "__name__", str(x)))
def test_every_parameter(name, dtype, tmp_path):
    common, value = {}, VALUES[name]
    if name in COMPILED:
        # What was compiled for an equal Python number would serve the numpy scalar too.
        width = next(WIDTHS)
        common = {"hidden_layer_sizes": (width,), "dropout": width / 1024}
        value = common.get(name, value)
    parameters = common | {name: dtype(value)}
    folder = None if dtype is np.longdouble else tmp_path
    with np.errstate(all="raise"):
        got = trained(folder, **parameters)
    for one, other in zip(got, trained(folder, **python_scalars(parameters)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_all_at_once_in_a_file(tmp_path):
    scalars = {bool: np.bool_, int: np.int64, float: np.float32, str: np.str_}
    parameters = {
        name: scalars.get(type(value), lambda value: value)(value) for name, value in VALUES.items()
    }
    clf = DeepMultiLabelClassifier(**parameters).fit(X, Y)
    clf.save(tmp_path / "model.safetensors", include_training_state=True)
    again = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    for name, value in python_scalars(parameters).items():
        assert again.get_params()[name] == value
    again.set_params(early_stopping=False).partial_fit(X, Y)


@pytest.mark.parametrize("name", ["beta_1", "dropout", "max_iter", "early_stopping"])
def test_an_array_without_dimensions_is_refused(name):
    with pytest.raises(ValueError, match=name):
        DeepMultiLabelClassifier(**{name: np.array(VALUES[name])}).fit(X, Y)


def test_a_checkpoint_goes_on_with_the_other_kind_of_number(tmp_path):
    kept = {**VALUES, "checkpoint_dir": tmp_path}
    kill(1, DeepMultiLabelClassifier(**{**kept, "n_iter_no_change": np.int64(10)}), X, Y)
    other = {"beta_1": np.float64(0.875), "alpha": np.float32(0.5), "max_iter": np.int32(3)}
    clf = DeepMultiLabelClassifier(**{**kept, **other}).fit(X, Y)
    whole = DeepMultiLabelClassifier(**VALUES).fit(X, Y)
    np.testing.assert_array_equal(clf.predict_proba(X), whole.predict_proba(X))
