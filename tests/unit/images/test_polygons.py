"""Outlines are exact: filled again, by our own filling and by another's, they are the mask; each is a valid polygon."""

import numpy as np
import pytest
from skimage.draw import polygon2mask

from maskwright.data.annotations.scanline import fill
from maskwright.images.polygons import simplified, trace
from maskwright.images.regions import find_regions
from support.outlines import drawing


def filled(outlines, classes, size):
    """A mask drawn from outlines, by the rule of pixel centres."""
    mask = np.zeros(size, np.uint8)
    for outline, label in zip(outlines, classes, strict=True):
        inside = fill(outline.exterior.astype(float), size)
        for hole in outline.holes:
            inside &= ~fill(hole.astype(float), size)
        mask[inside] = label
    return mask


def random_mask(seed, most=14):
    rng = np.random.default_rng(seed)
    return rng.integers(0, rng.integers(2, 5), tuple(rng.integers(1, most, 2)), dtype=np.uint8)


def smooth_mask(seed, size=(90, 120)):
    """A few blobs with holes, as networks give them."""
    from scipy.ndimage import gaussian_filter

    return (gaussian_filter(np.random.default_rng(seed).normal(size=size), 5) > 0.01).astype(np.uint8)


def shoelace(ring):
    following = np.roll(ring, -1, axis=0)
    return int((ring[:, 0] * following[:, 1] - following[:, 0] * ring[:, 1]).sum()) / 2


def test_a_pixel_is_a_square_from_its_top_left_clockwise_as_seen():
    (outline,) = trace(find_regions(drawing("...", "..1")).labels)
    assert outline.exterior.tolist() == [[2, 1], [3, 1], [3, 2], [2, 2]]
    assert (outline.holes, outline.box) == ((), (2, 1, 1, 1))


def test_straight_sides_have_no_points_between():
    (outline,) = trace(find_regions(drawing("1111", "1111", "11..")).labels)
    assert outline.exterior.tolist() == [[0, 0], [4, 0], [4, 2], [2, 2], [2, 3], [0, 3]]


def test_a_hole_is_a_ring_that_runs_the_other_way():
    (outline,) = trace(find_regions(drawing("111", "1.1", "111")).labels)
    (hole,) = outline.holes
    assert sorted(hole.tolist()) == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert (shoelace(outline.exterior), shoelace(hole)) == (9, -1)


def test_pixels_that_share_a_corner_only_are_two_regions():
    outlines = trace(find_regions(drawing("1.", ".1")).labels)
    assert [shoelace(outline.exterior) for outline in outlines] == [1, 1]


def test_where_a_region_meets_itself_at_a_corner_its_rings_stay_apart():
    (outline,) = trace(find_regions(drawing("111", "1.1", "11.")).labels)
    assert [len(ring) for ring in outline.rings] == [6, 4]


def test_regions_of_several_classes_have_their_own_outlines():
    mask = drawing("1122", "1222", "..33")
    regions = find_regions(mask)
    assert regions.classes.tolist() == [1, 2, 3]
    assert regions.areas.tolist() == [3, 5, 2]
    np.testing.assert_array_equal(filled(trace(regions.labels), regions.classes, mask.shape), mask)


@pytest.mark.parametrize("seed", range(60))
def test_outlines_filled_again_are_the_mask(seed):
    mask = random_mask(seed)
    regions = find_regions(mask)
    outlines = trace(regions.labels)
    np.testing.assert_array_equal(filled(outlines, regions.classes, mask.shape), mask)
    assert len(outlines) == len(regions.areas)


@pytest.mark.parametrize("seed", range(20))
def test_another_filling_gives_the_same_mask(seed):
    mask = random_mask(seed)
    regions = find_regions(mask)
    drawn = np.zeros(mask.shape, np.uint8)
    for outline, label in zip(trace(regions.labels), regions.classes, strict=True):
        centred = [ring[:, ::-1] - 0.5 for ring in outline.rings]  # its pixels have their centres at whole numbers
        inside = polygon2mask(mask.shape, centred[0])
        for hole in centred[1:]:
            inside &= ~polygon2mask(mask.shape, hole)
        drawn[inside] = label
    np.testing.assert_array_equal(drawn, mask)


@pytest.mark.parametrize("seed", range(30))
def test_rings_are_simple_and_enclose_the_region_s_area(seed):
    regions = find_regions(random_mask(seed))
    for outline, area in zip(trace(regions.labels), regions.areas, strict=True):
        assert shoelace(outline.exterior) + sum(map(shoelace, outline.holes)) == area
        assert shoelace(outline.exterior) > 0 > max(map(shoelace, outline.holes), default=-1)
        for ring in outline.rings:
            assert len({tuple(point) for point in ring.tolist()}) == len(ring)
            steps = np.abs(np.diff(ring, axis=0, append=ring[:1]))
            assert ((steps > 0).sum(axis=1) == 1).all()  # along one axis each, in turns
            assert ((steps[:, 0] > 0) != np.roll(steps[:, 0] > 0, 1)).all()


@pytest.mark.parametrize("mask", [np.zeros((3, 4), np.uint8), np.ones((3, 4), np.uint8), np.ones((1, 1), np.uint8)])
def test_nothing_and_everything_are_masks_too(mask):
    regions = find_regions(mask)
    np.testing.assert_array_equal(filled(trace(regions.labels), regions.classes, mask.shape), mask)


@pytest.mark.parametrize("seed", range(30))
def test_points_less_than_half_a_pixel_off_never_change_a_pixel(seed):
    """A chord that leaves out points closer than 0.5 passes no pixel's centre: those are 0.5 from any outline."""
    mask = random_mask(seed) if seed % 2 else smooth_mask(seed)
    regions = find_regions(mask)
    exact = trace(regions.labels)
    simpler = [outline.simplified(0.49) for outline in exact]
    np.testing.assert_array_equal(filled(simpler, regions.classes, mask.shape), mask)
    assert sum(len(one.exterior) for one in simpler) <= sum(len(one.exterior) for one in exact)


def test_a_pixel_of_tolerance_saves_most_points_of_a_large_object_and_hardly_changes_it():
    rows, columns = np.mgrid[:400, :400]
    mask = ((rows - 200) ** 2 + (columns - 180) ** 2 < 150**2).astype(np.uint8)
    labels = find_regions(mask).labels
    (exact,) = trace(labels)
    simpler = exact.simplified(1.0)
    assert len(simpler.exterior) < len(exact.exterior) / 5
    drawn = filled([simpler], [1], mask.shape)
    assert (drawn & mask).sum() / (drawn | mask).sum() > 0.99


def test_points_left_out_lie_within_the_tolerance():
    ring = trace(find_regions(smooth_mask(3)).labels)[0].exterior
    kept = simplified(ring, 2.0)
    place = [int(np.flatnonzero((ring == point).all(axis=1))[0]) for point in kept]
    assert place == sorted(place)
    for first, last in zip(place, [*place[1:], place[0] + len(ring)], strict=True):
        start, end = ring[first], ring[last % len(ring)]
        for number in range(first + 1, last):
            along, away = end - start, ring[number % len(ring)] - start
            nearest = start + np.clip(away @ along / (along @ along), 0, 1) * along
            assert np.linalg.norm(ring[number % len(ring)] - nearest) <= 2.0


def test_a_region_smaller_than_the_tolerance_stays_as_it_is():
    (outline,) = trace(find_regions(drawing("11", "1.")).labels)
    assert outline.simplified(50.0).exterior.tolist() == outline.exterior.tolist()
    assert outline.simplified(0) is outline
