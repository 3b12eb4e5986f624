"""TIFF files of several bands, or of 16 bits in colour, are read whole or not at all."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from maskwright.errors import DataError, MissingDependency
from maskwright.images.formats import read_image, read_info, read_labels


def write_tiff(path: Path, pixels: np.ndarray, *, photometric: int, extra: tuple[int, ...] = ()) -> Path:
    """Write (H, W, bands) uint8 or uint16 as the simplest TIFF there is: one strip, little-endian."""
    height, width, bands = pixels.shape
    bits = 8 * pixels.dtype.itemsize
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    bits_at = 8 + len(data)
    extra_at = bits_at + 2 * bands
    directory = extra_at + 2 * len(extra) + 2 * (len(extra) % 2)
    one = extra[0] if len(extra) == 1 else extra_at
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, bands, bits_at if bands > 2 else bits * 65537 if bands == 2
         else bits), (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 8), (277, 3, 1, bands),
        (278, 4, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1),
    ]  # fmt: skip
    if extra:
        entries.append((338, 3, len(extra), one if len(extra) != 2 else extra[0] + 65536 * extra[1]))
    tail = struct.pack(f"<{bands}H", *[bits] * bands) + struct.pack(f"<{len(extra)}H", *extra)
    tail += b"\0" * (directory - bits_at - len(tail))
    tail += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + b"\0" * 4
    path.write_bytes(b"II*\0" + struct.pack("<I", directory) + data + tail)
    return path


def some(bands: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (5, 7, bands), dtype=dtype)


def without_tifffile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)


@pytest.mark.parametrize(
    ("bands", "dtype", "photometric", "extra", "kept"),
    [
        (5, np.uint8, 1, (0, 0, 0, 0), 5),
        (5, np.uint16, 1, (0, 0, 0, 0), 5),
        (2, np.uint8, 1, (0,), 2),
        (4, np.uint8, 2, (0,), 4),
        (5, np.uint8, 2, (2, 0), 4),
        (3, np.uint16, 2, (), 3),
        (4, np.uint16, 2, (2,), 3),
    ],
)
def test_every_band_and_bit_is_kept(
    tmp_path: Path, bands: int, dtype: type, photometric: int, extra: tuple[int, ...], kept: int
) -> None:
    pytest.importorskip("tifffile")
    pixels = some(bands, dtype)
    path = write_tiff(tmp_path / "a.tif", pixels, photometric=photometric, extra=extra)
    alpha = [bands - len(extra) + i for i, kind in enumerate(extra) if kind == 2]
    read = read_image(path)
    np.testing.assert_array_equal(read, np.delete(pixels, alpha, axis=2))
    assert read.dtype == dtype and read.shape[2] == kept


@pytest.mark.parametrize(("bands", "photometric", "extra"), [(5, 1, (0,) * 4), (4, 2, (0,)), (5, 2, (2, 0))])
def test_the_header_tells_the_bands_without_any_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bands: int, photometric: int, extra: tuple[int, ...]
) -> None:
    without_tifffile(monkeypatch)
    info = read_info(write_tiff(tmp_path / "a.tif", some(bands), photometric=photometric, extra=extra))
    assert (info.height, info.width, info.bands) == (5, 7, bands - (2 in extra))


def test_bands_that_pillow_would_drop_need_the_extra_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_tifffile(monkeypatch)
    path = write_tiff(tmp_path / "field.tif", some(4), photometric=2, extra=(0,))
    with pytest.raises(MissingDependency, match=r"Reading field.tif \(4 bands of 8 bits\) needs tifffile") as caught:
        read_image(path)
    assert "maskwright[geo]" in caught.value.fix


def test_bits_that_pillow_would_drop_need_the_extra_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_tifffile(monkeypatch)
    with pytest.raises(MissingDependency, match=r"3 bands of 16 bits"):
        read_image(write_tiff(tmp_path / "a.tif", some(3, np.uint16), photometric=2))


@pytest.mark.parametrize(("bands", "photometric", "extra"), [(1, 1, ()), (3, 2, ()), (4, 2, (2,)), (2, 1, (2,))])
def test_grey_colour_and_alpha_need_no_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bands: int, photometric: int, extra: tuple[int, ...]
) -> None:
    without_tifffile(monkeypatch)
    pixels = some(bands)
    path = write_tiff(tmp_path / "a.tif", pixels, photometric=photometric, extra=extra)
    np.testing.assert_array_equal(read_image(path), pixels[:, :, : bands - len(extra)])


def test_a_mask_of_several_bands_keeps_them(tmp_path: Path) -> None:
    pytest.importorskip("tifffile")
    pixels = some(5)
    path = write_tiff(tmp_path / "a.tif", pixels, photometric=1, extra=(0,) * 4)
    np.testing.assert_array_equal(read_labels(path), pixels)


def test_a_file_cut_off_within_its_tags_ends_too_early(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", some(3), photometric=2)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="ends too early"):
        read_info(path)
