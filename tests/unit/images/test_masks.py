"""Raw mask values become class indices, and what is no class is named with its place."""

import json

import numpy as np
import pytest

from maskwright.errors import DataError
from maskwright.images.classes import IGNORE, Classes
from maskwright.images.masks import MaskEncoding, decode_many, decode_mask

TWO = Classes(("background", "lesion"))
THREE = Classes(("soil", "crop", "weed"))
PARTS = Classes(("leaf", "vein"), exclusive=False)
BINARY = MaskEncoding("binary", ((0, 0), (255, 1)))
COLOURS = MaskEncoding("colour", (((0, 0, 0), 0), ((0, 255, 0), 1), ((255, 0, 0), 2), ((128, 128, 128), IGNORE)))


def mask(*rows: list[int], dtype: type = np.uint8) -> np.ndarray:
    return np.array(rows, dtype)


def test_0_and_255_become_0_and_1() -> None:
    decoded = decode_mask(mask([0, 255], [255, 0]), BINARY, classes=TWO)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, [[0, 1], [1, 0]])


def test_sixteen_bit_values_are_looked_up() -> None:
    encoding = MaskEncoding("index", ((0, 0), (1000, 1), (65535, IGNORE)))
    raw = mask([0, 1000, 65535], dtype=np.uint16)
    np.testing.assert_array_equal(decode_mask(raw, encoding, classes=TWO), [[0, 1, IGNORE]])


