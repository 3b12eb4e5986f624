import numpy as np
import pytest

from maskwright.errors import ShapeError
from maskwright.images.tiles import blend_shares, pad_to_tile, tile_starts


def test_positions_worked_out_by_hand():
    assert tile_starts(10, 6, 2) == [0, 4]


def test_tiles_are_spread_evenly_and_end_flush():
    assert tile_starts(100, 40, 10) == [0, 30, 60]
    assert tile_starts(101, 40, 10) == [0, 20, 40, 61]


def test_a_picture_not_larger_than_a_tile_gets_one_tile():
    assert tile_starts(5, 40, 8) == [0]
    assert tile_starts(40, 40, 8) == [0]


@pytest.mark.parametrize("length", [1, 31, 32, 33, 40, 57, 64, 100, 1000])
@pytest.mark.parametrize(("tile", "overlap"), [(32, 0), (32, 8), (32, 31), (1, 0)])
def test_every_pixel_is_covered_and_neighbours_share_at_least_the_overlap(length, tile, overlap):
    starts = tile_starts(length, tile, overlap)
    covered = np.zeros(max(length, tile), int)
    for start in starts:
        covered[start : start + tile] += 1
    assert covered.min() >= 1
    assert starts[-1] + tile == max(length, tile)
    assert all(second - first <= tile - overlap for first, second in zip(starts, starts[1:], strict=False))


@pytest.mark.parametrize("length", [20, 32, 33, 57, 100, 1000])
@pytest.mark.parametrize("overlap", [0, 1, 8, 16, 31])
def test_shares_in_the_blend_add_up_to_one_everywhere(length, overlap):
    total = np.zeros(max(length, 32))
    for start, share in zip(tile_starts(length, 32, overlap), blend_shares(length, 32, overlap), strict=True):
        assert share.dtype == np.float32
        assert share.min() > 0
        total[start : start + 32] += share
    np.testing.assert_allclose(total, 1, atol=3e-7)


def test_shares_change_smoothly_from_one_tile_to_the_next():
    first, second = blend_shares(48, 32, 16)
    assert np.all(np.diff(first) <= 1e-7)  # only falls: it has no tile to its left
    np.testing.assert_allclose(first[16:] + second[:16], 1, atol=1e-6)
    assert np.abs(np.diff(first)).max() < 2.5 / 16


def test_a_lone_tile_has_every_share_and_neighbours_leave_the_inside_alone():
    np.testing.assert_array_equal(blend_shares(20, 32, 8)[0], 1)
    first, second = blend_shares(56, 32, 8)
    np.testing.assert_array_equal(first[:24], 1)
    np.testing.assert_array_equal(second[8:], 1)


def test_a_small_picture_is_padded_by_reflection():
    padded = pad_to_tile(np.array([[1, 2, 3]]), (1, 5))
    np.testing.assert_array_equal(padded, [[1, 2, 3, 2, 1]])


def test_a_picture_too_small_to_reflect_repeats_its_edge():
    padded = pad_to_tile(np.array([[[1], [2]]]), (3, 5))
    assert padded.shape == (3, 5, 1)
    np.testing.assert_array_equal(padded[:, :, 0], [[1, 2, 2, 2, 2]] * 3)


def test_a_picture_large_enough_is_not_touched():
    picture = np.zeros((6, 7, 3), np.uint8)
    assert pad_to_tile(picture, 6) is picture


def test_an_overlap_as_large_as_the_tile_is_refused():
    with pytest.raises(ShapeError, match="Tiles of 8x8 cannot overlap by 8 pixels"):
        tile_starts(20, 8, 8)
