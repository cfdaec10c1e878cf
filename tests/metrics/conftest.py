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
    inputs = "sk_yt8m.metrics._inputs"
    for name in (
        *(f"{inputs}.true_labels.BLOCK_BYTES", f"{inputs}.scores.BLOCK_BYTES"),
        *(f"{inputs}.scores._SELECT_BYTES", f"{inputs}.exact._BLOCK_BYTES"),
        "sk_yt8m.metrics._definitions.average_precision.BLOCK_BYTES",
        "sk_yt8m.metrics._definitions.label_reciprocal_rank.BLOCK_BYTES",
        "sk_yt8m._inputs.indicator._BLOCK_BYTES",
    ):
        monkeypatch.setattr(name, 1000)
