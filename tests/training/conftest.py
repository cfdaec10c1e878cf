"""Fixtures of the tests of training."""

import pytest

from sk_yt8m._training import row_source


@pytest.fixture
def pretended_gpu(monkeypatch):
    """Let the package believe that TensorFlow sees a GPU, with 1 MiB to spare beside the rows."""
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: ["a pretended GPU"])
    monkeypatch.setattr(row_source, "_RESERVE_BYTES", 2**20)
