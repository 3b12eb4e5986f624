"""The boundary pixels of two masks, on the part of the picture where anything is.

Knows erosion and the rule for ignored pixels. Knows nothing of distances or scores.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ShapeError

Mask = NDArray[np.bool_]
Case = Literal["both", "neither", "missed", "invented", "hidden", "nothing"]

BOUNDARY_RULE = (
    "a boundary pixel is a pixel of the mask with at least one of its four neighbours outside the mask; "
    "beyond the picture's edge is outside, so a mask cut off by the edge has a boundary along it"
)
IGNORED_RULE = (
    "ignored pixels are in neither mask and take no side: next to one a mask is taken to go on, so no boundary arises "
    "from them; a class whose boundary cannot be seen at all for ignored pixels has no boundary scores in that picture"
)


@dataclass(frozen=True, eq=False)
class Pair:
    """Truth and prediction of one class, cut to where either is, each with its boundary.

    truth, prediction: bool (h', w') without ignored pixels. inside_truth, inside_prediction: the same with ignored
    pixels added, which is what is eroded. shape: (h, w) of the whole picture.
    case: "both" have a boundary; "neither" mask has a pixel; only the truth has ("missed"), or only the prediction
    ("invented"); "hidden": both have pixels, and one has no boundary for ignored pixels; "nothing": no pixel counts.
    """

    truth: Mask
    prediction: Mask
    inside_truth: Mask
    inside_prediction: Mask
    boundary_truth: Mask
    boundary_prediction: Mask
    shape: tuple[int, int]
    case: Case

    @property
    def diagonal(self) -> float:
        """Return the length of the picture's diagonal, in pixels."""
        return float(np.hypot(*self.shape))


def pair_up(truth: Mask, prediction: Mask, keep: Mask | None = None, *, width: int = 1) -> Pair:
    """Cut two masks to where either is, and find their boundaries.

    truth, prediction: bool (h, w). keep: bool (h, w), False where the truth is ignored; None keeps all.
    width: how many pixels deep the masks are going to be eroded at most.

    Raises ShapeError when they are not boolean masks of one shape.
    """
    _check(truth, prediction, keep)
    shape = int(truth.shape[0]), int(truth.shape[1])
    if keep is not None and keep.all():
        keep = None
    if keep is not None:
        truth, prediction = truth & keep, prediction & keep
    box = _box(truth | prediction, margin=1 if keep is None else width)
    truth, prediction = truth[box], prediction[box]
    inside = (truth, prediction) if keep is None else (truth | ~keep[box], prediction | ~keep[box])
    boundaries = truth & ~erode_cross(inside[0]), prediction & ~erode_cross(inside[1])
    kept = min(shape) > 0 if keep is None else bool(keep.any())
    return Pair(truth, prediction, *inside, *boundaries, shape, _case(truth, prediction, boundaries, kept))


def erode_cross(inside: Mask) -> Mask:
    """Return the pixels whose four neighbours are inside too; beyond the array is outside."""
    eroded = np.zeros_like(inside)
    middle = inside[1:-1, 1:-1] & inside[:-2, 1:-1]
    middle &= inside[2:, 1:-1]
    middle &= inside[1:-1, :-2]
    middle &= inside[1:-1, 2:]
    eroded[1:-1, 1:-1] = middle
    return eroded


def erode_square(inside: Mask, times: int) -> Mask:
    """Erode `times` times with a square of 3 x 3; beyond the array is outside.

    The same as one erosion with a square of 2 * times + 1, done along rows, then columns, in steps that double.
    """
    eroded = np.zeros_like(inside)
    if min(inside.shape) > 2 * times:
        along_columns = _run(inside, 2 * times + 1)
        eroded[times : inside.shape[0] - times, times : inside.shape[1] - times] = _run(
            along_columns.T, 2 * times + 1
        ).T
    return eroded


def _run(inside: Mask, length: int) -> Mask:
    """Return whether `length` rows from each on are all inside, (rows - length + 1, columns)."""
    so_far = 1
    while 2 * so_far <= length:
        inside = inside[:-so_far] & inside[so_far:]
        so_far *= 2
    rest = length - so_far
    return inside[: len(inside) - rest] & inside[rest:] if rest else inside


def _box(union: Mask, margin: int) -> tuple[slice, slice]:
    """Return the smallest rectangle that holds all, widened by `margin` within the picture."""
    rows = np.flatnonzero(union.any(axis=1))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    columns = np.flatnonzero(union[rows[0] : rows[-1] + 1].any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )


def _case(truth: Mask, prediction: Mask, boundaries: tuple[Mask, Mask], kept: bool) -> Case:
    if not kept:
        return "nothing"
    shown = bool(truth.any()), bool(prediction.any())
    if shown == (True, True):
        return "both" if boundaries[0].any() and boundaries[1].any() else "hidden"
    if shown == (False, False):
        return "neither"
    return "missed" if shown[0] else "invented"


def _check(truth: Mask, prediction: Mask, keep: Mask | None) -> None:
    masks = [truth, prediction] if keep is None else [truth, prediction, keep]
    if any(mask.dtype != np.bool_ or mask.ndim != 2 or mask.shape != truth.shape for mask in masks):
        got = ", ".join(f"{mask.shape} {mask.dtype}" for mask in masks)
        raise ShapeError(f"Boundaries are taken of boolean masks of one shape (h, w); got {got}.")
