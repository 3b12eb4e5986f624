"""The difference of two models over the same pictures, with its 95 % interval, and how many pictures would settle it.

Knows differences as numbers; has never seen a model.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from maskwright.metrics.interval_bounds import LEVEL, Units, bounds, critical, units_of_mean
from maskwright.metrics.intervals import ONE_GROUP, ONE_PICTURE, Groups, numbered

POWER = 0.8
ALIKE = "the two score the same in every picture"
NO_PAIR = "no picture in which both have a score"
CAUTION = 8  # differences may have a tail that few pictures do not show: the error allowed is exp(-8 / sqrt(N)) of 5 %
_MOST = 10**12


@dataclass(frozen=True)
class Difference:
    """A mean difference B - A over the same pictures and its 95 % interval; `reason` says why there is none.

    needed: how many pictures (or groups) would tell a difference of this size apart in four of five samples.
    """

    value: float
    low: float | None
    high: float | None
    needed: int | None
    reason: str = ""

    @property
    def told_apart(self) -> bool:
        """Tell whether 0 lies outside the interval."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def to_json(self) -> dict[str, Any]:
        """Return {value, low, high, told_apart, needed}, and `reason` where there is one."""
        content: dict[str, Any] = {
            "value": self.value, "low": self.low, "high": self.high,
            "told_apart": self.told_apart, "needed": self.needed,
        }  # fmt: skip
        return content | {"reason": self.reason} if self.reason else content


def difference_interval(differences: ArrayLike, groups: Groups | None = None) -> Difference:
    """Return the mean difference, its interval, and how many pictures a difference of this size needs.

    differences: (N,) in [-1, 1], of each picture the score of B less that of A; NaN is left out.
    groups: a name for each picture; pictures of one group are related, and the interval is over groups.

    No picture left: value is NaN. One picture or group: no interval.
    """
    x = np.asarray(differences, np.float64)
    keep = ~np.isnan(x)
    x = x[keep]
    if x.size == 0:
        return Difference(math.nan, None, None, None, NO_PAIR)
    value = math.fsum(x) / x.size
    number, of_picture = numbered(groups, keep)
    if number < 2:
        return Difference(value, None, None, None, ONE_PICTURE if groups is None or x.size == 1 else ONE_GROUP)
    if not x.any():
        return Difference(0.0, 0.0, 0.0, None, ALIKE)
    units = units_of_mean(x - value, value, number, None if groups is None else of_picture)
    low, high = bounds(units, level=cautious_level(x.size), floor=-1.0)
    return Difference(value, low, high, needed_units(units, x.size / number))


def cautious_level(pictures: int) -> float:
    """Return the nominal level at which the interval of a difference covers 95 % or more; higher for few pictures."""
    return 1 - (1 - LEVEL) * math.exp(-CAUTION / math.sqrt(pictures))


def needed_units(units: Units, pictures_each: float = 1.0) -> int | None:
    """Return the fewest units of this spread and skewness that tell the value from 0 with 80 % power.

    pictures_each: how many pictures a unit has on average.
    """
    if units.value == 0 or units.spread == 0:
        return None
    guess = (2.8 * units.spread / units.value) ** 2  # what the normal distribution asks for
    low, high = 1, int(min(max(guess, 2.0), _MOST))
    while high < _MOST and not _enough(units, high, pictures_each):
        low, high = high, high + high // 4 + 1
    low = max(low, 1 if _enough(units, max(2, high // 2), pictures_each) else high // 2)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _enough(units, middle, pictures_each) else (middle, high)
    return high


def _enough(units: Units, number: int, pictures_each: float) -> bool:
    """Tell whether so many units have the power: the noncentral t beyond what the interval reaches.

    A sample leans by chance too: one standard error of its skewness, sqrt(6 / n), is added on the side that counts.
    """
    from scipy.special import nctdtr

    effective = max(number * units.effective / units.number, 2.0)
    level = cautious_level(max(1, round(number * pictures_each)))
    chance = math.copysign(math.sqrt(6 / number), -units.value)
    below, above = critical(units.skewness + chance, number, effective, level)
    reach = below if units.value > 0 else above
    noncentral = abs(units.value) / units.spread * math.sqrt(number)
    return noncentral > 30 + reach or 1 - float(nctdtr(effective - 1, noncentral, reach)) >= POWER
