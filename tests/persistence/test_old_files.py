"""Files of every released version load, and predict what they did then."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_problem import tensors_of

import sk_yt8m

FILES = sorted((Path(__file__).parents[1] / "data").glob("model-*.safetensors"))


def test_every_version_has_a_file():
    assert FILES
    assert FILES[0].stem == "model-0.1.0"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_old_file(path):
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    X = pd.DataFrame(expected["X"], columns=expected["feature_names"])
    clf = sk_yt8m.load(path)
    np.testing.assert_allclose(clf.predict_proba(X), expected["probabilities"], rtol=1e-5)
    assert clf.label_names_.tolist() == expected["label_names"]
    assert clf.feature_names_in_.tolist() == expected["feature_names"]
    assert clf.loss_curve_ == expected["losses"]
    assert clf.t_ == expected["samples_seen"]
    assert list(clf.hidden_layer_sizes) == expected["hidden_layer_sizes"]


def n_steps(clf):
    return int(tensors_of(clf, include_training_state=True)["training/optimizer/step"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_training_goes_on(path):
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(64, 5)), columns=list("abcde"))
    clf = sk_yt8m.load(path)
    names = clf.label_names_
    Y = pd.DataFrame(rng.integers(0, 2, (64, len(names))), columns=names)
    before = n_steps(clf)
    clf.partial_fit(X, Y)
    assert n_steps(clf) > before > 0
