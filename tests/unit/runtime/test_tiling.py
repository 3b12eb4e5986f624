import tracemalloc

import numpy as np
import pytest

from maskwright.runtime.tiling import tiled_probabilities


def red_share(tiles):
    """Stand in for a network: each pixel's probability is its own red value."""
    return (tiles[..., :1].astype(np.float32) / 255).transpose(0, 3, 1, 2)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (30, 41), (3, 5), (1, 1), (100, 4)])
@pytest.mark.parametrize("overlap", [0, 3, 7])
def test_blending_what_depends_on_single_pixels_changes_nothing(describe, size, overlap):
    description = describe(mode="tile", size=(8, 8), overlap=overlap)
    image = picture(*size)
    expected = image[None, :, :, 0] / np.float32(255)
    np.testing.assert_allclose(tiled_probabilities(image, description, red_share), expected, atol=1e-6)


def test_tiles_need_not_be_square(describe):
    description = describe(mode="tile", size=(8, 12), overlap=4)
    image = picture(21, 40)
    result = tiled_probabilities(image, description, red_share)
    np.testing.assert_allclose(result[0], image[:, :, 0] / np.float32(255), atol=3e-7)


def test_two_tiles_that_disagree_are_blended_smoothly(describe):
    description = describe(mode="tile", size=(8, 8), overlap=4)
    answers = iter([0.0, 1.0])

    def one_after_the_other(tiles):
        return np.stack([np.full((1, 8, 8), next(answers), np.float32) for _ in tiles])

    line = tiled_probabilities(picture(8, 12), description, one_after_the_other)[0, 0]
    np.testing.assert_array_equal(line[:4], 0)
    np.testing.assert_array_equal(line[8:], 1)
    assert np.all(np.diff(line[3:9]) > 0)
    np.testing.assert_allclose(line[4:8] + line[7:3:-1], 1, atol=1e-6)


def test_a_scale_resizes_the_picture_first_and_the_probabilities_back(describe):
    description = describe(mode="tile", size=(8, 8), overlap=2, scale=0.5)
    seen = []

    def note(tiles):
        seen.append(tiles.shape)
        return red_share(tiles)

    result = tiled_probabilities(np.full((16, 31, 3), 51, np.uint8), description, note)
    assert result.shape == (1, 16, 31)
    np.testing.assert_allclose(result, 0.2, atol=1e-6)
    assert sum(shape[0] for shape in seen) == 3  # 8 x 16 pixels: a row of three tiles


def test_tiles_come_in_small_groups_whatever_the_picture(describe):
    description = describe(mode="tile", size=(256, 256), overlap=0)
    groups = []

    def note(tiles):
        groups.append(len(tiles))
        return red_share(tiles)

    tiled_probabilities(np.zeros((1024, 1024, 3), np.uint8), description, note)
    assert groups == [4, 4, 4, 4]


def test_memory_beyond_the_map_of_probabilities_does_not_grow_with_the_picture(describe):
    description = describe(mode="tile", size=(128, 128), overlap=32)
    image = np.zeros((3000, 3000, 3), np.uint8)
    tracemalloc.start()
    try:
        result = tiled_probabilities(image, description, red_share)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < result.nbytes + 8_000_000
