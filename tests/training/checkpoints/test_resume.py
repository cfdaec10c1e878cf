"""A fit that is stopped resumes where it was, and what stops it does no harm."""

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from faults import FailingRows, Killed, failing_write, kill, raising
from other_values import AT_ONCE, FIXED, OF_FIT, WITHOUT_EFFECT
from small_problem import X, Y, assert_same_training, assert_same_weights, mapped, small

from sk_yt8m import DeepMultiLabelClassifier, load
from sk_yt8m.persistence import ModelFileError

TESTS = Path(__file__).parents[2]
X_VAL, Y_VAL = X[:40] + np.float32(0.5), Y[:40]
WEIGHT = np.random.default_rng(0).random(100)
EVERY, N_EPOCHS = 2, 4
STEPS = [*range(EVERY, 7, EVERY), 7]
#: The checkpoints of a whole fit: (epochs done, steps of the next one).
CHECKPOINTS = [(epoch + (step == 7), step % 7) for epoch in range(N_EPOCHS) for step in STEPS][:-1]

brief = partial(small, batch_size=15, max_iter=N_EPOCHS)


def in_folder(folder: Path, **parameters) -> DeepMultiLabelClassifier:
    return brief(checkpoint_dir=folder, **({"checkpoint_every": EVERY} | parameters))


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def name_of(epoch: int, step: int) -> str:
    return f"checkpoint-{epoch:06d}-{step:09d}.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> DeepMultiLabelClassifier:
    """A fit that was never stopped."""
    return in_folder(tmp_path_factory.mktemp("whole")).fit(X, Y)


@pytest.fixture(scope="module")
def validated(tmp_path_factory) -> tuple[DeepMultiLabelClassifier, Path]:
    """A fit with validation data that was never stopped, and the folder of one that was killed."""
    given = {"X_val": X_VAL, "y_val": Y_VAL}
    folder = tmp_path_factory.mktemp("validated")
    kill(6, in_folder(folder), X, Y, **given)
    return in_folder(tmp_path_factory.mktemp("whole")).fit(X, Y, **given), folder


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory) -> Path:
    """The folder of a fit that was killed after six checkpoints."""
    folder = tmp_path_factory.mktemp("killed")
    kill(6, in_folder(folder), X, Y)
    return folder


@pytest.fixture
def killed(left_behind, tmp_path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(left_behind, tmp_path / "killed"))


class TestGoingOn:
    @pytest.mark.parametrize("n_checkpoints", [1, 4, 5, 14])
    def test_the_result_is_that_of_a_fit_that_was_never_stopped(
        self, whole, tmp_path, n_checkpoints
    ):
        kill(n_checkpoints, in_folder(tmp_path / "b"), X, Y)
        assert len(names(tmp_path / "b")) == min(n_checkpoints, 2)
        again = in_folder(tmp_path / "b").fit(X, Y)
        assert_same_training(again, whole)
        assert again.epoch_times_ == sorted(again.epoch_times_)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("parameters", "options"),
        [
            ({}, {"X_val": X_VAL, "y_val": Y_VAL}),
            ({"early_stopping": True, "n_iter_no_change": 2, "max_iter": 30}, {}),
            ({"ema_decay": None, "shuffle": False}, {"sample_weight": WEIGHT}),
            ({"batch_normalization": False, "alpha": 0.1, "hidden_layer_sizes": ()}, {}),
            ({"checkpoint_every": None, "max_iter": 6}, {}),
            ({"checkpoint_every": 1, "learning_rate": "constant"}, {}),
        ],
        ids=["validated", "early stopping", "no average", "linear", "epochs", "every step"],
    )
    def test_after_several_kills(self, tmp_path, parameters, options):
        whole = in_folder(tmp_path / "a", **parameters).fit(X, Y, **options)
        for n_checkpoints in (1, 1, 1):
            kill(n_checkpoints, in_folder(tmp_path / "b", **parameters), X, Y, **options)
        assert_same_training(in_folder(tmp_path / "b", **parameters).fit(X, Y, **options), whole)

    @pytest.mark.slow
    @pytest.mark.parametrize("y", [Y[:, 0], Y[:, :3].sum(axis=1)], ids=["binary", "multiclass"])
    def test_classes_and_sparse_features(self, tmp_path, y):
        sparse = sp.csr_matrix(np.where(X > 0, X, 0))
        whole = in_folder(tmp_path / "a").fit(sparse, y)
        kill(6, in_folder(tmp_path / "b"), sparse, y)
        assert_same_training(in_folder(tmp_path / "b").fit(sparse, y), whole)

    def test_only_what_is_left_is_trained(self, tmp_path, capsys):
        kill(9, in_folder(tmp_path), X, Y)
        with failing_write(100, AssertionError()) as written:
            in_folder(tmp_path, verbose=True).fit(X, Y)
        assert written == [name_of(*checkpoint) for checkpoint in CHECKPOINTS[9:]]
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "resuming in epoch 3 after 2 of its steps"
        assert [line.split()[1] for line in lines[1:]] == ["3/4", "4/4"]

    def test_a_kill_before_the_first_checkpoint(self, whole, tmp_path):
        kill(0, in_folder(tmp_path), X, Y)
        assert names(tmp_path) == []
        assert_same_training(in_folder(tmp_path).fit(X, Y), whole)

    def test_checkpoints_change_no_weight(self, whole):
        plain = brief().fit(X, Y)
        np.testing.assert_array_equal(whole.predict_proba(X), plain.predict_proba(X))
        np.testing.assert_allclose(whole.loss_curve_, plain.loss_curve_, rtol=1e-6)

    def test_a_drawn_seed_is_used_again(self, tmp_path):
        np.random.seed(11)  # noqa: NPY002
        kill(6, in_folder(tmp_path, random_state=None), X, Y)
        again = in_folder(tmp_path, random_state=None).fit(X, Y)
        np.random.seed(11)  # noqa: NPY002
        assert_same_training(again, in_folder(tmp_path, random_state=None).fit(X, Y))

    def test_warm_start(self, tmp_path):
        first = brief().fit(X, Y)
        first.save(tmp_path / "first.safetensors")
        parameters = {"warm_start": True, "checkpoint_every": EVERY}
        whole = load(tmp_path / "first.safetensors")
        whole.set_params(**parameters, checkpoint_dir=tmp_path / "a").fit(X, Y)
        parameters["checkpoint_dir"] = tmp_path / "b"
        again = load(tmp_path / "first.safetensors").set_params(**parameters)
        kill(6, again, X, Y)
        assert_same_training(again.fit(X, Y), whole)
        kill(6, again, X, Y)
        with pytest.raises(ValueError, match="weights of the warm start was given before"):
            brief(**parameters).fit(X, Y)

    def test_the_same_data_in_another_form_which_says_from_where(
        self, whole, killed, tmp_path, capsys
    ):
        again = in_folder(killed, verbose=True).fit(mapped(X, tmp_path), pd.DataFrame(Y))
        assert_same_training(again, whole)
        assert capsys.readouterr().out.startswith("resuming in epoch 2 after 4 of its steps\n")


