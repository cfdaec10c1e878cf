"""`predict_to_parquet`: what `predict_top_k` gives, in parts that are found again."""

import os
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from small_problem import N_FEATURES, N_LABELS, X, Y, small

from sk_yt8m import AveragingClassifier, DeepNeighborsClassifier, predict_to_parquet
from sk_yt8m._batch_prediction import job as _job
from sk_yt8m.datasets import convert, write_tfrecords

KILLED = """
import os, signal, sys
import pyarrow.parquet as pq
from sk_yt8m import predict_to_parquet

write_table, calls = pq.write_table, []

def killed(table, file, **options):
    calls.append(file)
    if len(calls) == 3:
        file.write(b"PAR1")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    write_table(table, file, **options)

pq.write_table = killed
predict_to_parquet(*sys.argv[1:], 3, block_size=30)
"""
IDS = [f"v{row}" for row in range(len(X))]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return convert((X, Y, IDS), tmp_path_factory.mktemp("store") / "store")


@pytest.fixture
def written(monkeypatch):
    """Return the list of the blocks that are predicted from now on."""
    numbers, write = [], _job._write

    def noted(job, number, *args):
        numbers.append(number)
        write(job, number, *args)

    monkeypatch.setattr(_job, "_write", noted)
    return numbers


def assert_same(table, clf, store, k, block_size):
    """Compare with `predict_top_k` of each block."""
    blocks = [slice(i, i + block_size) for i in range(0, len(store), block_size)]
    best = [clf.predict_top_k(store.X[rows], k=k) for rows in blocks]
    labels, scores = map(np.concatenate, zip(*best, strict=True))
    ids = np.arange(len(store)) if store.ids is None else np.asarray(store.ids)
    np.testing.assert_array_equal(table["id"], np.repeat(ids, labels.shape[1]))
    np.testing.assert_array_equal(table["label"], labels.ravel())
    np.testing.assert_array_equal(table["score"], scores.ravel())
    np.testing.assert_array_equal(table["rank"], np.tile(range(1, labels.shape[1] + 1), len(store)))
    np.testing.assert_array_equal(table["name"], [str(clf.label_names_[i]) for i in labels.ravel()])


