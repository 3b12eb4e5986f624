import random
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskwright.errors import DataError
from maskwright.images.formats import open_picture, read_image
from maskwright.images.opening import Encoded


def encoded(suffix, mode="RGB", **options):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, suffix, **options)
    return stream.getvalue()


FORMATS = {
    "JPEG": encoded("JPEG"), "PNG": encoded("PNG"), "palette": encoded("PNG", "P"), "GIF": encoded("GIF"),
    "BMP": encoded("BMP"), "TIFF": encoded("TIFF", compression="tiff_lzw"), "WEBP": encoded("WEBP"),
    "turned": encoded("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_content_in_memory_is_read_as_the_file_is(tmp_path, name):
    (tmp_path / "picture").write_bytes(FORMATS[name])
    with open_picture(tmp_path / "picture") as of_file, open_picture(Encoded(FORMATS[name])) as in_memory:
        assert in_memory.info == of_file.info
    np.testing.assert_array_equal(read_image(Encoded(FORMATS[name])), read_image(tmp_path / "picture"))


def test_no_file_of_the_name_is_opened(tmp_path):
    (tmp_path / "other.png").write_bytes(FORMATS["PNG"])
    with pytest.raises(DataError, match="The file is empty"):
        read_image(Encoded(b"", str(tmp_path / "other.png")))


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_a_16_bit_picture_of_an_absurd_side_is_refused_by_its_header():
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1_000_000, 1, 16, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(6_000_001))) + chunk(b"IEND", b"")
    with pytest.raises(DataError, match="sides of more than 65,536"):
        read_image(Encoded(content))


def test_a_progressive_jpeg_of_absurdly_many_scans_is_refused_by_its_bytes():
    content = encoded("JPEG", progressive=True)
    assert read_image(Encoded(content)).shape == (40, 30, 3)
    last = content.rindex(b"\xff\xda")
    with pytest.raises(DataError, match="more than 200 scans"):
        read_image(Encoded(content[:-2] + content[last:-2] * 300 + content[-2:]))


def tiff(*entries):
    """Build a TIFF of one directory: (tag, type, value) with values that fit into their four bytes."""
    rows = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in sorted(entries))
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + rows + bytes(4)


def test_a_tiff_whose_tile_is_far_larger_than_its_picture_is_refused_by_its_header():
    content = tiff((256, 3, 10), (257, 3, 10), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1), (322, 4, 60_000),
                   (323, 4, 60_000), (324, 4, 8), (325, 4, 10))  # fmt: skip
    with pytest.raises(DataError, match="3,600,000,000 pixels"):
        read_image(Encoded(content))


def test_a_tiff_of_absurdly_many_bands_is_refused_by_its_header():
    content = tiff((256, 4, 4000), (257, 4, 4000), (258, 3, 16), (259, 3, 1), (262, 3, 1), (277, 3, 1000),
                   (273, 4, 0), (279, 4, 0), (278, 4, 4000))  # fmt: skip
    with pytest.raises(DataError, match="bytes once it is decoded"):
        read_image(Encoded(content))


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_content_is_an_error_that_carries_the_name(name):
    numbers = random.Random(name)
    refused = 0
    for _ in range(60):
        content = bytearray(FORMATS[name])
        for _ in range(numbers.randint(1, 20)):
            content[numbers.randrange(min(len(content), 400))] = numbers.randrange(256)
        try:
            read_image(Encoded(bytes(content[: numbers.randint(1, len(content))]), "sent.png"))
        except DataError as error:
            refused += 1
            assert error.where.startswith("sent.png")
    assert refused > 10
