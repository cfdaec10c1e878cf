"""Classifiers that are put together from others."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from small_problem import weights_of

from sk_yt8m import (
    AveragingClassifier,
    DeepMultiLabelClassifier,
    DeepNeighborsClassifier,
    SparseIndicator,
)
from sk_yt8m.datasets import make_videos
from sk_yt8m.metrics import gap_score, gap_scorer

X, Y = make_videos(360, n_labels=25, n_features=12, random_state=0, return_X_y=True)


def network(seed: int = 0) -> DeepMultiLabelClassifier:
    return DeepMultiLabelClassifier((16, 24), max_iter=3, precision="float32", random_state=seed)


@pytest.fixture(scope="module")
def neighbors():
    return DeepNeighborsClassifier(network(), n_neighbors=7, neighbor_weight=0.3).fit(X, Y)


@pytest.fixture(scope="module")
def average():
    networks = [("one", network(1)), ("two", network(2))]
    return AveragingClassifier(networks, weights=[1, 3]).fit(X, Y)


class TestHiddenActivations:
    @pytest.mark.parametrize("sizes", [(), (5,), (16, 24)])
    def test_the_output_layer_makes_the_scores_of_them(self, sizes):
        clf = network().set_params(hidden_layer_sizes=sizes).fit(X, Y)
        hidden = clf.hidden_activations(X)
        assert hidden.dtype == np.float32
        assert hidden.shape == (360, (12, *sizes)[-1])
        weights = weights_of(clf)
        scores = hidden @ weights["output/kernel"] + weights["output/bias"]
        np.testing.assert_allclose(clf.decision_function(X), scores, rtol=1e-4, atol=1e-4)


class TestNeighbors:
    def twin(self, clf, rows, weight=None) -> np.ndarray:
        """The definition, row by row."""
        weight = np.ones(len(X)) if weight is None else weight
        kept = weight > 0
        weight, labels = weight[kept], Y[kept]
        references = clf.estimator_.hidden_activations(X)[kept].astype(float)
        references /= np.linalg.norm(references, axis=1, keepdims=True)
        result = []
        for row in rows:
            own = clf.estimator_.hidden_activations(row[np.newaxis])[0].astype(float)
            cosine = references @ own / np.linalg.norm(own)
            nearest = np.argsort(-cosine, kind="stable")[: clf.n_neighbors]
            shares = np.exp(cosine[nearest] / clf.temperature) * weight[nearest]
            found = shares @ labels[nearest] / shares.sum()
            probabilities = clf.estimator_.predict_proba(row[np.newaxis])[0]
            share = clf.neighbor_weight
            result.append((1 - share) * probabilities + share * found)
        return np.array(result)

    def test_the_definition(self, neighbors):
        rows = X[::20] + 0.1
        np.testing.assert_allclose(
            neighbors.predict_proba(rows), self.twin(neighbors, rows), rtol=1e-4, atol=1e-5
        )

    def test_weights(self):
        weight = np.where(np.arange(360) % 3 == 0, 0.0, 2.0)
        clf = DeepNeighborsClassifier(network(), n_neighbors=9).fit(X, Y, sample_weight=weight)
        alone = network().fit(X, Y, sample_weight=weight)
        np.testing.assert_array_equal(clf.estimator_.predict_proba(X), alone.predict_proba(X))
        rows = X[::30]
        np.testing.assert_allclose(
            clf.predict_proba(rows), self.twin(clf, rows, weight), rtol=1e-4, atol=1e-5
        )

    def test_the_extremes_are_the_network_and_the_labels(self, neighbors):
        clf = pickle.loads(pickle.dumps(neighbors)).set_params(neighbor_weight=0.0)
        own = clf.estimator_.predict_proba(X)
        np.testing.assert_allclose(clf.predict_proba(X), own, rtol=1e-6)
        clf.set_params(neighbor_weight=1.0, n_neighbors=1)
        np.testing.assert_allclose(clf.predict_proba(X), Y, atol=1e-6)
        clf.set_params(n_neighbors=10_000, temperature=np.inf)
        means = np.broadcast_to(Y.mean(axis=0), Y.shape)
        np.testing.assert_allclose(clf.predict_proba(X), means, atol=1e-5)

    def test_default_network_and_validation_data(self):
        clf = DeepNeighborsClassifier(network()).fit(X[:300], Y[:300], X_val=X[300:], y_val=Y[300:])
        assert len(clf.estimator_.validation_scores_) == 3
        assert isinstance(DeepNeighborsClassifier().fit(X[:20], Y[:20]).estimator_, type(network()))

    def test_bad_parameters(self):
        for parameters in ({"n_neighbors": 0}, {"neighbor_weight": 1.1}, {"temperature": 0}):
            with pytest.raises(ValueError, match=next(iter(parameters))):
                DeepNeighborsClassifier(network(), **parameters).fit(X, Y)
        with pytest.raises(ValueError, match="hidden_activations"):
            DeepNeighborsClassifier(MLPClassifier()).fit(X, Y)


class TestAverage:
    def test_the_definition(self, average):
        one, two = (network(seed).fit(X, Y).predict_proba(X) for seed in (1, 2))
        np.testing.assert_allclose(average.predict_proba(X), 0.25 * one + 0.75 * two, rtol=1e-5)
        assert list(average.named_estimators_) == ["one", "two"]

    def test_parameters_of_the_parts(self, average):
        other = clone(average).set_params(one__max_iter=1, two=None)
        assert other.estimators[0][1].max_iter == 1
        assert average.estimators[0][1].max_iter == 3
        assert other.get_params()["two"] is None

    def test_other_classifiers(self):
        parts = [("mlp", MLPClassifier((5,), max_iter=5, random_state=0)), ("net", network())]
        with pytest.warns(UserWarning, match="converge"):
            clf = AveragingClassifier(parts, n_jobs=1).fit(X, Y)
        expected = np.mean([part.predict_proba(X) for part in clf.estimators_], axis=0)
        np.testing.assert_allclose(clf.predict_proba(X), expected, rtol=1e-4)

    @pytest.mark.parametrize(
        ("estimators", "options", "message"),
        [
            ([], {}, "at least one"),
            ([("a", network()), ("a", network())], {}, "not unique"),
            ([("a", network())], {"weights": [1, 2]}, "weights must be 1 finite numbers"),
            ([("a", network())], {"weights": [-1]}, "at least 0"),
            ([("a", network()), ("b", network())], {"weights": [0, 0]}, "not all 0"),
        ],
    )
    def test_bad_parameters(self, estimators, options, message):
        with pytest.raises(ValueError, match=message):
            AveragingClassifier(estimators, **options).fit(X, Y)


@pytest.mark.parametrize("name", ["neighbors", "average"])
class TestBoth:
    def test_top_k(self, name, request):
        clf = request.getfixturevalue(name)
        dense = clf.predict_proba(X)
        top = clf.predict_top_k(X, k=4)
        expected = np.argsort(-dense, axis=1, kind="stable")[:, :4]
        np.testing.assert_array_equal(top.indices, expected)
        np.testing.assert_array_equal(top.scores, np.take_along_axis(dense, expected, axis=1))
        assert clf.predict_top_k(X[:2], k=100).indices.shape == (2, 25)
        assert clf.score(X, Y) == gap_score(Y, dense)
        for k in (0, 1.5, True):
            with pytest.raises(ValueError, match="k must be an integer"):
                clf.predict_top_k(X, k=k)

    def test_predict(self, name, request):
        clf = request.getfixturevalue(name)
        np.testing.assert_array_equal(clf.predict(X), clf.predict_proba(X) > 0.5)
        assert clf.predict(X).dtype == Y.dtype
        sparse = clone(clf).fit(X, sp.csr_matrix(Y)).predict(X)
        assert sp.issparse(sparse)
        np.testing.assert_array_equal(sparse.toarray(), clf.predict(X))

    def test_pickle(self, name, request):
        clf = request.getfixturevalue(name)
        again = pickle.loads(pickle.dumps(clf))
        np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))

    def test_no_rows(self, name, request):
        with pytest.raises(ValueError, match="0 rows"):
            request.getfixturevalue(name).predict_proba(X[:0])

    def test_searches_and_pipelines(self, name, request):
        clf = clone(request.getfixturevalue(name))
        normalizers = [(Normalizer(), slice(0, 8)), (Normalizer(), slice(8, 12))]
        pipeline = make_pipeline(make_column_transformer(*normalizers), clf)
        scores = cross_val_score(
            pipeline, X, SparseIndicator(sp.csr_matrix(Y)), scoring=gap_scorer, cv=KFold(2)
        )
        assert (scores > 0.1).all()
        grid = {"neighbors": {"neighbor_weight": [0, 1]}, "average": {"weights": [[1, 0], [0, 1]]}}
        search = GridSearchCV(clf, grid[name], cv=KFold(2), scoring=gap_scorer).fit(X, Y)
        assert len(set(search.cv_results_["mean_test_score"])) == 2
