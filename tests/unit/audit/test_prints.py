import numpy as np
import pytest

from maskwright.audit.prints import PRINT_BYTES, PicturePrint, landmark_codes, looks_of, picture_print
from support.picture_folders import photo


@pytest.mark.parametrize("shape", [(120, 160), (300, 20), (3, 5), (1, 1), (5, 900)])
def test_a_print_has_a_fixed_length_and_comes_back_from_its_bytes(shape):
    made = picture_print(photo(3, shape))

    content = made.to_bytes()
    again = PicturePrint.from_bytes(content)

    assert len(content) == PRINT_BYTES <= 4096
    assert np.array_equal(again.thumbnail, made.thumbnail)
    assert np.array_equal(again.landmarks.codes, made.landmarks.codes)
    assert np.array_equal(again.landmarks.places, made.landmarks.places)
    assert np.array_equal(again.landmarks.turns, made.landmarks.turns)
    assert np.array_equal(again.looks, made.looks)


def test_a_thumbnail_has_the_shape_of_its_picture():
    height, width = picture_print(photo(1, (200, 100))).thumbnail.shape

    assert height / width == pytest.approx(2, rel=0.05)
    assert height * width == pytest.approx(56 * 56, rel=0.05)


def test_sixteen_bit_pictures_have_the_print_of_their_eight_bit_copies():
    image = photo(4, (60, 80))
    image[0, 0] = 255

    wide = picture_print(image.astype(np.uint16) * 257)

    assert wide.to_bytes() == picture_print(image).to_bytes()


def test_a_dark_sixteen_bit_picture_has_landmarks():
    assert len(picture_print(photo(4, (60, 80)).astype(np.uint16) * 2).landmarks.codes) > 10


@pytest.mark.parametrize("bands", [1, 2, 4, 7])
def test_pictures_of_any_bands_have_a_print(bands):
    image = np.repeat(photo(2, (40, 50))[:, :, :1], bands, axis=2)

    assert np.array_equal(picture_print(image).thumbnail, picture_print(image[:, :, :1]).thumbnail)


def test_columns_of_prints_give_the_codes_and_looks_of_each():
    made = [picture_print(photo(i, (60, 80))) for i in range(3)]
    columns = np.stack([np.frombuffer(one.to_bytes(), np.uint8) for one in made])

    codes, owners = landmark_codes(columns)

    assert codes[owners == 1].tolist() == made[1].landmarks.codes.tolist()
    assert np.array_equal(looks_of(columns)[2], made[2].looks)
