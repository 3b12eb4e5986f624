"""Cutting a JPEG down to its first picture."""

import io

import numpy as np
import pytest
from PIL import Image

from maskwright.images.jpeg import first_picture
from support.picture_folders import photo


def encoded(mode="RGB", **options):
    stream = io.BytesIO()
    Image.fromarray(photo(3, (40, 56))).convert(mode).save(stream, "JPEG", **options)
    return stream.getvalue()


def pixels(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {}), ("RGB", {"progressive": True}), ("L", {}), ("CMYK", {}), ("RGB", {"restart_marker_rows": 1})],
)
def test_the_pixels_stay_and_the_metadata_go(mode, options):
    exif = Image.Exif()
    exif[274], exif[271] = 6, "a camera"
    content = encoded(mode, exif=exif, comment=b"somebody's remark", icc_profile=b"profile " * 40, **options)

    cut = first_picture(content)

    with Image.open(io.BytesIO(cut)) as image:
        assert dict(image.getexif()) == {}
        assert image.info["icc_profile"] == b"profile " * 40
        assert "comment" not in image.info
    assert np.array_equal(pixels(cut), pixels(content))
    assert first_picture(cut) == cut


def test_what_follows_the_first_picture_is_cut_off():
    one = encoded()

    assert first_picture(one + encoded(quality=20) + b"trailer") == first_picture(one)


def test_damaged_segments_are_an_error():
    content = encoded()

    for damaged in (b"", b"GIF89a", content[:300], content[:-2], content[:2] + b"\x00\x00" + content[4:]):
        with pytest.raises(ValueError, match="."):
            first_picture(damaged)


def test_a_long_run_of_fill_bytes_takes_no_time():
    content = encoded()

    with pytest.raises(ValueError, match="without an end"):
        first_picture(content[:-2] + b"\xff" * 2_000_000)
