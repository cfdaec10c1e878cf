"""What the classifier promises beyond scikit-learn's own checks."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score, f1_score, get_scorer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from small_problem import learner, mapped, trained_rows, weights_of

from sk_yt8m import DeepMultiLabelClassifier, SparseIndicator
from sk_yt8m.metrics import gap_score, gap_scorer, make_multimetric_scorer

N, N_FEATURES, N_LABELS = 400, 12, 30
small = learner


@pytest.fixture(scope="module")
def data(learnable):
    return learnable


@pytest.fixture(scope="module")
def fitted(learned):
    return learned


@pytest.fixture(scope="module")
def after_five_epochs(data):
    """Return a network in which what float32 rounds has not yet switched a unit on or off."""
    return small(max_iter=5).fit(*data)


def frequency_gap(Y: np.ndarray) -> float:
    return gap_score(Y, np.tile(Y.mean(axis=0), (len(Y), 1)))


def test_it_learns(data, fitted):
    X, Y = data
    assert fitted.score(X, Y) > 0.9 > frequency_gap(Y) + 0.3


class TestTargets:
    @pytest.mark.parametrize(
        "form",
        [
            sp.csr_matrix,
            sp.csc_array,
            pd.DataFrame,
            lambda Y: Y.astype(bool),
            lambda Y: SparseIndicator(sp.csr_array(Y)),
        ],
        ids=["csr", "csc", "DataFrame", "bool", "SparseIndicator"],
    )
    def test_every_form_trains_the_same_network(self, data, fitted, form):
        X, Y = data
        other = small().fit(X, form(Y))
        np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))

    def test_predictions_have_the_form_of_the_targets(self, data, fitted):
        X, Y = data
        dense = fitted.predict(X)
        assert dense.dtype == Y.dtype
        np.testing.assert_array_equal(dense, fitted.predict_proba(X) > 0.5)
        sparse = small().fit(X, sp.csr_matrix(Y)).predict(X)
        assert isinstance(sparse, sp.csr_matrix)
        assert sparse.dtype == Y.dtype
        np.testing.assert_array_equal(sparse.toarray(), dense)
        assert f1_score(Y, dense, average="micro") == f1_score(
            sp.csr_matrix(Y), sparse, average="micro"
        )

    def test_label_names(self, data):
        X, Y = data
        names = [f"label {i}" for i in range(N_LABELS)]
        clf = small(max_iter=1).fit(X, pd.DataFrame(Y, columns=names))
        assert clf.label_names_.tolist() == names

    def test_binary(self, data):
        X, Y = data
        y = np.where(Y[:, 0], "yes", "no")
        clf = small().fit(X, y)
        assert clf.classes_.tolist() == ["no", "yes"]
        assert clf.score(X, y) > 0.9
        assert clf.decision_function(X).shape == (N,)
        probabilities = clf.predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        indices, scores = clf.predict_top_k(X, k=20)
        np.testing.assert_array_equal(clf.classes_[indices[:, 0]], clf.predict(X))
        np.testing.assert_array_equal(scores, -np.sort(-probabilities, axis=1))

    def test_multiclass(self):
        X, y = load_iris(return_X_y=True)
        clf = small().fit(X, y)
        assert clf.out_activation_ == "softmax"
        assert clf.score(X, y) > 0.95
        probabilities = clf.predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(probabilities.argmax(axis=1), y.take(0) + clf.predict(X))
        assert clf.predict_top_k(X, k=2).indices.shape == (150, 2)

    def test_one_label(self, data):
        X, Y = data
        clf = small().fit(X, sp.csr_array(Y[:, :1]))
        assert clf.predict_proba(X).shape == (N, 1)
        assert clf.predict_top_k(X).indices.tolist() == [[0]] * N

    def test_two_labels_are_not_a_binary_target_to_scikit_learn(self, data):
        X, Y = data
        clf = small().fit(X, Y[:, :2])
        expected = average_precision_score(Y[:, :2], clf.predict_proba(X))
        assert get_scorer("average_precision")(clf, X, Y[:, :2]) == pytest.approx(expected)

    def test_labels_with_no_or_only_positives(self, data):
        X, Y = data
        Y = Y.copy()
        Y[:, 3], Y[:, 4] = 0, 1
        probabilities = small().fit(X, Y).predict_proba(X)
        assert probabilities[:, 3].max() < 0.05
        assert probabilities[:, 4].min() > 0.95


class TestFeatures:
    @pytest.mark.parametrize(
        "form",
        [
            lambda X: X.astype(np.float64),
            lambda X: X.astype(">f4"),
            np.asfortranarray,
            lambda X: np.repeat(X, 2, axis=1)[:, ::2],
            sp.csr_matrix,
            sp.csc_array,
            pd.DataFrame,
        ],
        ids=["float64", "big-endian", "fortran", "strided", "csr", "csc", "DataFrame"],
    )
    def test_every_form_gives_the_same_network(self, data, after_five_epochs, form):
        X, Y = data
        clf = small(max_iter=5).fit(form(X), Y)
        expected = after_five_epochs.predict_proba(X)
        np.testing.assert_allclose(clf.predict_proba(form(X)), expected, rtol=1e-4, atol=1e-6)

    def test_float16(self, data):
        X, Y = data
        half = X.astype(np.float16)
        one, other = small().fit(half, Y), small().fit(half.astype(np.float32), Y)
        np.testing.assert_array_equal(one.predict_proba(half), other.predict_proba(half))

    def test_memory_map(self, data, fitted, tmp_path):
        X, Y = data
        rows = mapped(X, tmp_path)
        clf = small().fit(rows, Y)
        np.testing.assert_array_equal(clf.predict_proba(rows), fitted.predict_proba(X))

    def test_constant_and_huge_features(self, data):
        X, Y = data
        odd = np.hstack([X * 1e6 + 1e5, np.full((N, 1), 7.0, dtype=np.float32)])
        assert small().fit(odd, Y).score(odd, Y) > 0.9


class TestPrediction:
    def test_probabilities_are_strictly_inside_0_and_1(self, data, fitted):
        X, _ = data
        probabilities = fitted.predict_proba(X * 1e6)
        assert probabilities.dtype == np.float32
        assert probabilities.min() > 0
        assert probabilities.max() < 1

    def test_top_k_is_the_stable_sort_of_the_probabilities(self, data, fitted):
        X, _ = data
        for rows in (X, X * 1e6):
            probabilities = fitted.predict_proba(rows)
            indices, scores = fitted.predict_top_k(rows, k=7)
            expected = np.argsort(-probabilities, axis=1, kind="stable")[:, :7]
            np.testing.assert_array_equal(indices, expected)
            np.testing.assert_array_equal(scores, np.take_along_axis(probabilities, expected, 1))
            assert (indices.dtype, scores.dtype) == (np.int32, np.float32)

    def test_k_beyond_the_labels(self, data, fitted):
        assert fitted.predict_top_k(data[0], k=1000).indices.shape == (N, N_LABELS)

    @pytest.mark.parametrize("k", [0, -3, 2.5, "5", True, None])
    def test_bad_k(self, data, fitted, k):
        with pytest.raises(ValueError, match="k must be an integer of at least 1"):
            fitted.predict_top_k(data[0], k=k)

    def test_rows_do_not_depend_on_their_neighbours(self, data, fitted):
        X, _ = data
        together = fitted.predict_proba(np.tile(X, (3, 1)))[:N]
        for pieces in (1, 7, 64, 399):
            apart = [fitted.predict_proba(X[i : i + pieces]) for i in range(0, N, pieces)]
            np.testing.assert_array_equal(np.vstack(apart), together)

    def test_decision_function_is_the_log_odds(self, data, fitted):
        X, _ = data
        expected = expit(fitted.decision_function(X).astype(np.float64))
        np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-5)

    def test_unfitted(self, data):
        with pytest.raises(NotFittedError):
            small().predict_top_k(data[0])


class TestTraining:
    def test_the_same_seed_gives_the_same_network(self, data, fitted):
        X, Y = data
        np.random.seed(1)  # noqa: NPY002
        state = np.random.get_state()[1].copy()  # noqa: NPY002
        again = small().fit(X, Y)
        np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
        np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
        other = small(random_state=1).fit(X, Y)
        assert (other.predict_proba(X) != fitted.predict_proba(X)).any()

    def test_the_untrained_network_predicts_frequencies(self, data):
        X, Y = data
        clf = small(hidden_layer_sizes=(), learning_rate_init=1e-12, max_iter=1).fit(X, Y)
        frequencies = (Y.sum(axis=0) + 0.5) / (N + 1)
        logits = clf.decision_function(X).mean(axis=0)
        np.testing.assert_allclose(logits, np.log(frequencies / (1 - frequencies)), atol=1e-4)
        zeros = clf.set_params(output_bias_init="zeros").fit(X, Y)
        np.testing.assert_allclose(zeros.decision_function(X).mean(axis=0), 0, atol=1e-4)

    def test_bookkeeping(self, data):
        X, Y = data
        clf = small(max_iter=3, hidden_layer_sizes=(8, 6)).fit(X, Y)
        assert (clf.n_iter_, clf.t_, clf.n_layers_, clf.n_outputs_) == (3, 3 * N, 4, N_LABELS)
        assert len(clf.loss_curve_) == 3
        assert clf.loss_ == clf.loss_curve_[-1]
        assert clf.best_loss_ == min(clf.loss_curve_)
        assert clf.validation_scores_ is None
        assert clf.epoch_times_ == sorted(clf.epoch_times_)
        assert len(clf.epoch_times_) == 3

    def test_loss_curve_is_the_cross_entropy(self, data):
        X, Y = data
        clf = small(
            max_iter=1,
            learning_rate_init=1e-12,
            dropout=0,
            input_dropout=0,
            batch_normalization=False,
            precision="float32",
        ).fit(X, Y)
        z = clf.decision_function(X)
        expected = (np.logaddexp(0, z) - Y * z).sum(axis=1).mean()
        assert clf.loss_curve_[0] == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "gelu", "silu"])
    def test_every_activation(self, data, activation):
        X, Y = data
        clf = small(activation=activation).fit(X, Y)
        assert clf.score(X, Y) > 0.8

    def test_a_linear_model(self, data):
        X, Y = data
        assert small(hidden_layer_sizes=(), max_iter=40).fit(X, Y).score(X, Y) > 0.9

    def test_heads_predict_alone(self, data):
        X, Y = data
        plain = {"precision": "float32", "batch_normalization": False, "dropout": 0}

        def heads(clf):
            h, weights = clf.hidden_activations(X), weights_of(clf)
            kernel, bias = weights["output/kernel"], weights["output/bias"]
            return [2 * h[:, half] @ kernel[half] + bias for half in (slice(20), slice(20, 40))]

        still = small(n_heads=2, max_iter=1, learning_rate_init=1e-12, **plain).fit(X, Y)
        losses = [(np.logaddexp(0, z) - Y * z).sum(axis=1).mean() for z in heads(still)]
        assert still.loss_curve_[0] == pytest.approx(np.mean(losses), rel=1e-4)
        alone, together = (heads(small(n_heads=n, **plain).fit(X, Y)) for n in (2, 1))
        for one, other in zip(alone, together, strict=True):
            assert gap_score(Y, one) > gap_score(Y, other) + 0.02

    @pytest.mark.parametrize("hidden_layer_sizes", [(), (40,), (6, 40)])
    def test_heads_that_cannot_share_the_last_layer(self, data, hidden_layer_sizes):
        with pytest.raises(ValueError, match="n_heads must divide the last of hidden_layer_sizes"):
            small(hidden_layer_sizes=hidden_layer_sizes, n_heads=3).fit(*data)

    def test_alpha_shrinks_the_weights(self, data):
        X, Y = data
        plain = {"weight_decay": 0.0, "batch_normalization": False, "max_iter": 30}
        free, held = (small(alpha=alpha, **plain).fit(X, Y) for alpha in (0.0, 30.0))
        assert np.abs(held.decision_function(X)).mean() < np.abs(free.decision_function(X)).mean()

    def test_sample_weight(self, data):
        X, Y = data
        noise = np.random.default_rng(1).integers(0, 2, Y.shape).astype(Y.dtype)
        both, labels = np.vstack([X, X]), np.vstack([Y, noise])
        weight = np.repeat([1.0, 0.0], N)
        weighted = small().fit(both, labels, sample_weight=weight)
        assert weighted.score(X, Y) > small().fit(both, labels).score(X, Y) + 0.05
        scaled = small().fit(both, labels, sample_weight=weight * 1000)
        np.testing.assert_allclose(
            scaled.predict_proba(X), weighted.predict_proba(X), rtol=1e-3, atol=1e-5
        )

    def test_bfloat16_is_close_to_float32(self, data):
        X, Y = data
        scores = [small(precision=p).fit(X, Y).score(X, Y) for p in ("float32", "bfloat16")]
        assert scores[0] == pytest.approx(scores[1], abs=0.02)

    def test_the_batch_may_be_larger_than_the_data(self, data):
        X, Y = data
        clf = small(batch_size=10_000, max_iter=60).fit(X, Y)
        assert clf.score(X, Y) > 0.5

    def test_divergence_says_what_to_change(self, data):
        X, Y = data
        wild = small(learning_rate_init=1e30, batch_normalization=False)
        with pytest.raises(FloatingPointError, match="lower learning_rate_init"):
            wild.fit(X, Y)

    def test_verbose(self, data, capsys):
        X, Y = data
        small(max_iter=2, verbose=True).fit(X, Y, X_val=X, y_val=Y)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        assert all(word in lines[1] for word in ("epoch   2/2", "loss", "GAP@20", "samples/s"))


class TestValidation:
    def test_the_best_epoch_is_kept(self, data):
        X, Y = data
        X_val, Y_val = X[:100], np.roll(Y, 1, axis=0)[:100]
        clf = small(learning_rate="constant", max_iter=12).fit(X, Y, X_val=X_val, y_val=Y_val)
        scores = clf.validation_scores_
        assert len(scores) == clf.n_iter_ == 12
        assert scores[-1] < max(scores), "the last epoch must not be the best for this test"
        assert clf.best_validation_score_ == max(scores)
        assert clf.score(X_val, Y_val) == pytest.approx(max(scores), abs=1e-12)

    def test_it_stops_early_and_sets_rows_aside(self, data):
        X, Y = data
        noise = np.random.default_rng(0).integers(0, 2, Y.shape)
        clf = small(early_stopping=True, n_iter_no_change=3, max_iter=200, learning_rate="constant")
        clf.fit(X, noise)
        assert clf.n_iter_ < 200
        best = int(np.argmax(clf.validation_scores_))
        assert clf.n_iter_ == best + 1 + 3
        assert clf.t_ == clf.n_iter_ * 360

    def test_classes_keep_their_shares(self):
        X, y = load_iris(return_X_y=True)
        kept = trained_rows(small(early_stopping=True, validation_fraction=0.2), y)
        assert np.bincount(y[~kept]).tolist() == [10, 10, 10]
        assert small(early_stopping=True).fit(X, y).best_validation_score_ > 0.8

    def test_without_validation_it_stops_when_the_loss_does(self, data):
        X, Y = data
        clf = small(tol=1e6, n_iter_no_change=2, max_iter=50).fit(X, Y)
        assert clf.n_iter_ == 3

    def test_both_or_neither(self, data):
        X, Y = data
        with pytest.raises(ValueError, match="X_val and y_val go together"):
            small().fit(X, Y, X_val=X)

    def test_other_labels(self, data):
        X, Y = data
        with pytest.raises(ValueError, match="y has 29 labels: expected the 30 of training"):
            small().fit(X, Y, X_val=X, y_val=Y[:, 1:])


class TestGoingOn:
    def test_warm_start(self, data, fitted):
        X, Y = data
        clf = small(warm_start=True, max_iter=2)
        first = clf.fit(X, Y).loss_curve_
        second = clf.fit(X, Y).loss_curve_
        assert second[0] < first[0]
        with pytest.raises(ValueError, match="hidden_layer_sizes was"):
            clf.set_params(hidden_layer_sizes=(41,)).fit(X, Y)
        cold = clf.set_params(hidden_layer_sizes=(41,), warm_start=False).fit(X, Y)
        assert cold.predict_proba(X).shape == Y.shape

    def test_partial_fit_learns(self, data):
        X, Y = data
        clf = small()
        for epoch in range(30):
            for half in (slice(0, 200), slice(200, 400)):
                clf.partial_fit(X[half], Y[half])
            if epoch == 0:
                early = clf.score(X, Y)
        assert clf.score(X, Y) > max(0.8, early)
        assert (clf.n_iter_, clf.t_) == (60, 30 * N)

    def test_partial_fit_goes_on_after_a_pickle_as_if_there_was_none(self, data):
        X, Y = data
        one = small(precision="float32")
        other = small(precision="float32")
        for step in range(6):
            one.partial_fit(X, Y)
            other.partial_fit(X, Y)
            if step == 2:
                other = pickle.loads(pickle.dumps(other))
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))

    def test_partial_fit_after_fit(self, data, fitted):
        X, Y = data
        clf = copy.deepcopy(fitted)
        before = clf.predict_proba(X)
        clf.partial_fit(X, Y)
        assert (clf.predict_proba(X) != before).any()
        assert clf.score(X, Y) > 0.8

    def test_classes_are_announced_at_the_first_call(self):
        X, y = load_iris(return_X_y=True)
        clf = small().partial_fit(X[:100], y[:100], classes=[0, 1, 2])
        clf.partial_fit(X[100:], y[100:])
        assert clf.predict_proba(X).shape == (150, 3)
        with pytest.raises(ValueError, match=r"y holds classes \[9\]"):
            clf.partial_fit(X, np.where(y == 2, 9, y))

    def test_the_labels_cannot_change(self, data):
        X, Y = data
        clf = small().partial_fit(X, Y)
        with pytest.raises(ValueError, match="y has 29 labels: expected the 30 of training"):
            clf.partial_fit(X, Y[:, 1:])


class TestCopies:
    @pytest.mark.parametrize(
        "copied",
        [copy.deepcopy, lambda clf: pickle.loads(pickle.dumps(clf))],
        ids=["deepcopy", "pickle"],
    )
    def test_a_copy_predicts_the_same(self, data, fitted, copied):
        X, _ = data
        np.testing.assert_array_equal(copied(fitted).predict_proba(X), fitted.predict_proba(X))

    def test_joblib(self, data, fitted, tmp_path):
        X, _ = data
        joblib.dump(fitted, tmp_path / "clf.joblib")
        loaded = joblib.load(tmp_path / "clf.joblib")
        np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))

    def test_a_pickle_holds_the_weights_and_little_more(self, data):
        X, Y = data
        clf = small(hidden_layer_sizes=(600, 700), max_iter=1).fit(X, Y)
        n_weights = N_FEATURES * 600 + 600 * 700 + 700 * N_LABELS
        clf.predict(X)
        assert len(pickle.dumps(clf)) < 1.2 * 4 * n_weights

    def test_clone_and_unfitted_copies(self, fitted):
        assert clone(fitted).get_params() == fitted.get_params()
        assert not hasattr(clone(fitted), "classes_")
        unfitted = small(max_iter=7)
        assert pickle.loads(pickle.dumps(unfitted)).get_params() == unfitted.get_params()
        assert copy.deepcopy(unfitted).get_params() == unfitted.get_params()


class TestBadInput:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (np.nan, "NaN in row 37, column 5"),
            (np.inf, "infinity in row 37, column 5"),
            (-np.inf, "infinity in row 37, column 5"),
            (1e300, "too large for float32"),
        ],
    )
    def test_values(self, data, fitted, value, message):
        X, Y = data
        bad = X.astype(np.float64)
        bad[37, 5] = value
        for call in (lambda: small().fit(bad, Y), lambda: fitted.predict_top_k(bad)):
            with pytest.raises(ValueError, match=message):
                call()

    def test_lengths_and_shapes(self, data, fitted):
        X, Y = data
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            small().fit(X, Y[1:])
        with pytest.raises(ValueError, match=r"X has 11 features, but .* is expecting 12"):
            fitted.predict(X[:, 1:])

    @pytest.mark.parametrize(
        "parameters",
        [
            {"hidden_layer_sizes": (10, 0)},
            {"hidden_layer_sizes": (2.5,)},
            {"hidden_layer_sizes": "wide"},
            {"activation": "swish2"},
            {"batch_size": 0},
            {"max_iter": 0},
            {"dropout": 1.0},
            {"n_heads": 0},
            {"precision": "float16"},
            {"ema_decay": 1.0},
            {"learning_rate_init": 0.0},
        ],
        ids=str,
    )
    def test_parameters(self, data, parameters):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            small(**parameters).fit(*data)

    def test_weights(self, data):
        X, Y = data
        with pytest.raises(ValueError, match="at least one non-zero"):
            small().fit(X, Y, sample_weight=np.zeros(N))
        with pytest.raises(ValueError, match="Negative values"):
            small().fit(X, Y, sample_weight=-np.ones(N))

    def test_a_failed_fit_leaves_the_model_as_it_was(self, data, fitted):
        X, Y = data
        clf = copy.deepcopy(fitted)
        with pytest.raises(ValueError, match=r"row 0, column 0 holds [23]"):
            clf.fit(X, Y.astype(int) + 2)
        np.testing.assert_array_equal(clf.predict_proba(X), fitted.predict_proba(X))


class TestModelSelection:
    def test_cross_val_score_dense_and_sparse(self, data):
        X, Y = data
        clf = small(max_iter=5)
        dense = cross_val_score(clf, X, Y, scoring=gap_scorer, cv=3)
        sparse = cross_val_score(
            clf, X, SparseIndicator(sp.csr_matrix(Y)), scoring=gap_scorer, cv=3
        )
        assert dense.min() > frequency_gap(Y)
        np.testing.assert_allclose(dense, sparse, rtol=1e-12)

    @pytest.mark.slow
    def test_two_workers(self, data):
        X, Y = data
        clf = small(max_iter=5, precision="float32")
        one, two = (
            cross_val_score(
                clf, X, SparseIndicator(sp.csr_matrix(Y)), scoring=gap_scorer, cv=3, n_jobs=n_jobs
            )
            for n_jobs in (1, 2)
        )
        np.testing.assert_allclose(one, two, atol=1e-3)

    def test_several_metrics_share_one_prediction(self, data, monkeypatch):
        X, Y = data
        calls = []
        predict_top_k = DeepMultiLabelClassifier.predict_top_k
        monkeypatch.setattr(
            DeepMultiLabelClassifier,
            "predict_top_k",
            lambda self, X, k=20: calls.append(len(X)) or predict_top_k(self, X, k),
        )
        scoring = make_multimetric_scorer(["gap@20", "hit@1", "hit@5"])
        result = cross_validate(small(max_iter=2), X, Y, scoring=scoring, cv=KFold(4))
        assert calls == [100] * 4
        assert (result["test_hit@5"] >= result["test_hit@1"]).all()

    def test_grid_search_over_a_pipeline(self, data):
        X, Y = data
        pipeline = make_pipeline(MinMaxScaler(), small(max_iter=3))
        grid = {"deepmultilabelclassifier__hidden_layer_sizes": [(5,), (40,)]}
        search = GridSearchCV(pipeline, grid, scoring=gap_scorer, cv=2).fit(X, sp.csr_matrix(Y))
        assert search.best_params_ == {"deepmultilabelclassifier__hidden_layer_sizes": (40,)}
        assert search.best_estimator_.predict_proba(X).shape == Y.shape


class TestPredictPrecision:
    def test_bfloat16_is_close_and_can_be_switched(self, data, fitted):
        X, Y = data
        clf = copy.deepcopy(fitted)
        exact = clf.predict_proba(X)
        rough = clf.set_params(predict_precision="bfloat16").predict_proba(X)
        assert rough.dtype == np.float32
        assert (rough != exact).any()
        np.testing.assert_allclose(rough, exact, atol=0.05)
        assert clf.score(X, Y) == pytest.approx(fitted.score(X, Y), abs=0.01)
        np.testing.assert_array_equal(
            clf.set_params(predict_precision="float32").predict_proba(X), exact
        )
