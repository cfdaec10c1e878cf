"""What XLA compiles: large trainings, and in `partial_fit` nothing that depends on the chunk."""

import pytest

from sk_yt8m._network.architecture import Architecture
from sk_yt8m._training.steps.fusion import fusion_of_fit, fusion_of_partial_fit


def network(n_features, hidden_layer_sizes, n_outputs):
    return Architecture(
        n_features,
        hidden_layer_sizes,
        n_outputs,
        activation="relu",
        batch_normalization=True,
        dropout=0.5,
        input_dropout=0.2,
        standardize=True,
    )


COURSE = network(1152, (2000, 3200), 3862)


@pytest.mark.parametrize(
    ("architecture", "batch_size", "n_steps", "is_compiled"),
    [
        (COURSE, 512, 12 * 81, True),
        (COURSE, 512, 2 * 81, True),
        (COURSE, 512, 5, False),
        (network(100, (2000, 3200), 14), 32, 12 * 63, False),
        (network(5, (16,), 5), 32, 320, False),
    ],
    ids=["course", "two epochs", "five steps", "few rows", "tiny"],
)
def test_what_pays_back_is_compiled(architecture, batch_size, n_steps, is_compiled):
    fusion = fusion_of_fit(architecture, batch_size, n_steps)
    assert fusion == (is_compiled, is_compiled)


@pytest.mark.parametrize(
    ("architecture", "updates"), [(COURSE, True), (network(5, (16,), 5), False)]
)
def test_partial_fit_compiles_updates_at_most(architecture, updates):
    assert fusion_of_partial_fit(architecture) == (False, updates)
