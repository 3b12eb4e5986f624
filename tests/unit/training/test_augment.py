"""Augmentation: one resampling for geometry, one matrix for colour, the same for picture and mask."""

import math

import pytest
import torch

from maskwright.recipe import NO_AUGMENTATION, Augmentation
from maskwright.training.augment import Draw, apply, draw


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _still(count: int, bands: int, affine: list[list[float]] | None = None) -> Draw:
    """A draw that changes nothing, or only moves."""
    matrix = torch.tensor(affine or [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).expand(count, 2, 3)
    return Draw(matrix, torch.eye(bands).expand(count, bands, bands), torch.zeros(count, bands), 0.0)


def _pair(size: tuple[int, int] = (6, 8)) -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.rand(1, 3, *size, generator=_generator())
    mask = (image[:, 0] > 0.5).to(torch.uint8)
    return image, mask


def test_no_augmentation_changes_nothing() -> None:
    image, mask = _pair()
    drawn = draw(NO_AUGMENTATION, 1, 3, (6, 8), _generator())
    changed, labels = apply(drawn, image, mask, (6, 8), generator=_generator())
    assert torch.allclose(changed, image, atol=1e-5)
    assert torch.equal(labels, mask)


def test_a_horizontal_flip_mirrors_picture_and_mask_alike() -> None:
    image, mask = _pair()
    drawn = draw(NO_AUGMENTATION.model_copy(update={"flip_horizontal": 1.0}), 1, 3, (6, 8), _generator())
    changed, labels = apply(drawn, image, mask, (6, 8), generator=_generator())
    assert torch.allclose(changed, image.flip(3), atol=1e-5)
    assert torch.equal(labels, mask.flip(2))


def test_a_quarter_turn_of_a_square_is_exact() -> None:
    image, mask = _pair((6, 6))
    changed, labels = apply(
        _still(1, 3, [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]), image, mask, (6, 6), generator=_generator()
    )
    assert torch.allclose(changed, torch.rot90(image, 1, (2, 3)), atol=1e-5) or torch.allclose(
        changed, torch.rot90(image, -1, (2, 3)), atol=1e-5
    )
    assert torch.equal(labels, (changed[:, 0] > 0.5).to(torch.uint8))


def test_a_shift_moves_by_whole_pixels_and_mirrors_at_the_border() -> None:
    image, mask = _pair()
    changed, _ = apply(_still(1, 3, [[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]), image, mask, (6, 8), generator=_generator())
    assert torch.allclose(changed[..., :6], image[..., 2:], atol=1e-5)
    assert torch.allclose(changed[..., 6:], image[..., [7, 6]], atol=1e-5)


def test_a_larger_source_is_cut_around_its_centre() -> None:
    image, mask = _pair((10, 12))
    changed, labels = apply(_still(1, 3), image, mask, (6, 8), generator=_generator())
    assert torch.allclose(changed, image[:, :, 2:8, 2:10], atol=1e-5)
    assert torch.equal(labels, mask[:, 2:8, 2:10])


def test_labels_are_never_mixed() -> None:
    options = Augmentation(rotate_degrees=45, scale=0.5)
    mask = torch.randint(0, 2, (4, 32, 32), generator=_generator()).to(torch.uint8) * 255
    image = torch.rand(4, 3, 32, 32, generator=_generator())
    drawn = draw(options, 4, 3, (32, 32), _generator())
    _, labels = apply(drawn, image, mask, (32, 32), generator=_generator())
    assert set(labels.unique().tolist()) <= {0, 255}


def test_overlapping_masks_keep_their_channels() -> None:
    image, mask = _pair()
    planes = torch.stack([mask, 1 - mask], dim=1)
    drawn = draw(NO_AUGMENTATION.model_copy(update={"flip_horizontal": 1.0}), 1, 3, (6, 8), _generator())
    _, labels = apply(drawn, image, planes, (6, 8), generator=_generator())
    assert torch.equal(labels, planes.flip(3))


def test_the_same_seed_draws_the_same_changes() -> None:
    one, other = (draw(Augmentation(), 5, 3, (32, 32), _generator(3)) for _ in range(2))
    assert torch.equal(one.affine, other.affine)
    assert torch.equal(one.colour, other.colour)


def test_rotation_keeps_lengths_and_zoom_keeps_its_bounds() -> None:
    drawn = draw(Augmentation(rotate_degrees=180, scale=0.25, flip_vertical=0.5), 200, 3, (32, 32), _generator())
    area = drawn.affine[:, :, :2].det().abs().sqrt()
    assert float(area.min()) >= 1 / 1.25 - 1e-4
    assert float(area.max()) <= 1.25 + 1e-4
    assert (drawn.affine[:, :, :2].det() < 0).any(), "some pictures are mirrored"


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_colour_changes_keep_grey_grey_and_stay_in_range(bands: int) -> None:
    image = torch.full((8, bands, 4, 4), 0.4)
    options = NO_AUGMENTATION.model_copy(
        update={"brightness": 0.3, "contrast": 0.5, "saturation": 0.5, "hue_degrees": 90.0}
    )
    drawn = draw(options, 8, bands, (4, 4), _generator())
    changed, _ = apply(drawn, image, torch.zeros(8, 4, 4, dtype=torch.uint8), (4, 4), generator=_generator())
    assert torch.allclose(changed, changed[:, :1].expand_as(changed), atol=1e-5)
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert float(changed.std()) > 0.01


def test_hue_rotates_red_to_green_at_120_degrees() -> None:
    from maskwright.training.augment import _hue_rotation

    turned = _hue_rotation(torch.tensor([2 * math.pi / 3]))[0] @ torch.tensor([1.0, 0.0, 0.0])
    assert torch.allclose(turned, torch.tensor([0.0, 1.0, 0.0]), atol=1e-6)


def test_noise_has_the_stated_deviation() -> None:
    options = NO_AUGMENTATION.model_copy(update={"noise": 0.1})
    drawn = draw(options, 1, 3, (64, 64), _generator())
    changed, _ = apply(
        drawn,
        torch.full((1, 3, 64, 64), 0.5),
        torch.zeros(1, 64, 64, dtype=torch.uint8),
        (64, 64),
        generator=_generator(),
    )
    assert float(changed.std()) == pytest.approx(0.1, rel=0.05)
