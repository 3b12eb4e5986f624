import numpy as np
import pytest
from skimage.measure import label

from maskwright.images.classes import Classes
from maskwright.images.regions import find_regions, layers
from support.outlines import drawing


def test_regions_are_ordered_by_class_then_from_the_top_left():
    regions = find_regions(drawing("2.1", "..1", "1.2"))
    assert regions.classes.tolist() == [1, 1, 2, 2]
    assert regions.areas.tolist() == [2, 1, 1, 1]
    assert regions.labels.tolist() == [[3, 0, 1], [0, 0, 1], [2, 0, 4]]


@pytest.mark.parametrize("seed", range(10))
def test_regions_are_those_of_scikit_image_where_corners_do_not_touch(seed):
    mask = np.random.default_rng(seed).integers(0, 4, (30, 40), dtype=np.uint8)
    regions, theirs = find_regions(mask), label(mask, connectivity=1)
    assert len(regions.areas) == theirs.max()
    pairs = np.unique(np.stack([regions.labels.ravel(), theirs.ravel()]), axis=1)
    assert pairs.shape[1] == len(regions.areas) + 1  # each of ours is just one of theirs
    np.testing.assert_array_equal(regions.areas, np.bincount(regions.labels.ravel())[1:])


def test_an_empty_mask_has_no_region():
    regions = find_regions(np.zeros((4, 5), np.uint8))
    assert (len(regions.areas), regions.labels.any()) == (0, False)


def test_overlapping_classes_are_looked_at_one_by_one():
    mask = np.stack([drawing("11.", "11."), drawing(".1.", "...")], axis=2)
    one, other = layers(mask, Classes(("cell", "core"), exclusive=False))
    assert (one.classes.tolist(), one.areas.tolist()) == ([0], [4])
    assert (other.classes.tolist(), other.areas.tolist()) == ([1], [1])
