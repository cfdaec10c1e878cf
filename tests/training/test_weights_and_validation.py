"""Weights of rows, in training and in validation, and what is told of a training."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import accuracy_score

from sk_yt8m import DeepMultiLabelClassifier
from sk_yt8m.metrics import gap_score

N, N_FEATURES, N_LABELS = 240, 6, 10
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, N_FEATURES)).astype(np.float32)
Y = (X @ RNG.normal(size=(N_FEATURES, N_LABELS)) > 1.5).astype(np.uint8)
USED = RNG.random(N) < 0.8
USED[0] = False
X_ODD = np.where(USED[:, np.newaxis], X, 1e6 * X).astype(np.float32)
Y_ODD = np.where(USED[:, np.newaxis], Y, 1 - Y)


def small(**parameters) -> DeepMultiLabelClassifier:
    defaults = {
        "hidden_layer_sizes": (12,),
        "max_iter": 4,
        "learning_rate_init": 0.02,
        "precision": "float32",
        "random_state": 0,
    }
    return DeepMultiLabelClassifier(**(defaults | parameters))


def assert_same(one, other):
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    assert (one.t_, one.n_iter_) == (other.t_, other.n_iter_)
    weights = other._fitted_model().weights
    for name, weight in one._fitted_model().weights.items():
        np.testing.assert_array_equal(weight, weights[name], err_msg=name)


def mapped(X, folder):
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


class TestAWeightOfZeroRemovesTheRow:
    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"batch_size": 32, "shuffle": False},
            {"early_stopping": True, "validation_fraction": 0.3},
            {"standardize": False, "output_bias_init": "zeros"},
            {"max_iter": "auto"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("weight", [1.0, 7.0, "many"])
    def test_fit(self, parameters, weight):
        given = RNG.random(N) + 0.5 if weight == "many" else np.full(N, weight)
        features = X if "standardize" in parameters else X_ODD
        one = small(**parameters).fit(features, Y_ODD, sample_weight=np.where(USED, given, 0))
        weights = given[USED] if weight == "many" else None
        other = small(**parameters).fit(X[USED], Y[USED], sample_weight=weights)
        assert_same(one, other)

    @pytest.mark.parametrize("form", [np.asfortranarray, sp.csr_matrix, pd.DataFrame, np.float64])
    def test_fit_of_other_forms(self, form):
        one = small().fit(form(X_ODD), Y_ODD, sample_weight=USED)
        other = small().fit(form(X_ODD[USED]), Y[USED])
        np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-4)

    def test_fit_of_a_memory_map_in_windows(self, tmp_path, monkeypatch):
        from sk_yt8m._inputs import features as _features
        from sk_yt8m._inputs import shuffling as _shuffling

        monkeypatch.setattr(_features, "_BLOCK_BYTES", 4000)
        monkeypatch.setattr(_shuffling, "_RUN_BYTES", 100)
        monkeypatch.setattr(_shuffling, "_MIXED_RUNS", 4)
        one = small().fit(mapped(X_ODD, tmp_path), Y_ODD, sample_weight=USED)
        (tmp_path / "fewer").mkdir()
        other = small().fit(mapped(X[USED], tmp_path / "fewer"), Y[USED])
        assert_same(one, other)

    @pytest.mark.parametrize("y", [Y[:, 0], Y[:, :3].sum(axis=1)], ids=["binary", "multiclass"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_fit_of_classes(self, y, early_stopping):
        odd = np.where(USED, y, y.max() - y)
        one = small(early_stopping=early_stopping).fit(X_ODD, odd, sample_weight=USED)
        assert_same(one, small(early_stopping=early_stopping).fit(X[USED], y[USED]))

    def test_partial_fit(self):
        one, other = small(), small()
        for part in (slice(0, 90), slice(90, 240)):
            used = USED[part]
            one.partial_fit(X_ODD[part], Y_ODD[part], sample_weight=used)
            other.partial_fit(X[part][used], Y[part][used])
        assert_same(one, other)

    def test_warm_start(self):
        one, other = (small(warm_start=True).fit(X[:50], Y[:50]) for _ in range(2))
        one.fit(X_ODD, Y_ODD, sample_weight=USED)
        assert_same(one, other.fit(X[USED], Y[USED]))

    @pytest.mark.parametrize("call", ["fit", "partial_fit"])
    def test_its_values_are_finite_all_the_same(self, call):
        bad = X_ODD.copy()
        bad[0, 3] = np.nan
        with pytest.raises(ValueError, match="NaN in row 0, column 3"):
            getattr(small(), call)(bad, Y_ODD, sample_weight=USED)

    def test_an_error_gives_the_row_as_it_was_given(self):
        bad = X_ODD.astype(np.float64)
        row = int(np.flatnonzero(USED)[40])
        for value, message in ((np.nan, "NaN"), (1e300, "too large")):
            bad[row, 2] = value
            with pytest.raises(ValueError, match=rf"{message}.* row {row}, column 2"):
                small(early_stopping=True).fit(bad, Y_ODD, sample_weight=USED)

    def test_a_class_of_such_rows_alone_stays_a_class(self):
        y = np.repeat([0, 1, 2], N // 3)
        clf = small(max_iter=10).fit(X, y, sample_weight=y != 1)
        assert clf.classes_.tolist() == [0, 1, 2]
        assert clf.predict_proba(X)[:, 1].max() < 0.1

    @pytest.mark.parametrize("share", [1e-30, 1e-300])
    def test_almost_zero_is_almost_removal(self, share):
        options = {"batch_normalization": False, "batch_size": N, "input_dropout": 0, "dropout": 0}
        odd = np.where(USED[:, np.newaxis], X, 1e3 * X)
        one = small(**options).fit(odd, Y_ODD, sample_weight=np.where(USED, 1, share))
        other = small(**options).fit(X[USED], Y[USED])
        np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-2)

    def test_a_weight_is_a_number_of_copies_to_statistics_and_biases(self):
        times = RNG.integers(1, 4, N)
        options = {"max_iter": 1, "learning_rate_init": 1e-12, "dropout": 0, "input_dropout": 0}
        weighted = small(**options).fit(X, Y, sample_weight=times)
        copies = small(**options).fit(np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0))
        for name in ("standardization/mean", "standardization/scale"):
            one, other = (clf._fitted_model().weights[name] for clf in (weighted, copies))
            np.testing.assert_allclose(one, other, rtol=1e-9)


class TestBadWeights:
    @pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            (np.zeros(N), "non-zero"),
            (np.full(N, np.nan), "NaN"),
            (np.where(np.arange(N) == 3, np.inf, 1), "infinity"),
            (np.nan, "NaN"),
            (np.inf, "infinity"),
            (np.where(np.arange(N) == 3, -1, 1), "Negative"),
            (np.ones(N - 1), "shape"),
            (np.ones((N, 1)), "1D"),
        ],
        ids=["zeros", "NaN", "inf", "one NaN", "one inf", "negative", "short", "column"],
    )
    def test_they_are_refused_by_name(self, name, weight, message):
        with pytest.raises(ValueError, match=f"(?s)(?=.*{message}).*") as error:
            small().fit(X, Y, X_val=X, y_val=Y, **{name: weight})
        assert name == "sample_weight" or name in str(error.value)
        if name == "sample_weight":
            with pytest.raises(ValueError, match=message):
                small().partial_fit(X, Y, sample_weight=weight)

    def test_a_later_part_of_zeros(self):
        clf = small().partial_fit(X, Y)
        before = clf.predict_proba(X)
        with pytest.raises(ValueError, match="non-zero"):
            clf.partial_fit(X, Y, sample_weight=np.zeros(N))
        np.testing.assert_array_equal(clf.predict_proba(X), before)
        assert clf.n_iter_ == 1

    @pytest.mark.parametrize("scale", [1e-320, 1e-30, 1e30, 1e308])
    def test_their_scale_does_not_matter(self, scale):
        weight = np.repeat([0.5, 1.0], N // 2)
        assert_same(
            small().fit(X, Y, sample_weight=weight * scale), small().fit(X, Y, sample_weight=weight)
        )

    @pytest.mark.parametrize("every", [None, 1])
    def test_batches_and_parts_of_weights_next_to_nothing(self, every, tmp_path):
        weight = np.where(np.arange(N) < N // 2, 1.0, 2e-38)
        clf = small(batch_size=10, shuffle=False, checkpoint_dir=tmp_path, checkpoint_every=every)
        assert np.isfinite(clf.fit(X, Y, sample_weight=weight).loss_curve_).all()


class TestHeldOutRows:
    def test_they_bear_on_nothing_but_the_score(self):
        plain = small(early_stopping=True, validation_fraction=0.25, n_iter_no_change=100)
        from sk_yt8m._training.problem import hold_out, read_problem

        problem = read_problem(plain, X, Y, None)
        seed = plain._draw_seed()
        kept, held = hold_out(problem.indicator, problem.form, 0.25, seed)
        odd, labels = X.copy(), Y.copy()
        odd[held] *= 1e6
        labels[held] = 1 - labels[held]
        one = plain.fit(odd, labels)
        other = small(n_iter_no_change=100).fit(
            X[kept], Y[kept], X_val=odd[held], y_val=1 - Y[held]
        )
        assert_same(one, other)

    def test_their_weights_count(self):
        weight = RNG.random(N)
        clf = small(early_stopping=True, validation_fraction=0.25)
        from sk_yt8m._training.problem import hold_out, read_problem

        problem = read_problem(clf, X, Y, None)
        _, held = hold_out(problem.indicator, problem.form, 0.25, clf._draw_seed())
        clf.fit(X, Y, sample_weight=weight)
        expected = gap_score(Y[held], clf.predict_top_k(X[held]), sample_weight=weight[held])
        assert clf.best_validation_score_ == pytest.approx(expected, abs=1e-12)


class TestValidationWeights:
    WEIGHT = np.where(np.arange(N) % 3, RNG.random(N), 0)

    @pytest.mark.parametrize("y", [Y, sp.csr_array(Y), pd.DataFrame(Y)], ids=["dense", "CSR", "df"])
    def test_multilabel(self, y):
        clf = small().fit(X, y, X_val=X, y_val=y, sample_weight_val=self.WEIGHT)
        expected = gap_score(Y, clf.predict_top_k(X), sample_weight=self.WEIGHT)
        assert clf.best_validation_score_ == pytest.approx(expected, abs=1e-12)
        assert clf.best_validation_score_ != small().fit(X, y, None, X, y).best_validation_score_

    def test_classes(self):
        y = np.where(Y[:, 0], "yes", "no")
        clf = small().fit(X, y, None, X, y, self.WEIGHT)
        expected = accuracy_score(y, clf.predict(X), sample_weight=self.WEIGHT)
        assert clf.best_validation_score_ == pytest.approx(expected)

    def test_rows_of_weight_zero_are_left_out(self):
        one = small().fit(X, Y, None, X_ODD, Y_ODD, sample_weight_val=USED)
        assert_same(one, small().fit(X, Y, None, X[USED], Y[USED]))

    def test_they_need_validation_data(self):
        with pytest.raises(ValueError, match=r"sample_weight_val .* expected X_val"):
            small(early_stopping=True).fit(X, Y, sample_weight_val=np.ones(N))

    def test_they_are_part_of_a_checkpoint(self, tmp_path, monkeypatch):
        from sk_yt8m._training.trainer import Trainer

        def stop(self, *arguments):
            raise KeyboardInterrupt

        clf = small(checkpoint_dir=tmp_path, checkpoint_every=1)
        train, calls = Trainer.train, iter(range(100))
        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "train", lambda *a: train(*a) if next(calls) < 3 else stop(*a))
            with pytest.warns(UserWarning, match="interrupted"):
                clf.fit(X, Y, None, X, Y, sample_weight_val=self.WEIGHT)
        with pytest.raises(ValueError, match="sample_weight_val holds other values"):
            clf.fit(X, Y, None, X, Y, sample_weight_val=self.WEIGHT**2)
        with pytest.raises(ValueError, match="X_val"):
            clf.fit(X, Y, None, X, Y)
        whole = small().fit(X, Y, None, X, Y, sample_weight_val=self.WEIGHT)
        again = clf.fit(X, Y, None, X, Y, sample_weight_val=self.WEIGHT)
        np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))


class TestBadValidationData:
    """Found before the first step, and named."""

    @pytest.fixture(autouse=True)
    def no_step(self, monkeypatch):
        from sk_yt8m._training.trainer import Trainer

        def train(*arguments):
            raise AssertionError("a step was taken")

        monkeypatch.setattr(Trainer, "train", train)

    @pytest.mark.parametrize("form", [np.asarray, sp.csr_array, pd.DataFrame, np.float64])
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize(
        ("value", "what"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
    )
    def test_values(self, form, early_stopping, value, what):
        bad = X.copy()
        bad[201, 4] = value
        with pytest.raises(ValueError, match=f"Input X_val contains {what} in row 201, column 4"):
            small(early_stopping=early_stopping).fit(form(X), Y, X_val=form(bad), y_val=Y)

    def test_values_of_weight_zero(self):
        bad = X.copy()
        bad[0, 4] = np.nan
        with pytest.raises(ValueError, match="Input X_val contains NaN in row 0, column 4"):
            small().fit(X, Y, X_val=bad, y_val=Y, sample_weight_val=USED)

    def test_values_in_rows_that_are_set_aside(self):
        for row in range(0, N, 60):
            bad = X.copy()
            bad[row, 4] = np.nan
            with pytest.raises(ValueError, match=f"Input X contains NaN in row {row}, column 4"):
                small(early_stopping=True, validation_fraction=0.9).fit(bad, Y)

    def test_a_value_that_overflows(self):
        bad = X.astype(np.float64)
        bad[9, 1] = 1e300
        with pytest.raises(
            ValueError, match=r"X_val contains a value too large .* row 9, column 1"
        ):
            small().fit(X, Y, X_val=bad, y_val=Y)

    @pytest.mark.parametrize("form", [np.asarray, sp.csr_array, pd.DataFrame])
    def test_no_positive_label(self, form):
        with pytest.raises(ValueError, match="y_val has no positive label"):
            small().fit(X, Y, X_val=X, y_val=form(0 * Y))
        with pytest.raises(ValueError, match="y_val has no positive label"):
            small().fit(X, Y, None, X, form(np.where(USED[:, np.newaxis], 0, Y)), USED)

    def test_no_positive_label_in_rows_that_are_set_aside(self):
        rare = np.zeros_like(Y)
        with pytest.raises(ValueError, match="rows set aside for validation have no positive"):
            small(early_stopping=True).fit(X, rare)

    @pytest.mark.parametrize(
        ("X_val", "y_val", "message"),
        [
            (X[:, 1:], Y, "X_val: .*5 features"),
            (X[:0], Y[:0], "X_val: .*0 sample"),
            (X[0], Y, "X_val: .*1D array"),
            ([["a"] * N_FEATURES] * N, Y, "X_val: "),
            (X[1:], Y, "X_val and y_val: .*inconsistent numbers of samples"),
            (X, Y[:, 1:], "y_val: y has 9 labels: expected the 10"),
            (X, Y + 2, "y_val: .*row 0, column 0 holds"),
            (X, Y[:, 0], "y_val: "),
            (X, None, "X_val and y_val go together"),
            (None, Y, "X_val and y_val go together"),
        ],
        ids=["width", "empty", "1-d", "texts", "length", "labels", "2s", "kind", "X", "y"],
    )
    def test_shapes_and_labels(self, X_val, y_val, message):
        with pytest.raises(ValueError, match=message):
            small().fit(X, Y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("y", [Y, Y[:, 0]], ids=["labels", "classes"])
def test_validation_rows_whose_prediction_overflows(y, dtype):
    bad = X.astype(dtype)
    bad[201] = np.where(np.arange(N_FEATURES) % 2, 3e38, -3e38)
    with pytest.raises(ValueError, match="prediction of row 201 of X_val is not a finite"):
        small().fit(X.astype(dtype), y, X_val=bad, y_val=y)


class TestTolerance:
    def test_the_mean_over_labels_trains_as_long_as_the_sum(self):
        rare = np.hstack([Y, np.zeros((N, 990), dtype=np.uint8)])
        options = {"max_iter": 15, "n_iter_no_change": 3, "dropout": 0, "input_dropout": 0}
        total = small(**options).fit(X, rare)
        mean = small(**options, loss_reduction="mean").fit(X, rare)
        assert mean.loss_ < 0.003 < total.loss_
        assert total.n_iter_ == mean.n_iter_ == 15

    def test_of_the_score_it_is_what_it_is(self):
        options = {"early_stopping": True, "tol": 0.05, "n_iter_no_change": 2, "max_iter": 30}
        runs = [
            small(**options, loss_reduction=reduction).fit(X, Y) for reduction in ("sum", "mean")
        ]
        for clf in runs:
            best, waited = -np.inf, 0
            for score in clf.validation_scores_[:-1]:
                waited = 0 if score > best + 0.05 else waited + 1
                best = max(best, score)
                assert waited < 2

    @pytest.mark.parametrize(
        ("parameters", "watched"),
        [({}, "training loss"), ({"early_stopping": True}, "validation score")],
    )
    def test_an_end_before_the_last_epoch_is_printed(self, parameters, watched, capsys):
        clf = small(tol=1e6, n_iter_no_change=2, max_iter=9, verbose=True, **parameters).fit(X, Y)
        line = capsys.readouterr().out.splitlines()[-1]
        assert clf.n_iter_ == 3
        assert line.startswith(f"stopped after epoch 3 of 9: the {watched} did not improve by more")
        small(max_iter=2, verbose=True).fit(X, Y)
        assert "stopped" not in capsys.readouterr().out


class TestPenalty:
    @pytest.mark.parametrize("loss_reduction", ["sum", "mean"])
    @pytest.mark.parametrize("batch_size", [50, 240])
    @pytest.mark.parametrize("y", [Y, Y[:, 0], Y[:, :3].sum(axis=1)], ids=["labels", "2", "4"])
    def test_it_is_in_the_loss(self, loss_reduction, batch_size, y):
        still = {"learning_rate_init": 1e-30, "max_iter": 1, "batch_size": batch_size}
        options = still | {"loss_reduction": loss_reduction, "weight_decay": 0.0}
        without, held = (small(alpha=alpha, **options).fit(X, y) for alpha in (0.0, 3.0))
        weights = held._fitted_model().weights
        squares = sum((w**2).sum() for name, w in weights.items() if name.endswith("kernel"))
        size = -(-N // -(-N // batch_size))
        expected = without.loss_ + 3.0 / 2 * squares / size
        assert held.loss_ == pytest.approx(expected, rel=1e-4)


def shift_output(clf, shift):
    """Add to the first log-odds."""
    weights = clf._fitted_model().weights
    bias = weights["output/bias"].copy()
    bias[0] += shift
    weights["output/bias"] = bias


class TestProbabilities:
    @pytest.mark.parametrize("predict_precision", ["float32", "bfloat16"])
    @pytest.mark.parametrize("shift", [-300, -100, -40, -17, 0, 17, 40, 100, 300])
    @pytest.mark.parametrize("y", [Y[:, 0], Y[:, :4].sum(axis=1), Y], ids=["2", "5", "labels"])
    def test_they_are_strictly_inside_0_and_1(self, y, shift, predict_precision):
        clf = small(max_iter=1, predict_precision=predict_precision).fit(X, y)
        shift_output(clf, shift)
        probabilities = clf.predict_proba(X)
        assert probabilities.dtype == np.float32
        assert probabilities.min() > 0
        assert probabilities.max() < 1
        scores = clf.predict_top_k(X, k=2).scores
        assert scores.dtype == np.float32
        assert 0 < scores.min() <= scores.max() < 1
        np.testing.assert_array_equal(scores, -np.sort(-probabilities, axis=1)[:, :2])
        if y.ndim == 1:
            np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
            np.testing.assert_array_equal(
                clf.classes_[probabilities.argmax(axis=1)], clf.predict(X)
            )

    def test_small_probabilities_are_not_rounded_up(self):
        clf = small(max_iter=1).fit(X, Y[:, 0])
        shift_output(clf, -40)
        log_odds = clf.decision_function(X)
        np.testing.assert_allclose(clf.predict_proba(X)[:, 1], np.exp(log_odds), rtol=1e-4)
