"""Losses by name: hand-worked values, ignored pixels, laws."""

import math

import pytest
import torch

from maskwright.errors import ConfigError
from maskwright.images.classes import IGNORE, Classes
from maskwright.losses import build_loss, parse_loss

BINARY = Classes(("background", "thing"))
SEVERAL = Classes(("background", "one", "two"))
OVERLAPPING = Classes(("one", "two"), exclusive=False)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_dice_by_hand_on_two_pixels() -> None:
    logits = torch.tensor([[[[_logit(0.8), _logit(0.4)]]]])
    target = torch.tensor([[[1, 0]]], dtype=torch.uint8)
    expected = 1 - 2 * 0.8 / (0.8 + 0.4 + 1)
    assert float(build_loss("dice", BINARY)(logits, target)) == pytest.approx(expected, abs=1e-5)


def test_jaccard_by_hand_on_two_pixels() -> None:
    logits = torch.tensor([[[[_logit(0.8), _logit(0.4)]]]])
    target = torch.tensor([[[1, 0]]], dtype=torch.uint8)
    expected = 1 - 0.8 / (0.8 + 0.4 + 1 - 0.8)
    assert float(build_loss("jaccard", BINARY)(logits, target)) == pytest.approx(expected, abs=1e-5)


def test_bce_by_hand_leaves_ignored_pixels_out() -> None:
    logits = torch.tensor([[[[_logit(0.8), _logit(0.4), 9.0]]]])
    target = torch.tensor([[[1, 0, IGNORE]]], dtype=torch.uint8)
    expected = -(math.log(0.8) + math.log(0.6)) / 2
    assert float(build_loss("bce", BINARY)(logits, target)) == pytest.approx(expected, abs=1e-5)


def test_weights_and_sums_are_taken_as_written() -> None:
    logits, target = torch.randn(2, 1, 4, 4), torch.randint(0, 2, (2, 4, 4)).to(torch.uint8)
    dice, bce = (float(build_loss(name, BINARY)(logits, target)) for name in ("dice", "bce"))
    assert float(build_loss("0.7*dice + 0.3*bce", BINARY)(logits, target)) == pytest.approx(0.7 * dice + 0.3 * bce)
    assert float(build_loss("auto", BINARY)(logits, target)) == pytest.approx(dice + bce)


FITTING = [(name, classes) for name in ("dice", "jaccard") for classes in (BINARY, SEVERAL, OVERLAPPING)]
FITTING += [("dice+bce", BINARY), ("dice+bce", OVERLAPPING), ("jaccard+cross_entropy", SEVERAL)]


@pytest.mark.parametrize(("name", "classes"), FITTING)
def test_what_the_network_says_at_ignored_pixels_changes_nothing(name: str, classes: Classes) -> None:
    generator = torch.Generator().manual_seed(0)
    channels = classes.num_outputs
    logits = torch.randn(2, channels, 6, 6, generator=generator)
    shape = (2, 6, 6) if classes.exclusive else (2, channels, 6, 6)
    values = len(classes.names) if classes.exclusive else 2
    target = torch.randint(0, values, shape, generator=generator).to(torch.uint8)
    target[..., :2] = IGNORE
    loss = build_loss(name, classes)
    other = logits.clone()
    other[..., :2] += 5
    assert float(loss(logits, target)) == pytest.approx(float(loss(other, target)), abs=1e-6)


@pytest.mark.parametrize("name", ["dice", "jaccard", "bce"])
def test_a_perfect_answer_costs_nothing_and_no_answer_less_than_nothing(name: str) -> None:
    target = torch.randint(0, 2, (3, 8, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    perfect = (target.float()[:, None] * 2 - 1) * 30
    loss = build_loss(name, BINARY)
    assert float(loss(perfect, target)) == pytest.approx(0, abs=1e-5)
    for seed in range(20):
        logits = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) * 10
        assert float(loss(logits, target)) >= 0


def test_a_batch_that_is_ignored_altogether_gives_zero_and_zero_gradient() -> None:
    for name, classes in (("dice+bce", BINARY), ("dice+cross_entropy", SEVERAL)):
        logits = torch.randn(1, classes.num_outputs, 4, 4, requires_grad=True)
        value = build_loss(name, classes)(logits, torch.full((1, 4, 4), IGNORE, dtype=torch.uint8))
        value.backward()
        assert float(value.detach()) == 0
        assert logits.grad is not None and not logits.grad.any()


def test_the_gradient_is_right() -> None:
    target = torch.tensor([[[1, 0, 1], [0, 0, IGNORE]]], dtype=torch.uint8)
    logits = torch.randn(1, 1, 2, 3, dtype=torch.float32, requires_grad=True)
    loss = build_loss("dice+bce", BINARY)
    loss(logits, target).backward()
    assert logits.grad is not None
    for index in range(6):
        step = torch.zeros(6)
        step[index] = 1e-2
        step = step.reshape(1, 1, 2, 3)
        slope = (loss(logits + step, target) - loss(logits - step, target)) / 2e-2
        assert float(slope.detach()) == pytest.approx(float(logits.grad.flatten()[index]), abs=2e-3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dise", "did you mean 'dice'"),
        ("dice+", "for example 0.7*dice"),
        ("0*dice", "give a weight above 0"),
    ],
)
def test_a_loss_that_cannot_be_read_says_how_to_write_it(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_loss(text)
    assert words in str(error.value)


def test_a_loss_for_other_classes_is_refused() -> None:
    with pytest.raises(ConfigError, match="use cross_entropy|one foreground class"):
        build_loss("bce", SEVERAL)
    with pytest.raises(ConfigError, match="several classes"):
        build_loss("cross_entropy", BINARY)
