"""When `fit` ends before its last epoch."""

import numpy as np
import pytest
from small_problem import N, X, Y, small

from sk_yt8m._training.epoch_loop import TrainingInterruptedWarning
from sk_yt8m._training.trainer import Trainer


class TestTolerance:
    def test_the_mean_over_labels_trains_as_long_as_the_sum(self):
        rare = np.hstack([Y, np.zeros((N, 1991), dtype=np.uint8)])
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


class TestEpochsInOneCall:
    """Epochs that nothing is done between are trained several at a time."""

    @pytest.mark.parametrize(
        "parameters",
        [
            {"tol": 0.5, "n_iter_no_change": 2},
            {"tol": 1e6, "n_iter_no_change": 3},
            {"n_iter_no_change": np.inf, "max_iter": 11},
            {"batch_size": 7},
            {"batch_size": 1, "max_iter": 2},
            {"shuffle": False},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("weighted", [False, True])
    def test_they_are_those_of_single_ones(self, parameters, weighted, capsys):
        weight = np.random.default_rng(0).uniform(0.5, 2, N) if weighted else None
        parameters = {"max_iter": 40, **parameters}
        together = small(**parameters).fit(X, Y, weight)
        single = small(**parameters, verbose=True).fit(X, Y, weight)
        assert "epoch   2/" in capsys.readouterr().out
        assert together.loss_curve_ == single.loss_curve_
        np.testing.assert_array_equal(together.predict_proba(X), single.predict_proba(X))
        assert len(together.epoch_times_) == together.n_iter_
        assert (np.diff([0, *together.epoch_times_]) > 0).all()

    def test_a_call_ends_where_the_training_may(self, monkeypatch):
        calls = []
        train = Trainer.train

        def recorded(self, source, batches, rates):
            calls.append(len(batches))
            return train(self, source, batches, rates)

        monkeypatch.setattr(Trainer, "train", recorded)
        clf = small(tol=1e6, n_iter_no_change=5, max_iter=40, batch_size=20).fit(X, Y)
        steps = -(-N // 20)
        assert clf.n_iter_ == 6
        assert sum(calls) == 6 * steps
        assert len(calls) < 6

    def test_a_divergence_names_its_epoch(self, monkeypatch):
        train = Trainer.train

        def broken(self, source, batches, rates):
            losses = train(self, source, batches, rates)
            losses[len(losses) // 2 :] = np.nan
            return losses

        monkeypatch.setattr(Trainer, "train", broken)
        with pytest.raises(FloatingPointError, match="loss became nan in epoch 3"):
            small(max_iter=4, batch_size=N).fit(X, Y)

    def test_an_interrupt_keeps_the_epochs_before(self, monkeypatch):
        train, calls = Trainer.train, []

        def interrupted(self, source, batches, rates):
            calls.append(len(batches))
            if len(calls) == 2:
                raise KeyboardInterrupt
            return train(self, source, batches, rates)

        monkeypatch.setattr(Trainer, "train", interrupted)
        with pytest.warns(TrainingInterruptedWarning, match="interrupted in epoch 4 of 9"):
            clf = small(max_iter=9, n_iter_no_change=3, tol=1e6, batch_size=N).fit(X, Y)
        assert clf.n_iter_ == 3
