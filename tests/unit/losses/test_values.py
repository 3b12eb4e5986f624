"""What each loss is worth: worked by hand on two pixels, and against slow formulas in numpy on random batches."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from maskwright.images.classes import IGNORE
from maskwright.losses import build_loss
from support import loss_formulas as slow
from support.loss_cases import BINARY, OVERLAPPING, SEVERAL, TASKS, random_logits, random_target

SEEDS = range(5)


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


# Two pixels of one picture: 0.8 where the class is, 0.4 where it is not. Right 0.8, extra 0.4, missed 0.2.
LOGITS = torch.tensor([[[[_logit(0.8), _logit(0.4)]]]])
TARGET = torch.tensor([[[1, 0]]], dtype=torch.uint8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dice", 1 - 1.6 / 2.2),
        ("dice(smooth=1)", 1 - 2.6 / 3.2),
        ("log_dice", -math.log(1.6 / 2.2)),
        ("jaccard", 1 - 0.8 / 1.4),
        ("iou(smooth=1)", 1 - 1.8 / 2.4),
        ("tversky(alpha=0.7,beta=0.3)", 1 - 0.8 / (0.8 + 0.7 * 0.4 + 0.3 * 0.2)),
        ("bce", -(math.log(0.8) + math.log(0.6)) / 2),
        ("soft_bce(smoothing=0.1)", -(0.9 * math.log(0.8) + 0.1 * math.log(0.2) + 0.9 * math.log(0.6)
                                      + 0.1 * math.log(0.4)) / 2),
        ("focal(gamma=2)", -(0.2**2 * math.log(0.8) + 0.4**2 * math.log(0.6)) / 2),
        ("focal(gamma=2,alpha=0.25)", -(0.25 * 0.2**2 * math.log(0.8) + 0.75 * 0.4**2 * math.log(0.6)) / 2),
        # errors 1 - 1.386 < 0 at the first pixel, 1 - 0.405 = 0.595 at the second: it alone is wrong, 1 of 2 pixels
        ("lovasz", 0.5 * (1 + _logit(0.4))),
    ],
)  # fmt: skip
def test_by_hand_on_two_pixels_of_one_class(text: str, expected: float) -> None:
    assert float(build_loss(text, BINARY)(LOGITS, TARGET)) == pytest.approx(expected, abs=1e-6)


# Two pixels, three classes, the truth is class 0 and then class 1; softmax (0.5, 0.3, 0.2) and (0.2, 0.7, 0.1).
SOFTMAX = torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.7, 0.1]]).log().T[None, :, None, :]
LABELS = torch.tensor([[[0, 1]]], dtype=torch.uint8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dice", 1 - (2 * 0.5 / (1 + 0.7) + 2 * 0.7 / (1 + 1.0)) / 2),  # class 2 is not shown: no part of the mean
        ("dice(smooth=1)", 1 - (2 / 2.7 + 2.4 / 3.0 + 1 / 1.3) / 3),  # with smooth every class counts
        ("jaccard", 1 - (0.5 / 1.2 + 0.7 / 1.3) / 2),
        ("cross_entropy", -(math.log(0.5) + math.log(0.7)) / 2),
        ("cross_entropy(smoothing=0.3)", -(0.7 * (math.log(0.5) + math.log(0.7))
                                           + 0.1 * math.log(0.5 * 0.3 * 0.2 * 0.2 * 0.7 * 0.1)) / 2),
        ("focal(gamma=2)", -(0.25 * math.log(0.5) + 0.09 * math.log(0.7)) / 2),
        # class 0: errors 0.5 (its own), 0.2; class 1: 0.3 (its own) and 0.3
        ("lovasz", (0.5 * 1 + 0.3 * 1) / 2),
    ],
)  # fmt: skip
def test_by_hand_on_two_pixels_of_three_classes(text: str, expected: float) -> None:
    assert float(build_loss(text, SEVERAL)(SOFTMAX, LABELS)) == pytest.approx(expected, abs=1e-6)


def _columns(logits: Tensor, target: Tensor, task: str) -> list[tuple[slow.Floats, slow.Floats]]:
    """Probability and truth of each class over the counted pixels of the whole batch, flat, in float64."""
    values, labels = logits.numpy(), target.numpy()
    if task == "several":
        probability = slow.softmax(values)
        counted = labels != IGNORE
        return [(probability[:, k][counted], (labels[counted] == k).astype(np.float64)) for k in range(values.shape[1])]
    probability = slow.sigmoid(values)
    planes = labels[:, None] if labels.ndim == 3 else labels
    kept = [planes[:, k] != IGNORE for k in range(planes.shape[1])]
    return [(probability[:, k][at], planes[:, k][at].astype(np.float64)) for k, at in enumerate(kept)]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_region_losses_are_means_over_classes_of_sums_over_the_batch(task: str, seed: int, smooth: float) -> None:
    classes = TASKS[task]
    logits, target = random_logits(classes, seed), random_target(classes, seed, ignored=0.2)
    columns = _columns(logits, target, task)
    expected = {
        f"dice(smooth={smooth})": [1 - slow.dice_score(p, t, smooth) for p, t in columns],
        f"log_dice(smooth={smooth})": [-math.log(slow.dice_score(p, t, smooth)) for p, t in columns],
        f"jaccard(smooth={smooth})": [1 - slow.jaccard_score(p, t, smooth) for p, t in columns],
        f"tversky(alpha=0.8,beta=0.1,smooth={smooth})": [
            1 - slow.tversky_score(p, t, 0.8, 0.1, smooth) for p, t in columns
        ],
    }
    for text, values in expected.items():
        assert float(build_loss(text, classes)(logits, target)) == pytest.approx(np.mean(values), abs=2e-6), text


@pytest.mark.parametrize("task", ["binary", "overlapping"])
@pytest.mark.parametrize("seed", SEEDS)
def test_binary_losses_are_means_over_counted_labels(task: str, seed: int) -> None:
    classes = TASKS[task]
    logits, target = random_logits(classes, seed), random_target(classes, seed, ignored=0.2)
    columns = _columns(logits, target, task)
    p, t = (np.concatenate([column[i] for column in columns]) for i in (0, 1))
    expected = {
        "bce": slow.binary_cross_entropy(p, t),
        "soft_bce(smoothing=0.2)": slow.binary_cross_entropy(p, t * 0.8 + (1 - t) * 0.2),
        "focal(gamma=1.5)": slow.binary_focal(p, t, 1.5, None),
        "focal(gamma=2,alpha=0.3)": slow.binary_focal(p, t, 2.0, 0.3),
        "focal(gamma=0)": slow.binary_cross_entropy(p, t),
    }
    for text, value in expected.items():
        assert float(build_loss(text, classes)(logits, target)) == pytest.approx(value, rel=1e-5), text


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_over_exclusive_classes_are_means_over_counted_pixels(seed: int) -> None:
    logits, target = random_logits(SEVERAL, seed), random_target(SEVERAL, seed, ignored=0.2)
    columns = _columns(logits, target, "several")
    p, t = (np.stack([column[i] for column in columns]) for i in (0, 1))
    of_truth = (p * t).sum(axis=0)
    smoothed = 0.9 * t + 0.1 / 3
    expected = {
        "cross_entropy": -np.log(of_truth).mean(),
        "cross_entropy(smoothing=0.1)": -(smoothed * np.log(p)).sum(axis=0).mean(),
        "focal(gamma=3)": -((1 - of_truth) ** 3 * np.log(of_truth)).mean(),
    }
    for text, value in expected.items():
        assert float(build_loss(text, SEVERAL)(logits, target)) == pytest.approx(value, rel=1e-5), text


@pytest.mark.parametrize("task", ["binary", "overlapping"])
@pytest.mark.parametrize("seed", SEEDS)
def test_lovasz_hinge_is_the_extension_of_the_jaccard_loss(task: str, seed: int) -> None:
    classes = TASKS[task]
    logits, target = random_logits(classes, seed), random_target(classes, seed, ignored=0.2)
    values = []
    for p, t in _columns(logits, target, task):
        margins = np.log(p / (1 - p)) * (2 * t - 1)
        values.append(slow.lovasz(np.maximum(0, 1 - margins), t))
    assert float(build_loss("lovasz", classes)(logits, target)) == pytest.approx(np.mean(values), rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_lovasz_softmax_is_the_extension_over_the_classes_shown(seed: int) -> None:
    logits, target = random_logits(SEVERAL, seed), random_target(SEVERAL, seed, ignored=0.2)
    target[target == 2] = 0
    values = [slow.lovasz(np.abs(t - p), t) for p, t in _columns(logits, target, "several") if t.any()]
    assert len(values) == 2
    assert float(build_loss("lovasz", SEVERAL)(logits, target)) == pytest.approx(np.mean(values), rel=1e-5)


def test_lovasz_of_hard_answers_is_the_jaccard_loss_itself() -> None:
    """At the corners of the cube the extension equals what it extends: this is what it is for."""
    target = random_target(SEVERAL, 3)
    wrong = random_target(SEVERAL, 4)
    logits = 60.0 * torch.nn.functional.one_hot(wrong.long(), 3).movedim(-1, 1).float()
    lost = [1 - int(((target == k) & (wrong == k)).sum()) / int(((target == k) | (wrong == k)).sum()) for k in range(3)]
    assert float(build_loss("lovasz", SEVERAL)(logits, target)) == pytest.approx(np.mean(lost), abs=1e-6)


@pytest.mark.parametrize("smooth", ["1e-15", "1", "100"])
@pytest.mark.parametrize("seed", SEEDS)
def test_dice_is_the_keras_write_ups_dice_over_the_flattened_batch(smooth: str, seed: int) -> None:
    logits, target = random_logits(BINARY, seed), random_target(BINARY, seed)
    target[0] = 0  # a picture without the class: picture by picture its Dice would be another
    y_true, y_pred = target.numpy().reshape(-1).astype(np.float64), slow.sigmoid(logits.numpy()).reshape(-1)
    intersection = (y_true * y_pred).sum()
    keras = 1 - (2 * intersection + float(smooth)) / (y_true.sum() + y_pred.sum() + float(smooth))
    assert float(build_loss(f"dice(smooth={smooth})", BINARY)(logits, target)) == pytest.approx(keras, abs=1e-6)


def test_as_in_keras_a_batch_without_the_class_costs_one_and_nothing_where_nothing_is_claimed() -> None:
    empty, loss = torch.zeros(1, 2, 2, dtype=torch.uint8), build_loss("dice(smooth=1e-15)", BINARY)
    assert float(loss(torch.zeros(1, 1, 2, 2), empty)) == 1
    assert float(loss(torch.full((1, 1, 2, 2), -1e4), empty)) == 0


def test_a_class_that_is_not_shown_costs_nothing_without_smooth_and_its_false_positives_with_it() -> None:
    empty, claimed = torch.zeros(1, 2, 2, dtype=torch.uint8), torch.full((1, 1, 2, 2), 5.0)
    assert float(build_loss("dice", BINARY)(claimed, empty)) == 0
    assert float(build_loss("dice(smooth=1)", BINARY)(claimed, empty)) == pytest.approx(
        1 - 1 / (4 * 0.99331 + 1), abs=1e-4
    )


def test_of_overlapping_classes_one_that_is_ignored_altogether_is_no_part_of_the_mean() -> None:
    logits, target = random_logits(OVERLAPPING, 0), random_target(OVERLAPPING, 0)
    target[:, 1] = IGNORE
    alone = _first_class(logits, target)
    for text in ("dice", "dice(smooth=1)", "lovasz", "bce", "focal", "log_dice(smooth=1)"):
        value = float(build_loss(text, OVERLAPPING)(logits, target))
        assert value == pytest.approx(float(build_loss(text, BINARY)(*alone)), abs=1e-6), text


def _first_class(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The first of overlapping classes, as a task of its own."""
    return logits[:, :1], target[:, 0]


def test_weights_and_sums_are_taken_as_written() -> None:
    logits, target = random_logits(BINARY, 0), random_target(BINARY, 0)
    dice, bce = (float(build_loss(name, BINARY)(logits, target)) for name in ("dice", "bce"))
    assert float(build_loss("0.7*dice + 0.3*bce", BINARY)(logits, target)) == pytest.approx(0.7 * dice + 0.3 * bce)
    assert float(build_loss("auto", BINARY)(logits, target)) == pytest.approx(dice + bce)
