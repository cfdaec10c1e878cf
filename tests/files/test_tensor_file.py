"""A file of tensors that changes while it is read."""

import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from sk_yt8m._files import tensor_file
from sk_yt8m.persistence import ModelFileError


def test_it_shrinks_while_it_is_read(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"a": np.arange(99_999)}, path, metadata={"sk_yt8m": "{}"})
    with tensor_file.TensorFile(path) as file:
        assert file.read("a")[-1] == 99_998
        os.truncate(path, path.stat().st_size - 8)
        with pytest.raises(ModelFileError, match="ended within tensor"):
            file.read("a")
