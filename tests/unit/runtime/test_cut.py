"""A mask cut from enlarged probabilities without making them: the plain way's mask, pixel by pixel."""

import numpy as np
import pytest

from maskwright.images.classes import Classes
from maskwright.images.resize import resize_float
from maskwright.runtime.cut import cut_probabilities, cut_resized

TWO, FIVE = Classes(("background", "pebble")), Classes(tuple("abcde"))
OVERLAPPING = Classes(("nucleus", "membrane"), exclusive=False)
KINDS = [(TWO, 1, 0.5), (FIVE, 5, None), (OVERLAPPING, 2, 0.4), (TWO, 1, 0.93)]


def probabilities(planes: int, size: tuple[int, int], seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    coarse = np.random.default_rng(seed).random((planes, 6, 7), np.float32)
    values = resize_float(coarse, size)
    return values / values.sum(axis=0) if planes > 2 else values


@pytest.mark.parametrize(("classes", "planes", "threshold"), KINDS)
@pytest.mark.parametrize("small", [(48, 48), (7, 30), (1, 1), (33, 2)])
@pytest.mark.parametrize("large", [(501, 433), (48, 48), (100, 700), (20, 25), (33, 200), (1, 1)])
def test_the_mask_is_that_of_the_enlarged_probabilities(classes, planes, threshold, small, large) -> None:  # type: ignore[no-untyped-def]
    values = probabilities(planes, small)
    expected = cut_probabilities(resize_float(values, large), classes, threshold)
    found = cut_resized(values, large, classes, threshold)
    assert found.dtype == np.uint8
    assert found.shape == expected.shape
    assert np.count_nonzero(found != expected) <= 1e-5 * expected.size


def test_noise_which_has_a_border_everywhere_is_cut_alike() -> None:
    values = np.random.default_rng(1).random((1, 64, 64), np.float32)
    expected = cut_probabilities(resize_float(values, (700, 900)), TWO, 0.5)
    np.testing.assert_array_equal(cut_resized(values, (700, 900), TWO, 0.5), expected)


def test_two_pixels_enlarged_to_four_as_worked_out_by_hand() -> None:
    values = np.array([[[0.0, 1.0]]], np.float32)  # enlarged: 0, 0.25, 0.75, 1
    assert cut_resized(values, (1, 4), TWO, 0.2).tolist() == [[0, 1, 1, 1]]
    assert cut_resized(values, (1, 4), TWO, 0.5).tolist() == [[0, 0, 1, 1]]
    assert cut_resized(values, (2, 4), TWO, 0.8).tolist() == [[0, 0, 0, 1]] * 2


def test_a_pixel_on_the_threshold_is_not_above_it() -> None:
    assert not cut_resized(np.full((1, 3, 3), 0.5, np.float32), (9, 9), TWO, 0.5).any()
