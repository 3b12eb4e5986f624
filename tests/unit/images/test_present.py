import numpy as np
import pytest

from maskwright.images.present import calm_bytes, count_values, map_values, present_values

SIZES = pytest.mark.parametrize("size", [1, 7, 8, 15, 16, 17, 24, 1000, 4099])
KINDS = pytest.mark.parametrize("kind", ["constant", "blocks", "runs", "noise", "one at the end", "one within a word"])


def values(size: int, kind: str) -> np.ndarray:
    rng = np.random.default_rng(size)
    return {
        "constant": np.full(size, 7), "blocks": np.repeat(rng.integers(0, 256, size // 9 + 1), 9)[:size],
        "runs": np.repeat(rng.integers(0, 3, size // 90 + 1), 90)[:size],
        "noise": rng.integers(0, 256, size), "one at the end": np.append(np.zeros(size - 1), 255),
        "one within a word": np.where(np.arange(size) == size // 2, 3, 1),
    }[kind].astype(np.uint8)  # fmt: skip


@SIZES
@KINDS
def test_all_values_are_found_and_no_others(size, kind):
    flat = values(size, kind)
    assert present_values(flat).tolist() == sorted(set(flat.tolist()))


@SIZES
@KINDS
def test_each_value_is_counted_as_often_as_it_occurs(size, kind):
    flat = values(size, kind)
    counted = count_values(flat)
    assert counted.dtype == np.int64
    np.testing.assert_array_equal(counted, np.bincount(flat, minlength=256))


def test_counting_looks_at_the_pixels_of_a_view_and_at_no_others():
    mask = np.repeat(np.arange(4, dtype=np.uint8), 64 * 40).reshape(64, 160)
    for view in (mask.T, mask[::3, ::5], mask[:, 3:41], mask[:0]):
        np.testing.assert_array_equal(count_values(view), np.bincount(view.ravel(), minlength=256))


@SIZES
@KINDS
def test_bytes_for_hashing_are_equal_where_masks_are_and_differ_where_one_pixel_does(size, kind):
    flat = values(size, kind)
    same = calm_bytes(flat)
    assert calm_bytes(flat.copy()) == same
    for place in {0, size // 2, size - 1}:
        other = flat.copy()
        other[place] ^= 1
        assert calm_bytes(other) != same


def test_a_calm_mask_is_hashed_by_a_few_bytes_that_tell_where_its_border_lies():
    here, there = (np.zeros((512, 512), np.uint8) for _ in range(2))
    here[:, 200:], there[:, 208:] = 1, 1
    assert len(calm_bytes(here)) < here.size / 10
    assert calm_bytes(here) != calm_bytes(there)


@SIZES
@KINDS
def test_mapping_values_is_looking_them_up(size, kind):
    flat = values(size, kind)
    for table in (np.arange(256), np.arange(256)[::-1], np.random.default_rng(0).permutation(256), np.full(256, 9)):
        mapped = map_values(flat, table.astype(np.uint8))
        np.testing.assert_array_equal(mapped, table[flat])
        assert mapped.dtype == np.uint8 and not np.shares_memory(mapped, flat)


def test_arrays_of_any_shape_and_order_are_looked_at_whole():
    mask = np.zeros((33, 65), np.uint8)
    mask[32, 64], mask[0, 64] = 9, 200
    assert present_values(mask).tolist() == present_values(mask.T).tolist() == [0, 9, 200]
    assert present_values(mask[:, ::-1][:, :40]).tolist() == [0, 9, 200]
    assert present_values(mask[:, :64]).tolist() == [0]
