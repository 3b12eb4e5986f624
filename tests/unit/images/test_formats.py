"""Each format and pixel mode becomes the array that `read_image` and `read_labels` promise."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError, ShapeError
from maskwright.images.formats import encode_png, read_image, read_info, read_labels, read_palette, resize_image

RAMP = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
COLOUR = np.stack([RAMP, 255 - RAMP, RAMP // 2], axis=2)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_lossless_colour_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    pixels = read_image(save(tmp_path / name, COLOUR))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, COLOUR)


def test_lossless_webp_comes_back_as_it_was(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.webp", COLOUR, lossless=True)), COLOUR)


def test_jpeg_is_read_within_its_loss(tmp_path: Path) -> None:
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    pixels = read_image(save(tmp_path / "a.jpg", smooth, quality=95))
    assert np.abs(pixels.astype(int) - smooth).max() <= 3


def test_grey_has_one_band_and_becomes_three_when_asked(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", RAMP)
    np.testing.assert_array_equal(read_image(path), RAMP[:, :, None])
    np.testing.assert_array_equal(read_image(path, bands=3), np.repeat(RAMP[:, :, None], 3, axis=2))


def test_colour_becomes_grey_as_pillow_makes_it(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 20, 3), dtype=np.uint8)
    grey = read_image(save(tmp_path / "a.png", noise), bands=1)
    np.testing.assert_array_equal(grey[:, :, 0], np.asarray(Image.fromarray(noise).convert("L")))


def test_alpha_is_dropped_from_pictures_and_kept_in_masks(tmp_path: Path) -> None:
    rgba = np.dstack([COLOUR, RAMP])
    path = save(tmp_path / "a.png", rgba)
    np.testing.assert_array_equal(read_image(path), COLOUR)
    np.testing.assert_array_equal(read_labels(path), rgba)
    assert read_info(path).has_alpha


def test_grey_with_alpha_is_grey_as_picture(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.dstack([RAMP, RAMP]))
    np.testing.assert_array_equal(read_image(path), RAMP[:, :, None])
    assert read_info(path).bands == 1


def test_grey_mask_with_alpha_keeps_alpha_only_where_it_says_something(tmp_path: Path) -> None:
    opaque = save(tmp_path / "opaque.png", np.dstack([RAMP, np.full_like(RAMP, 255)]))
    cut_out = save(tmp_path / "cut.png", np.dstack([RAMP, RAMP]))
    np.testing.assert_array_equal(read_labels(opaque), RAMP)
    np.testing.assert_array_equal(read_labels(cut_out), np.dstack([RAMP, RAMP, RAMP, RAMP]))


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.bmp", "a.tif"])
def test_palette_gives_colours_to_pictures_and_indices_to_masks(tmp_path: Path, name: str) -> None:
    indices = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    colours = ((10, 20, 30), (200, 0, 0), (0, 250, 5))
    image = Image.fromarray(indices)
    image.putpalette([value for colour in colours for value in colour])
    image.save(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name), np.array(colours, np.uint8)[indices])
    np.testing.assert_array_equal(read_labels(tmp_path / name), indices)
    palette = read_palette(tmp_path / name)
    assert palette is not None and palette[:3] == colours
    assert read_info(tmp_path / name).bands == 3


def test_palette_with_transparent_entries_is_read_without_a_warning(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8))
    image.putpalette([9, 8, 7, 6, 5, 4])
    image.save(tmp_path / "a.png", transparency=bytes([0, 128]))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), [[[9, 8, 7], [6, 5, 4]]])
    assert read_info(tmp_path / "a.png").has_alpha


def test_files_without_palette_have_none(tmp_path: Path) -> None:
    assert read_palette(save(tmp_path / "a.png", RAMP)) is None


def test_one_bit_is_0_and_255_in_pictures_and_0_and_1_in_masks(tmp_path: Path) -> None:
    Image.fromarray(RAMP > 100).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), (RAMP > 100).astype(np.uint8))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png")[:, :, 0], (RAMP > 100) * 255)


@pytest.mark.parametrize(("name", "dtype"), [("a.png", "<u2"), ("little.tif", "<u2"), ("big.tif", ">u2")])
def test_sixteen_bits_stay_sixteen_bits(tmp_path: Path, name: str, dtype: str) -> None:
    values = np.array([[0, 1, 255], [256, 40000, 65535]], np.uint16)
    save(tmp_path / name, values.astype(dtype))
    np.testing.assert_array_equal(read_image(tmp_path / name), values[:, :, None])
    assert read_image(tmp_path / name).dtype == np.uint16
    np.testing.assert_array_equal(read_labels(tmp_path / name), values)
    assert read_info(tmp_path / name).dtype == "uint16"


def test_32_bit_values_that_fit_are_kept(tmp_path: Path) -> None:
    save(tmp_path / "a.tif", np.array([[0, 70], [300, 65535]], np.int32))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), [[0, 70], [300, 65535]])


def test_32_bit_values_that_do_not_fit_are_an_error_naming_them(tmp_path: Path) -> None:
    save(tmp_path / "a.tif", np.array([[-1, 70000]], np.int32))
    with pytest.raises(DataError, match="values from -1 to 70000; 0 to 65535 can be read") as caught:
        read_image(tmp_path / "a.tif")
    assert str(tmp_path / "a.tif") in caught.value.where


def test_floating_point_pixels_are_an_error(tmp_path: Path) -> None:
    save(tmp_path / "a.tif", np.array([[0.25, 1.5]], np.float32))
    with pytest.raises(DataError, match="floating-point"):
        read_image(tmp_path / "a.tif")


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8, 3), (250, 10, 10), np.uint8)).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert read_info(tmp_path / "a.jpg").mode == "CMYK"
    pixels = read_image(tmp_path / "a.jpg")
    assert pixels.shape == (8, 8, 3)
    assert np.abs(pixels.astype(int) - (250, 10, 10)).max() < 12


def test_content_decides_the_format_not_the_name(tmp_path: Path) -> None:
    save(tmp_path / "a.gif", RAMP)
    os.rename(tmp_path / "a.gif", tmp_path / "b.jpg")
    assert read_info(tmp_path / "b.jpg").format == "GIF"
    np.testing.assert_array_equal(read_image(tmp_path / "b.jpg", bands=1)[:, :, 0], RAMP)


def test_of_several_frames_the_first_is_read(tmp_path: Path) -> None:
    first, second = Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)
    for name, options in (("a.gif", {}), ("a.tif", {}), ("a.webp", {"lossless": True}), ("a.png", {})):
        first.save(tmp_path / name, save_all=True, append_images=[second], **options)
        assert read_info(tmp_path / name).frames == 2
        if name != "a.gif":
            np.testing.assert_array_equal(read_image(tmp_path / name), COLOUR)


def test_a_picture_with_several_views_is_an_mpo_and_its_first_view_is_read(tmp_path: Path) -> None:
    views = [Image.fromarray(np.full((16, 16, 3), grey, np.uint8)) for grey in (50, 200)]
    views[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=views[1:])
    info = read_info(tmp_path / "a.jpg")
    assert (info.format, info.frames) == ("MPO", 2)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - 50).max() <= 2


@pytest.mark.parametrize(
    ("at_least", "size"),
    [((300, 400), (300, 400)), ((150, 200), (150, 200)), ((76, 100), (150, 200)), ((1, 1), (38, 50))],
)
def test_a_jpeg_is_decoded_smaller_but_never_below_what_is_asked(
    tmp_path: Path, at_least: tuple[int, int], size: tuple[int, int]
) -> None:
    path = save(tmp_path / "a.jpg", np.zeros((300, 400, 3), np.uint8))
    assert read_image(path, at_least=at_least).shape[:2] == size


def test_asking_for_more_than_there_is_gives_what_there_is(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", np.zeros((30, 40, 3), np.uint8))
    assert read_image(path, at_least=(400, 5)).shape[:2] == (30, 40)


def test_other_formats_are_never_decoded_smaller(tmp_path: Path) -> None:
    assert read_image(save(tmp_path / "a.png", COLOUR), at_least=(1, 1)).shape == (4, 6, 3)


NOISE = np.random.default_rng(0).integers(0, 256, (90, 70, 4), dtype=np.uint8)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("bands", [None, 1, 3])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1", "CMYK", "I;16"])
def test_a_picture_resized_on_the_way_has_the_bytes_of_one_resized_afterwards(
    tmp_path: Path, mode: str, bands: int | None, orientation: int
) -> None:
    picture = Image.fromarray(NOISE[:, :, :3])
    wide = Image.fromarray(NOISE[:, :, 0].astype(np.uint16) * 257)
    picture = wide if mode == "I;16" else picture.convert("L").convert("LA") if mode == "LA" else picture.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.tif", "a.jpg") if mode in ("L", "RGB", "CMYK") else ("a.png",):
        picture.save(tmp_path / name, exif=exif)
        for size in ((20, 30), (90, 70), (100, 31)):
            early = read_image(tmp_path / name, bands=bands, towards=size)
            late = read_image(tmp_path / name, bands=bands)
            np.testing.assert_array_equal(resize_image(early, size), resize_image(late, size))


def test_a_jpeg_decoded_smaller_is_resized_on_the_way(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", np.repeat(np.repeat(NOISE[:, :, :3], 4, axis=0), 4, axis=1))
    resized = read_image(path, at_least=(80, 60), towards=(40, 30))
    assert resized.shape == (40, 30, 3)
    np.testing.assert_array_equal(resized, resize_image(read_image(path, at_least=(80, 60)), (40, 30)))


def test_other_bands_than_the_files_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 3 bands; 5 are needed"):
        read_image(save(tmp_path / "a.png", COLOUR), bands=5)


@pytest.mark.parametrize("pixels", [RAMP, COLOUR, RAMP.astype(np.uint16) * 250, np.dstack([COLOUR, RAMP])])
def test_an_encoded_png_comes_back_as_it_was(tmp_path: Path, pixels: np.ndarray) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(pixels))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), pixels)


def test_an_encoded_palette_comes_back_as_it_was(tmp_path: Path) -> None:
    colours = ((0, 0, 0), (255, 0, 0), (0, 0, 255))
    (tmp_path / "a.png").write_bytes(encode_png(RAMP % 3, palette=colours))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), RAMP % 3)
    assert read_palette(tmp_path / "a.png") == colours


def test_an_encoded_png_holds_no_metadata() -> None:
    with Image.open(io.BytesIO(encode_png(COLOUR))) as image:
        assert image.info == {}


def test_what_is_no_png_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"got \(2, 2, 5\) uint8"):
        encode_png(np.zeros((2, 2, 5), np.uint8))
    with pytest.raises(ShapeError, match="float64"):
        encode_png(np.zeros((2, 2)))
