import numpy as np
import pytest

from maskwright.audit.agreement import TURNS, Agreement, agreement
from maskwright.audit.components import count_objects
from maskwright.audit.working import SIDE, small_picture, small_planes, working_size
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.formats import turn

TWO = Classes(("background", "object"))


def scene(down=0, right=0, size=(96, 128)):
    """A bright ellipse and a dark block on noise, (H, W, 3) uint8, and their mask moved by so much."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[0], : size[1]]

    def shape(down, right):
        ellipse = ((rows - 40 - down) / 18) ** 2 + ((columns - 45 - right) / 27) ** 2 <= 1
        block = (np.abs(rows - 66 - down) < 9) & (np.abs(columns - 92 - right) < 14)
        return ellipse, block

    ellipse, block = shape(0, 0)
    grey = 110 + 60 * ellipse - 50 * block + rng.normal(0, 12, size)
    image = np.repeat(grey[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)
    return image, np.logical_or(*shape(down, right)).astype(np.uint8)


def agree(image, mask, classes=TWO):
    size = working_size(*mask.shape[:2])
    return agreement(small_picture(image, size), small_planes(mask, size, classes))


@pytest.mark.parametrize(("down", "right"), [(0, 0), (4, 0), (-3, 5), (0, -6)])
def test_each_measure_finds_the_shift_that_brings_a_mask_back(down, right):
    found = agree(*scene(down, right))

    for rows, columns, _, peak in found.shifts:
        assert rows * 128 == pytest.approx(-down, abs=0.75)
        assert columns * 128 == pytest.approx(-right, abs=0.75)
        assert peak > 2


def test_only_a_shift_beyond_the_tolerance_gains():
    assert all(gain == 0 for _, _, gain, _ in agree(*scene(1, 1)).shifts)
    assert all(gain > 0.02 for _, _, gain, _ in agree(*scene(5, 5)).shifts)


@pytest.mark.parametrize("name", list(TURNS)[:4])
def test_a_turned_mask_agrees_best_when_turned_back(name):
    image, mask = scene()

    found = agree(image, np.ascontiguousarray(TURNS[name](mask)))

    edges, colours = np.array(found.turns).T
    assert list(TURNS)[int(edges.argmax())] == name
    assert list(TURNS)[int(colours.argmax())] == name


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turns_are_those_of_exif_in_their_order(orientation):
    image, mask = scene(size=(128, 128))

    found = agree(turn(image, orientation), mask)

    np.testing.assert_array_equal(list(TURNS.values())[orientation - 1](mask), turn(mask, orientation))
    assert int(np.array(found.turns).sum(axis=1).argmax()) == orientation - 1


def test_quarter_turns_are_left_out_where_the_mask_is_no_square():
    assert len(agree(*scene()).turns) == 4
    assert len(agree(*scene(size=(128, 128))).turns) == 8


def test_brighter_pictures_and_grey_ones_agree_alike():
    image, mask = scene(4, -4)

    dark, grey = agree((image * 0.6).astype(np.uint8), mask), agree(image[:, :, :1], mask)

    for found in (dark, grey):
        np.testing.assert_allclose([row[:2] for row in found.shifts], [[-4 / 128, 4 / 128]] * 3, atol=0.006)


def test_sixteen_bits_agree_as_eight_do():
    image, mask = scene(4, 4)

    found = agree(image.astype(np.uint16) * 257, mask)

    np.testing.assert_allclose([row[:2] for row in found.shifts], [[-4 / 128] * 2] * 3, atol=0.006)


def test_an_ignored_border_has_its_outline_in_the_middle():
    image, mask = scene()
    ring = np.zeros(mask.shape, bool)
    ring[1:-1, 1:-1] = (mask[:-2, 1:-1] != mask[2:, 1:-1]) | (mask[1:-1, :-2] != mask[1:-1, 2:])
    mask[ring] = IGNORE

    planes = small_planes(mask, mask.shape, TWO)

    assert planes.shape == (1, 96, 128)
    assert 0.2 < planes[0][ring].mean() < 0.8
    assert all(abs(rows) * 128 < 1 and abs(columns) * 128 < 1 for rows, columns, _, _ in agree(image, mask).shifts)


def test_there_is_nothing_to_see_in_a_mask_of_one_class_or_a_tiny_one():
    image, mask = scene()

    assert agree(image, np.zeros_like(mask)) is None
    assert agree(image[:24, :32], mask[:24, :32]) is None


def test_a_large_picture_is_looked_at_small():
    assert working_size(3024, 4032) == (96, SIDE)
    assert working_size(60, 40) == (60, 40)
    large = small_picture(np.full((1200, 1600, 3), 77, np.uint8), (96, 128))
    assert large.shape == (96, 128, 3)
    assert np.all(large == 77)


def test_agreement_is_kept_and_comes_back_the_same():
    found = agree(*scene())

    assert Agreement.from_json(found.to_json()) == found


def test_objects_are_counted_with_their_corners():
    mask = np.zeros((20, 20), np.uint8)
    mask[2:4, 2:4] = mask[4:6, 4:6] = 1
    mask[10:16, 10:16] = 1

    sizes = count_objects(mask, TWO)[1]

    assert (sizes.count, sizes.smallest) == (2, 8)
    assert [sizes.count_below(pixels) for pixels in (4, 8, 12, 30, 100)] == [0, 0, 1, 1, 2]
