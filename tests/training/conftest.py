"""Fixtures of the tests of training."""

import pytest

from sk_yt8m._training import fit
from sk_yt8m._training.steps.fusion import Fusion


@pytest.fixture
def pretended_gpu(monkeypatch):
    """Let the package believe that TensorFlow may use a GPU, for trainings that are compiled."""
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind=None: ["a pretended GPU"])
    monkeypatch.setattr(fit, "fusion_of_fit", lambda *_: Fusion(units=True, updates=True))
