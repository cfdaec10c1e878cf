"""The commands that take a model file take one of an ensemble."""

import json

import numpy as np
import pandas as pd
import pytest
from cli_runs import run

from sk_yt8m import AveragingClassifier, DeepMultiLabelClassifier, DeepNeighborsClassifier
from sk_yt8m.datasets import open_store


@pytest.fixture(scope="module")
def ensemble(store, tmp_path_factory):
    """Return a fitted ensemble and its file."""
    network = DeepMultiLabelClassifier((10,), max_iter=1, precision="float32", random_state=0)
    near = DeepNeighborsClassifier(network, n_neighbors=4)
    data = open_store(store)
    clf = AveragingClassifier([("net", network), ("near", near)], weights=[1, 2])
    path = tmp_path_factory.mktemp("model") / "ensemble.safetensors"
    clf.fit(data.X, data.Y).save(path)
    return clf, path


def test_info_and_verify(ensemble):
    lines = run("info", ensemble[1]).splitlines()
    for line in (
        "features        1152",
        "weights         [1, 2]",
        "  classifier      near, DeepNeighborsClassifier",
        "  n_neighbors     4",
        "    hidden layers   (10,), relu",
    ):
        assert line in lines
    assert run("verify", ensemble[1]) == "sound\n"


def test_evaluate_and_predict(ensemble, store, tmp_path):
    clf, path = ensemble
    figures = json.loads(run("evaluate", path, store, "--json", "--resamples", 0))
    data = open_store(store)
    assert figures["gap@20"]["value"] == pytest.approx(clf.score(data.X, data.Y))
    run("predict", path, store, "--k", 3, "--out", tmp_path / "labels.csv")
    labels = pd.read_csv(tmp_path / "labels.csv")["label"].to_numpy().reshape(-1, 3)
    np.testing.assert_array_equal(labels, clf.predict_top_k(data.X, k=3).indices)
