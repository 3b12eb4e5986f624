"""Masks written as PNG by our own hand: read back by Pillow to the last pixel, with as few bits as will do."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from maskwright.errors import ShapeError
from maskwright.images.formats import read_labels
from maskwright.images.label_png import encode_label_png, pack_bits


def labels(number: int, size: tuple[int, int] = (37, 53)) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, number, size).astype(np.uint8)


def colours(number: int) -> list[tuple[int, int, int]]:
    return [(k, 255 - k, 7) for k in range(number)]


@pytest.mark.parametrize(("number", "bits"), [(2, 1), (3, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)])
def test_pillow_reads_the_indices_and_the_colours(number: int, bits: int) -> None:
    content = encode_label_png(labels(number), colours(number))
    with Image.open(io.BytesIO(content)) as image:
        assert (image.mode, image.size) == ("P", (53, 37))
        np.testing.assert_array_equal(np.asarray(image), labels(number))
        assert image.getpalette("RGB")[: 3 * number] == [value for colour in colours(number) for value in colour]
    assert content[24] == bits  # IHDR's bit depth


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 8), (3, 7)])
def test_rows_that_do_not_fill_a_byte_are_read_back(size: tuple[int, int], tmp_path) -> None:  # type: ignore[no-untyped-def]
    for number in (2, 4, 16):
        (tmp_path / "a.png").write_bytes(encode_label_png(labels(number, size), colours(number)))
        np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), labels(number, size))


def test_without_a_palette_it_is_grey_with_eight_bits() -> None:
    mask = labels(2) * np.uint8(255)
    with Image.open(io.BytesIO(encode_label_png(mask))) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), mask)


def test_a_value_without_a_colour_keeps_its_value() -> None:
    mask = np.array([[0, 1, 255]], np.uint8)
    with Image.open(io.BytesIO(encode_label_png(mask, colours(2)))) as image:
        np.testing.assert_array_equal(np.asarray(image), mask)


def test_the_first_pixel_takes_the_highest_bits() -> None:
    assert pack_bits(np.array([[1, 2, 3, 0, 1]], np.uint8), 2).tolist() == [[0b01101100, 0b01000000]]
    assert pack_bits(np.array([[9, 6, 1]], np.uint8), 4).tolist() == [[0x96, 0x10]]


def test_a_plain_object_takes_a_hundredth_of_its_pixels() -> None:
    rows, columns = np.mgrid[:400, :600]
    mask = (((rows - 200) / 150) ** 2 + ((columns - 300) / 250) ** 2 < 1).astype(np.uint8)
    assert len(encode_label_png(mask, colours(2))) < mask.size / 100


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint16), np.zeros((0, 2), np.uint8)]
)
def test_other_arrays_are_refused(array: NDArray[np.generic]) -> None:
    with pytest.raises(ShapeError, match=r"\(H, W\) uint8"):
        encode_label_png(array, colours(2))  # type: ignore[arg-type]