class TestFolder:
    def test_it_is_empty_after_fit_and_made_where_needed(self, tmp_path):
        in_folder(tmp_path / "a" / "b").fit(X, Y)
        assert names(tmp_path / "a" / "b") == []

    def test_the_last_two_are_kept_and_other_files_left_alone(self, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        draft = f".checkpoint-000000-000000002.safetensors.{'0' * 16}.tmp"
        (tmp_path / draft).write_bytes(b"half")
        kill(6, in_folder(tmp_path), X, Y)
        assert names(tmp_path) == [name_of(1, 2), name_of(1, 4), "notes.txt"]
        in_folder(tmp_path).fit(X, Y)
        assert names(tmp_path) == ["notes.txt"]

    @pytest.mark.parametrize("kept", [0, 1])
    def test_each_of_them_is_enough_to_go_on(self, validated, tmp_path, kept):
        whole, left = validated
        shutil.copytree(left, tmp_path / "one")
        assert names(left) == [name_of(1, 2), name_of(1, 4)]
        (tmp_path / "one" / names(left)[1 - kept]).unlink()
        again = in_folder(tmp_path / "one").fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
        assert_same_training(again, whole)

    @pytest.mark.parametrize("damage", ["cut", "bit", "empty", "foreign"])
    def test_a_damaged_newest_one(self, whole, killed, damage):
        newest = killed / names(killed)[-1]
        data = newest.read_bytes()
        changed = bytearray(data)
        changed[-100] ^= 1
        damaged = {"cut": data[:-50], "bit": changed, "empty": b"", "foreign": b"\x80\x04."}
        newest.write_bytes(damaged[damage])
        with pytest.warns(RuntimeWarning, match="000004.safetensors cannot be used, the previous"):
            again = in_folder(killed).fit(X, Y)
        assert_same_training(again, whole)

    def test_all_damaged(self, whole, killed):
        for path in killed.iterdir():
            path.write_bytes(path.read_bytes()[:-1])
        with pytest.warns(RuntimeWarning, match="cannot be used") as caught:
            again = in_folder(killed).fit(X, Y)
        assert len(caught) == 2
        assert_same_training(again, whole)
        assert names(killed) == []

    def test_two_fits_at_once_are_refused(self, whole, tmp_path, monkeypatch):
        replace, refused = os.replace, []

        def replace_beside_another_fit(*paths):
            with pytest.raises(RuntimeError, match="in use by another call"):
                in_folder(tmp_path).fit(X, Y)
            refused.append(replace(*paths))

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace_beside_another_fit)
            clf = in_folder(tmp_path).fit(X, Y)
        assert_same_training(clf, whole)
        assert len(refused) == len(CHECKPOINTS)
        in_folder(tmp_path).fit(X, Y)

    def test_it_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(FileExistsError):
            in_folder(tmp_path / "file").fit(X, Y)

    @pytest.mark.parametrize("parameters", [{"checkpoint_every": 0}, {"checkpoint_dir": 3}])
    def test_parameters(self, parameters):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            small(**parameters).fit(X, Y)

    def test_a_checkpoint_is_not_a_model_file(self, left_behind):
        with pytest.raises(ModelFileError, match="unknown entries"):
            load(left_behind / names(left_behind)[0])


