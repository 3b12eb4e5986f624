import numpy as np
import pytest

from maskwright.errors import ShapeError
from maskwright.images.classes import IGNORE, Classes
from maskwright.report.pixels import (
    EXTRA,
    MISSED,
    RIGHT,
    WRONG,
    error_areas,
    error_thumbnail,
    overlay,
    thumbnail,
    thumbnail_size,
    tinted_thumbnail,
    to_rgb,
)

LESION = Classes(("background", "lesion"))
CROPS = Classes(("soil", "crop", "weed"))


@pytest.mark.parametrize(("bands", "shown"), [(1, (0, 0, 0)), (2, (0, 0, 0)), (3, (0, 1, 2)), (5, (0, 1, 2))])
def test_any_number_of_bands_becomes_rgb(bands, shown):
    image = np.random.default_rng(0).integers(0, 256, (4, 5, bands), dtype=np.uint8)
    assert np.array_equal(to_rgb(image), image[..., shown])


def test_grey_without_a_band_axis_is_shown_as_grey():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(to_rgb(grey)[..., 2], grey)


def test_sixteen_bits_are_stretched_over_the_whole_range():
    image = np.linspace(1000, 3000, 10_000).astype(np.uint16).reshape(100, 100, 1)
    rgb = to_rgb(image)
    assert (rgb.min(), rgb.max()) == (0, 255)
    assert rgb[50, 0, 0] == pytest.approx(128, abs=2)
    assert not to_rgb(np.full((3, 3), 700, np.uint16)).any()


def test_what_is_no_picture_is_refused():
    with pytest.raises(ShapeError, match="float64"):
        to_rgb(np.zeros((4, 4)))
    with pytest.raises(ShapeError, match=r"got \(0, 4\)"):
        to_rgb(np.zeros((0, 4), np.uint8))


def test_an_overlay_tints_the_class_outlines_it_and_leaves_the_background():
    image = np.full((60, 60, 3), 100, np.uint8)
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = 1
    shown = overlay(image, mask, LESION)
    assert shown.shape == (60, 60, 3) and shown.dtype == np.uint8
    assert tuple(shown[20, 30]) == LESION.colours[1]  # the outline
    assert tuple(shown[5, 5]) == (100, 100, 100)
    inside = shown[30, 30].astype(int)
    assert all(min(100, c) <= v <= max(100, c) for v, c in zip(inside, LESION.colours[1], strict=True))
    assert tuple(inside) not in ((100, 100, 100), LESION.colours[1])


def test_an_overlay_does_not_change_the_picture_it_is_given():
    image = np.full((20, 20, 3), 100, np.uint8)
    overlay(image, np.ones((20, 20), np.uint8), LESION)
    assert (image == 100).all()


def test_the_border_of_the_picture_is_no_outline():
    shown = overlay(np.full((20, 20, 3), 100, np.uint8), np.ones((20, 20), np.uint8), LESION)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 1


def test_each_class_has_its_own_colour():
    mask = np.zeros((40, 40), np.uint8)
    mask[5:15, 5:15], mask[25:35, 25:35] = 1, 2
    shown = overlay(np.zeros((40, 40, 1), np.uint8), mask, CROPS)
    assert tuple(shown[5, 10]) == CROPS.colours[1]
    assert tuple(shown[25, 30]) == CROPS.colours[2]


def test_overlapping_classes_are_all_drawn_and_ignored_pixels_greyed():
    classes = Classes(("cell", "nucleus"), exclusive=False)
    mask = np.zeros((40, 40, 2), np.uint8)
    mask[5:15, 5:15, 0] = 1
    mask[25:35] = IGNORE
    shown = overlay(np.zeros((40, 40, 3), np.uint8), mask, classes)
    assert tuple(shown[5, 10]) == classes.colours[0]
    assert len(set(shown[30, 30].tolist())) == 1 and shown[30, 30, 0] > 0


def test_an_overlay_wants_one_size():
    with pytest.raises(ShapeError, match=r"got \(4, 4\) and \(5, 5\)"):
        overlay(np.zeros((4, 4, 3), np.uint8), np.zeros((5, 5), np.uint8), LESION)


def test_thumbnails_keep_the_aspect_and_never_grow():
    assert thumbnail_size((3024, 4032, 3), 300) == (225, 300)
    assert thumbnail_size((128, 100), 300) == (128, 100)
    assert thumbnail_size((1, 5000), 300) == (1, 300)
    image, mask = np.zeros((90, 600, 3), np.uint8), np.zeros((9, 60), np.uint8)
    assert thumbnail(image, 300).size == tinted_thumbnail(image, mask, LESION, 300).size == (300, 45)
    assert error_thumbnail(image, mask, mask, LESION, 300).size == (300, 45)


def areas(truth, prediction, classes):
    shown = error_areas(np.array([truth], np.uint8), np.array([prediction], np.uint8), classes)
    return {colour: where[0].tolist() for colour, where, _ in shown}


def test_missed_and_extra_pixels_have_their_own_colours():
    shown = areas([1, 1, 0, 0, IGNORE], [1, 0, 1, 0, 1], LESION)
    assert shown[RIGHT] == [True, False, False, False, False]
    assert shown[MISSED] == [False, True, False, False, False]
    assert shown[EXTRA] == [False, False, True, False, False]
    assert not any(shown[WRONG])


def test_a_wrong_foreground_class_is_neither_missed_nor_extra():
    shown = areas([1, 2, 0], [2, 2, 0], CROPS)
    assert shown[WRONG] == [True, False, False]
    assert shown[RIGHT] == [False, True, False]
    assert not any(shown[MISSED]) and not any(shown[EXTRA])


def test_errors_of_overlapping_classes_are_those_of_any_class():
    classes = Classes(("cell", "nucleus"), exclusive=False)
    shown = areas([[1, 0], [1, 1], [0, 0], [1, 0]], [[1, 0], [1, 0], [0, 1], [0, 1]], classes)
    assert shown[RIGHT] == [True, False, False, False]
    assert shown[MISSED] == [False, True, False, True]
    assert shown[EXTRA] == [False, False, True, True]
    assert shown[WRONG] == [False, False, False, True]
