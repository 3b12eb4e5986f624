"""Why a weighted loss of ours cannot fall below zero, as the fifth write-up saw its own do.

It weighted Dice and IoU and got negative values. There are two ways to get there, and both are shut:
1. Weighted scores are taken from a constant, and the weights sum to more than that constant.
   Ours is a sum of losses, each >= 0, with weights that the grammar holds to 0 or more.
2. The scores are made of logits, not of probabilities. A score of probabilities lies in 0..1; one of logits does not.
   Ours takes sigmoid or softmax itself, and cuts off what rounding adds.
"""

import random

import pytest
import torch
from torch import Tensor

from maskwright.errors import ConfigError
from maskwright.losses import LOSSES, build_loss
from support.loss_cases import CASES, TASKS, Case, perfect_logits, random_logits, random_target


def _scores(p: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Dice and IoU as formulas that believe whatever they are given."""
    overlap = (p * t).sum()
    return 2 * overlap / (p.sum() + t.sum()), overlap / (p.sum() + t.sum() - overlap)


def test_weighted_scores_taken_from_one_fall_below_zero_where_the_weights_sum_to_more() -> None:
    truth = torch.tensor([1.0, 0.0])
    dice, iou = _scores(truth, truth)
    assert 1 - (0.7 * dice + 0.6 * iou) < 0
    logits, target = torch.tensor([[[[30.0, -30.0]]]]), torch.tensor([[[1, 0]]], dtype=torch.uint8)
    assert float(build_loss("0.7*dice+0.6*iou", TASKS["binary"])(logits, target)) == pytest.approx(0, abs=1e-6)


def test_scores_of_logits_fall_below_zero_whatever_the_weights() -> None:
    logits, truth = torch.tensor([3.0, -2.0]), torch.tensor([1.0, 0.0])
    dice, iou = _scores(logits, truth)
    assert 0.7 * (1 - dice) + 0.3 * (1 - iou) < 0
    ours = build_loss("0.7*dice+0.3*iou", TASKS["binary"])(logits[None, None, None], truth[None, None].to(torch.uint8))
    assert 0 < float(ours) < 1


@pytest.mark.parametrize("text", ["dice-0.3*iou", "-1*dice", "dice+-0.5*iou", "1-dice"])
def test_a_weight_below_zero_cannot_be_written(text: str) -> None:
    with pytest.raises(ConfigError):
        build_loss(text, TASKS["binary"])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_term_falls_below_zero_where_rounding_could_push_it(case: Case) -> None:
    """Answers that are right to the last few bits, in pictures large enough that sums of float32 round."""
    for seed in range(6):
        size = (2, 61, 67)
        target = random_target(case.classes, seed, size, ignored=0.1 * (seed % 3))
        noise = random_logits(case.classes, seed, size, scale=1.0)
        for certainty in (4.0, 8.0, 12.0, 16.0, 20.0):
            logits = perfect_logits(target, case.classes, certainty) + noise
            assert float(build_loss(case.text, case.classes)(logits, target)) >= 0


@pytest.mark.parametrize("task", TASKS)
def test_no_sum_of_terms_falls_below_zero_for_any_weights(task: str) -> None:
    rng, classes = random.Random(0), TASKS[task]
    names = sorted({case.text for case in CASES if case.task == task and case.text in LOSSES})
    for turn in range(150):
        terms = rng.sample(names, rng.randint(1, 4))
        weights = [rng.choice((0.0, 1e-9, rng.random(), 1.0, 1e6)) for _ in terms]
        weights[0] = weights[0] or 0.5
        text = "+".join(f"{weight!r}*{name}" for weight, name in zip(weights, terms, strict=True))
        target = random_target(classes, turn, ignored=rng.choice((0.0, 0.3, 1.0)))
        logits = rng.choice((
            random_logits(classes, turn, scale=rng.choice((0.1, 3.0, 100.0, 1e6))),
            perfect_logits(target, classes, rng.choice((1.0, 10.0, 17.0, 1e5))),
            -perfect_logits(target, classes, rng.choice((1.0, 10.0, 1e5))),
        ))  # fmt: skip
        assert float(build_loss(text, classes)(logits, target)) >= 0, text
