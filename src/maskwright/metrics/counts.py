"""How many pixels of each class were found, missed and invented: integers, from which every measure follows.

Knows masks as arrays. Knows nothing of files, of probabilities, or of what a measure makes of the counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError, ShapeError
from maskwright.images.classes import IGNORE

Integers = NDArray[np.int64]

_BLOCK = 1 << 17  # pixels looked at together: small enough to stay in a core's cache
_FEW_CLASSES = 10  # up to here comparing class by class is faster than one histogram (measured)


@dataclass(frozen=True, eq=False)
class Counts:
    """Pixel counts, one column a class; leading axes (pictures, resamples) are allowed.

    tp: pixels of the class found, fp: pixels wrongly given to it, fn: pixels of it missed, pixels: pixels that
    count, that is all but the ignored ones (for exclusive classes the same number in each column).
    Each is an int64 array of shape (..., K).
    """

    tp: Integers
    fp: Integers
    fn: Integers
    pixels: Integers

    def __post_init__(self) -> None:
        for name in ("tp", "fp", "fn", "pixels"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.int64))
        if not self.tp.shape == self.fp.shape == self.fn.shape == self.pixels.shape or self.tp.ndim == 0:
            shapes = [array.shape for array in (self.tp, self.fp, self.fn, self.pixels)]
            raise ShapeError(f"Counts wants four arrays of one shape (..., K); got {shapes}.")

    def __eq__(self, other: object) -> bool:
        """Tell whether all counts are the same."""
        if not isinstance(other, Counts):
            return NotImplemented
        return bool(self.tp.shape == other.tp.shape and np.array_equal(self.as_array(), other.as_array()))

    def __hash__(self) -> int:
        return hash(self.as_array().tobytes())

    @property
    def num_classes(self) -> int:
        """Return K."""
        return int(self.tp.shape[-1])

    @property
    def truth(self) -> Integers:
        """Return how many counted pixels the truth gives to each class."""
        return self.tp + self.fn

    @property
    def predicted(self) -> Integers:
        """Return how many counted pixels the prediction gives to each class."""
        return self.tp + self.fp

    @property
    def tn(self) -> Integers:
        """Return how many counted pixels neither truth nor prediction gives to each class."""
        return self.pixels - self.tp - self.fp - self.fn

    def total(self) -> "Counts":
        """Add up the leading axes: (..., K) becomes (K,), the counts of all pictures pooled."""
        axes = tuple(range(self.tp.ndim - 1))
        return Counts(*(array.sum(axis=axes) for array in (self.tp, self.fp, self.fn, self.pixels)))

    def as_array(self) -> Integers:
        """Return (..., 4, K): tp, fp, fn, pixels."""
        return np.stack([self.tp, self.fp, self.fn, self.pixels], axis=-2)

    @staticmethod
    def from_array(array: NDArray[Any]) -> "Counts":
        """Undo `as_array`; floats that hold whole numbers below 2**53 are exact."""
        return Counts(array[..., 0, :], array[..., 1, :], array[..., 2, :], array[..., 3, :])


def stack(counts: Sequence[Counts]) -> Counts:
    """Return the counts of N pictures as one Counts of shape (N, K). Raises ShapeError for none at all."""
    if not counts:
        raise ShapeError("There are no counts to stack.")
    return Counts.from_array(np.stack([one.as_array() for one in counts]))


def count(mask_true: NDArray[Any], mask_pred: NDArray[Any], num_classes: int, *, ignore: int = IGNORE) -> Counts:
    """Count hits and misses of one picture, per class.

    mask_true: (H, W) integer, class index or `ignore`; or (H, W, K) of 0, 1, `ignore` for overlapping classes.
    mask_pred: the same shape, class indices (or 0 and 1); what it says at ignored pixels is not looked at.

    Raises ShapeError when the shapes do not belong together, DataError for a value that is no class.
    """
    truth, prediction = _integers(mask_true), _integers(mask_pred)
    if truth.shape != prediction.shape or truth.ndim not in (2, 3):
        raise ShapeError(
            f"count wants two masks of one shape, (H, W) or (H, W, K); got {truth.shape} and {prediction.shape}."
        )
    if truth.ndim == 2:
        return _count_exclusive(truth, prediction, num_classes, ignore)
    if truth.shape[2] != num_classes:
        raise ShapeError(f"Overlapping masks need one channel a class: {num_classes}, not {truth.shape[2]}.")
    each = [_count_exclusive(truth[..., k], prediction[..., k], 2, ignore) for k in range(num_classes)]
    return Counts(*(np.array([getattr(one, name)[1] for one in each]) for name in ("tp", "fp", "fn", "pixels")))


def constant_prediction(counts: Counts, predicted: Sequence[int]) -> Counts:
    """Return the counts that the same truth gives when each pixel is given to exactly the classes `predicted`.

    One class for exclusive classes; any number, also none, for overlapping ones. The trivial answers are scored so.
    """
    everywhere = np.zeros(counts.num_classes, bool)
    everywhere[list(predicted)] = True
    truth = counts.truth
    return Counts(
        np.where(everywhere, truth, 0),
        np.where(everywhere, counts.pixels - truth, 0),
        np.where(everywhere, 0, truth),
        counts.pixels,
    )


def _integers(mask: NDArray[Any]) -> NDArray[Any]:
    mask = np.asarray(mask)
    if mask.dtype == np.bool_:
        return mask.view(np.uint8)
    if not np.issubdtype(mask.dtype, np.integer):
        raise ShapeError(f"count wants masks of integers, not {mask.dtype}: cut probabilities first.")
    return mask


def _count_exclusive(truth: NDArray[Any], prediction: NDArray[Any], num_classes: int, ignore: int) -> Counts:
    flat_truth, flat_prediction = truth.reshape(-1), prediction.reshape(-1)
    tally = _tally_by_class if num_classes <= _FEW_CLASSES else _tally_by_histogram
    tp, in_truth, in_prediction = np.zeros((3, num_classes), np.int64)
    kept = 0
    for start in range(0, flat_truth.size, _BLOCK):
        t, p = flat_truth[start : start + _BLOCK], flat_prediction[start : start + _BLOCK]
        ignored = t == ignore
        if ignored.any():
            keep = ~ignored
            t, p = t[keep], p[keep]
        kept += t.size
        tally(t, p, tp, in_truth, in_prediction)
    if in_truth.sum() != kept:
        raise _foreign_value("true", truth, truth != ignore, num_classes)
    if in_prediction.sum() != kept:
        raise _foreign_value("predicted", prediction, truth != ignore, num_classes)
    return Counts(tp, in_prediction - tp, in_truth - tp, np.full(num_classes, kept))


def _tally_by_class(t: NDArray[Any], p: NDArray[Any], tp: Integers, in_truth: Integers, in_pred: Integers) -> None:
    for k in range(len(tp)):
        true, predicted = t == k, p == k
        in_truth[k] += np.count_nonzero(true)
        in_pred[k] += np.count_nonzero(predicted)
        tp[k] += np.count_nonzero(true & predicted)


def _tally_by_histogram(t: NDArray[Any], p: NDArray[Any], tp: Integers, in_truth: Integers, in_pred: Integers) -> None:
    num_classes = len(tp)
    valid = (t >= 0) & (t < num_classes) & (p >= 0) & (p < num_classes)
    if not valid.all():  # the caller sees that pixels are missing, and names the first
        in_truth += np.bincount(t[(t >= 0) & (t < num_classes)], minlength=num_classes)
        in_pred += np.bincount(p[(p >= 0) & (p < num_classes)], minlength=num_classes)
        return
    pairs = np.bincount(t.astype(np.intp) * num_classes + p, minlength=num_classes**2)
    table = pairs.reshape(num_classes, num_classes)
    tp += table.diagonal()
    in_truth += table.sum(axis=1)
    in_pred += table.sum(axis=0)


def _foreign_value(which: str, mask: NDArray[Any], keep: NDArray[np.bool_], num_classes: int) -> DataError:
    row, column = np.argwhere(keep & ((mask < 0) | (mask >= num_classes)))[0][:2]
    return DataError(
        f"The {which} mask holds {int(mask[row, column])}, which is no class.",
        where=f"first at row {row}, column {column}",
        fix=f"the classes are 0-{num_classes - 1}; add the class, or name the value that is to be ignored",
    )
