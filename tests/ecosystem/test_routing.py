"""Metadata routing: weights and validation data on their way through Pipelines and searches."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from recording import Log, Recording, WithoutWeights
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.utils.fixes import parse_version
from small_problem import X, Y, assert_same_training, small

from sk_yt8m import (
    AveragingClassifier,
    DeepMultiLabelClassifier,
    DeepNeighborsClassifier,
    NormalizedModalitiesClassifier,
    SparseIndicator,
)
from sk_yt8m.metrics import gap_score, gap_scorer

WEIGHT = np.where(np.arange(100) % 3 == 0, 1.0, 9.0)
X_VAL, Y_VAL = 5 * X[:40] + 100, Y[:40]
VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": WEIGHT[:40]}
ALL = ("sample_weight", *VALIDATION)
# Far from standardised: what a step has not transformed is seen.
X_RAW = 5 * X + 100
ROUTED_SCORE = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scikit-learn routes the metadata of an estimator's own score since 1.9",
)


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def asking(network, *names):
    return network.set_fit_request(**dict.fromkeys(names or ALL, True))


def scaled(clf):
    """Return a Pipeline that transforms the validation features, and scales without weights."""
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    return Pipeline([("scale", scaler), ("clf", clf)], transform_input=["X_val"])


def networks_in(clf):
    """Return the fitted networks in a classifier of any of the three kinds."""
    if isinstance(clf, DeepNeighborsClassifier):
        return networks_in(clf.estimator_)
    if isinstance(clf, AveragingClassifier):
        return [network for part in clf.estimators_ for network in networks_in(part)]
    return [clf]


KINDS = {
    "network": lambda: asking(small()),
    "neighbors": lambda: DeepNeighborsClassifier(asking(small())).set_fit_request(
        sample_weight=True
    ),
    "average": lambda: AveragingClassifier([("seed 0", asking(small()))]),
    "average of neighbors": lambda: AveragingClassifier([("part", KINDS["neighbors"]())]),
}


@pytest.fixture(params=KINDS)
def classifier(request):
    return KINDS[request.param]()


class TestPipeline:
    @pytest.mark.parametrize("form", [lambda value: value, lambda value: (value,)])
    def test_validation_data_is_transformed_like_x(self, classifier, form):
        pipeline = scaled(classifier)
        given = {name: form(value) for name, value in VALIDATION.items()}
        pipeline.fit(X_RAW, Y, sample_weight=WEIGHT, **given)
        scaler = StandardScaler().fit(X_RAW)
        inputs = VALIDATION | {"X_val": scaler.transform(X_VAL)}
        expected = small().fit(scaler.transform(X_RAW), Y, sample_weight=WEIGHT, **inputs)
        (network,) = networks_in(pipeline[-1])
        assert len(network.validation_scores_) == 2
        assert_same_training(network, expected)

    def test_neighbors_ask_for_their_own_weights(self):
        clf = DeepNeighborsClassifier(asking(small()))
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            Pipeline([("clf", clf)]).fit(X, Y, sample_weight=WEIGHT)

    def test_names(self):
        clf = asking(small(), "X_val", "y_val").set_fit_request(sample_weight="importance")
        fitted = Pipeline([("clf", clf)]).fit(X, Y, importance=WEIGHT)
        assert_same_training(fitted[-1], small().fit(X, Y, sample_weight=WEIGHT))


class TestSearch:
    """GridSearchCV, a Pipeline, neighbours and a network, one in the other."""

    def search(self, log, **requests):
        network = Recording(log).set_fit_request(**requests)
        clf = DeepNeighborsClassifier(network).set_fit_request(sample_weight=True)
        pipeline = scaled(clf)
        scorer = copy.deepcopy(gap_scorer).set_score_request(sample_weight=True)
        grid = {"clf__n_neighbors": [1, 9]}
        return GridSearchCV(pipeline, grid, cv=KFold(2), scoring=scorer)

    def test_every_fit_gets_its_rows(self):
        search = self.search(log := Log(), **dict.fromkeys(ALL, True))
        given = {name: (value,) for name, value in VALIDATION.items()}
        search.fit(X_RAW, Y, sample_weight=WEIGHT, **given)
        assert [len(fit["X"]) for fit in log] == [50, 50, 50, 50, 100]
        folds = [slice(50, 100), slice(0, 50)] * 2 + [slice(0, 100)]
        for fit, rows in zip(log, folds, strict=True):
            np.testing.assert_array_equal(fit["sample_weight"], WEIGHT[rows])
            np.testing.assert_array_equal(fit["y_val"][0], Y_VAL)
            np.testing.assert_array_equal(fit["sample_weight_val"][0], WEIGHT[:40])
            scaler = StandardScaler().fit(X_RAW[rows])
            np.testing.assert_allclose(fit["X_val"][0], scaler.transform(X_VAL), rtol=1e-4)

    def test_the_scorer_gets_its_rows(self):
        def scores(**params):
            search = self.search(Log(), sample_weight=False).fit(X, Y, **params)
            return search.cv_results_["mean_test_score"]

        clf = DeepNeighborsClassifier(Recording(Log()), n_neighbors=9)
        expected = []
        for train, test in (slice(50, 100), slice(0, 50)), (slice(0, 50), slice(50, 100)):
            scaler = StandardScaler().fit(X[train])
            # The network does not ask for weights; the neighbours do.
            clf.set_params(estimator=Recording(Log()).set_fit_request(sample_weight=False))
            clf.fit(scaler.transform(X[train]), Y[train], sample_weight=WEIGHT[train])
            predicted = clf.predict_proba(scaler.transform(X[test]))
            expected.append(gap_score(Y[test], predicted, sample_weight=WEIGHT[test]))
        assert scores(sample_weight=WEIGHT)[1] == pytest.approx(np.mean(expected))

    def test_what_is_not_requested(self):
        search = self.search(Log(), sample_weight=True).set_params(error_score="raise")
        with pytest.raises(UnsetMetadataPassedError, match=r"\[X_val\]"):
            search.fit(X, Y, X_val=X_VAL)
        search = self.search(Log()).set_params(error_score="raise")
        with pytest.raises(UnsetMetadataPassedError, match=r"\[sample_weight\]"):
            search.fit(X, Y, sample_weight=WEIGHT)

    @ROUTED_SCORE
    def test_of_a_real_network_with_a_sparse_target(self):
        clf = DeepNeighborsClassifier(asking(small())).set_fit_request(sample_weight=True)
        pipeline = scaled(clf.set_score_request(sample_weight=True))
        grid = {"clf__estimator__learning_rate_init": [0.001, 0.02]}
        search = GridSearchCV(pipeline, grid, cv=KFold(2), error_score="raise")
        search.fit(
            X_RAW,
            sp.csr_matrix(Y),
            sample_weight=WEIGHT,
            X_val=(X_VAL,),
            y_val=(sp.csr_array(Y_VAL),),
        )
        assert len(set(search.cv_results_["mean_test_score"])) == 2
        (network,) = networks_in(search.best_estimator_[-1])
        hand = clone(network).fit(
            search.best_estimator_[0].transform(X_RAW),
            Y,
            sample_weight=WEIGHT,
            X_val=search.best_estimator_[0].transform(X_VAL),
            y_val=Y_VAL,
        )
        assert_same_training(network, hand)


class TestCrossValidate:
    def test_weights_of_fit_and_score(self, classifier):
        scorer = copy.deepcopy(gap_scorer).set_score_request(sample_weight=True)
        result = cross_validate(
            classifier,
            X,
            SparseIndicator(sp.csr_array(Y)),
            cv=KFold(2),
            scoring=scorer,
            params={"sample_weight": WEIGHT},
        )
        expected = []
        for train, test in (slice(50, 100), slice(0, 50)), (slice(0, 50), slice(50, 100)):
            clf = clone(classifier).fit(X[train], Y[train], sample_weight=WEIGHT[train])
            expected.append(
                gap_score(Y[test], clf.predict_proba(X[test]), sample_weight=WEIGHT[test])
            )
        np.testing.assert_allclose(result["test_score"], expected, rtol=1e-5)

    @ROUTED_SCORE
    def test_the_own_score_asks(self, classifier):
        def scores():
            params = {"sample_weight": WEIGHT}
            return cross_validate(classifier, X, Y, cv=KFold(2), params=params)["test_score"]

        with pytest.raises(UnsetMetadataPassedError, match="score"):
            scores()
        unweighted = classifier.set_score_request(sample_weight=False) and scores()
        weighted = classifier.set_score_request(sample_weight=True) and scores()
        assert (np.abs(weighted - unweighted) > 1e-4).all()

    def test_a_scorer_of_scikit_learn(self):
        y = Y[:, 0]
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        clf = AveragingClassifier([("part", asking(small(), "sample_weight"))])
        result = cross_validate(
            clf, X, y, cv=KFold(2), scoring=scorer, params={"sample_weight": WEIGHT}
        )
        assert np.isfinite(result["test_score"]).all()


class TestAverage:
    def test_each_part_gets_what_it_requests(self):
        logs = [Log(), Log(), Log()]
        other = Recording(logs[1]).set_fit_request(**dict.fromkeys(VALIDATION, False))
        parts = [
            ("all", asking(Recording(logs[0]))),
            ("other", other.set_fit_request(sample_weight="w")),
            ("nothing", WithoutWeights(logs[2])),
            ("out", "drop"),
            ("scaled", scaled(WithoutWeights(logs[2]))),
        ]
        clf = AveragingClassifier(parts).fit(X, Y, sample_weight=WEIGHT, w=2 * WEIGHT, **VALIDATION)
        np.testing.assert_array_equal(logs[0][0]["X_val"], X_VAL)
        np.testing.assert_array_equal(logs[0][0]["sample_weight"], WEIGHT)
        assert logs[1][0].keys() == {"X", "sample_weight"}
        np.testing.assert_array_equal(logs[1][0]["sample_weight"], 2 * WEIGHT)
        assert [fit.keys() for fit in logs[2]] == [{"X"}, {"X"}]
        assert len(clf.estimators_) == 4

    def test_without_routing_all_get_all(self):
        logs = [Log(), Log()]
        parts = [(f"part {i}", Recording(log)) for i, log in enumerate(logs)]
        with config_context(enable_metadata_routing=False):
            AveragingClassifier(parts).fit(X, Y, sample_weight=WEIGHT, **VALIDATION)
            assert all(log[0].keys() == {"X", *ALL} for log in logs)
            with pytest.raises(TypeError, match="sample_weight"):
                AveragingClassifier([("part", WithoutWeights(Log()))]).fit(
                    X, Y, sample_weight=WEIGHT
                )

    def test_what_no_part_requests(self):
        clf = AveragingClassifier([("part", WithoutWeights(Log()))])
        with pytest.raises(TypeError, match=r"unexpected argument\(s\) \{'sample_weight'\}"):
            clf.fit(X, Y, sample_weight=WEIGHT)
        clf = AveragingClassifier([("part", LogisticRegression())])
        with pytest.raises(UnsetMetadataPassedError, match="LogisticRegression"):
            clf.fit(X, Y[:, 0], sample_weight=WEIGHT)

    @pytest.mark.parametrize("estimators", [None, [], [("a",)], [3], [("out", "drop")]])
    def test_a_bad_list_has_no_requests(self, estimators):
        router = AveragingClassifier(estimators).get_metadata_routing()
        assert list(router.consumes("fit", ["sample_weight"])) == []


class TestNormalized:
    @pytest.mark.parametrize("form", [lambda value: value, lambda value: (value,)])
    def test_validation_data_is_scaled_and_goes_where_it_is_requested(self, form):
        clf = NormalizedModalitiesClassifier(asking(small()))
        given = {name: form(value) for name, value in VALIDATION.items()}
        Pipeline([("clf", clf)]).fit(X, Y, sample_weight=WEIGHT, **given)
        fitted = clone(clf).fit(X, Y, sample_weight=WEIGHT, **given).estimator_
        inputs = VALIDATION | {"X_val": normalize(X_VAL)}
        expected = small().fit(normalize(X), Y, sample_weight=WEIGHT, **inputs)
        assert_same_training(fitted, expected)

    def test_what_is_not_requested(self):
        with pytest.raises(UnsetMetadataPassedError, match="X_val"):
            NormalizedModalitiesClassifier(small()).fit(X, Y, **VALIDATION)


class TestNeighbors:
    def test_the_network_may_go_without_the_weights(self):
        clf = DeepNeighborsClassifier(small().set_fit_request(sample_weight=False), n_neighbors=5)
        clf.fit(X, Y, sample_weight=WEIGHT)
        assert_same_training(clf.estimator_, small().fit(X, Y))
        equal = clone(clf).fit(X, Y)
        assert np.abs(clf.predict_proba(X) - equal.predict_proba(X)).max() > 0.01

    def test_two_kinds_of_weights(self):
        clf = DeepNeighborsClassifier(small().set_fit_request(sample_weight="importance"))
        clf.fit(X, Y, sample_weight=np.ones(100), importance=WEIGHT)
        assert_same_training(clf.estimator_, small().fit(X, Y, sample_weight=WEIGHT))

    def test_the_default_network_requests_all(self, monkeypatch):
        monkeypatch.setitem(DeepMultiLabelClassifier.__init__.__kwdefaults__, "max_iter", 1)
        monkeypatch.setattr(DeepMultiLabelClassifier.__init__, "__defaults__", ((8,), "relu"))
        clf = DeepNeighborsClassifier().set_fit_request(sample_weight=True)
        pipeline = Pipeline([("clf", clf)]).fit(X_RAW, Y, sample_weight=WEIGHT, **VALIDATION)
        assert len(pipeline[-1].estimator_.validation_scores_) == 1
        assert pipeline[-1].estimator is None

    def test_the_default_network_without_routing(self):
        with config_context(enable_metadata_routing=False):
            router = DeepNeighborsClassifier().get_metadata_routing()
        assert list(router.consumes("fit", ["X_val"])) == []


COPIES = {
    "clone": clone,
    "deepcopy": copy.deepcopy,
    "pickle": lambda clf: pickle.loads(pickle.dumps(clf)),
}


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_asks_for_the_same(classifier, copied):
    classifier.set_score_request(sample_weight="importance")
    again = COPIES[copied](classifier)
    expected = classifier.get_metadata_routing()
    for method, names in (("fit", ALL), ("score", ("importance", "sample_weight"))):
        asked = again.get_metadata_routing().consumes(method, names)
        assert set(asked) == set(expected.consumes(method, names)) != set()
    # A fitted one and the parts that it has fitted, too.
    fitted = COPIES[copied](clone(classifier).fit(X, Y))
    assert set(fitted.get_metadata_routing().consumes("fit", ALL)) == set(ALL)
