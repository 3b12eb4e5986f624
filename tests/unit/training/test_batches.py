"""Batches: a pure function of seed, epoch and step; tiles find the rare class."""

import numpy as np
import pytest
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.training.batches import TileBatches, WholeBatches, cut_around

CLASSES = Classes(("background", "thing"))


class InMemory:
    def __init__(self, pairs: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def image(self, index: int) -> NDArray[np.uint8]:
        return self.pairs[index][0]

    def mask(self, index: int) -> NDArray[np.uint8]:
        return self.pairs[index][1]


def _numbered(count: int) -> InMemory:
    return InMemory([(np.full((4, 4, 3), i, np.uint8), np.zeros((4, 4), np.uint8)) for i in range(count)])


@pytest.mark.parametrize(("pictures", "batch_size", "steps"), [(10, 4, 2), (10, 3, 3), (3, 16, 1), (1, 4, 1)])
def test_each_picture_comes_once_an_epoch_in_nearly_equal_batches(pictures: int, batch_size: int, steps: int) -> None:
    batches = WholeBatches(_numbered(pictures), batch_size, seed=0)
    sizes, seen = [], []
    for step in range(batches.steps):
        batch = batches.batch(0, step)
        sizes.append(len(batch.pictures))
        seen += batch.pictures
        assert [int(image[0, 0, 0]) for image in batch.images] == list(batch.pictures)
    assert batches.steps == steps
    assert sorted(seen) == list(range(pictures))
    assert max(sizes) - min(sizes) <= 1


def test_the_order_depends_on_epoch_and_seed_alone() -> None:
    pack = _numbered(20)
    first = WholeBatches(pack, 20, seed=1).batch(0, 0).pictures
    assert WholeBatches(pack, 20, seed=1).batch(0, 0).pictures == first
    assert WholeBatches(pack, 20, seed=1).batch(1, 0).pictures != first
    assert WholeBatches(pack, 20, seed=2).batch(0, 0).pictures != first


def test_half_of_the_tiles_are_drawn_by_class_so_that_a_rare_one_comes_up() -> None:
    mask = np.zeros((400, 400), np.uint8)
    mask[300:304, 40:44] = 1  # a ten-thousandth of the picture
    pack = InMemory([(np.zeros((400, 400, 1), np.uint8), mask)])
    batches = TileBatches(pack, CLASSES, tile=(64, 64), batch_size=50, tiles_per_epoch=100, seed=0)
    shown = [m.any() for step in range(batches.steps) for m in batches.batch(0, step).masks]
    assert 0.2 < np.mean(shown) < 0.5, "a quarter is drawn for the rare class; anywhere alone would give 5 %"


def test_tiles_are_the_same_again_and_differ_between_steps() -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    pack = InMemory([(image, (image[..., 0] > 128).astype(np.uint8))])
    make = lambda: TileBatches(pack, CLASSES, tile=(32, 32), batch_size=3, tiles_per_epoch=6, seed=5)  # noqa: E731
    np.testing.assert_array_equal(make().batch(1, 0).images, make().batch(1, 0).images)
    assert not np.array_equal(make().batch(1, 0).images, make().batch(1, 1).images)
    batch = make().batch(1, 0)
    np.testing.assert_array_equal(batch.masks, (batch.images[..., 0] > 128).astype(np.uint8))


def test_a_set_whose_pixels_are_all_ignored_is_an_error() -> None:
    pack = InMemory([(np.zeros((40, 40, 1), np.uint8), np.full((40, 40), IGNORE, np.uint8))])
    with pytest.raises(DataError, match="Every pixel of every training mask is ignored"):
        TileBatches(pack, CLASSES, tile=(32, 32), batch_size=1, tiles_per_epoch=1, seed=0)


def test_a_cut_beyond_the_border_is_mirrored_as_numpy_reflects() -> None:
    array = np.arange(30, dtype=np.uint8).reshape(5, 6)
    padded = np.pad(array, 4, mode="reflect")
    cut = cut_around(array, 0, 0, (6, 6))
    np.testing.assert_array_equal(cut, padded[1:7, 1:7])


def test_a_cut_much_larger_than_the_picture_is_mirrored_again_and_again() -> None:
    array = np.arange(3, dtype=np.uint8)[None, :]
    assert cut_around(array, 0, 1, (1, 11))[0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]
