import numpy as np
import pytest
from PIL import Image

from maskwright.audit.alike import Union, count_bits, likely_pairs, same_groups
from maskwright.audit.likeness import compare_pictures, compare_prints
from maskwright.audit.prints import grey_of, landmark_codes, picture_print
from support.textures import texture as scene


def digests(*words):
    return np.array([list(word.ljust(16, b"\0")) for word in words], np.uint8).reshape(-1, 16)


def likely(*images):
    prints = np.stack([np.frombuffer(picture_print(image).to_bytes(), np.uint8) for image in images])
    return {tuple(pair) for pair in likely_pairs(*landmark_codes(prints)).tolist()}


def alike(first, second):
    guess = compare_prints(picture_print(first), picture_print(second))
    return guess and compare_pictures(grey_of(first), grey_of(second), guess)


def resized(image, share):
    size = round(image.shape[1] * share), round(image.shape[0] * share)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


CHANGES = {
    "resized to a half": lambda image: resized(image, 0.5),
    "brighter by a fifth": lambda image: (image * 1.2).clip(0, 255).astype(np.uint8),
    "darker by a fifth": lambda image: (image * 0.8).astype(np.uint8),
    "cropped to 80 %": lambda image: image[8:116, 10:152],
    "cropped at one side": lambda image: image[:, :128],
    "mirrored": lambda image: image[:, ::-1],
    "turned": lambda image: np.rot90(image),
    "cropped, mirrored, darker and smaller": lambda image: resized(image[10:, :150][:, ::-1] // 5 * 4, 0.5),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_photograph_is_found_again_when_it_is(change):
    for seed in range(5):
        changed = np.ascontiguousarray(change(scene(seed)))

        assert (0, 3) in likely(scene(seed), scene(seed + 20), scene(seed + 40), changed)
        assert alike(scene(seed), changed)


def test_how_the_second_lies_on_the_first_is_told():
    found = alike(scene(1), (scene(1)[6:114, 8:152] * 0.8).astype(np.uint8))

    assert found.alignment.turn == 0
    assert np.allclose(found.alignment.window(), (0.05, 0.05, 0.95, 0.95), atol=0.01)
    assert found.gain == pytest.approx(0.8, abs=0.02)


def test_different_pictures_are_not_the_same():
    assert not any(alike(scene(i), scene(i + 1)) for i in range(30))


def test_a_picture_of_which_a_part_shows_something_else_is_another_one():
    other = scene(1).copy()
    other[30:90, 40:120] = scene(2)[30:90, 40:120]

    assert not alike(scene(1), other)


def test_flat_pictures_are_not_compared():
    flat = np.full((40, 40, 3), 90, np.uint8)

    assert likely(flat, flat + 1) == set()
    assert alike(flat, flat + 1) is None


def test_equal_digests_are_grouped_and_unknown_ones_are_not():
    assert same_groups(digests(b"a", b"b", b"a", b"", b"")) == [[0, 2]]
    assert same_groups(digests()) == []


def test_pairs_of_likely_relatives_do_not_grow_with_the_square_of_the_pictures():
    codes = np.tile(np.arange(40, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15), 200)
    owners = np.repeat(np.arange(200), 40)

    assert len(likely_pairs(codes, owners)) <= 200 * 16


def test_no_picture_and_one_picture_have_no_relatives():
    assert likely_pairs(np.zeros(0, np.uint64), np.zeros(0, np.int64)).shape == (0, 2)
    assert likely_pairs(np.arange(9, dtype=np.uint64), np.zeros(9, np.int64)).shape == (0, 2)


def test_joined_numbers_are_families():
    union = Union()
    for pair in ((5, 3), (9, 8), (3, 9), (1, 2)):
        assert union.join(*pair)

    assert not union.join(5, 8)
    assert union.families() == [(1, 2), (3, 5, 8, 9)]


def test_bits_are_counted():
    words = np.random.default_rng(0).integers(0, 2**63, 50).astype(np.uint64)

    assert count_bits(words).tolist() == [int(word).bit_count() for word in words]
