"""A fit that is stopped goes on where it was, and what stops it does no harm."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sk_yt8m import DeepMultiLabelClassifier, load
from sk_yt8m._files import atomic_write as _write
from sk_yt8m._network.predictor import Predictor
from sk_yt8m._training.checkpoints import folder as _checkpoints
from sk_yt8m._training.checkpoints.file import read_checkpoint
from sk_yt8m._training.trainer import Trainer
from sk_yt8m.persistence import ModelFileError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 6)).astype(np.float32)
Y = (X @ RNG.normal(size=(6, 9)) > 1).astype(np.uint8)
X_VAL, Y_VAL = X[:40] + np.float32(0.5), Y[:40]
N_STEPS, EVERY, N_EPOCHS = 7, 2, 4
SAVES_PER_EPOCH = 4


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def small(**parameters) -> DeepMultiLabelClassifier:
    defaults = {
        "hidden_layer_sizes": (8,),
        "batch_size": 15,
        "max_iter": N_EPOCHS,
        "learning_rate_init": 0.02,
        "precision": "float32",
        "random_state": 0,
    }
    return DeepMultiLabelClassifier(**(defaults | parameters))


def in_folder(folder: Path, **parameters) -> DeepMultiLabelClassifier:
    return small(checkpoint_dir=folder, **({"checkpoint_every": EVERY} | parameters))


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def kill_after(monkeypatch, n_saves: int) -> None:
    """Let the next fit die right after so many checkpoints."""
    save, count = _checkpoints.FolderCheckpoints.save, iter(range(1, 10_000))

    def save_and_die(self, trainer, history):
        save(self, trainer, history)
        if next(count) == n_saves:
            raise Killed

    monkeypatch.setattr(_checkpoints.FolderCheckpoints, "save", save_and_die)


def kill(monkeypatch, n_saves: int, clf: DeepMultiLabelClassifier, *arguments, **options) -> None:
    with monkeypatch.context() as patch:
        kill_after(patch, n_saves)
        with pytest.raises(Killed):
            clf.fit(*arguments, **options)


def assert_same(one: DeepMultiLabelClassifier, other: DeepMultiLabelClassifier) -> None:
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    assert (one.n_iter_, one.t_, one.best_loss_) == (other.n_iter_, other.t_, other.best_loss_)
    assert one.best_validation_score_ == other.best_validation_score_
    assert len(one.epoch_times_) == len(other.epoch_times_) == one.n_iter_
    assert one._model.weights.keys() == other._model.weights.keys()
    for name, weight in one._model.weights.items():
        assert weight.tobytes() == other._model.weights[name].tobytes(), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> DeepMultiLabelClassifier:
    """A fit that was never stopped."""
    return in_folder(tmp_path_factory.mktemp("whole")).fit(X, Y)


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory) -> Path:
    """The folder of a fit that was killed after six checkpoints."""
    folder = tmp_path_factory.mktemp("killed")
    with pytest.MonkeyPatch.context() as patch:
        kill(patch, 6, in_folder(folder), X, Y)
    return folder


@pytest.fixture
def killed(left_behind, tmp_path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(left_behind, tmp_path / "killed"))


class TestGoingOn:
    @pytest.mark.parametrize("n_saves", [1, 4, 5, 14])
    def test_the_result_is_that_of_a_fit_that_was_never_stopped(
        self, whole, tmp_path, monkeypatch, n_saves
    ):
        kill(monkeypatch, n_saves, in_folder(tmp_path / "b"), X, Y)
        assert len(names(tmp_path / "b")) == min(n_saves, 2)
        again = in_folder(tmp_path / "b").fit(X, Y)
        assert_same(again, whole)
        assert again.epoch_times_ == sorted(again.epoch_times_)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("parameters", "options"),
        [
            ({}, {"X_val": X_VAL, "y_val": Y_VAL}),
            ({"early_stopping": True, "n_iter_no_change": 2, "max_iter": 30}, {}),
            ({"ema_decay": None, "shuffle": False}, {"sample_weight": RNG.random(100)}),
            ({"batch_normalization": False, "alpha": 0.1, "hidden_layer_sizes": ()}, {}),
            ({"checkpoint_every": None}, {}),
            ({"checkpoint_every": 1, "learning_rate": "constant"}, {}),
        ],
        ids=["validated", "early stopping", "no average", "linear", "epochs", "every step"],
    )
    def test_after_several_kills(self, tmp_path, monkeypatch, parameters, options):
        whole = in_folder(tmp_path / "a", **parameters).fit(X, Y, **options)
        for n_saves in (1, 1, 1):
            kill(monkeypatch, n_saves, in_folder(tmp_path / "b", **parameters), X, Y, **options)
        assert_same(in_folder(tmp_path / "b", **parameters).fit(X, Y, **options), whole)

    @pytest.mark.slow
    @pytest.mark.parametrize("y", [Y[:, 0], Y[:, :3].sum(axis=1)], ids=["binary", "multiclass"])
    def test_classes_and_sparse_features(self, tmp_path, monkeypatch, y):
        sparse = sp.csr_matrix(np.where(X > 0, X, 0))
        whole = in_folder(tmp_path / "a").fit(sparse, y)
        kill(monkeypatch, 6, in_folder(tmp_path / "b"), sparse, y)
        assert_same(in_folder(tmp_path / "b").fit(sparse, y), whole)

    def test_only_what_is_left_is_trained(self, tmp_path, monkeypatch):
        kill(monkeypatch, 2 * SAVES_PER_EPOCH + 1, in_folder(tmp_path), X, Y)
        steps = []
        train = Trainer.train
        monkeypatch.setattr(
            Trainer, "train", lambda self, *a: steps.append(len(a[1])) or train(self, *a)
        )
        in_folder(tmp_path).fit(X, Y)
        assert steps == [2, 2, 1, 2, 2, 2, 1]

    def test_a_kill_before_the_first_checkpoint(self, whole, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "train", raising(Killed()))
            with pytest.raises(Killed):
                in_folder(tmp_path).fit(X, Y)
        assert_same(in_folder(tmp_path).fit(X, Y), whole)

    def test_checkpoints_change_no_weight(self, whole):
        plain = small().fit(X, Y)
        np.testing.assert_array_equal(whole.predict_proba(X), plain.predict_proba(X))
        np.testing.assert_allclose(whole.loss_curve_, plain.loss_curve_, rtol=1e-6)

    def test_a_drawn_seed_is_used_again(self, tmp_path, monkeypatch):
        draws = iter([11, 12, 13])
        monkeypatch.setattr(DeepMultiLabelClassifier, "_draw_seed", lambda self: next(draws))
        kill(monkeypatch, 6, in_folder(tmp_path, random_state=None), X, Y)
        again = in_folder(tmp_path, random_state=None).fit(X, Y)
        draws = iter([11])
        assert_same(again, in_folder(tmp_path, random_state=None).fit(X, Y))

    def test_warm_start(self, tmp_path, monkeypatch):
        first = small().fit(X, Y)
        first.save(tmp_path / "first.safetensors")
        parameters = {"warm_start": True, "checkpoint_every": EVERY}
        whole = load(tmp_path / "first.safetensors")
        whole.set_params(**parameters, checkpoint_dir=tmp_path / "a").fit(X, Y)
        parameters["checkpoint_dir"] = tmp_path / "b"
        again = load(tmp_path / "first.safetensors").set_params(**parameters)
        kill(monkeypatch, 6, again, X, Y)
        assert_same(again.fit(X, Y), whole)
        kill(monkeypatch, 6, again, X, Y)
        with pytest.raises(ValueError, match="weights of the warm start was given before"):
            small(**parameters).fit(X, Y)

    def test_the_same_data_in_another_form_which_says_from_where(
        self, whole, killed, tmp_path, capsys
    ):
        np.save(tmp_path / "X.npy", X)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
        assert_same(in_folder(killed, verbose=True).fit(mapped, pd.DataFrame(Y)), whole)
        assert capsys.readouterr().out.startswith("going on in epoch 2 after 4 steps of it\n")


class TestFolder:
    def test_it_is_empty_after_fit_and_made_where_needed(self, tmp_path):
        in_folder(tmp_path / "a" / "b").fit(X, Y)
        assert names(tmp_path / "a" / "b") == []

    def test_the_last_two_are_kept_and_other_files_left_alone(self, tmp_path, monkeypatch):
        (tmp_path / "notes.txt").write_text("mine")
        draft = f".checkpoint-000000-000000002.safetensors.{'0' * 16}.tmp"
        (tmp_path / draft).write_bytes(b"half")
        kill(monkeypatch, 6, in_folder(tmp_path), X, Y)
        kept = [
            "checkpoint-000001-000000002.safetensors",
            "checkpoint-000001-000000004.safetensors",
        ]
        assert names(tmp_path) == [*kept, "notes.txt"]
        in_folder(tmp_path).fit(X, Y)
        assert names(tmp_path) == ["notes.txt"]

    def test_every_checkpoint_is_whole(self, tmp_path, monkeypatch):
        kill(monkeypatch, 6, in_folder(tmp_path), X, Y, X_val=X_VAL, y_val=Y_VAL)
        for path in tmp_path.iterdir():
            checkpoint = read_checkpoint(path)
            assert len(checkpoint.history.losses) == len(checkpoint.history.scores) == 1
            assert checkpoint.state["optimizer/step"] == 7 + checkpoint.history.part.n_steps

    @pytest.mark.parametrize("damage", ["cut", "bit", "empty", "foreign"])
    def test_a_damaged_newest_one(self, whole, killed, damage):
        newest = killed / names(killed)[-1]
        data = newest.read_bytes()
        changed = bytearray(data)
        changed[-100] ^= 1
        damaged = {"cut": data[:-50], "bit": changed, "empty": b"", "foreign": b"\x80\x04."}
        newest.write_bytes(damaged[damage])
        with pytest.warns(RuntimeWarning, match=r"000004.safetensors cannot be used, the one"):
            again = in_folder(killed).fit(X, Y)
        assert_same(again, whole)

    def test_any_bit_of_damage_is_found(self, killed):
        path = killed / names(killed)[-1]
        data = path.read_bytes()
        before = read_checkpoint(path)
        rng = np.random.default_rng(0)
        tried = [*range(40), *rng.integers(0, len(data), 400).tolist()]
        for place in tried:
            changed = bytearray(data)
            changed[place] ^= 1 << int(rng.integers(8))
            path.write_bytes(changed)
            try:
                after = read_checkpoint(path)
            except ModelFileError:
                continue
            assert (after.seed, after.run) == (before.seed, before.run), place
            assert after.history.losses == before.history.losses
            for name, array in before.state.items():
                assert after.state[name].tobytes() == array.tobytes()

    def test_all_damaged(self, whole, killed):
        for path in killed.iterdir():
            path.write_bytes(path.read_bytes()[:-1])
        with pytest.warns(RuntimeWarning, match="cannot be used") as caught:
            again = in_folder(killed).fit(X, Y)
        assert len(caught) == 2
        assert_same(again, whole)
        assert names(killed) == []

    def test_two_fits_at_once_are_refused(self, tmp_path):
        with (
            _checkpoints.FolderCheckpoints(tmp_path, None, False),
            pytest.raises(RuntimeError, match="in use by another call"),
        ):
            in_folder(tmp_path).fit(X, Y)
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

    def test_every_parameter_counts_but_those_that_change_nothing(self, whole, killed):
        run = read_checkpoint(killed / names(killed)[0]).run
        left_out = set(small().get_params()) - run.keys()
        assert left_out == {"checkpoint_dir", "checkpoint_every", "predict_precision", "verbose"}
        again = in_folder(killed, checkpoint_every=5, verbose=True).fit(X, Y)
        np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))

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

    def test_other_weights_and_validation_data(self, tmp_path, monkeypatch):
        given = {"sample_weight": np.arange(100.0), "X_val": X_VAL, "y_val": Y_VAL}
        kill(monkeypatch, 6, in_folder(tmp_path), X, Y, **given)
        for name, value in given.items():
            with pytest.raises(ValueError, match=f"{name} holds other values"):
                in_folder(tmp_path).fit(X, Y, **{**given, name: value[::-1]})
        with pytest.raises(ValueError, match="sample_weight was given before"):
            in_folder(tmp_path).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)

    def test_one_value_of_many_rows(self, tmp_path, monkeypatch):
        many, labels = np.tile(X, (30, 1)), np.tile(Y, (30, 1))
        kill(monkeypatch, 1, in_folder(tmp_path), many, labels)
        many[1501, 2] += 0.001
        with pytest.raises(ValueError, match="X holds other values"):
            in_folder(tmp_path).fit(many, labels)


class TestFullDisk:
    def test_training_goes_on(self, whole, tmp_path, monkeypatch):
        full = OSError(errno.ENOSPC, "No space left on device")
        with monkeypatch.context() as patch:
            patch.setattr(_write.os, "fsync", raising(full))
            with pytest.warns(RuntimeWarning, match="training goes on without it.*No space left"):
                clf = in_folder(tmp_path).fit(X, Y)
        assert_same(clf, whole)
        assert names(tmp_path) == []

    def test_the_checkpoints_before_stay(self, whole, killed, monkeypatch):
        before = names(killed)
        with monkeypatch.context() as patch:
            patch.setattr(_write.os, "replace", raising(OSError(errno.ENOSPC, "No space left")))
            with pytest.warns(RuntimeWarning, match="No space left"):
                kill(patch, 3, in_folder(killed), X, Y)
        assert names(killed) == before
        assert_same(in_folder(killed).fit(X, Y), whole)


class TestInterrupt:
    def test_the_last_weights_without_validation(self, monkeypatch):
        interrupt(monkeypatch, Trainer, "train", 3)
        with pytest.warns(UserWarning, match="interrupted in epoch 3 of 4: .* last step taken"):
            clf = small(learning_rate="constant", warmup_fraction=0).fit(X, Y)
        monkeypatch.undo()
        two = small(max_iter=2, learning_rate="constant", warmup_fraction=0).fit(X, Y)
        assert_same(clf, two)
        assert (clf.n_iter_, clf.t_, len(clf.loss_curve_)) == (2, 200, 2)

    def test_the_best_weights_with_validation(self, monkeypatch):
        interrupt(monkeypatch, Predictor, "top_k", 4)
        with pytest.warns(UserWarning, match=r"in epoch 4 of 9: .*best weights so far, of epoch"):
            clf = small(max_iter=9).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
        monkeypatch.undo()
        assert (clf.n_iter_, len(clf.validation_scores_)) == (3, 3)
        assert clf.score(X_VAL, Y_VAL) == clf.best_validation_score_ == max(clf.validation_scores_)

    def test_within_the_first_epoch(self, tmp_path, monkeypatch):
        interrupt(monkeypatch, Trainer, "train", 2)
        with pytest.warns(UserWarning, match="interrupted in epoch 1"):
            clf = in_folder(tmp_path).fit(X, Y)
        monkeypatch.undo()
        assert (clf.n_iter_, clf.loss_curve_, clf.loss_) == (0, [], np.inf)
        assert clf.t_ == pytest.approx(2 * 15, abs=5)
        assert clf.predict_proba(X).shape == Y.shape
        clf.save(tmp_path / "model.safetensors")
        same = load(tmp_path / "model.safetensors").predict_proba(X)
        np.testing.assert_array_equal(same, clf.predict_proba(X))

    def test_before_the_first_step(self, monkeypatch):
        interrupt(monkeypatch, Trainer, "train", 1)
        with pytest.raises(KeyboardInterrupt):
            small().fit(X, Y)

    def test_the_same_call_goes_on(self, whole, tmp_path, monkeypatch):
        interrupt(monkeypatch, Trainer, "train", 7)
        with pytest.warns(UserWarning, match="interrupted"):
            clf = in_folder(tmp_path / "b").fit(X, Y)
        monkeypatch.undo()
        assert clf.n_iter_ == 1
        assert_same(clf.fit(X, Y), whole)

    @pytest.mark.slow
    def test_a_real_signal(self):
        code = INTERRUPTED.format(tests=str(Path(__file__).parent))
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
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    kills, within_a_write, with_a_checkpoint, _ = [
        int(word) for word in run.stdout.split() if word.isdecimal()
    ]
    print(run.stdout)
    assert kills >= 30
    assert within_a_write >= 3
    assert with_a_checkpoint >= 20


def raising(error):
    def fail(*arguments, **options):
        raise error

    return fail


def interrupt(monkeypatch, owner, name: str, nth: int) -> None:
    """Let the n-th call of a method end in a KeyboardInterrupt, before it has done anything."""
    method, count = getattr(owner, name), iter(range(1, 10_000))

    def wrapped(self, *arguments):
        if next(count) == nth:
            raise KeyboardInterrupt
        return method(self, *arguments)

    monkeypatch.setattr(owner, name, wrapped)


INTERRUPTED = """
import sys
sys.path.insert(0, {tests!r})
from test_resume import X, Y, small
clf = small(max_iter=100_000, n_iter_no_change=100_000, verbose=True).fit(X, Y)
print(0 < clf.n_iter_ < 100_000, clf.predict_proba(X).shape)
"""