class TestRefused:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"dropout": 0.25}, r"dropout was 0.5 and is now 0.25"),
            ({"hidden_layer_sizes": (9, 8)}, r"hidden_layer_sizes was \[8\] and is now \[9, 8\]"),
            ({"random_state": 1}, r"random_state was 0 and is now 1"),
            ({"random_state": None}, r"random_state was 0 and is now None"),
            ({"max_iter": 5, "alpha": 1}, r"alpha was 0.0 and is now 1; max_iter was 4 and is"),
            ({"precision": "bfloat16"}, r"precision was 'float32' and is now 'bfloat16'"),
        ],
        ids=str,
    )
    def test_other_parameters(self, left_behind, parameters, message):
        before = names(left_behind)
        with pytest.raises(ValueError, match=message):
            in_folder(left_behind, **parameters).fit(X, Y)
        assert names(left_behind) == before

    @pytest.mark.parametrize("name", [*FIXED, *AT_ONCE, *OF_FIT])
    def test_every_parameter_that_has_an_effect(self, left_behind, name):
        before = names(left_behind)
        value = (FIXED | AT_ONCE | OF_FIT)[name]
        with pytest.raises(ValueError, match=f"{name} was "):
            in_folder(left_behind, **{name: value}).fit(X, Y)
        assert names(left_behind) == before

    def test_no_parameter_without_an_effect(self, whole, killed):
        again = brief(**WITHOUT_EFFECT | {"checkpoint_dir": killed}).fit(X, Y)
        assert_same_weights(again, whole)
        assert names(killed) == []

    @pytest.mark.parametrize(
        ("X", "Y", "options", "message"),
        [
            (X[1:], Y[1:], {}, r"X had shape \[100, 6\] and now has \[99, 6\]"),
            (X.astype(np.float64), Y, {}, "X had dtype float32 and now has float64"),
            (X[::-1], Y, {}, "X holds other values"),
            (X + np.eye(100, 6, dtype=np.float32), Y, {}, "X holds other values"),
            (X, Y[:, ::-1], {}, "y holds other values"),
            (X, Y[:, 1:], {}, r"y had shape \[100, 9\] and now has \[100, 8\]"),
            (X, Y[:, 0], {}, "y had kind multilabel and now has binary"),
            (X, Y, {"sample_weight": np.arange(100)}, "sample_weight was not given before"),
            (X, Y, {"X_val": X_VAL, "y_val": Y_VAL}, "X_val was not given before"),
        ],
        ids=["rows", "dtype", "order", "one value", "labels", "fewer", "kind", "weight", "X_val"],
    )
    def test_other_data(self, left_behind, X, Y, options, message):
        with pytest.raises(ValueError, match=message):
            in_folder(left_behind).fit(X, Y, **options)

    def test_other_weights_and_validation_data(self, tmp_path):
        given = {"sample_weight": np.arange(100.0), "X_val": X_VAL, "y_val": Y_VAL}
        kill(6, in_folder(tmp_path), X, Y, **given)
        for name, value in given.items():
            with pytest.raises(ValueError, match=f"{name} holds other values"):
                in_folder(tmp_path).fit(X, Y, **{**given, name: value[::-1]})
        with pytest.raises(ValueError, match="sample_weight was given before"):
            in_folder(tmp_path).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)

    def test_one_value_of_many_rows(self, tmp_path):
        many, labels = np.tile(X, (30, 1)), np.tile(Y, (30, 1))
        kill(1, in_folder(tmp_path), many, labels)
        many[1501, 2] += 0.001
        with pytest.raises(ValueError, match="X holds other values"):
            in_folder(tmp_path).fit(many, labels)


