"""When `fit` ends before its last epoch."""

import numpy as np
import pytest
from small_problem import N, X, Y, small


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