@pytest.mark.parametrize("block_size", [1, 7, 50, 100, 1000])
@pytest.mark.parametrize("k", [1, 4, N_LABELS + 3])
def test_equals_predict_top_k(fitted, store, tmp_path, k, block_size):
    parts = predict_to_parquet(fitted, store, tmp_path / "out", k, block_size=block_size)
    assert len(parts) == -(-len(X) // block_size)
    assert parts == sorted((tmp_path / "out").iterdir())
    assert_same(pd.read_parquet(tmp_path / "out"), fitted, store, k, block_size)
    schema = {name: str(kind) for name, kind in zip(*_names_and_types(parts[0]), strict=True)}
    assert schema == {
        "id": "string",
        "rank": "int64",
        "label": "int32",
        "name": "string",
        "score": "float",
    }


def _names_and_types(path):
    schema = pq.read_schema(path)
    return schema.names, schema.types


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_without_ids(fitted, tmp_path, dtype):
    store = convert((X, Y), tmp_path / "store", dtype=dtype)
    predict_to_parquet(fitted, str(store.path), str(tmp_path / "out"), 3, block_size=30)
    table = pd.read_parquet(tmp_path / "out")
    assert table["id"].dtype == np.int64
    assert_same(table, fitted, store, 3, 30)


def test_segments(tmp_path):
    rng = np.random.default_rng(0)
    features = {"rgb": 3, "audio": 3}
    segments = [[(5 * s, s, 1) for s in range(n)] for n in (1, 3, 2)]
    frames = [rng.integers(0, 255, (20, N_FEATURES), np.uint8) for _ in segments]
    path = tmp_path / "a.tfrecord"
    labels = np.zeros((3, N_LABELS))
    write_tfrecords(
        path, frames, labels, list("abc"), level="frame", features=features, segments=segments
    )
    store = convert(path, tmp_path / "s", level="segment", features=features, n_labels=N_LABELS)
    clf = small().fit(X, Y)
    predict_to_parquet(clf, store, tmp_path / "out", 2, block_size=4)
    table = pd.read_parquet(tmp_path / "out")
    assert table.columns.tolist() == ["id", "start", "rank", "label", "name", "score"]
    assert table["id"].tolist() == [name for name in "abbbcc" for _ in range(2)]
    assert table["start"].tolist() == [s for s in (0, 0, 5, 10, 0, 5) for _ in range(2)]
    assert_same(table, clf, store, 2, 4)


def test_classifiers_that_are_composed(store, tmp_path):
    averaging = AveragingClassifier([("a", small()), ("b", small(random_state=1))]).fit(X, Y)
    neighbors = DeepNeighborsClassifier(small(), n_neighbors=3).fit(X, Y)
    for number, clf in enumerate((averaging, neighbors)):
        for _ in range(2):
            predict_to_parquet(clf, store, tmp_path / str(number), 3, block_size=40)
        assert_same(pd.read_parquet(tmp_path / str(number)), clf, store, 3, 40)
    with pytest.raises(ValueError, match="of another model"):
        predict_to_parquet(averaging, store, tmp_path / "1", 3, block_size=40)


def test_a_model_file_is_its_classifier(fitted, store, tmp_path, written):
    fitted.save(tmp_path / "m.safetensors")
    predict_to_parquet(str(tmp_path / "m.safetensors"), store, tmp_path / "out", 3, block_size=40)
    assert_same(pd.read_parquet(tmp_path / "out"), fitted, store, 3, 40)
    predict_to_parquet(fitted, store, tmp_path / "out", 3, block_size=40)
    assert written == [0, 1, 2]


def test_names(fitted, store, tmp_path):
    names = [f"name {label}" for label in range(N_LABELS)]
    predict_to_parquet(fitted, store, tmp_path / "out", 3, label_names=np.array(names))
    table = pd.read_parquet(tmp_path / "out")
    assert table["name"].tolist() == [names[label] for label in table["label"]]


class TestASecondCall:
    def test_predicts_nothing(self, fitted, store, tmp_path, written):
        parts = predict_to_parquet(fitted, store, tmp_path, 3, block_size=30)
        before = [part.stat().st_ino for part in parts]
        assert predict_to_parquet(fitted, store, tmp_path, 3, block_size=30) == parts
        assert written == [0, 1, 2, 3]
        assert [part.stat().st_ino for part in parts] == before

    def test_after_a_kill(self, fitted, store, tmp_path, written, monkeypatch):
        """The third block is being written when the process is killed."""
        fitted.save(tmp_path / "_m.safetensors")
        arguments = [tmp_path / "_m.safetensors", store.path, tmp_path]
        command = [sys.executable, "-c", KILLED, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        (tmp_path / "_m.safetensors").unlink()
        left = sorted(path.name for path in tmp_path.iterdir())
        assert left[1:] == ["part-00000.parquet", "part-00001.parquet"]
        assert left[0].startswith(".part-00002.parquet.")
        parts = predict_to_parquet(fitted, store, tmp_path, 3, block_size=30)
        assert written == [2, 3]
        assert sorted(tmp_path.iterdir()) == parts
        assert_same(pd.read_parquet(tmp_path), fitted, store, 3, 30)

    def test_what_a_killed_worker_of_this_call_left(
        self, fitted, store, tmp_path, written, monkeypatch
    ):
        """Its clock may be ahead."""
        draft = tmp_path / f".part-00001.parquet.{'0' * 16}.tmp"

        def left(job, number, *args, write=_job._write):
            draft.write_bytes(b"PAR1")
            os.utime(draft, (2**32, 2**32))
            write(job, number, *args)

        monkeypatch.setattr(_job, "_write", left)
        parts = predict_to_parquet(fitted, store, tmp_path, 3, block_size=30)
        assert written == [0, 1, 2, 3]
        assert sorted(tmp_path.iterdir()) == parts

    def test_beside_another_call_that_is_faster(self, fitted, store, tmp_path, monkeypatch):
        """The other call writes all parts, then removes what this one is writing."""
        calls, write_table = [], pq.write_table

        def overtaken(*args, **options):
            calls.append(args)
            if len(calls) == 1:
                predict_to_parquet(fitted, store, tmp_path, 3, block_size=30)
            write_table(*args, **options)

        monkeypatch.setattr(pq, "write_table", overtaken)
        monkeypatch.setattr(_job, "_ONE", threading.RLock())
        parts = predict_to_parquet(fitted, store, tmp_path, 3, block_size=30)
        assert len(calls) == 5
        assert sorted(tmp_path.iterdir()) == parts
        assert_same(pd.read_parquet(tmp_path), fitted, store, 3, 30)

    @pytest.mark.parametrize("damage", ["cut", "empty", "page", "footer", "metadata", "moved"])
    def test_writes_damaged_parts_again(self, fitted, store, tmp_path, written, damage):
        parts = predict_to_parquet(fitted, store, tmp_path, 3, block_size=30)
        data = parts[1].read_bytes()
        changed = bytearray(data)
        changed[{"page": len(data) // 4, "footer": -5}.get(damage, 0)] ^= 1
        if damage == "metadata":
            changed = bytearray(data.replace(b'"block_size": 30', b'"block_size": 31'))
            assert changed != data
        parts[1].write_bytes(
            {
                "cut": data[: len(data) // 2],
                "empty": b"",
                "moved": parts[0].read_bytes(),
            }.get(damage, bytes(changed))
        )
        with pytest.warns(UserWarning, match=r"part-00001.parquet is damaged and written again"):
            predict_to_parquet(fitted, store, tmp_path, 3, block_size=30)
        assert written == [0, 1, 2, 3, 1]
        assert parts[1].read_bytes() == data

    def test_finds_parts_of_something_else(self, fitted, trained, store, tmp_path):
        out = tmp_path / "out"
        predict_to_parquet(fitted, store, out, 3, block_size=30)
        before = [(path.name, path.read_bytes()) for path in sorted(out.iterdir())]
        other = convert((X + 1, Y, IDS), tmp_path / "other")
        names = list("abcdefghi")
        for clf, data, k, block_size, options, message in (
            (trained, store, 3, 30, {}, "another model"),
            (fitted, other, 3, 30, {}, "another store"),
            (fitted, store, 4, 30, {}, "another k: expected 4, got 3"),
            (fitted, store, 3, 31, {}, "another block_size: expected 31, got 30"),
            (fitted, store, 3, 100, {}, "another block_size: expected 100, got 30"),
            (fitted, store, 3, 30, {"label_names": names}, "other label_names"),
        ):
            with pytest.raises(ValueError, match=f"part-0000..parquet is of {message}"):
                predict_to_parquet(clf, data, out, k, block_size=block_size, **options)
        assert [(path.name, path.read_bytes()) for path in sorted(out.iterdir())] == before

    def test_replaces_nothing_foreign(self, fitted, store, tmp_path):
        path = tmp_path / "part-00000.parquet"
        pq.write_table(pa.table({"a": [1]}), path)
        with pytest.raises(ValueError, match="is not of a batch prediction"):
            predict_to_parquet(fitted, store, tmp_path)
        path.rename(tmp_path / "mine.parquet")
        with pytest.raises(FileExistsError, match=r"got mine.parquet"):
            predict_to_parquet(fitted, store, tmp_path)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 0}, ValueError, "k"),
        ({"k": 1.5}, ValueError, "k"),
        ({"block_size": 0}, ValueError, "block_size"),
        ({"engine": "spark"}, ValueError, "engine"),
        ({"label_names": ["a"]}, ValueError, f"label_names must be {N_LABELS} names, got 1"),
        ({"n_workers": 2}, ValueError, 'n_workers must be None but for engine="ray", got 2'),
        ({"ray_options": {}, "engine": "dask"}, ValueError, "ray_options must be None"),
        ({"classifier": small()}, NotFittedError, "not fitted"),
        ({"classifier": LogisticRegression()}, TypeError, "predict_top_k.*LogisticRegression"),
        ({"classifier": "no.safetensors"}, FileNotFoundError, "no.safetensors"),
        ({"store": "no store"}, ValueError, "no store"),
        ({"store": 3}, ValueError, "store"),
    ],
)
def test_wrong_arguments(fitted, store, tmp_path, options, error, message):
    arguments = {"classifier": fitted, "store": store, "folder": tmp_path / "out"} | options
    with pytest.raises(error, match=message):
        predict_to_parquet(**arguments)
    assert not (tmp_path / "out").exists()


def test_other_features(fitted, tmp_path):
    store = convert((X[:, :4], Y), tmp_path / "store")
    with pytest.raises(ValueError, match=f"store must have {N_FEATURES} features.*got 4"):
        predict_to_parquet(fitted, store, tmp_path / "out")
    nothing = convert((X[:0], Y[:0]), tmp_path / "nothing")
    with pytest.raises(ValueError, match="at least one row"):
        predict_to_parquet(fitted, nothing, tmp_path / "out")


@pytest.mark.parametrize("package", ["dask", "ray", "pyarrow"])
def test_a_package_that_is_not_installed(fitted, store, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    engine = "local" if package == "pyarrow" else package
    with pytest.raises(ImportError, match="pip install"):
        predict_to_parquet(fitted, store, tmp_path / "out", engine=engine)


def test_no_warning(fitted, store, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict_to_parquet(fitted, store, tmp_path, block_size=50)
