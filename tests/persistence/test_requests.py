"""What `set_fit_request` and its like have set stays with a classifier."""

import copy
import pickle

import numpy as np
import pytest
from model_files import brief, forge
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import average_precision_score, make_scorer
from sklearn.model_selection import cross_val_score
from small_problem import small

import sk_yt8m
from sk_yt8m.persistence import ModelFileError


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def requests_of(clf):
    routing = clf.get_metadata_routing()
    return {name: getattr(routing, name).requests for name in ("fit", "partial_fit", "score")}


def asking(clf):
    """Set one of each kind: a name, yes, no and not said."""
    clf.set_fit_request(sample_weight="importance", X_val=True, y_val=False)
    clf.set_partial_fit_request(sample_weight=np.True_, classes=None)
    return clf.set_score_request(sample_weight=False)


def reloaded(clf, folder):
    clf.save(folder / "clf.safetensors")
    return sk_yt8m.load(folder / "clf.safetensors")


COPIES = {
    "clone": lambda clf, _: clone(clf),
    "deepcopy": lambda clf, _: copy.deepcopy(clf),
    "pickle": lambda clf, _: pickle.loads(pickle.dumps(clf)),
    "file": reloaded,
    "file of a file": lambda clf, folder: reloaded(reloaded(clf, folder), folder),
}


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_asks_for_the_same(data, tmp_path, copied):
    clf = asking(brief(*data))
    again = COPIES[copied](clf, tmp_path)
    assert requests_of(again) == requests_of(clf) != requests_of(small())
    assert again.get_metadata_routing().fit.requests["sample_weight"] == "importance"


def test_they_are_kept_where_routing_is_off_now(data, tmp_path):
    clf = asking(brief(*data))
    with config_context(enable_metadata_routing=False):
        again = reloaded(clf, tmp_path)
    assert requests_of(again) == requests_of(clf)


def test_a_file_without_requests_has_no_entry_for_them(data, tmp_path):
    clf = brief(*data)
    assert requests_of(reloaded(clf, tmp_path)) == requests_of(small())
    assert b"metadata_requests" not in (tmp_path / "clf.safetensors").read_bytes()
    reloaded(asking(clf), tmp_path)
    assert b"metadata_requests" in (tmp_path / "clf.safetensors").read_bytes()


def test_a_loaded_classifier_gets_its_weights_in_a_fold(data, tmp_path):
    X, Y = data
    loaded = reloaded(small().fit(X, Y).set_fit_request(sample_weight=True), tmp_path)
    weight = np.where(np.arange(len(X)) % 3 == 0, 1.0, 9.0)
    scorer = make_scorer(average_precision_score, response_method="predict_proba", average="micro")
    scorer.set_score_request(sample_weight=False)

    def scores(clf, **params):
        return cross_val_score(clf, X, Y, cv=2, scoring=scorer, params=params).tolist()

    weighted = scores(loaded, sample_weight=weight)
    assert weighted == scores(small().set_fit_request(sample_weight=True), sample_weight=weight)
    assert weighted != scores(small())


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ([], "not an object"),
        (None, "not an object"),
        ({"predict": {}}, "unknown entries"),
        ({"fit": 1}, "'fit' must be of type dict"),
        ({"fit": {"sample_weight": 1}}, "must be of type bool or str"),
        ({"fit": {"sample_weight": None}}, "must be of type bool or str"),
        ({"fit": {"sample_weight": "no name"}}, "impossible metadata request"),
        ({"fit": {"weights": True}}, "impossible metadata request: Unexpected args"),
    ],
    ids=str,
)
def test_forged_requests(model_file, stored, requests, message):
    forged = forge(
        model_file, lambda envelope, _: envelope["content"].update(metadata_requests=requests)
    )
    with pytest.raises(ModelFileError, match=message):
        sk_yt8m.load(stored(forged))
