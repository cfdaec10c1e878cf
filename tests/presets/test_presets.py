"""`make_classifier`: the recipes by name."""

import numpy as np
import pytest
from sklearn.base import clone
from small_problem import X, Y

from sk_yt8m import (
    AveragingClassifier,
    DeepMultiLabelClassifier,
    DeepNeighborsClassifier,
    NormalizedModalitiesClassifier,
    make_classifier,
)
from sk_yt8m._network.architecture import layer_sizes
from sk_yt8m.presets.make import PRESETS, WITH_MODALITIES

MODALITIES = {"rgb": 16, "audio": 4}
NAMES = ["normalized", "normalized_wide", "normalized_gelu", "standardized", "standardized_gelu"]


def networks(clf):
    """Return the networks of a composition."""
    return [one for one in clf.get_params().values() if isinstance(one, DeepMultiLabelClassifier)]


def changed(clf):
    """Return the parameters that are not those of a new network."""
    default = DeepMultiLabelClassifier().get_params()
    return {name: value for name, value in clf.get_params().items() if value != default[name]}


@pytest.mark.parametrize(
    ("preset", "parameters"),
    [
        ("fast", {"max_iter": 2, "dropout": 0.0, "input_dropout": 0.0}),
        ("default", {}),
        ("wide", {"hidden_layer_sizes": (3000, 6400), "n_heads": 2, "max_iter": 15}),
    ],
)
def test_one_network(preset, parameters):
    clf = make_classifier(preset)
    assert isinstance(clf, DeepMultiLabelClassifier)
    assert changed(clf) == parameters
    more = {"max_iter": 7, "alpha": 0.5}
    clf = make_classifier(preset, random_state=np.int64(3), **more)
    assert changed(clf) == {**parameters, **more, "random_state": 3}
    assert make_classifier().get_params() == DeepMultiLabelClassifier().get_params()


def test_neighbors():
    clf = make_classifier("neighbors", modalities=MODALITIES, random_state=0)
    assert isinstance(clf, NormalizedModalitiesClassifier)
    assert clf.modalities == MODALITIES
    assert isinstance(clf.estimator, DeepNeighborsClassifier)
    default = DeepNeighborsClassifier().get_params(deep=False)
    assert {**clf.estimator.get_params(deep=False), "estimator": None} == default
    (network,) = networks(clf)
    assert changed(network) == {"weight_decay": 0.15, "dropout": 0.55, "random_state": 0}
    own = {"hidden_layer_sizes": (8,), "dropout": 0.1, "checkpoint_dir": "run"}
    (network,) = networks(make_classifier("neighbors", modalities=MODALITIES, **own))
    assert changed(network) == {"weight_decay": 0.15, **own}
    best = make_classifier("best", modalities=MODALITIES, random_state=0)
    assert repr(dict(best.estimators)["normalized"]) == repr(clf)


def test_best():
    clf = make_classifier("best", modalities=MODALITIES, random_state=0)
    assert isinstance(clf, AveragingClassifier)
    assert [name for name, _ in clf.estimators] == NAMES
    stronger = {"weight_decay": 0.15, "dropout": 0.55}
    assert [changed(network) for network in networks(clf)] == [
        {**stronger, "random_state": 0},
        {**stronger, "hidden_layer_sizes": (3000, 3000), "random_state": 1},
        {**stronger, "activation": "gelu", "random_state": 2},
        {"random_state": 3},
        {"activation": "gelu", "random_state": 4},
    ]
    assert [part.modalities for _, part in clf.estimators[:3]] == [MODALITIES] * 3


