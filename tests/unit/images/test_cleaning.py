import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes

from maskwright.errors import ConfigError
from maskwright.images.cleaning import Cleaning, largest_only, without_holes, without_small
from maskwright.images.polygons import trace
from maskwright.images.regions import find_regions
from support.outlines import drawing


def random_mask(seed, classes=2, size=(24, 30)):
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).normal(size=(classes, *size))
    return gaussian_filter(noise, (0, 1.2, 1.2)).argmax(axis=0).astype(np.uint8)


def same(found, *rows):
    np.testing.assert_array_equal(found, drawing(*rows))


def test_small_regions_become_what_surrounds_them():
    same(without_small(drawing("1.....", "..22..", "..2122"), 2), "......", "..22..", "..2222")


def test_a_region_of_just_the_least_area_stays():
    mask = drawing("11.", "...")
    same(without_small(mask, 2), "11.", "...")
    same(without_small(mask, 2.5), "...", "...")


def test_regions_that_go_together_do_not_count_as_each_other_s_surroundings():
    same(without_small(drawing("....", ".12.", "...."), 2), "....", "....", "....")


def test_a_hole_becomes_the_class_around_it():
    same(without_holes(drawing("1111", "1..1", "1111", "....")), "1111", "1111", "1111", "....")


def test_background_that_reaches_the_border_is_no_hole():
    mask = drawing("11.1", "1..1", "1111")
    np.testing.assert_array_equal(without_holes(mask), mask)


def test_a_hole_between_two_classes_becomes_the_one_that_has_more_of_its_border():
    same(without_holes(drawing("1122", "1.22", "1.22", "1112")), "1122", "1122", "1122", "1112")


@pytest.mark.parametrize("seed", range(10))
def test_filled_holes_are_those_of_scipy_and_no_outline_has_any_left(seed):
    mask = random_mask(seed)
    filled = without_holes(mask)
    np.testing.assert_array_equal(filled, binary_fill_holes(mask))
    assert not any(outline.holes for outline in trace(find_regions(filled).labels))


def test_of_each_class_the_largest_region_stays_and_the_first_of_equals():
    same(largest_only(drawing("11..2", ".....", "1.22.", "..22.")), "11...", ".....", "..22.", "..22.")
    same(largest_only(drawing("1.1", "...")), "1..", "...")


@pytest.mark.parametrize("seed", range(6))
def test_after_cleaning_no_region_is_small_and_each_class_has_one(seed):
    mask = random_mask(seed, classes=3)
    regions = find_regions(Cleaning(least_area=12)(mask))
    assert regions.areas.min() >= 12
    regions = find_regions(largest_only(mask))
    assert len(set(regions.classes.tolist())) == len(regions.classes)


@pytest.mark.parametrize("seed", range(6))
def test_cleaning_a_clean_mask_changes_nothing(seed):
    clean = Cleaning(least_area=2, in_percent=True, fill_holes=True)
    once = clean(random_mask(seed))
    np.testing.assert_array_equal(clean(once), once)


def test_a_share_is_of_the_picture_s_pixels():
    mask = np.zeros((20, 50), np.uint8)
    mask[:3, :3] = 1
    assert Cleaning.parse("least-area=0.9%")(mask).any()
    assert not Cleaning.parse("least-area=0.91%")(mask).any()


def test_overlapping_classes_are_cleaned_each_by_itself():
    mask = np.stack([drawing("111", "1.1", "111"), drawing("1..", "...", "..1")], axis=2)
    found = Cleaning(fill_holes=True)(mask)
    same(found[..., 0], "111", "111", "111")
    same(found[..., 1], "1..", "...", "..1")


def test_nothing_asked_for_changes_nothing():
    mask = random_mask(1)
    assert Cleaning()(mask) is mask


@pytest.mark.parametrize("text", ["", "fill-holes", "least-area=50", "fill-holes,least-area=0.25%,largest", "largest"])
def test_what_is_written_is_read_again(text):
    assert str(Cleaning.parse(text)) == text


@pytest.mark.parametrize("text", ["fillholes", "least-area", "least-area=x", "largest=3", "least-area=-1"])
def test_what_is_no_way_to_clean_is_named(text):
    with pytest.raises(ConfigError, match="no way to clean") as caught:
        Cleaning.parse(text)
    assert "fill-holes, least-area=PIXELS" in caught.value.fix
