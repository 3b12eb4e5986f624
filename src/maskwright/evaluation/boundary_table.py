"""The boundary scores of many pictures as columns, and their means with intervals.

Knows numbers only; has never seen a mask.
"""

from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.metrics.boundary_pixels import Case
from maskwright.metrics.intervals import Score, mean_interval

SHARES = ("boundary_iou", "boundary_f1")
DISTANCES = ("hd95", "assd")
PHYSICAL = ("hd95_physical", "assd_physical")
NUMBERS = SHARES + DISTANCES + PHYSICAL
Numbers = tuple[float, ...]

_CASES: tuple[Case, ...] = ("both", "neither", "missed", "invented", "hidden", "nothing")
_UNDEFINED = "no picture in which it is defined"
_NOT_SHOWN = "no picture's truth shows this class"


class Table:
    """One line a picture, with the number of the picture: a class has lines only where it is scored.

    names: of the numbers that are kept of each.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._pictures = array("q")
        self._cases = array("b")
        self._numbers = {name: array("d") for name in names}
        self._largest = {"px": 0.0, "physical": 0.0}

    def __len__(self) -> int:
        return len(self._pictures)

    def add(self, picture: int, numbers: Numbers, case: Case, diagonal: float, diagonal_physical: float) -> None:
        """Add a line. diagonal: no distance of the picture is larger; numbers: in the order of `NUMBERS`."""
        self._pictures.append(picture)
        self._cases.append(_CASES.index(case))
        for name, number in zip(NUMBERS, numbers, strict=True):
            if name in self._numbers:
                self._numbers[name].append(number)
        self._largest["px"] = max(self._largest["px"], diagonal)
        self._largest["physical"] = max(self._largest["physical"], diagonal_physical)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return (lines,) numbers, NaN where undefined."""
        return np.array(self._numbers[name])

    def number_of(self, case: Case) -> int:
        """Return how many lines are of that case."""
        return self._cases.count(_CASES.index(case))

    def means(self, names: Sequence[str], groups: Sequence[str] | None, *, case: Case | None = None) -> dict[str, Any]:
        """Return the mean and interval of each column as JSON values, over all lines or those of one case."""
        of_line = None if groups is None else [groups[at] for at in self._pictures]
        left_out = np.array(self._cases) != _CASES.index(case) if case else np.zeros(len(self), bool)
        return {name: self._mean(name, left_out, of_line).to_json() for name in names}

    def _mean(self, name: str, left_out: NDArray[np.bool_], groups: Sequence[str] | None) -> Score:
        """Return a mean with its interval; distances are scaled to [0, 1], the range that intervals are kept within."""
        if not len(self):
            return Score(None, reason=_NOT_SHOWN)
        values = np.where(left_out, np.nan, self.column(name))
        if np.isnan(values).all():
            return Score(None, reason=_UNDEFINED)
        if name in SHARES:
            return mean_interval(values, groups)
        scale = self._largest["physical" if name in PHYSICAL else "px"]
        score = mean_interval(values / scale, groups)
        value, low, high = (None if x is None else x * scale for x in (score.value, score.low, score.high))
        return replace(score, value=value, low=low, high=high)
