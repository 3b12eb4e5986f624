import numpy as np
import pytest
import torch

from maskwright.images.classes import IGNORE
from maskwright.recipe import NO_AUGMENTATION, Augmentation
from maskwright.training import offline
from maskwright.training.offline import change, draw_one, key_of, on_its_side

TURNS = NO_AUGMENTATION.model_copy(update={"flip_horizontal": 0.5, "quarter_turns": True})


def picture(size=(31, 47), bands=3, dtype=np.uint8):
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, top, (*size, bands), dtype, endpoint=True)


def drawn(options, seed, size=(31, 47), bands=3):
    generator = torch.Generator().manual_seed(seed)
    return draw_one(options, bands, size, generator), generator


def changed(options, seed, image, mask, value_range=255.0):
    drawing, generator = drawn(options, seed, image.shape[:2], image.shape[2])
    return change(drawing, image, mask, value_range=value_range, generator=generator)


def eight(image):
    return [np.rot90(mirrored, turns) for mirrored in (image, image[:, ::-1]) for turns in range(4)]


@pytest.mark.parametrize("seed", range(24))
def test_flips_and_quarter_turns_move_pixels_and_change_none(seed):
    image = picture()

    result, mask = changed(TURNS, seed, image, image[..., 0] // 128)

    assert [np.array_equal(result, one) for one in eight(image)].count(True) == 1
    assert np.array_equal(mask, result[..., 0] // 128)


def test_a_picture_turned_on_its_side_is_as_high_as_it_was_wide():
    shapes = {on_its_side(drawn(TURNS, seed)[0]): changed(TURNS, seed, picture(), picture()[..., 0] // 128)[0].shape
              for seed in range(20)}  # fmt: skip

    assert shapes == {False: (31, 47, 3), True: (47, 31, 3)}


def test_there_are_eight_different_flips_and_quarter_turns_one_of_which_changes_nothing():
    keys = {key_of(drawn(TURNS, seed)[0]) for seed in range(200)}

    assert len(keys) == 8
    assert None in keys


def test_noise_changes_a_picture_that_stays_where_it_is():
    noisy = NO_AUGMENTATION.model_copy(update={"noise": 0.1})

    assert key_of(drawn(NO_AUGMENTATION, 0)[0]) is None
    assert key_of(drawn(noisy, 0)[0]) is not None
    assert changed(noisy, 0, picture(), picture()[..., 0] // 128)[0].std() > 0


def test_strips_give_what_the_whole_picture_gives(monkeypatch):
    image = picture((60, 80))
    options = Augmentation(rotate_degrees=40, shift=0.2, quarter_turns=True)
    whole = changed(options, 4, image, image[..., 0] // 64)
    monkeypatch.setattr(offline, "_STRIP_PIXELS", 500)

    strips = changed(options, 4, image, image[..., 0] // 64)

    assert np.abs(whole[0].astype(int) - strips[0]).max() <= 1
    assert (whole[1] != strips[1]).mean() < 0.001


def test_sixteen_bits_keep_their_depth_and_range():
    image = (picture(dtype=np.uint16) >> 4).astype(np.uint16)

    result, _ = changed(TURNS, 3, image, np.zeros((31, 47), np.uint8), value_range=4095.0)

    assert result.dtype == np.uint16
    assert min(np.abs(result.astype(int) - one).max() for one in eight(image) if one.shape == result.shape) <= 1


def test_colours_of_twelve_bits_change_within_twelve_bits():
    image = np.full((20, 20, 1), 2000, np.uint16)

    result, _ = changed(Augmentation(), 1, image, np.zeros((20, 20), np.uint8), value_range=4095.0)

    assert 0 < result.max() <= 4095
    assert result.std() < 1


def test_masks_take_no_label_that_was_not_there_and_ignored_pixels_stay_ignored():
    mask = np.random.default_rng(1).choice(np.array([0, 3, IGNORE], np.uint8), (31, 47))

    _, result = changed(Augmentation(rotate_degrees=30), 2, picture(), mask)

    assert set(np.unique(result)) == {0, 3, IGNORE}


def test_overlapping_masks_keep_their_layers():
    mask = np.stack([picture()[..., 0] > 100, picture()[..., 0] > 200], axis=2).astype(np.uint8)

    image, result = changed(TURNS, 5, picture(), mask)

    assert np.array_equal(result, np.stack([image[..., 0] > 100, image[..., 0] > 200], axis=2))


@pytest.mark.parametrize("seed", range(6))
def test_a_mask_of_another_size_than_its_picture_keeps_its_own(seed):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :30] = 255
    mask = np.zeros((20, 30), np.uint8)
    mask[:10, :15] = 1

    result, truth = changed(TURNS, seed, image, mask)

    assert truth.shape == (result.shape[0] // 2, result.shape[1] // 2)
    assert np.array_equal(truth, result[::2, ::2, 0] // 255)


def test_outside_of_the_picture_it_is_mirrored():
    image = picture((40, 40)) // 2 + 100

    result, _ = changed(NO_AUGMENTATION.model_copy(update={"shift": 1.0}), 0, image, np.zeros((40, 40), np.uint8))

    assert result.min() >= 99


def test_the_same_chances_give_the_same_bits():
    options = Augmentation(noise=0.05, rotate_degrees=20)
    first, second = (changed(options, 9, picture(), picture()[..., 0] // 128) for _ in range(2))

    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
