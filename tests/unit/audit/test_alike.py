import numpy as np
from PIL import Image

from maskwright.audit.alike import near_groups, same_groups
from maskwright.audit.prints import make_thumbnail
from support.picture_folders import photo


def families(*images):
    return near_groups({i: make_thumbnail(image) for i, image in enumerate(images)})


def scene(seed):
    return photo(seed, (120, 160))


def resized(image, width, height, quality=None):
    picture = Image.fromarray(image).resize((width, height), Image.BICUBIC)
    return np.asarray(picture)


def test_equal_keys_are_grouped_and_empty_ones_are_not():
    assert same_groups([b"a", b"b", b"a", b"", b""]) == [[0, 2]]


def test_a_resized_picture_is_nearly_the_same():
    assert families(scene(1), scene(2), resized(scene(1), 80, 60)) == [[0, 2]]


def test_a_brighter_picture_is_nearly_the_same():
    brighter = (scene(1) * 0.8 + 30).astype(np.uint8)

    assert families(scene(1), brighter, scene(3)) == [[0, 1]]


def test_different_pictures_are_not_the_same():
    assert families(*(scene(i) for i in range(60))) == []


def test_flat_pictures_are_not_compared():
    assert families(np.full((40, 40, 3), 90, np.uint8), np.full((40, 40, 3), 91, np.uint8)) == []


def test_a_thumbnail_is_the_mean_of_each_sixteenth():
    image = np.zeros((32, 64, 3), np.uint8)
    image[:, 32:] = 200

    thumbnail = make_thumbnail(image)

    assert thumbnail.shape == (16, 16)
    assert set(np.unique(thumbnail[:, :8])) == {0}
    assert set(np.unique(thumbnail[:, 8:])) == {200}


def test_pictures_smaller_than_a_thumbnail_have_one():
    assert make_thumbnail(np.full((3, 5, 1), 7, np.uint8)).tolist() == [[7] * 16] * 16


def test_sixteen_bit_pictures_have_the_thumbnail_of_their_eight_bit_copies():
    image = scene(4)

    assert np.array_equal(make_thumbnail(image), make_thumbnail(image.astype(np.uint16) * 257))
