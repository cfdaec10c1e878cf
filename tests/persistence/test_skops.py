"""skops saves pipelines, searches and ensembles, and loads them with the types of this package."""

import copy
import os
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
import skops.io
from ensembles import fitted_ensemble
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.utils.fixes import parse_version
from skops.io.exceptions import UntrustedTypesFoundException
from small_problem import N_LABELS, X, Y, small

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier
from sk_yt8m.metrics import (
    get_scorer,
    label_propensities,
    make_multimetric_scorer,
    scorer_names,
)
from sk_yt8m.persistence import trusted_types

OWN_SCORER = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="the scorer of scikit-learn 1.6 for `score` holds types that skops does not trust",
)


def reloaded(estimator):
    return skops.io.loads(skops.io.dumps(estimator), trusted=trusted_types())


def assert_same(estimator, rows=X):
    again = reloaded(estimator)
    assert again.predict_proba(rows).tobytes() == estimator.predict_proba(rows).tobytes()
    predictions = [e.predict(rows) for e in (estimator, again)]
    if sp.issparse(predictions[0]):
        predictions = [p.toarray() for p in predictions]
    assert predictions[0].dtype == predictions[1].dtype
    np.testing.assert_array_equal(*predictions)
    return again


TARGETS = {
    "indicator": Y,
    "csr": sp.csr_matrix(Y),
    "csr_array": sp.csr_array(Y),
    "DataFrame": pd.DataFrame(Y, columns=[f"läbel {i}" for i in range(N_LABELS)]),
    "DataFrame of dates": pd.DataFrame(Y, columns=pd.date_range("2026-01-01", periods=N_LABELS)),
    "DataFrame of pairs": pd.DataFrame(
        Y, columns=pd.MultiIndex.from_product([["a", "b", "c"], [1, 2, 3]])
    ),
    "bool": Y[:, 0] == 1,
    "strings": np.array(["x", "y", "z"])[np.arange(len(Y)) % 3],
    "objects": np.array(["x", "y", "z"], dtype=object)[np.arange(len(Y)) % 3],
}


@pytest.mark.parametrize("target", TARGETS)
def test_every_kind_of_target(target):
    pipeline = make_pipeline(StandardScaler(), small()).fit(X, TARGETS[target])
    again = assert_same(pipeline)
    assert again[-1].label_names_.tolist() == pipeline[-1].label_names_.tolist()


@pytest.mark.parametrize("name", ["neighbors", "average", "nested"])
def test_ensembles(name):
    assert_same(fitted_ensemble(name))


def test_partial_fit_goes_on_as_if_never_saved(trained):
    again = assert_same(trained)
    one, other = (clf.partial_fit(X, Y) for clf in (copy.deepcopy(trained), again))
    assert one.predict_proba(X).tobytes() == other.predict_proba(X).tobytes()
    assert (again.n_iter_, again.t_) == (trained.n_iter_ + 1, trained.t_ + len(X))


@pytest.mark.parametrize(
    "parameters",
    [
        {"random_state": np.random.RandomState(3)},
        {"dropout": np.float32(0.25), "batch_size": np.int64(16), "shuffle": np.bool_(True)},
        {"early_stopping": True},
        {"hidden_layer_sizes": np.array([5, 4])},
    ],
    ids=" ".join,
)
def test_parameters(parameters):
    assert_same(small(**parameters).fit(X, Y))


def columns():
    return ColumnTransformer([("a", Normalizer(), slice(0, 3)), ("b", StandardScaler(), [3, 4, 5])])


def test_an_average_of_pipelines():
    parts = [
        ("scaled", make_pipeline(StandardScaler(), small())),
        ("columns", make_pipeline(columns(), small(random_state=1))),
        ("near", DeepNeighborsClassifier(small(), n_neighbors=4)),
    ]
    assert_same(AveragingClassifier(parts, weights=np.array([1, 2, 3])).fit(X, Y))


@pytest.mark.parametrize(
    "scoring",
    [
        pytest.param(None, marks=OWN_SCORER),
        get_scorer("gap@20"),
        make_multimetric_scorer(["gap@20", "hit@1"]),
    ],
    ids=lambda scoring: type(scoring).__name__,
)
def test_searches(scoring):
    search = GridSearchCV(
        make_pipeline(StandardScaler(), small()),
        {"deepmultilabelclassifier__max_iter": [1]},
        cv=KFold(2),
        scoring=scoring,
        refit="gap@20",
    )
    again = assert_same(search.fit(X, Y))
    assert again.best_params_ == search.best_params_
    assert again.cv_results_.keys() == search.cv_results_.keys()


@pytest.mark.parametrize("name", scorer_names())
def test_every_scorer(name):
    shares = {"propensities": label_propensities(Y)} if name.startswith("ps") else {}
    scorer = get_scorer(name, **shares)
    assert reloaded(scorer)(fitted_ensemble("neighbors"), X, Y) == scorer(
        fitted_ensemble("neighbors"), X, Y
    )


@OWN_SCORER
def test_the_default_splitter_of_classes():
    assert_same(GridSearchCV(small(), {"max_iter": [1]}, cv=2).fit(X, np.arange(len(X)) % 3))


class TestTrust:
    def test_every_name_is_one(self):
        for name in trusted_types():
            module, _, attribute = name.rpartition(".")
            assert callable(getattr(import_module(module), attribute))
        assert len(set(trusted_types())) == len(trusted_types())

    def test_no_more_is_trusted_than_named(self):
        """A file that would run code when it is loaded is refused."""
        for function in (os.system, eval, Path, __import__("subprocess").Popen):
            pipeline = make_pipeline(StandardScaler(), small()).fit(X, Y)
            pipeline.steps[0][1].copy = function
            data = skops.io.dumps(pipeline)
            with pytest.raises(UntrustedTypesFoundException):
                skops.io.loads(data, trusted=trusted_types())

    def test_types_of_others_are_left_to_the_caller(self):
        class_names = {name.rpartition(".")[0].split(".")[0] for name in trusted_types()}
        assert class_names == {"numpy", "scipy", "sk_yt8m", "sklearn"}

    def test_without_them_it_is_refused(self, fitted):
        with pytest.raises(UntrustedTypesFoundException, match="DeepMultiLabelClassifier"):
            skops.io.loads(skops.io.dumps(fitted))

    @OWN_SCORER
    def test_all_are_needed(self, trained):
        """Every name is found in one of the files of this module, or is a score."""
        found: set[str] = set()
        for estimator in (
            trained,
            fitted_ensemble("nested"),
            fitted_ensemble("normalized"),
            *(
                GridSearchCV(small(), {"max_iter": [1]}, cv=2, scoring=s, refit=r).fit(X, y)
                for s, r, y in (
                    (None, True, Y),
                    (None, True, Y[:, 0]),
                    (make_multimetric_scorer(["gap@20", "hit@1"]), "gap@20", Y),
                    (get_scorer("gap@20"), True, Y),
                )
            ),
        ):
            found |= set(skops.io.get_untrusted_types(data=skops.io.dumps(estimator)))
        left = set(trusted_types()) - found
        assert all(name.endswith("_score") for name in left), left
        assert found <= set(trusted_types())