def test_a_trimaps_border_is_ignored() -> None:
    encoding = MaskEncoding("trimap", ((1, 1), (2, 0), (3, IGNORE)))
    np.testing.assert_array_equal(decode_mask(mask([1, 2, 3]), encoding, classes=TWO), [[1, 0, IGNORE]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_value_that_is_no_class_is_named_with_row_and_column(dtype: type) -> None:
    raw = np.zeros((50, 200), dtype)
    raw[40, 113] = 7
    raw[49, 0] = 9
    with pytest.raises(DataError) as caught:
        decode_mask(raw, BINARY, classes=TWO, where="masks/plot_014.png")
    assert caught.value.what == "Mask holds 7, which is no class."
    assert caught.value.where == "masks/plot_014.png, first at row 40, column 113"
    assert "0 background, 255 lesion" in caught.value.fix and "'ignore'" in caught.value.fix


def test_grey_written_as_rgb_or_rgba_is_grey() -> None:
    grey = mask([0, 255])
    rgb = np.dstack([grey] * 3)
    rgba = np.dstack([rgb, mask([9, 200])])
    for raw in (rgb, rgba):
        np.testing.assert_array_equal(decode_mask(raw, BINARY, classes=TWO), [[0, 1]])


def test_a_coloured_pixel_in_a_grey_mask_is_named() -> None:
    raw = np.zeros((3, 3, 3), np.uint8)
    raw[1, 2] = (255, 0, 0)
    with pytest.raises(DataError, match=r"it holds \(255, 0, 0\)") as caught:
        decode_mask(raw, BINARY, classes=TWO, where="a.png")
    assert caught.value.where == "a.png, first at row 1, column 2"


def test_antialiased_masks_are_cut_at_half() -> None:
    encoding = MaskEncoding("antialiased", ((0, 0), (255, 1)))
    np.testing.assert_array_equal(decode_mask(mask([0, 127, 128, 255]), encoding, classes=TWO), [[0, 0, 1, 1]])


def test_antialiased_masks_are_cut_where_stated_and_may_be_dark_on_bright() -> None:
    encoding = MaskEncoding("antialiased", ((0, 1), (200, 0), (255, IGNORE)), cut=99.5)
    np.testing.assert_array_equal(decode_mask(mask([0, 99, 100, 255]), encoding, classes=TWO), [[1, 1, 0, IGNORE]])


def test_colours_are_looked_up_and_alpha_is_left_out() -> None:
    raw = np.array([[(0, 0, 0), (0, 255, 0)], [(255, 0, 0), (128, 128, 128)]], np.uint8)
    expected = [[0, 1], [2, IGNORE]]
    np.testing.assert_array_equal(decode_mask(raw, COLOURS, classes=THREE), expected)
    np.testing.assert_array_equal(decode_mask(np.dstack([raw, raw[:, :, 0]]), COLOURS, classes=THREE), expected)


def test_a_grey_file_among_colour_coded_ones_is_read_as_grey_colours() -> None:
    np.testing.assert_array_equal(decode_mask(mask([0, 128]), COLOURS, classes=THREE), [[0, IGNORE]])


def test_a_colour_that_is_no_class_is_named_with_row_and_column() -> None:
    raw = np.zeros((4, 4, 3), np.uint8)
    raw[3, 1] = (0, 254, 0)
    with pytest.raises(DataError, match=r"the colour \(0, 254, 0\), which is no class") as caught:
        decode_mask(raw, COLOURS, classes=THREE, where="b.png")
    assert caught.value.where == "b.png, first at row 3, column 1"


def test_one_file_an_object_joins_them() -> None:
    files = [(None, mask([0, 255, 0])), (None, mask([0, 0, 1])), (None, mask([0, 0, 0]))]
    joined = decode_many(files, MaskEncoding("objects"), classes=TWO)
    np.testing.assert_array_equal(joined, [[0, 1, 1]])


def test_an_antialiased_object_is_cut_at_half_of_its_largest_value() -> None:
    joined = decode_many([(None, mask([0, 99, 100, 199]))], MaskEncoding("objects"), classes=TWO)
    np.testing.assert_array_equal(joined, [[0, 0, 1, 1]])


def test_one_file_a_class_gives_each_its_index_and_the_rest_background() -> None:
    files = [(2, mask([255, 0, 0])), (1, mask([0, 255, 0])), (IGNORE, mask([255, 0, 0]))]
    np.testing.assert_array_equal(decode_many(files, MaskEncoding("per-class"), classes=THREE), [[IGNORE, 1, 0]])


def test_classes_that_exclude_each_other_may_not_claim_the_same_pixel() -> None:
    files = [(1, mask([0, 255])), (2, mask([0, 255]))]
    with pytest.raises(DataError, match="crop and weed both claim a pixel") as caught:
        decode_many(files, MaskEncoding("per-class"), classes=THREE, where="x")
    assert caught.value.where == "x, first at row 0, column 1"


def test_overlapping_classes_each_have_their_channel() -> None:
    files = [(0, mask([255, 255, 0, 0])), (1, mask([0, 255, 0, 0])), (IGNORE, mask([0, 0, 0, 1]))]
    joined = decode_many(files, MaskEncoding("per-class"), classes=PARTS)
    np.testing.assert_array_equal(joined, [[[1, 0], [1, 1], [0, 0], [IGNORE, IGNORE]]])


def test_files_of_one_picture_must_have_one_size() -> None:
    with pytest.raises(DataError, match="1 x 2 and 1 x 3"):
        decode_many([(1, mask([0, 1])), (2, mask([0, 1, 0]))], MaskEncoding("per-class"), classes=THREE)


def test_no_file_at_all_is_an_empty_mask_where_the_size_is_known() -> None:
    assert not decode_many([], MaskEncoding("objects"), classes=TWO, size=(2, 3)).any()
    with pytest.raises(DataError, match="no mask file"):
        decode_many([], MaskEncoding("objects"), classes=TWO)


@pytest.mark.parametrize("encoding", [BINARY, COLOURS, MaskEncoding("antialiased", ((0, 0),), cut=12.5)])
def test_an_encoding_survives_being_written_as_json(encoding: MaskEncoding) -> None:
    assert MaskEncoding.from_dict(json.loads(json.dumps(encoding.to_dict()))) == encoding


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "magic"},
        {"kind": "index", "table": [[1]]},
        {"kind": "index", "table": [[1, 300]]},
        {"kind": "index", "table": [[-1, 0]]},
        {"kind": "colour", "table": [[[1, 2, 300], 0]]},
        {"kind": "index", "table": 5},
        {"kind": "index", "cut": "x"},
    ],
)
def test_what_is_no_encoding_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(DataError, match="This is no mask encoding"):
        MaskEncoding.from_dict(content)
