"""Pictures and masks are resized as their kind asks for."""

import math
from fractions import Fraction

import numpy as np
import pytest

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE
from maskwright.images.resize import resize_float
from maskwright.images.sizes import (
    resize_image,
    resize_labels,
    resize_labels_by_area,
    scaled_decoding_size,
    scaled_size,
)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [1, 3, 5])
@pytest.mark.parametrize("size", [(7, 5), (40, 30), (13, 60)])
def test_pictures_are_resized_as_real_numbers_are_and_rounded(dtype: type, bands: int, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (20, 30, bands)).astype(dtype)
    resized = resize_image(image, size)
    exact = resize_float(image.astype(np.float32).transpose(2, 0, 1), size).transpose(1, 2, 0)
    assert resized.dtype == dtype and resized.shape == (*size, bands)
    assert np.abs(resized - exact).max() <= (1.01 if dtype == np.uint8 else 0.6)  # 8 bits are rounded twice


def test_an_even_picture_stays_even_and_extremes_stay_extremes() -> None:
    assert (resize_image(np.full((9, 9, 3), 255, np.uint8), (4, 17)) == 255).all()
    assert (resize_image(np.full((9, 9, 1), 65535, np.uint16), (4, 17)) == 65535).all()


def test_the_same_size_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 255, (6, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize_image(image, (6, 5)), image)


def test_labels_enlarged_by_a_whole_factor_are_repeated() -> None:
    mask = np.array([[0, 1], [IGNORE, 2]], np.uint8)
    np.testing.assert_array_equal(resize_labels(mask, (4, 6)), mask.repeat(2, axis=0).repeat(3, axis=1))


def test_labels_shrunk_are_those_at_the_new_pixels_centres() -> None:
    mask = np.arange(36, dtype=np.uint8).reshape(6, 6)
    np.testing.assert_array_equal(resize_labels(mask, (2, 2)), mask[[[1], [4]], [1, 4]])


def test_labels_of_overlapping_classes_keep_their_channels() -> None:
    mask = np.random.default_rng(0).integers(0, 2, (8, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(resize_labels(mask, (4, 4))[:, :, 1], resize_labels(mask[:, :, 1], (4, 4)))


def test_the_label_that_covers_most_of_a_pixel_is_taken() -> None:
    mask = np.array([[1, 1, 0, 2], [1, 0, 2, 2], [0, 0, IGNORE, IGNORE], [0, 1, IGNORE, 0]], np.uint8)
    np.testing.assert_array_equal(resize_labels_by_area(mask, (2, 2), 3), [[1, 2], [0, IGNORE]])


@pytest.mark.parametrize("size", [(4, 5), (2, 10), (8, 20)])
def test_the_covering_label_agrees_with_counting_pixels(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    mask = rng.choice(np.array([0, 1, 2, 3, IGNORE], np.uint8), (16, 20), p=[0.3, 0.3, 0.2, 0.1, 0.1])
    down, right = 16 // size[0], 20 // size[1]
    blocks = mask.reshape(size[0], down, size[1], right).swapaxes(1, 2).reshape(*size, -1)
    counted = [[np.bincount(block, minlength=256).argmax() for block in row] for row in blocks]
    np.testing.assert_array_equal(resize_labels_by_area(mask, size, 4), counted)


def _held(have: int, number: int) -> list[list[int]]:
    """Say by the definition which of `have` pixels each of `number` holds: those whose centres lie in it (of one on
    the border between two, the first); where they are not more, the nearest one.
    """
    if number >= have:
        return [[(2 * at + 1) * have // (2 * number)] for at in range(number)]
    owner = [math.ceil(Fraction(2 * pixel + 1, 2 * have) * number) - 1 for pixel in range(have)]
    return [[pixel for pixel in range(have) if owner[pixel] == at] for at in range(number)]


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (29, 17), (40, 55), (300, 3), (7, 600)])
@pytest.mark.parametrize("size", [(1, 1), (33, 10), (30, 18), (7, 24)])
def test_pixels_count_where_their_centres_lie(shape: tuple[int, int], size: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).choice(np.array([0, 1, 2, IGNORE], np.uint8), shape)
    rows, columns = (_held(old, new) for new, old in zip(size, shape, strict=True))
    expected = [[np.bincount(mask[np.ix_(r, c)].ravel(), minlength=256).argmax() for c in columns] for r in rows]
    np.testing.assert_array_equal(resize_labels_by_area(mask, size, 3), expected)


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (31, 17), (300, 3), (90, 1000), (700, 600)])
@pytest.mark.parametrize("size", [(1, 1), (33, 10), (2, 40), (7, 24)])
def test_a_mask_of_two_classes_is_counted_as_one_of_three(shape: tuple[int, int], size: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).integers(0, 2, shape).astype(np.uint8)
    twice = resize_labels_by_area(2 * mask, size, 3)  # the same with a label that is no 1: counted the longer way
    np.testing.assert_array_equal(resize_labels_by_area(mask, size, 2), twice // 2)


def test_equal_shares_give_the_lowest_label() -> None:
    mask = np.array([[2, 1], [1, 2]], np.uint8)
    np.testing.assert_array_equal(resize_labels_by_area(mask, (1, 1), 3), [[1]])


def test_overlapping_classes_are_covered_channel_by_channel() -> None:
    mask = np.zeros((2, 2, 2), np.uint8)
    mask[:, :, 0] = [[1, 1], [1, 0]]
    mask[:, :, 1] = [[1, 1], [1, 1]]
    np.testing.assert_array_equal(resize_labels_by_area(mask, (1, 1), 2), [[[1, 1]]])


def test_a_label_that_is_no_class_is_refused() -> None:
    with pytest.raises(ShapeError, match="1 classes holds label 1"):
        resize_labels_by_area(np.array([[0, 1]], np.uint8), (1, 1), 1)
    with pytest.raises(ShapeError, match="2 classes holds label 7"):
        resize_labels_by_area(np.array([[0, 7]], np.uint8), (1, 1), 2)


def test_sizes_of_nothing_are_refused() -> None:
    with pytest.raises(ShapeError, match="0 x 5"):
        resize_image(np.zeros((3, 3, 3), np.uint8), (0, 5))
    with pytest.raises(ShapeError, match="float64"):
        resize_image(np.zeros((3, 3)), (2, 2))


def test_decoding_leaves_twice_the_size_for_resizing() -> None:
    assert scaled_decoding_size((192, 256)) == (384, 512)


def test_a_scaled_picture_has_at_least_one_pixel() -> None:
    assert scaled_size((101, 3), 0.1) == (10, 1)
