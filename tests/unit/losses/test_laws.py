"""Laws that every loss obeys, for every task that it makes sense for."""

import pytest
import torch
from torch import Tensor

from maskwright.images.classes import IGNORE, Classes
from maskwright.losses import build_loss
from support.loss_cases import CASES, SMOOTHED_LABELS, Case, perfect_logits, random_logits, random_target

each_case = pytest.mark.parametrize("case", CASES, ids=str)


def _gradient(case: Case, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    logits = logits.clone().requires_grad_()
    value = build_loss(case.text, case.classes)(logits, target)
    value.backward()
    assert logits.grad is not None
    return value.detach(), logits.grad


@each_case
def test_a_perfect_answer_costs_nothing_but_the_entropy_of_smoothed_labels(case: Case) -> None:
    target = random_target(case.classes, 0)
    value = float(build_loss(case.text, case.classes)(perfect_logits(target, case.classes), target))
    if not any(word in case.text for word in SMOOTHED_LABELS):
        assert value == pytest.approx(0, abs=1e-6)
    assert value < float(build_loss(case.text, case.classes)(-perfect_logits(target, case.classes), target))


@each_case
def test_ignored_pixels_count_as_if_they_had_been_cut_off(case: Case) -> None:
    logits, target = random_logits(case.classes, 1), random_target(case.classes, 1)
    target[..., :2] = IGNORE
    loud = logits.clone()
    loud[..., :2] *= 50
    loss = build_loss(case.text, case.classes)
    assert float(loss(loud, target)) == pytest.approx(float(loss(logits[..., 2:], target[..., 2:])), rel=1e-5)


@each_case
def test_ignored_pixels_get_no_gradient_and_others_do(case: Case) -> None:
    target = random_target(case.classes, 2, ignored=0.3)
    _, gradient = _gradient(case, random_logits(case.classes, 2), target)
    ignored = (target if target.ndim == 4 else target.unsqueeze(1)) == IGNORE
    assert not (gradient * ignored).any()
    assert (gradient * ~ignored).any()


@each_case
def test_a_batch_that_is_ignored_altogether_gives_zero_and_zero_gradient(case: Case) -> None:
    target = torch.full_like(random_target(case.classes, 0), IGNORE)
    value, gradient = _gradient(case, random_logits(case.classes, 0), target)
    assert value == 0
    assert not gradient.any()


def _odd_targets(classes: Classes) -> dict[str, Tensor]:
    target = random_target(classes, 5)
    one = torch.full_like(target, IGNORE)
    one[0, ..., 0, 0] = 1
    return {
        "empty": torch.zeros_like(target),
        "full": torch.ones_like(target),
        "one pixel": one,
        "mixed": random_target(classes, 5, ignored=0.5),
    }


@each_case
@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 40.0, 1e4], ids=lambda scale: f"logits about {scale:g}")
def test_value_and_gradient_are_finite_for_empty_masks_and_extreme_logits(case: Case, scale: float) -> None:
    for name, target in _odd_targets(case.classes).items():
        wild = random_logits(case.classes, 6, scale=scale)
        sure = perfect_logits(target, case.classes, certainty=scale)
        for logits in (wild, sure, -sure):
            value, gradient = _gradient(case, logits, target)
            assert torch.isfinite(value) and value >= 0, name
            assert torch.isfinite(gradient).all(), name


@each_case
def test_bf16_logits_are_taken_as_the_numbers_they_are(case: Case) -> None:
    logits, target = random_logits(case.classes, 7).bfloat16(), random_target(case.classes, 7, ignored=0.1)
    value, gradient = _gradient(case, logits, target)
    exact, slope = _gradient(case, logits.float(), target)
    assert value.dtype == torch.float32
    assert float(value) == float(exact)
    torch.testing.assert_close(gradient.float(), slope, rtol=1e-2, atol=1e-6)


@each_case
def test_the_order_of_pixels_and_pictures_changes_nothing(case: Case) -> None:
    """The sums run over the whole batch: even pixels that change their picture change nothing."""
    logits, target = random_logits(case.classes, 8), random_target(case.classes, 8, ignored=0.1)
    order = torch.randperm(logits[:, 0].numel(), generator=torch.Generator().manual_seed(8))

    def shuffled(values: Tensor) -> Tensor:
        if values.ndim == 3:
            return values.reshape(-1)[order].reshape(values.shape)
        first = values.movedim(1, -1)
        return first.reshape(-1, values.shape[1])[order].reshape(first.shape).movedim(-1, 1)

    loss = build_loss(case.text, case.classes)
    assert float(loss(shuffled(logits), shuffled(target))) == pytest.approx(float(loss(logits, target)), rel=1e-5)


@each_case
def test_the_gradient_is_the_slope(case: Case) -> None:
    logits, target = random_logits(case.classes, 9, (1, 2, 3)), random_target(case.classes, 9, (1, 2, 3), ignored=0.15)
    target[0, ..., 0, 0] = 1
    _, gradient = _gradient(case, logits, target)
    loss, step = build_loss(case.text, case.classes), 5e-3
    for index in range(logits.numel()):
        moved = torch.zeros(logits.numel())
        moved[index] = step
        moved = moved.reshape(logits.shape)
        slope = (float(loss(logits + moved, target)) - float(loss(logits - moved, target))) / (2 * step)
        assert slope == pytest.approx(float(gradient.flatten()[index]), abs=2e-3)


@each_case
def test_following_the_gradient_leads_down(case: Case) -> None:
    target = random_target(case.classes, 10, ignored=0.1)
    logits = random_logits(case.classes, 10)
    value, gradient = _gradient(case, logits, target)
    after = float(build_loss(case.text, case.classes)(logits - 0.05 * gradient / gradient.norm(), target))
    assert after < float(value)
