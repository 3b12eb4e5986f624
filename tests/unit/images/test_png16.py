"""PNG files with 16 bits a band in colour keep all of them, which Pillow alone would halve."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError
from maskwright.images.formats import read_image, read_info, read_labels


def png16(pixels: np.ndarray, filters: tuple[int, ...] = (0, 1, 2, 3, 4), interlaced: bool = False) -> bytes:
    """Write (H, W, 2, 3 or 4) uint16 by the letter of the PNG specification, one row after the other."""
    colour = {2: 4, 3: 2, 4: 6}[pixels.shape[2]]
    passes = ((0, 0, 1, 1),)
    if interlaced:
        passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    data = b"".join(_filtered(pixels[y::dy, x::dx], filters) for y, x, dy, dx in passes)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour, 0, 0, int(interlaced))
    packed = zlib.compress(data)
    half = len(packed) // 2
    chunks = [(b"IHDR", header), (b"IDAT", packed[:half]), (b"IDAT", packed[half:]), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks
    )


def _filtered(pixels: np.ndarray, filters: tuple[int, ...]) -> bytes:
    step = 2 * pixels.shape[2]
    rows = [bytes(row.astype(">u2").tobytes()) for row in pixels]
    before, lines = b"\0" * len(rows[0]) if rows else b"", []
    for number, row in enumerate(rows if pixels.shape[1] else []):
        kind = filters[number % len(filters)]
        line = bytearray([kind])
        for i, value in enumerate(row):
            a, b, c = (row[i - step], before[i], before[i - step]) if i >= step else (0, before[i], 0)
            distances = (abs(b - c), abs(a - c), abs(a + b - 2 * c))
            paeth = (a, b, c)[distances.index(min(distances))]
            line.append((value - (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
        lines.append(bytes(line))
        before = row
    return b"".join(lines)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("shape", [(11, 13, 3), (1, 1, 3), (1, 9, 4), (9, 1, 2), (6, 7, 4)])
def test_sixteen_bit_colour_png_keeps_every_bit(tmp_path: Path, shape: tuple[int, ...], interlaced: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)
    pixels[: shape[0] // 2] //= 200  # smooth parts, where neighbours decide
    path = tmp_path / "a.png"
    path.write_bytes(png16(pixels, interlaced=interlaced))
    bands = 1 if shape[2] == 2 else 3
    np.testing.assert_array_equal(read_image(path), pixels[:, :, :bands])
    info = read_info(path)
    assert (info.height, info.width, info.bands, info.dtype) == (*shape[:2], bands, "uint16")
    with Image.open(path) as image:  # Pillow's picture is ours without the low bytes
        np.testing.assert_array_equal(np.asarray(image)[:, :, :bands], pixels[:, :, :bands] >> 8)


def test_sixteen_bit_colour_becomes_grey_in_sixteen_bits(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png16(np.full((2, 2, 3), (65535, 65535, 65535), np.uint16)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", bands=1), np.full((2, 2, 1), 65535))


def test_a_truncated_sixteen_bit_colour_png_is_an_error_that_says_so(tmp_path: Path) -> None:
    content = png16(np.random.default_rng(0).integers(0, 65536, (30, 30, 3)).astype(np.uint16))
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="ends too early"):
        read_image(tmp_path / "a.png")


def test_damage_anywhere_is_a_data_error_or_a_picture(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / "a.png"
    content = np.frombuffer(png16(rng.integers(0, 65536, (9, 7, 3)).astype(np.uint16)), np.uint8)
    for _ in range(150):
        damaged = content.copy()
        damaged[rng.integers(0, len(damaged), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes()[: rng.integers(1, len(damaged) + 1)])
        for read in (read_info, read_image, read_labels):
            try:
                read(path)
            except DataError as error:
                assert str(path) in error.where and error.fix