class TestFullDisk:
    def test_training_goes_on(self, whole, tmp_path, monkeypatch):
        full = OSError(errno.ENOSPC, "No space left on device")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", raising(full))
            with pytest.warns(RuntimeWarning, match="training continues without.*No space left"):
                clf = in_folder(tmp_path).fit(X, Y)
        assert_same_training(clf, whole)
        assert names(tmp_path) == []

    def test_the_checkpoints_before_stay(self, whole, killed, monkeypatch):
        before, errors = names(killed), iter([OSError(errno.ENOSPC, "No space left")] * 3)

        def fail_and_then_die(*paths):
            raise next(errors, Killed())

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", fail_and_then_die)
            with pytest.warns(RuntimeWarning, match="No space left"), pytest.raises(Killed):
                in_folder(killed).fit(X, Y)
        assert names(killed) == before
        assert_same_training(in_folder(killed).fit(X, Y), whole)


class TestInterrupt:
    def test_the_last_weights_without_validation(self, monkeypatch):
        constant = {"learning_rate": "constant", "warmup_fraction": 0}
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", InterruptedOutput(after=2))
            with pytest.warns(UserWarning, match="interrupted in epoch 3 of 4: .* last step taken"):
                clf = brief(**constant, verbose=True).fit(X, Y)
        assert_same_training(clf, brief(**constant, max_iter=2).fit(X, Y))
        assert (clf.n_iter_, clf.t_, len(clf.loss_curve_)) == (2, 200, 2)

    def test_the_best_weights_with_validation(self, tmp_path):
        with (
            failing_write(13, KeyboardInterrupt()),
            pytest.warns(UserWarning, match=r"in epoch 4 of 9: .*best weights so far, of epoch"),
        ):
            clf = in_folder(tmp_path, max_iter=9).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
        assert (clf.n_iter_, len(clf.validation_scores_)) == (3, 3)
        assert clf.score(X_VAL, Y_VAL) == clf.best_validation_score_ == max(clf.validation_scores_)

    def test_within_the_first_epoch(self, tmp_path):
        with (
            failing_write(1, KeyboardInterrupt()),
            pytest.warns(UserWarning, match="interrupted in epoch 1"),
        ):
            clf = in_folder(tmp_path).fit(X, Y)
        assert (clf.n_iter_, clf.loss_curve_, clf.loss_) == (0, [], np.inf)
        assert clf.t_ == pytest.approx(4 * 15, abs=5)
        assert clf.predict_proba(X).shape == Y.shape
        clf.save(tmp_path / "model.safetensors")
        same = load(tmp_path / "model.safetensors").predict_proba(X)
        np.testing.assert_array_equal(same, clf.predict_proba(X))

    def test_before_the_first_step(self):
        """A network of one epoch reads all of its rows before it."""
        rows = FailingRows(X).fail_at(None)
        brief(max_iter=1).fit(rows, Y)
        assert rows.n_reads >= 2
        for read in range(1, rows.n_reads + 1):
            clf = brief(max_iter=1)
            with pytest.raises(KeyboardInterrupt):
                clf.fit(FailingRows(X).fail_at(read, KeyboardInterrupt()), Y)
            assert not hasattr(clf, "loss_curve_")

    def test_the_same_call_goes_on(self, whole, tmp_path):
        with failing_write(6, KeyboardInterrupt()), pytest.warns(UserWarning, match="interrupted"):
            clf = in_folder(tmp_path).fit(X, Y)
        assert clf.n_iter_ == 1
        assert_same_training(clf.fit(X, Y), whole)

    @pytest.mark.slow
    def test_a_real_signal(self):
        code = INTERRUPTED.format(tests=str(TESTS))
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [sys.executable, "-uc", code], stdout=pipe, stderr=pipe, text=True
        ) as child:
            assert child.stdout.readline().startswith("epoch ")
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=60)
        assert out.splitlines()[-1] == "True (100, 9)", err
        assert "TrainingInterruptedWarning: training was interrupted in epoch" in err


@pytest.mark.slow
def test_random_kills(tmp_path):
    script = Path(__file__).with_name("killed_fits.py")
    command = [sys.executable, script, "32", "0", tmp_path]
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr[-2000:]
    kills, within_a_write, with_a_checkpoint, _ = [
        int(word) for word in run.stdout.split() if word.isdecimal()
    ]
    print(run.stdout)
    assert kills >= 30
    assert within_a_write >= 3
    assert with_a_checkpoint >= 20


class InterruptedOutput(io.StringIO):
    """Gives a KeyboardInterrupt when a line is printed, after some lines."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def write(self, text):
        super().write(text)
        if self.getvalue().count("\n") == self.after:
            raise KeyboardInterrupt


INTERRUPTED = """
import sys
sys.path.insert(0, {tests!r})
from small_problem import X, Y, small
clf = small(max_iter=100_000, n_iter_no_change=100_000, verbose=True).fit(X, Y)
print(0 < clf.n_iter_ < 100_000, clf.predict_proba(X).shape)
"""
