"""Dice, IoU, precision, recall, specificity and accuracy as plain functions of counts.

One rule for empty masks holds for all: a class that neither truth nor prediction shows scores 1, a class that only
one of them shows scores 0. Where no pixel counts at all, a measure is not defined: NaN here, null outside.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.metrics.counts import Counts

Floats = NDArray[np.float64]

EMPTY_RULE = (
    "a class that neither truth nor prediction shows in a picture scores 1 (Dice, IoU, precision, recall); "
    "a class that only one of the two shows scores 0; specificity is 1 where the class covers every pixel that counts"
)


def dice(counts: Counts) -> Floats:
    """Return 2 tp / (2 tp + fp + fn) for each class, (..., K); the F1 score by another name."""
    return _share(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, counts)


def iou(counts: Counts) -> Floats:
    """Return tp / (tp + fp + fn) for each class, (..., K); the Jaccard index by another name."""
    return _share(counts.tp, counts.tp + counts.fp + counts.fn, counts)


def precision(counts: Counts) -> Floats:
    """Return tp / (tp + fp) for each class, (..., K): how much of what was marked is right."""
    return _share(counts.tp, counts.predicted, counts)


def recall(counts: Counts) -> Floats:
    """Return tp / (tp + fn) for each class, (..., K): how much of what is there was found."""
    return _share(counts.tp, counts.truth, counts)


def specificity(counts: Counts) -> Floats:
    """Return tn / (tn + fp) for each class, (..., K): how much of what is not the class was left alone.

    1 where there is nothing to be left alone: the truth gives every pixel to the class.
    """
    tn = counts.tn
    return _divide(tn, tn + counts.fp, tn + counts.fp > 0, np.where(counts.pixels > 0, 1.0, np.nan))


def accuracy(counts: Counts) -> Floats:
    """Return (tp + tn) / pixels for each class against the rest, (..., K)."""
    return _divide(counts.tp + counts.tn, counts.pixels, counts.pixels > 0, np.nan)


MEASURES: dict[str, Callable[[Counts], Floats]] = {
    "dice": dice, "iou": iou, "precision": precision, "recall": recall, "specificity": specificity,
    "accuracy": accuracy,
}  # fmt: skip


def summary(name: str, counts: Counts, *, exclusive: bool) -> Floats:
    """Return the one number a picture (or a pool) gets for a measure: (..., K) counts become (...).

    Exclusive, two classes: the foreground, class 1. Several classes: the mean over the classes that the truth
    shows (specificity: over all classes, since false alarms of a class are worst where it is not); accuracy is then
    no mean but the share of pixels given the right class (overlapping: the share of right yes-or-no answers).
    Overlapping and the truth shows none: 1 if nothing is predicted either, else 0. NaN where no pixel counts.
    """
    if exclusive and counts.num_classes == 2:
        return MEASURES[name](counts)[..., 1]
    if name == "accuracy":
        return _overall_accuracy(counts, exclusive)
    shown = counts.pixels > 0 if name == "specificity" else counts.truth > 0
    number = shown.sum(axis=-1)
    total = np.where(shown, MEASURES[name](counts), 0.0).sum(axis=-1)
    untouched = np.where(counts.pixels.sum(axis=-1) > 0, counts.predicted.sum(axis=-1) == 0, np.nan)
    return _divide(total, number, number > 0, untouched)


def mean_over(names: tuple[str, ...], *, exclusive: bool) -> str:
    """Say in words what `summary` is taken over."""
    if exclusive and len(names) == 2:
        return f"the foreground class '{names[1]}'"
    extent = "background included" if exclusive else "overlapping classes, each on its own, without a background"
    return (
        f"the classes that the truth shows ({extent}): per_image in each picture, pooled in all pictures together; "
        "specificity is over all classes; "
        + ("accuracy is the share of pixels given the right class" if exclusive else
           "accuracy is the share of right yes-or-no answers over pixels and classes")
    )  # fmt: skip


def _share(part: NDArray[Any], whole: NDArray[Any], counts: Counts) -> Floats:
    """Divide, with the empty rule where the whole is empty."""
    empty = np.where(counts.pixels > 0, counts.tp + counts.fp + counts.fn == 0, np.nan)
    return _divide(part, whole, whole > 0, empty)


def _overall_accuracy(counts: Counts, exclusive: bool) -> Floats:
    right = counts.tp.sum(axis=-1) if exclusive else (counts.tp + counts.tn).sum(axis=-1)
    pixels = counts.pixels[..., 0] if exclusive else counts.pixels.sum(axis=-1)
    return _divide(right, pixels, pixels > 0, np.nan)


def _divide(part: NDArray[Any], whole: NDArray[Any], where: NDArray[Any], otherwise: Floats | float) -> Floats:
    result: Floats = np.where(where, part / np.where(where, whole, 1), otherwise)
    return result
