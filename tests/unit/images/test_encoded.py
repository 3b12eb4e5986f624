import random
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
