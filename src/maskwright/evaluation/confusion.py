"""What each class is taken for: pixels by true and predicted class, and the commonest confusion of each.

Exclusive classes have a table of truth against prediction. Overlapping ones do not: for them is counted what was
predicted where a class was missed, and what is true where it was invented.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError
from maskwright.evaluation.meters import Seen
from maskwright.images.classes import IGNORE, Classes

Integers = NDArray[np.int64]

AVERAGING = "the pixels of all pictures are counted together, so large pictures and large objects weigh most"
_BLOCK = 1 << 17  # pixels looked at together: small enough to stay in a core's cache
_VALUES = 256


@dataclass(frozen=True)
class Confusions:
    """Pixels of one picture or of many, whole numbers.

    missed: (K, K): [k, j] pixels of class k at which j was predicted; exclusive classes: all pixels, so that what is
        right stands on the diagonal; overlapping ones: only pixels at which k was missed, the diagonal is 0.
    invented: (K, K): [k, j] pixels predicted as k that are j in truth; likewise.
    of_truth, of_prediction: (K,) pixels of each class in truth and in the prediction.
    """

    missed: Integers
    invented: Integers
    of_truth: Integers
    of_prediction: Integers

    def __add__(self, other: "Confusions") -> "Confusions":
        return Confusions(
            self.missed + other.missed,
            self.invented + other.invented,
            self.of_truth + other.of_truth,
            self.of_prediction + other.of_prediction,
        )


class ConfusionMeter:
    """Adds up what each class is taken for; keeps one table, however many pictures there are."""

    name = "confusion"

    def __init__(self, classes: Classes) -> None:
        self.classes = classes
        size = len(classes.names)
        table, line = np.zeros((size, size), np.int64), np.zeros(size, np.int64)
        self.total = Confusions(table, table, line, line)

    def measure(self, seen: Seen) -> Confusions:
        """Return the confusions of one picture. Raises DataError for a value that is no class."""
        count = _exclusive if self.classes.exclusive else _overlapping
        return count(seen.truth, seen.mask, len(self.classes.names))

    def add(self, measured: Confusions) -> None:
        """Add a picture."""
        self.total = self.total + measured

    def columns(self) -> Mapping[str, NDArray[np.float64]]:
        """Return nothing: confusions are of the whole set."""
        return {}

    def to_json(self, groups: Sequence[str] | None) -> dict[str, Any]:
        """Return table and shares of each row (exclusive classes only), and each class's commonest confusions.

        per_class: name -> {missed, invented}, each {class, pixels, share, said} or null where nothing is confused.
        said: the sentences on what is missed, the largest share first. `groups` changes nothing: no interval.
        """
        names, exclusive = self.classes.names, self.classes.exclusive
        per_class = {name: self._of_class(k) for k, name in enumerate(names)}
        found = [one["missed"] for one in per_class.values() if one["missed"] is not None]
        return {
            "classes": list(names),
            "exclusive": exclusive,
            "averaging": AVERAGING,
            "table": self.total.missed.tolist() if exclusive else None,
            "shares": [_shares(row) for row in self.total.missed] if exclusive else None,
            "per_class": per_class,
            "said": [one["said"] for one in sorted(found, key=lambda one: -float(one["share"]))],
        }

    def _of_class(self, k: int) -> dict[str, Any]:
        missed = self._commonest(k, self.total.missed, self.total.of_truth)
        invented = self._commonest(k, self.total.invented, self.total.of_prediction)
        name = self.classes.names[k]
        if missed is not None:
            is_called = "is called" if self.classes.exclusive else "is missed where the prediction says"
            missed["said"] = f"of '{name}' {_percent(missed['share'])} {is_called} '{missed['class']}'"
        if invented is not None:
            share, other = _percent(invented["share"]), invented["class"]
            invented["said"] = (
                f"of what is called '{name}' {share} is '{other}'"
                if self.classes.exclusive
                else f"of what is called '{name}' {share} is wrong where the truth says '{other}'"
            )
        return {"missed": missed, "invented": invented}

    def _commonest(self, k: int, table: Integers, whole: Integers) -> dict[str, Any] | None:
        """Return the class that k is confused with most; None where it is confused with none. The first of equals."""
        row = table[k].copy()
        row[k] = 0
        other = int(row.argmax())
        if not row[other]:
            return None
        share = float(row[other] / whole[k])
        return {"class": self.classes.names[other], "pixels": int(row[other]), "share": share}


def _exclusive(truth: NDArray[Any], mask: NDArray[Any], size: int) -> Confusions:
    table = _pairs(truth.reshape(-1), mask.reshape(-1))[[*range(size), IGNORE]]
    if table.sum() != truth.size or table[:size, size:].any():
        raise DataError("A mask holds a value that is no class.", fix=f"the classes are 0-{size - 1}")
    kept = table[:size, :size]
    return Confusions(kept, kept.T, kept.sum(axis=1), kept.sum(axis=0))


def _pairs(truth: NDArray[Any], mask: NDArray[Any]) -> Integers:
    """Return (256, 256): how often each value of the truth meets each of the mask."""
    pairs = np.zeros(_VALUES * _VALUES, np.int64)
    for start in range(0, truth.size, _BLOCK):
        index = truth[start : start + _BLOCK].astype(np.uint16)
        index <<= 8
        index |= mask[start : start + _BLOCK]
        pairs += np.bincount(index, minlength=_VALUES * _VALUES)
    return pairs.reshape(_VALUES, _VALUES)


def _overlapping(truth: NDArray[Any], mask: NDArray[Any], size: int) -> Confusions:
    flat_truth, flat_mask = truth.reshape(-1, size), mask.reshape(-1, size)
    total = Confusions(*(np.zeros(shape, np.int64) for shape in ((size, size), (size, size), size, size)))
    step = max(1, _BLOCK // 4 // size)  # float32 is four bytes
    for start in range(0, len(flat_truth), step):
        block = slice(start, start + step)
        total = total + _overlapping_block(flat_truth[block].T.copy(), flat_mask[block].T.copy())
    return total


def _overlapping_block(truth: NDArray[Any], mask: NDArray[Any]) -> Confusions:
    """Count one block of pixels (K, P). What is predicted where the truth ignores a class is not counted for it."""
    predicted, true, absent = (mask != 0) & (truth != IGNORE), truth == 1, truth == 0
    missed, invented = _meetings(true & ~predicted, predicted), _meetings(absent & predicted, true)
    return Confusions(missed, invented, np.count_nonzero(true, axis=1), np.count_nonzero(predicted, axis=1))


def _meetings(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> Integers:
    """Return (K, K): at how many pixels row k of one and row j of the other are both true."""
    product = one.astype(np.float32) @ other.astype(np.float32).T  # exact: a block has fewer than 2**24 pixels
    return product.astype(np.int64)


def _shares(row: Integers) -> list[float] | None:
    """Return each class's share of a row; None where the truth never shows the class."""
    whole = int(row.sum())
    return [float(share) for share in row / whole] if whole else None


def _percent(share: float) -> str:
    """Return a share as "8 %", small ones with one digit more."""
    percent = 100 * share
    if percent < 0.1:
        return "less than 0.1 %"
    return f"{percent:.1f} %" if percent < 2 else f"{percent:.0f} %"
