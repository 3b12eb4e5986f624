"""The loss of an auxiliary head, which says which classes a picture shows."""

import math

import pytest
import torch

from maskwright.errors import ConfigError
from maskwright.images.classes import IGNORE
from maskwright.losses import build_loss, with_presence
from maskwright.losses.presence import presence_loss
from support.loss_cases import BINARY, OVERLAPPING, SEVERAL, random_logits, random_target


def _bce(logit: float, shown: bool) -> float:
    return math.log1p(math.exp(-logit if shown else logit))


def test_one_foreground_class_is_there_or_not() -> None:
    target = torch.tensor([[[0, 1]], [[0, 0]]], dtype=torch.uint8)
    value = presence_loss(torch.tensor([[2.0], [1.0]]), target, BINARY)
    assert float(value) == pytest.approx((_bce(2.0, True) + _bce(1.0, False)) / 2)


def test_of_several_classes_each_is_there_or_not_background_included() -> None:
    target = torch.tensor([[[0, 2]]], dtype=torch.uint8)
    value = presence_loss(torch.tensor([[2.0, 1.0, -1.0]]), target, SEVERAL)
    assert float(value) == pytest.approx((_bce(2.0, True) + _bce(1.0, False) + _bce(-1.0, True)) / 3)


def test_overlapping_classes_are_looked_for_each_in_its_own_plane() -> None:
    target = torch.tensor([[[[1, 0]], [[0, 0]]]], dtype=torch.uint8)
    value = presence_loss(torch.tensor([[2.0, 1.0]]), target, OVERLAPPING)
    assert float(value) == pytest.approx((_bce(2.0, True) + _bce(1.0, False)) / 2)


def test_a_picture_that_is_ignored_altogether_is_no_part_of_the_mean() -> None:
    target = torch.tensor([[[0, 1]], [[IGNORE, IGNORE]]], dtype=torch.uint8)
    assert float(presence_loss(torch.tensor([[2.0], [9.0]]), target, BINARY)) == pytest.approx(_bce(2.0, True))


def test_of_overlapping_classes_only_the_one_that_is_ignored_leaves_the_mean() -> None:
    target = torch.tensor([[[[1, 0]], [[IGNORE, IGNORE]]]], dtype=torch.uint8)
    assert float(presence_loss(torch.tensor([[2.0, 9.0]]), target, OVERLAPPING)) == pytest.approx(_bce(2.0, True))


def test_a_batch_that_is_ignored_altogether_gives_zero_and_zero_gradient() -> None:
    presence = torch.randn(2, 1, requires_grad=True)
    value = presence_loss(presence, torch.full((2, 1, 2), IGNORE, dtype=torch.uint8), BINARY)
    value.backward()
    assert float(value.detach()) == 0
    assert presence.grad is not None and not presence.grad.any()


@pytest.mark.parametrize("classes", [BINARY, SEVERAL, OVERLAPPING])
def test_it_is_added_to_the_loss_of_the_pixels_with_its_weight(classes: object) -> None:
    logits, target = random_logits(classes, 0), random_target(classes, 0)  # type: ignore[arg-type]
    presence = torch.randn(3, logits.shape[1], generator=torch.Generator().manual_seed(0))
    pixels = build_loss("dice", classes)(logits, target)  # type: ignore[arg-type]
    both = build_loss("dice", classes, auxiliary=0.4)((logits, presence), target)  # type: ignore[arg-type]
    expected = pixels + 0.4 * presence_loss(presence, target, classes)  # type: ignore[arg-type]
    assert float(both) == pytest.approx(float(expected))


def test_with_weight_zero_a_second_head_is_not_looked_at() -> None:
    logits, target = random_logits(BINARY, 0), random_target(BINARY, 0)
    nonsense = torch.full((3, 1), math.nan)
    assert build_loss("dice", BINARY)((logits, nonsense), target) == build_loss("dice", BINARY)(logits, target)


def test_a_weight_without_a_second_head_is_an_error_and_not_passed_over() -> None:
    loss = with_presence(build_loss("dice", BINARY), 0.5, BINARY)
    with pytest.raises(ConfigError, match="no auxiliary classification head") as error:
        loss(random_logits(BINARY, 0), random_target(BINARY, 0))
    assert error.value.where == "model.auxiliary: 0.5"
