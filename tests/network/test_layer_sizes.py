"""The sizes of the hidden layers that `hidden_layer_sizes="auto"` stands for."""

import numpy as np
import pytest

from sk_yt8m._network.architecture import auto_layer_sizes, layer_sizes

RECIPE = (2000, 3200)
#: Videos of the course subset, of its folds in cross-validation, and of half of it.
COURSE = (41_393, 2 * 41_393 // 3, 41_393 // 2)


@pytest.mark.parametrize("n_samples", [*COURSE, 10_000, 10**9])
def test_the_recipe_is_for_the_course_set_and_larger_ones(n_samples):
    assert auto_layer_sizes(n_samples, 1) == RECIPE


def test_sizes_grow_with_the_rows_and_never_beyond_the_recipe():
    sizes = np.array([auto_layer_sizes(n, 1) for n in range(1, 20_000)])
    assert (np.diff(sizes, axis=0) >= 0).all()
    assert sizes[0].tolist() == [400, 640]
    assert (sizes <= RECIPE).all()
    # In proportion: the second layer is 1.6 times as wide as the first, up to rounding.
    np.testing.assert_allclose(sizes[:, 1], 1.6 * sizes[:, 0], atol=1)


@pytest.mark.parametrize(
    ("n_samples", "sizes"), [(1, (400, 640)), (2000, (400, 640)), (5000, (1000, 1600))]
)
def test_values_of_the_rule(n_samples, sizes):
    assert auto_layer_sizes(n_samples, 1) == sizes


def test_an_unknown_number_of_rows_means_the_recipe():
    assert layer_sizes("auto", 1, None) == RECIPE


@pytest.mark.parametrize("n_heads", [1, 2, 3, 7, 100, 640, 641, 5000])
@pytest.mark.parametrize("n_samples", [10, 3333, 50_000, None])
def test_the_heads_divide_the_last_size(n_samples, n_heads):
    first, last = layer_sizes("auto", n_heads, n_samples)
    free_first, free_last = layer_sizes("auto", 1, n_samples)
    assert first == free_first
    assert last % n_heads == 0
    assert last == n_heads or free_last - n_heads < last <= free_last


@pytest.mark.parametrize("auto", ["auto", np.str_("auto")])
def test_a_network_that_is_trained_further_keeps_its_sizes(auto):
    assert layer_sizes(auto, 1, 50_000, previous=(30, 20)) == (30, 20)
    assert layer_sizes(auto, 4, 50_000, previous=(30, 20)) == (30, 20)
    with pytest.raises(ValueError, match="n_heads must divide the last of hidden_layer_sizes"):
        layer_sizes(auto, 3, 50_000, previous=(30, 20))
    assert layer_sizes((9,), 1, 50_000, previous=(30, 20)) == (9,)


def test_sizes_are_python_integers():
    for n_samples in (3, np.int64(3000), np.uint16(3000), None):
        assert {type(size) for size in layer_sizes("auto", 1, n_samples)} == {int}
