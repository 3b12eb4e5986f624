"""Pictures and masks are shown upright, however the camera was held."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.images.formats import read_image, read_info, read_labels

RAMP = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
COLOUR = np.stack([RAMP, 255 - RAMP, RAMP // 2], axis=2)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "compressed.tif"])
def test_orientation_is_applied_to_pictures_and_masks(tmp_path: Path, name: str, orientation: int) -> None:
    path = write_turned(tmp_path / name, RAMP, orientation)
    np.testing.assert_array_equal(read_image(path, bands=1)[:, :, 0], RAMP)
    labels = read_labels(path)
    np.testing.assert_array_equal(labels if labels.ndim == 2 else labels[:, :, 0], RAMP)
    info = read_info(path)
    assert (info.height, info.width, info.orientation) == (4, 6, orientation)


def write_turned(path: Path, upright: np.ndarray, orientation: int) -> Path:
    """Store a picture as a camera held in that way does; Pillow's transposing is undone, not ours."""
    stored = next(
        np.asarray(candidate)
        for candidate in _all_turns(Image.fromarray(upright))
        if np.array_equal(_shown(candidate, orientation), upright)
    )
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if path.suffix == ".webp" else {}
    if path.suffix == ".tif":
        options = {"tiffinfo": {274: orientation}}
        if path.stem == "compressed":
            options["compression"] = "tiff_lzw"
        Image.fromarray(stored).save(path, **options)
    else:
        Image.fromarray(stored).save(path, exif=exif, **options)
    return path


def _all_turns(image: Image.Image) -> list[Image.Image]:
    return [image, *(image.transpose(how) for how in Image.Transpose)]


def _shown(image: Image.Image, orientation: int) -> np.ndarray:
    """Turn pixel by pixel, by the table of the EXIF standard: where row 0 and column 0 of the file are shown."""
    stored = np.asarray(image)
    height, width = stored.shape
    shown = np.zeros((height, width) if orientation < 5 else (width, height), stored.dtype)
    for row in range(height):
        for column in range(width):
            place = {
                1: (row, column), 2: (row, -1 - column), 3: (-1 - row, -1 - column), 4: (-1 - row, column),
                5: (column, row), 6: (column, -1 - row), 7: (-1 - column, -1 - row), 8: (-1 - column, row),
            }[orientation]  # fmt: skip
            shown[place] = stored[row, column]
    return shown


def test_orientation_is_applied_to_a_jpeg_decoded_at_reduced_scale(tmp_path: Path) -> None:
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, 64:] = 255  # the right half is white; shown turned by 90 degrees clockwise it is the lower half
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(wide).save(tmp_path / "a.jpg", exif=exif)
    pixels = read_image(tmp_path / "a.jpg", at_least=(32, 16))
    assert pixels.shape == (32, 16, 3)
    assert pixels[:15].max() < 20 and pixels[17:].min() > 235


def test_damaged_exif_means_upright_and_warns_of_nothing(tmp_path: Path) -> None:
    for damage in (
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0",
        b"Exif\0\0garbage",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01",
    ):
        Image.fromarray(COLOUR).save(tmp_path / "a.jpg", exif=damage)
        assert read_info(tmp_path / "a.jpg").orientation == 1
        assert read_image(tmp_path / "a.jpg").shape == (4, 6, 3)
