import io

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import ShapeError
from maskwright.images.formats import read_image, read_info
from maskwright.images.png16 import encode_png16
from maskwright.images.writing import picture_suffix, write_picture


def pixels(bands, dtype, size=(13, 17)):
    return np.random.default_rng(bands).integers(0, np.iinfo(dtype).max, (*size, bands), dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4, 7])
def test_what_is_written_is_read_again_bit_for_bit(tmp_path, bands, dtype):
    image = pixels(bands, dtype)
    path = tmp_path / f"a{picture_suffix(bands, dtype)}"

    write_picture(path, image)

    again = read_image(path)
    assert again.dtype == dtype
    assert np.array_equal(again, image)


def test_a_photograph_may_become_a_jpeg_of_nearly_the_same_pixels(tmp_path):
    rows, columns = np.mgrid[:64, :80]
    image = np.stack([rows * 3, columns * 2, rows + columns], axis=2).astype(np.uint8)

    write_picture(tmp_path / f"a{picture_suffix(3, 'uint8', lossy=True)}", image)

    assert read_info(tmp_path / "a.jpg").format == "JPEG"
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - image).max() <= 4


@pytest.mark.parametrize(
    ("bands", "dtype", "suffix"), [(3, "uint16", ".png"), (1, "uint16", ".png"), (4, "uint8", ".tif")]
)
def test_what_jpeg_cannot_hold_becomes_none(bands, dtype, suffix):
    assert picture_suffix(bands, dtype, lossy=True) == suffix


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_the_same_pixels_give_the_same_bytes(tmp_path, suffix):
    for name in "ab":
        write_picture(tmp_path / f"{name}{suffix}", pixels(3, "uint8"))

    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_other_readers_read_our_sixteen_bit_colours():
    image = pixels(3, "uint16")

    seen = np.asarray(Image.open(io.BytesIO(encode_png16(image))))

    assert np.array_equal(seen, image >> 8)  # Pillow keeps the high byte


def test_one_row_and_one_column_are_written_too(tmp_path):
    for size in ((1, 9), (9, 1)):
        write_picture(tmp_path / "a.png", pixels(3, "uint16", size))
        assert np.array_equal(read_image(tmp_path / "a.png"), pixels(3, "uint16", size))


def test_other_arrays_are_refused(tmp_path):
    with pytest.raises(ShapeError, match=r"\(H, W, bands\) uint8 or uint16; got \(3, 4\) float64"):
        write_picture(tmp_path / "a.png", np.zeros((3, 4)))
    with pytest.raises(ShapeError, match=r"wants \(H, W, 3\) uint16"):
        encode_png16(pixels(4, "uint16"))