def test_sizes_on_the_course_data_and_its_folds():
    recipe = (2000, 3200)
    best = [recipe, (3000, 3000), recipe, recipe, recipe]
    one = {preset: [recipe] for preset in ("fast", "default", "neighbors")}
    expected = {**one, "wide": [(3000, 6400)], "best": best}
    assert set(expected) == set(PRESETS)
    for preset, sizes in expected.items():
        clf = make_classifier(preset, modalities=MODALITIES if preset in WITH_MODALITIES else None)
        for n_samples in (41_393, 2 * 41_393 // 3):
            resolved = [
                layer_sizes(network.hidden_layer_sizes, network.n_heads, (n_samples, 3862))
                for network in networks(clf) or [clf]
            ]
            assert resolved == sizes


def test_seeds_of_best():
    def seeds(random_state):
        made = make_classifier("best", modalities=MODALITIES, random_state=random_state)
        return [network.random_state for network in networks(made)]

    assert seeds(None) == [None] * 5
    assert seeds(np.uint8(200)) == [1000, 1001, 1002, 1003, 1004]
    assert max(seeds(2**32 - 1)) < 2**32
    drawn = seeds(np.random.RandomState(0))
    assert len(set(drawn)) == 5
    assert drawn == seeds(np.random.RandomState(0)) != seeds(np.random.RandomState(1))
    for wrong in (-1, "zero", 0.5):
        with pytest.raises(ValueError, match=r"seed|Seed|RandomState"):
            seeds(wrong)


def test_parameters_of_all_networks():
    clf = make_classifier(
        "best", modalities=MODALITIES, hidden_layer_sizes=(8,), max_iter=2, checkpoint_dir="run"
    )
    for name, network in zip(NAMES, networks(clf), strict=True):
        assert network.hidden_layer_sizes == (8,)
        assert network.max_iter == 2
        assert network.checkpoint_dir == f"run/{name}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bets",), "fast, default, wide, neighbors, best, got 'bets': did you mean 'best'"),
        (("neighbours",), "got 'neighbours': did you mean 'neighbors'"),
        ((None,), "must be one of .* got None"),
        (("best",), "modalities must be given for the preset 'best', as {'rgb': 1024"),
        (("neighbors",), "modalities must be given for the preset 'neighbors', as {'rgb': 1024"),
    ],
)
def test_wrong_presets(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_classifier(*arguments)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="modalities must be None for the preset 'fast'"):
        make_classifier("fast", modalities=MODALITIES)
    with pytest.raises(ValueError, match="integers of at least 1, got 'audio': 0"):
        make_classifier("best", modalities={"rgb": 16, "audio": 0})
    for preset, modalities in (("fast", None), ("neighbors", MODALITIES), ("best", MODALITIES)):
        with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
            make_classifier(preset, modalities=modalities, depth=3)


def test_a_change_of_the_modalities_afterwards_does_not_matter():
    modalities = dict(MODALITIES)
    best = make_classifier("best", modalities=modalities)
    neighbors = make_classifier("neighbors", modalities=modalities)
    modalities["text"] = 7
    assert best.estimators[0][1].modalities == neighbors.modalities == MODALITIES


def test_neighbors_is_fitted():
    n_features = X.shape[1]
    clf = make_classifier(
        "neighbors",
        modalities={"a": n_features - 2, "b": 2},
        random_state=0,
        hidden_layer_sizes=(8,),
        max_iter=2,
    ).fit(X, Y)
    scores = clf.predict_proba(X)
    longer = X.copy()
    longer[:, :-2] *= 2
    np.testing.assert_allclose(clf.predict_proba(longer), scores, atol=1e-6)
    clf.estimator_.set_params(neighbor_weight=0.0)
    assert not np.allclose(clf.predict_proba(X), scores, atol=1e-3)


@pytest.mark.slow
def test_best_is_fitted():

    small = {"hidden_layer_sizes": (8,), "max_iter": 2}
    n_features = X.shape[1]
    clf = make_classifier("best", modalities={"a": n_features - 2, "b": 2}, random_state=0, **small)
    scores = clone(clf).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(clf.fit(X, Y).predict_proba(X), scores)
    # Visual features of another length are the same to the networks that normalise them.
    longer = X.copy()
    longer[:, :-2] *= 2
    for name, part in clf.named_estimators_.items():
        same = np.allclose(part.predict_proba(longer), part.predict_proba(X), atol=1e-6)
        assert same == name.startswith("normalized")


def test_widths_are_checked_in_fit():

    message = rf"7 \(rgb\) \+ 4 \(audio\) = 11, but X has {X.shape[1]} features"
    for preset in ("neighbors", "best"):
        clf = make_classifier(preset, modalities={"rgb": 7, "audio": 4}, hidden_layer_sizes=(8,))
        with pytest.raises(ValueError, match=message):
            clf.fit(X, Y)
