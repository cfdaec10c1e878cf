"""Files of tensors: their bytes, and one that changes while it is read."""

import json
import os
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from sk_yt8m._files import tensor_file
from sk_yt8m._files.tensor_content import write_content
from sk_yt8m.persistence import ModelFileError


def test_it_shrinks_while_it_is_read(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"a": np.arange(99_999)}, path, metadata={"sk_yt8m": "{}"})
    with tensor_file.TensorFile(path) as file:
        assert file.read("a")[-1] == 99_998
        os.truncate(path, path.stat().st_size - 8)
        with pytest.raises(ModelFileError, match="ended within tensor"):
            file.read("a")


def test_the_bytes_are_those_of_the_safetensors_library(tmp_path):
    tensors = {
        "b": np.arange(3, dtype="f4"),
        "a": np.ones((2, 3), dtype="f4").T,
        "c/d": np.arange(2.0)[::-1],
        "large": np.arange(2, dtype=">i8"),
        "empty": np.zeros((0, 4), dtype="f4"),
        "number": np.array(3),
    }
    for n in range(9):
        write_content(tmp_path / "own", "sk_yt8m", {"x": 'ü"\\/\n' + "x" * n}, tensors, version=1)
        data = (tmp_path / "own").read_bytes()
        metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        plain = {
            name: array.astype(array.dtype.newbyteorder("<"), order="C")
            for name, array in tensors.items()
        }
        assert save(plain, metadata=metadata) == data


def test_writing_takes_no_copy_of_the_tensors(tmp_path):
    tensors = {name: np.ones(2**20, dtype="f4") for name in "ab"}
    tracemalloc.start()
    try:
        write_content(tmp_path / "own", "sk_yt8m", {}, tensors)
        assert tracemalloc.get_traced_memory()[1] < tensors["a"].nbytes / 4
    finally:
        tracemalloc.stop()
