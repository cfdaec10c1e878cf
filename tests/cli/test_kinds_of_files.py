"""Models are told by their content, whatever their name; outputs replace nothing."""

import io
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from cli_runs import SMALL, run

from sk_yt8m.datasets import convert, write_tfrecords

NAMES = ["model", "m.csv", "m.tfrecord", "m.parquet", "m.bin", "m.csv.safetensors", "m.txt"]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_any_name(model, store, tmp_path, name):
    file = tmp_path / name
    shutil.copy(model, file)
    assert "hidden layers   (20, 20)" in run("info", file)
    assert run("verify", file) == "sound\n"
    text = run("predict", file, store, "--k", 1)
    assert text == run("predict", model, store, "--k", 1)
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    for changed in (content, content[: len(content) // 2]):
        file.write_bytes(changed)
        assert f"cannot load {file}: " in run("verify", file, code=1)


def test_data_that_are_named_as_a_model(videos, tmp_path):
    file = tmp_path / "m.safetensors"
    for name, kind in (
        ("csv/train_0.csv", "text, perhaps a CSV file"),
        ("videos.parquet", "a Parquet file"),
        ("train0000.tfrecord", "its header is not"),
    ):
        shutil.copy(videos / name, file)
        for command in (["info"], ["verify"], ["predict"]):
            data = [videos / "csv"] if command == ["predict"] else []
            text = run(*command, file, *data, "--n-jobs", 1, code=1)
            assert f"cannot load {file}: " in text
            assert kind in text


@pytest.mark.parametrize("length", [30, 31, 123, 1000])
def test_a_record_file_is_no_model(tmp_path, length):
    """A TFRecord begins with its length in 8 bytes, as a model file does, and a checksum."""
    file = tmp_path / "a.tfrecord"
    # The checksum begins as a JSON object does.
    file.write_bytes(length.to_bytes(8, "little") + b'{"x"' + b"\n" + bytes(length + 3))
    text = run("info", file, "--n-jobs", 1, code=1)
    assert "not a model file" not in text
    assert f"{file}, record 1" in text


class TestNothingIsReplaced:
    def test_by_train(self, store, model, tmp_path):
        target = tmp_path / "m"
        target.write_text("mine")
        error = run("train", store, target, *SMALL, code=1)
        assert error == f"Error: {target} is there already: --overwrite replaces it\n"
        assert target.read_text() == "mine"
        run("train", store, target, *SMALL, "--overwrite")
        assert "hidden layers" in run("info", target)

    def test_by_train_where_the_file_appears_meanwhile(self, store, tmp_path, monkeypatch):
        from sk_yt8m import DeepMultiLabelClassifier

        target, fit = tmp_path / "m.safetensors", DeepMultiLabelClassifier.fit

        def slow(self, *arguments, **options):
            target.write_text("of another process")
            return fit(self, *arguments, **options)

        monkeypatch.setattr(DeepMultiLabelClassifier, "fit", slow)
        text = run("train", store, target, *SMALL, code=1)
        assert target.read_text() == "of another process"
        assert f"is there already; the model is in {tmp_path / 'm-2.safetensors'}" in text
        assert "hidden layers" in run("info", tmp_path / "m-2.safetensors")

    def test_by_convert(self, videos, store, tmp_path):
        shutil.copytree(store, tmp_path / "store")
        before = (tmp_path / "store" / "manifest.json").read_bytes()
        for target, there in ((tmp_path / "store", before), (tmp_path / "mine", b"mine")):
            if not target.exists():
                target.write_bytes(b"mine")
            run(
                "convert",
                videos / "csv" / "val_28.csv",
                target,
                "--n-jobs",
                1,
                code=1 if target.is_dir() else 2,
            )
            file = target / "manifest.json" if target.is_dir() else target
            assert file.read_bytes() == there


@pytest.mark.parametrize("kind", ["store", "files"])
def test_segments_have_their_start(tmp_path, model, kind):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 20, 1152), dtype=np.uint8)
    segments = [[(0, 2, 1), (5, 3, 0)], [], [(10, 1, 1), (10, 2, 0)]]
    ids = ["a", "b", "c"]
    write_tfrecords(
        tmp_path / "a.tfrecord", frames, np.eye(3, 3862), ids, level="frame", segments=segments
    )
    data = tmp_path / "a.tfrecord"
    if kind == "store":
        convert(data, tmp_path / "store", level="segment")
        data = tmp_path / "store"
    options = ["--k", 2, "--n-jobs", 1, *([] if kind == "store" else ["--level", "segment"])]
    table = pd.read_csv(io.StringIO(run("predict", model, data, *options)))
    assert list(table.columns) == ["id", "start", "rank", "label", "name", "score"]
    assert [*zip(table["id"][::2], table["start"][::2], strict=True)] == [
        ("a", 0), ("a", 5), ("c", 10),
    ]  # fmt: skip
    run("predict", model, data, *options, "--out", tmp_path / "x.parquet")
    assert pq.read_table(tmp_path / "x.parquet").column_names == list(table.columns)
