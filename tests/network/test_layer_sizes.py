"""The sizes of the hidden layers that `hidden_layer_sizes="auto"` stands for."""

import numpy as np
import pytest

from sk_yt8m._network.architecture import auto_layer_sizes, layer_sizes

RECIPE = (2000, 3200)
#: Videos of the course subset, of its folds in cross-validation, and of half of it.
COURSE = (41_393, 2 * 41_393 // 3, 41_393 // 2)


@pytest.mark.parametrize("n_samples", [*COURSE, 12_500, 10**9])
@pytest.mark.parametrize("n_outputs", [1, 3862])
def test_the_recipe_is_for_the_course_set_and_larger_ones(n_samples, n_outputs):
    assert auto_layer_sizes(n_samples, n_outputs, 1) == RECIPE


@pytest.mark.parametrize("n_samples", [1, 3000])
@pytest.mark.parametrize("n_outputs", [400, 3862, 10**6])
def test_the_recipe_is_for_many_labels(n_samples, n_outputs):
    assert auto_layer_sizes(n_samples, n_outputs, 1) == RECIPE


@pytest.mark.parametrize(
    "shapes", [[(n, 1) for n in range(1, 20_000)], [(1, n) for n in range(1, 2000)]]
)
def test_sizes_grow_and_never_beyond_the_recipe(shapes):
    sizes = np.array([auto_layer_sizes(*shape, 1) for shape in shapes])
    assert (np.diff(sizes, axis=0) >= 0).all()
    assert sizes[0].tolist() == [400, 640]
    assert (sizes <= RECIPE).all()
    assert sizes[-1].tolist() == list(RECIPE)
    np.testing.assert_array_equal(5 * sizes[:, 1], 8 * sizes[:, 0])
    assert len(np.unique(sizes, axis=0)) == 21


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((1, 1), (400, 640)),
        ((2000, 14), (400, 640)),
        ((2417, 14), (480, 768)),
        ((5000, 14), (880, 1408)),
        ((700, 100), (640, 1024)),
        ((2000, 100), (800, 1280)),
        ((2000, 300), (1840, 2944)),
        ((5000, 300), (2000, 3200)),
    ],
)
def test_values_of_the_rule(shape, sizes):
    assert auto_layer_sizes(*shape, 1) == sizes


def test_an_unknown_number_of_rows_means_the_recipe():
    assert layer_sizes("auto", 1, None) == RECIPE


@pytest.mark.parametrize("n_heads", [1, 2, 3, 7, 100, 640, 641, 5000])
@pytest.mark.parametrize("shape", [(10, 1), (3333, 20), (50_000, 3862), None])
def test_the_heads_divide_the_last_size(shape, n_heads):
    first, last = layer_sizes("auto", n_heads, shape)
    free_first, free_last = layer_sizes("auto", 1, shape)
    assert first == free_first
    assert last % n_heads == 0
    assert last == n_heads or free_last - n_heads < last <= free_last


@pytest.mark.parametrize("auto", ["auto", np.str_("auto")])
@pytest.mark.parametrize("shape", [(50_000, 9), None])
def test_a_network_that_is_trained_further_keeps_its_sizes(auto, shape):
    assert layer_sizes(auto, 1, shape, previous=(30, 20)) == (30, 20)
    assert layer_sizes(auto, 4, shape, previous=(30, 20)) == (30, 20)
    with pytest.raises(ValueError, match="n_heads must divide the last of hidden_layer_sizes"):
        layer_sizes(auto, 3, shape, previous=(30, 20))
    assert layer_sizes((9,), 1, shape, previous=(30, 20)) == (9,)


def test_sizes_are_python_integers():
    for shape in ((3, 2), (np.int64(3000), np.int64(5)), (np.uint16(3000), np.uint8(5)), None):
        assert {type(size) for size in layer_sizes("auto", 1, shape)} == {int}
