import tracemalloc

import numpy as np
import pytest

from maskwright.images.classes import Classes
from maskwright.images.resize import resize_float
from maskwright.runtime import streaming
from maskwright.runtime.streaming import Windows, stream_tiles, stream_whole
from maskwright.runtime.tiling import tiled_probabilities
from maskwright.runtime.whole import network_input

SEVERAL = Classes(("soil", "crop", "weed"))


def picture(height, width, bands=3, dtype=np.uint8, seed=0):
    top = np.iinfo(dtype).max + 1
    return np.random.default_rng(seed).integers(0, top, (height, width, bands), dtype=dtype)


def own_values(channels=1):
    """Stand in for a network: probabilities are mixtures of a tile's own values and of its place in the tile."""

    def run(tiles):
        place = np.linspace(0, 1, tiles.shape[2], dtype=np.float32)
        values = [tiles[..., k % 3] / np.float32(510) + place / (2 + k) for k in range(channels)]
        return np.stack(values, axis=1).astype(np.float32)

    return run


def source_of(image, seen=None):
    def read(rows, columns):
        assert 0 <= rows.start < rows.stop <= image.shape[0] and 0 <= columns.start < columns.stop <= image.shape[1]
        if seen is not None:
            seen.append((rows, columns))
        return image[rows, columns]

    return Windows(image.shape[:2], read)


def put_together(blocks, channels, size):
    """Return the whole of the blocks, and how often each pixel was given."""
    whole, times = np.zeros((channels, *size), np.float32), np.zeros(size, int)
    for block in blocks:
        height, width = block.probabilities.shape[1:]
        window = (slice(block.top, block.top + height), slice(block.left, block.left + width))
        whole[:, *window] = block.probabilities
        times[window] += 1
    return whole, times


@pytest.fixture
def narrow(monkeypatch):
    """Blocks of 16 rows and strips of 32 columns or so: what large pictures meet, in small ones."""
    monkeypatch.setattr(streaming, "ROWS", 16)
    monkeypatch.setattr(streaming, "BUDGET", 3200)


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (130, 141), (3, 5), (1, 1), (100, 4), (40, 300), (300, 40)])
@pytest.mark.parametrize("overlap", [0, 3, 7])
def test_blocks_are_what_the_whole_picture_gives_each_pixel_once(describe, narrow, size, overlap):
    description = describe(mode="tile", size=(8, 8), overlap=overlap)
    image = picture(*size)
    given, times = put_together(stream_tiles(source_of(image), description, own_values()), 1, size)
    assert (times == 1).all()
    np.testing.assert_allclose(given, tiled_probabilities(image, description, own_values()), atol=3e-7)


@pytest.mark.parametrize("scale", [0.9, 0.5, 0.3, 0.0101])
@pytest.mark.parametrize("size", [(64, 64), (131, 77), (33, 210)])
def test_scaled_pictures_too_to_a_grey_level_here_and_there(describe, narrow, scale, size):
    description = describe(mode="tile", size=(8, 12), overlap=3, scale=scale)
    image = picture(*size)
    given, times = put_together(stream_tiles(source_of(image), description, own_values()), 1, size)
    assert (times == 1).all()
    difference = np.abs(given - tiled_probabilities(image, description, own_values()))
    assert difference.max() <= 1.01 / 510  # one level
    assert difference.mean() <= 0.1 / 510  # ties in rounding, mostly


@pytest.mark.parametrize("dtype, bands", [(np.uint16, 1), (np.uint16, 5), (np.uint8, 4)])
def test_pictures_of_other_depths_and_bands(describe, narrow, dtype, bands):
    description = describe(
        mode="tile", size=(8, 8), overlap=2, scale=0.5, bands=bands, dtype=np.dtype(dtype).name,
        mean=(0.5,) * bands, std=(0.25,) * bands,
    )  # fmt: skip
    image = picture(50, 61, bands, dtype)

    def last_band(tiles):
        return (tiles[:, None, :, :, -1] / np.float32(np.iinfo(dtype).max)).astype(np.float32)

    given, _ = put_together(stream_tiles(source_of(image), description, last_band), 1, (50, 61))
    np.testing.assert_allclose(given, tiled_probabilities(image, description, last_band), atol=1.01 / 255)


def test_several_classes(describe, narrow):
    description = describe(mode="tile", size=(8, 8), overlap=2, classes=SEVERAL, threshold=None)
    image = picture(70, 90)
    given, times = put_together(stream_tiles(source_of(image), description, own_values(3)), 3, (70, 90))
    assert (times == 1).all()
    np.testing.assert_allclose(given, tiled_probabilities(image, description, own_values(3)), atol=3e-7)


def test_windows_are_small_and_blocks_come_in_whole_rows_of_them(describe, narrow):
    description = describe(mode="tile", size=(8, 8), overlap=2)
    seen = []
    blocks = list(stream_tiles(source_of(picture(100, 500), seen), description, own_values()))
    assert max((rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in seen) <= 8 * 120
    assert {block.top % 16 for block in blocks} == {0} and {block.left % 16 for block in blocks} == {0}
    assert len({block.left for block in blocks}) > 3


def test_memory_does_not_grow_with_the_height_of_the_picture(describe):
    description = describe(mode="tile", size=(64, 64), overlap=16)
    peaks = []
    for height in (2000, 20_000):

        def read(rows, columns):
            return np.zeros((rows.stop - rows.start, columns.stop - columns.start, 3), np.uint8)

        tracemalloc.start()
        try:
            pixels = sum(
                block.probabilities.size
                for block in stream_tiles(Windows((height, 500), read), description, own_values())
            )
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert pixels == height * 500
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("size", [(8, 16), (200, 90), (37, 301)])
def test_a_network_for_whole_pictures_sees_what_it_would_see_of_one_in_memory(describe, narrow, size):
    description = describe(size=(8, 16))
    image = picture(*size)
    seen = []

    def look(pixels):
        seen.append(pixels.copy())
        return 1 / (1 + np.exp(-pixels[0, :1]))

    given, times = put_together(stream_whole(source_of(image), description, look), 1, size)
    expected = network_input(image, description)
    np.testing.assert_allclose(seen[0], expected, atol=2e-4)
    assert (times == 1).all()
    np.testing.assert_allclose(given, resize_float(look(expected), size), atol=1e-4)


def test_what_reading_raises_reaches_the_caller(describe):
    def read(rows, columns):
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(stream_tiles(Windows((100, 100), read), describe(mode="tile", size=(8, 8)), own_values()))
