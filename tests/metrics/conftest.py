"""Fixtures that the tests of all metrics share."""

import matplotlib as mpl
import pytest

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def small_blocks(monkeypatch):
    """Make every loop over blocks run many times on a few rows."""
    for name in (
        "sk_yt8m.metrics._inputs.blocks.BLOCK_BYTES",
        "sk_yt8m.metrics._inputs.dense_scores._SELECT_BYTES",
        "sk_yt8m.metrics._inputs.exact._BLOCK_BYTES",
        "sk_yt8m._inputs.indicator._BLOCK_BYTES",
    ):
        monkeypatch.setattr(name, 1000)
